//! Completing a job: the uploaded video is checked, synced to disk and published.

use std::io;

use crate::app::clips::bucket::Unfinished;
use crate::app::clips::uploaded::Uploaded;
use crate::app::jobs::lifecycle;
use crate::app::leases::footage;
use crate::app::leases::live::not_live;
use crate::app::stored_files::too_large;
use crate::app::{App, nodes};
use crate::domain::clip::{Clip, ClipToken, VIDEO_BYTES, View};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{LeaseId, NodeId};
use crate::domain::job::{Job, Renderer};
use crate::domain::node::Node;
use crate::domain::sha256::{Hashing, Sha256};
use crate::store::leases::LeaseState;
use crate::store::{self, Db};
use crate::wire::node_requests::CompleteReport;
use crate::wire::upload_requests::DirectUpload;

/// Checks and publishes the video. Idempotent; a concurrent call is asked to retry. Billing uses what the server reads
/// from the file, not what the node reports. The files are synced before the commit that publishes them, never renamed,
/// and closed for writing from the check on.
pub fn complete(app: &App, node: &Node, lease: LeaseId, report: CompleteReport) -> Result<()> {
    let user = app.uploads.enter(lease);
    let Some(job) = unfinished(app, node, lease)? else { return Ok(()) };
    let closed = match user.close() {
        Ok(closed) => closed,
        // A previous call may have completed it in the meantime.
        Err(error) => return unfinished(app, node, lease)?.map_or(Ok(()), |_| Err(error)),
    };
    let permit = app.checks.take(node.id)?;
    let checked = check(app, &job, lease, &report, closed.take_hash()).and_then(|(clip, video)| {
        app.clip_files.publish(lease, &video)?;
        Ok(clip)
    });
    // Not kept for the commit, which completions share.
    drop(permit);
    let clip = match checked {
        Ok(clip) => clip,
        Err(refusal) => {
            // Whatever ends a lease deletes its files, perhaps while they are being checked: then the lease is the error.
            unfinished(app, node, lease)?;
            return Err(refused(app, node, lease, &job, refusal));
        }
    };

    let (node, now) = (node.id, app.clock.now_ms());
    let finished = app.store.write(move |tx| {
        // While its lease is live, nothing else changes the job.
        let finished = lifecycle::finish(tx, &job, node, &clip, report.log.as_deref(), now)?;
        match &finished {
            Some(_) => store::nodes::reset_benchings(tx, node)?,
            None => must_be_done(tx, node, lease)?,
        }
        Ok(finished)
    });
    if finished.is_err() && !app.store.read(|db| store::leases::keeps_files(db, lease))? {
        // Whatever ended the lease may have deleted its files before they were in the bucket.
        app.clip_files.remove(lease);
    }
    finished?.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    Ok(())
}

/// The job of this node's live lease; `None` if it is already completed.
fn unfinished(app: &App, node: &Node, lease: LeaseId) -> Result<Option<Job>> {
    let job = app.store.read(|db| store::jobs::of_live_lease(db, lease, node.id))?;
    if job.is_none() {
        app.store.read(|db| must_be_done(db, node.id, lease))?;
    }
    Ok(job)
}

/// Fails unless this node's lease, which is not live, ended with a clip.
fn must_be_done(db: &Db, node: NodeId, lease: LeaseId) -> Result<()> {
    match store::leases::find(db, lease, node)? {
        Some((_, LeaseState::Done)) => Ok(()),
        found => Err(not_live(found.map(|(_, state)| state))),
    }
}

/// Why a video is not published.
enum Refusal {
    /// It is missing, or was corrupted in transit.
    BrokenUpload(Error),
    /// It arrived intact but is not what the job asked for. Holds a sentence.
    WrongVideo(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::BrokenUpload(error)
    }
}

