//! What the use cases know, in the API's shapes.

use serde_json::value::RawValue;

use super::urls::{Base, html};
use crate::app::Settings;
use crate::app::jobs::JobInfo;
use crate::app::leases::Grant;
use crate::domain::clip::Clip;
use crate::domain::error::{Error, Result};
use crate::domain::job::{Commands, JobStatus};
use crate::domain::limits;
use crate::wire::job::{ClipView, CommandsView, FailureView, JobView};
use crate::wire::node::{ClaimAnswer, FetchPolicy, RenderOrder, UploadedDemo};
use crate::wire::problem::hex;
use crate::wire::time::rfc3339;

/// Progress to a thousandth, downwards: a job that still renders is not at 1.
fn rounded(fraction: f64) -> f64 {
    // A thousandth that binary fractions miss by a hair is not cut off.
    (fraction * 1_000.0 + 1e-6).floor() / 1_000.0
}

/// A job.
pub fn job(info: &JobInfo, base: &Base) -> Result<JobView> {
    let job = &info.job;
    let spec = &job.spec;
    let rendering = info.progress.filter(|_| job.status == JobStatus::Rendering);
    let metadata = spec
        .metadata
        .clone()
        .map(RawValue::from_string)
        .transpose()
        .map_err(|error| Error::internal("A job's metadata is damaged.", error))?;
    // A failure is also kept of an attempt that is being tried again; clients are told of the last one only.
    let failure = job.failure.as_ref().filter(|_| job.status == JobStatus::Failed);
    Ok(JobView {
        id: job.public_id.to_string(),
        status: job.status.as_str().into(),
        stage: rendering.map(|progress| progress.stage.as_str().into()),
        progress: if job.status == JobStatus::Done { 1.0 } else { rendering.map_or(0.0, |at| rounded(at.fraction)) },
        queue_position: info.queue_position,
        waiting_because: info.waiting_because.clone(),
        job_type: job.class.as_str().into(),
        demo_url: spec.demo_url.clone(),
        steam64_id: spec.steam64_id.to_string(),
        round: spec.round,
        fps: spec.fps,
        resolution: spec.resolution,
        commands: commands(spec.commands),
        renderer: spec.renderer.as_str().into(),
        metadata,
        attempts: job.attempts,
        created_at: rfc3339(job.created_at_ms),
        started_at: job.started_at_ms.map(rfc3339),
        finished_at: job.finished_at_ms.map(rfc3339),
        error: failure
            .map(|failure| FailureView { code: failure.code.as_str().into(), message: failure.message.clone() }),
        clip: job.clip.as_ref().map(|found| clip(found, base)),
    })
}

fn clip(clip: &Clip, base: &Base) -> ClipView {
    let token = clip.token.reveal();
    let embed_url = base.url(&format!("/embed/{token}"));
    ClipView {
        url: base.url(&format!("/clips/{token}.mp4")),
        poster_url: base.url(&format!("/clips/{token}.jpg")),
        embed_html: format!(
            "<iframe src=\"{}\" width=\"1280\" height=\"720\" style=\"border:0\" title=\"Clip\" \
             allow=\"autoplay; fullscreen; picture-in-picture\" allowfullscreen></iframe>",
            html(&embed_url)
        ),
        embed_url,
        duration_seconds: clip.video.duration_ms as f64 / 1_000.0,
        bytes: clip.bytes,
        sha256: hex(&clip.sha256),
        width: clip.video.width,
        height: clip.video.height,
        fps: clip.video.fps,
        view: clip.view.as_str().into(),
        has_audio: clip.video.has_audio,
        pov_verified: clip.pov_verified,
    }
}

/// A claim that got a job.
pub fn claim(grant: &Grant, settings: &Settings, base: &Base) -> Result<ClaimAnswer> {
    let spec = &grant.job.job.spec;
    Ok(ClaimAnswer {
        lease: grant.lease.id.0,
        expires_in_ms: grant.expires_in_ms,
        job: job(&grant.job, base)?,
        render: RenderOrder {
            steam64_id: spec.steam64_id.to_string(),
            round: spec.round,
            fps: spec.fps,
            width: spec.width(),
            height: spec.resolution,
            commands: commands(spec.commands),
        },
        uploaded_demo: grant.uploaded_demo.map(|(sha256, bytes)| UploadedDemo { sha256: hex(&sha256), bytes }),
        fetch_policy: FetchPolicy {
            allow: settings.fetch_allow.clone(),
            max_bytes: limits::DEMO_BYTES,
            max_seconds: limits::FETCH_SECONDS,
            max_unpacked_bytes: limits::UNPACKED_BYTES,
        },
    })
}

fn commands(commands: Commands) -> CommandsView {
    let switch = |on: bool| if on { "1" } else { "0" }.to_owned();
    CommandsView {
        spec_show_xray: switch(commands.spec_show_xray),
        cl_draw_only_deathnotices: switch(commands.cl_draw_only_deathnotices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_to_a_thousandth() {
        let cases = [(0.0, 0.0), (1.0 / 3.0, 0.333), (0.29, 0.29), (0.57, 0.57), (0.9999, 0.999), (1.0, 1.0)];
        for (fraction, told) in cases {
            assert_eq!(rounded(fraction), told);
        }
    }
}
