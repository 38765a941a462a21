//! The job as clients see it (`api.md`, "The job").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::clip::Clip;
use crate::domain::error::{Error, Result};
use crate::domain::job::{Commands, JobStatus};
use crate::domain::job_info::JobInfo;
use crate::wire::base::Base;
use crate::wire::html;
use crate::wire::time::rfc3339;

/// A job in a response.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JobView {
    /// UUID v7.
    pub id: String,
    /// `queued`, `rendering`, `done`, `failed` or `cancelled`.
    pub status: String,
    /// While rendering: `fetching`, `parsing`, `rendering`, `uploading`.
    pub stage: Option<String>,
    /// 0 to 1.
    pub progress: f64,
    /// 1 + the number of queued jobs of the same account and class ahead of it; null unless queued.
    pub queue_position: Option<u64>,
    /// Why it is waiting, for people; null unless queued.
    pub waiting_because: Option<String>,
    /// About how many seconds until a node takes it (*ours*); null unless queued, if that cannot be told, and from
    /// servers of older versions.
    #[serde(default)]
    pub estimated_wait_seconds: Option<u64>,
    /// `metered` or `reserved`.
    pub job_type: String,
    /// As submitted.
    pub demo_url: String,
    /// As submitted.
    pub steam64_id: String,
    /// As submitted.
    pub round: u32,
    /// Frames per second.
    pub fps: u32,
    /// Height in lines.
    pub resolution: u32,
    /// Both overrides, with defaults filled in.
    pub commands: CommandsView,
    /// `builtin` or `game`.
    pub renderer: String,
    /// The client's own object, byte for byte.
    pub metadata: Option<Box<RawValue>>,
    /// Attempts so far.
    pub attempts: u32,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// Why it failed.
    pub error: Option<FailureView>,
    /// The clip, once done and until deleted.
    pub clip: Option<ClipView>,
}

/// The response of `GET /api/clips`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JobList {
    /// Newest first.
    pub clips: Vec<JobView>,
    /// The `cursor` for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// Console overrides in a response.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CommandsView {
    /// `"0"` or `"1"`.
    pub spec_show_xray: String,
    /// `"0"` or `"1"`.
    pub cl_draw_only_deathnotices: String,
}

/// Why a job failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FailureView {
    /// The code of a [`crate::domain::failure::FailureCode`].
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

/// A published clip in a response. URLs are absolute.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClipView {
    /// The MP4.
    pub url: String,
    /// The poster, a JPEG.
    pub poster_url: String,
    /// The player page.
    pub embed_url: String,
    /// An iframe with the player page.
    pub embed_html: String,
    /// Length in seconds.
    pub duration_seconds: f64,
    /// Size of the MP4 in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of the MP4.
    pub sha256: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// `tactical` or `first_person`.
    pub view: String,
    /// Whether it has sound.
    pub has_audio: bool,
    /// Whether the requested point of view was shown throughout; null for the tactical view.
    pub pov_verified: Option<bool>,
}

/// Progress rounded down to a thousandth: a job that is still rendering never shows 1.
fn rounded(fraction: f64) -> f64 {
    // Keeps a thousandth that binary fractions miss slightly from being rounded down.
    (fraction * 1_000.0 + 1e-6).floor() / 1_000.0
}

/// A job as clients see it.
pub fn view(info: &JobInfo, base: &Base) -> Result<JobView> {
    let job = &info.job;
    let spec = &job.spec;
    let rendering = info.progress.filter(|_| job.status == JobStatus::Rendering);
    let metadata = spec
        .metadata
        .clone()
        .map(RawValue::from_string)
        .transpose()
        .map_err(|error| Error::internal("A job's metadata is damaged.", error))?;
    // A failure is also stored for an attempt that will be retried; clients see only the final one.
    let failure = job.failure.as_ref().filter(|_| job.status == JobStatus::Failed);
    Ok(JobView {
        id: job.public_id.to_string(),
        status: job.status.as_str().into(),
        stage: rendering.map(|progress| progress.stage.as_str().into()),
        progress: if job.status == JobStatus::Done { 1.0 } else { rendering.map_or(0.0, |at| rounded(at.fraction)) },
        queue_position: info.queue_position,
        waiting_because: info.waiting_because.clone(),
        estimated_wait_seconds: info.estimated_wait_seconds,
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

/// The JSON of [`view`].
pub fn text(info: &JobInfo, base: &Base) -> Result<String> {
    serde_json::to_string(&view(info, base)?)
        .map_err(|error| Error::internal("A job could not be written as JSON.", error))
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
            html::escape(&embed_url)
        ),
        embed_url,
        duration_seconds: clip.video.duration_ms as f64 / 1_000.0,
        bytes: clip.bytes,
        sha256: clip.sha256.to_string(),
        width: clip.video.width,
        height: clip.video.height,
        fps: clip.video.fps,
        view: clip.view.as_str().into(),
        has_audio: clip.video.has_audio,
        pov_verified: clip.pov_verified,
    }
}

/// Console overrides with defaults filled in.
pub fn commands(commands: Commands) -> CommandsView {
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
    fn progress_is_rounded_down_to_a_thousandth() {
        let cases = [(0.0, 0.0), (1.0 / 3.0, 0.333), (0.29, 0.29), (0.57, 0.57), (0.9999, 0.999), (1.0, 1.0)];
        for (fraction, told) in cases {
            assert_eq!(rounded(fraction), told);
        }
    }
}