/// The error for the node. Never a conflict: the node keeps its lease and may upload again or fail the attempt. A node
/// that sent the wrong video is benched.
fn refused(app: &App, node: &Node, lease: LeaseId, job: &Job, refusal: Refusal) -> Error {
    let why = match refusal {
        Refusal::BrokenUpload(error) => return error,
        Refusal::WrongVideo(why) => why,
    };
    // With the file removed, a repeated call is cheap and does not bench the node twice.
    let benched = throw_away(app, lease)
        .and_then(|()| nodes::bench(app, node, &format!("Its video for job {} was refused. {why}", job.public_id)));
    benched.err().unwrap_or_else(|| {
        let message = format!("The video does not match the job: {why} It was deleted.");
        Error::new(Kind::Invalid, ErrorCode::VideoMismatch, message)
    })
}

fn throw_away(app: &App, lease: LeaseId) -> Result<()> {
    app.clip_files.discard_video(lease)
}

/// Checks that the uploaded video is intact and is what the job asked for. `appended`: the hash of what was appended to
/// its file, if known.
fn check<'a>(
    app: &'a App,
    job: &Job,
    lease: LeaseId,
    report: &CompleteReport,
    appended: Option<Hashing>,
) -> Result<(Clip, Uploaded<'a>), Refusal> {
    let (video, sha256, bytes) = match &report.upload {
        Some(upload) => {
            let (video, bytes) = finish_upload(app, lease, upload)?;
            (video, report.video_sha256, bytes)
        }
        None => uploaded_here(app, lease, appended)?,
    };
    if sha256 != report.video_sha256 {
        // Windows deletes no open file.
        drop(video);
        // Which chunk is corrupt is unknown, so the node restarts at offset 0.
        throw_away(app, lease)?;
        let message = "The uploaded video does not match its SHA-256. It was deleted; upload it again.";
        return Err(Error::new(Kind::Invalid, ErrorCode::VideoMismatch, message).into());
    }
    let spec = &job.spec;
    let facts = video.check(spec.width(), spec.resolution, spec.fps).map_err(|error| match error.kind {
        Kind::Internal | Kind::Unavailable => Refusal::BrokenUpload(error),
        _ => Refusal::WrongVideo(error.message),
    })?;
    if let Some(fault) = footage::fault(app, job, &facts)? {
        return Err(Refusal::WrongVideo(fault));
    }
    let (view, pov_verified) = match spec.renderer {
        Renderer::Builtin => (View::Tactical, None),
        Renderer::Game => (View::FirstPerson, Some(report.pov_verified)),
    };
    let token = ClipToken::from_bits(app.random.bits()?);
    Ok((Clip { token, lease, bytes, sha256, video: facts, view, pov_verified }, video))
}

/// A video that was uploaded to the server, its hash and its length.
fn uploaded_here(app: &App, lease: LeaseId, appended: Option<Hashing>) -> Result<(Uploaded<'_>, Sha256, u64)> {
    let hashed = app.clip_files.uploaded(lease).and_then(|video| {
        let (sha256, bytes) = video.hash(appended)?;
        Ok((video, sha256, bytes))
    });
    hashed.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(),
        _ => Error::internal("The uploaded video could not be read.", error),
    })
}

/// Completes an upload that went past the server; the video and its length. Its content was checked by the bucket, part by
/// part.
fn finish_upload<'a>(app: &'a App, lease: LeaseId, upload: &DirectUpload) -> Result<(Uploaded<'a>, u64)> {
    let (video, bytes) =
        app.clip_files.finish_upload(lease, &upload.id, &upload.parts).map_err(|unfinished| match unfinished {
            Unfinished::Missing => missing(),
            Unfinished::Wrong(code) => {
                let message = "The bucket does not have the parts that the node names; upload the video again.";
                Error::new(Kind::Invalid, ErrorCode::VideoMissing, message).because(code)
            }
            Unfinished::Failed(error) => error,
        })?;
    if bytes > VIDEO_BYTES {
        throw_away(app, lease)?;
        return Err(too_large("The video", VIDEO_BYTES));
    }
    Ok((video, bytes))
}

fn missing() -> Error {
    Error::new(Kind::Invalid, ErrorCode::VideoMissing, "No video was uploaded for this lease.")
}
