//! The end of a job that went well: what the node uploaded is checked, made durable and published.

use std::io;

use crate::app::jobs::lifecycle;
use crate::app::leases::footage;
use crate::app::leases::live::not_live;
use crate::app::{App, nodes};
use crate::domain::clip::{Clip, ClipToken, View};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::id::LeaseId;
use crate::domain::job::{Job, Renderer};
use crate::domain::node::Node;
use crate::domain::sha256::Sha256;
use crate::store::leases::LeaseState;
use crate::store::{self};

/// Checks and publishes. The same call again answers the same; one that comes meanwhile is told to ask again. Billing
/// uses what the server reads off the file, not what a node says. The files are on the disk before the commit that says
/// so, never renamed, and written by nobody from the check on.
pub fn complete(app: &App, node: &Node, lease: LeaseId, video_sha256: Sha256) -> Result<()> {
    if unfinished(app, node, lease)?.is_none() {
        return Ok(());
    }
    let _closed = app.uploads.close(lease)?;
    // The call before this one may have just finished it.
    let Some(job) = unfinished(app, node, lease)? else { return Ok(()) };
    let _check = app.checks.take(node.id)?;
    let clip = check(app, &job, lease, video_sha256).map_err(|refusal| refused(app, node, lease, &job, refusal))?;
    app.clip_files.publish(lease).map_err(|error| Error::internal("The video could not be made durable.", error))?;

    let (node, now) = (node.id, app.clock.now_ms());
    let finished = app.store.write(move |tx| match store::leases::find(tx, lease, node)? {
        Some((job, LeaseState::Live)) => {
            store::nodes::reset_benchings(tx, node)?;
            lifecycle::finish(tx, &store::jobs::by_id(tx, job)?, node, &clip, now).map(Some)
        }
        Some((_, LeaseState::Done)) => Ok(None),
        found => Err(not_live(found.map(|(_, state)| state))),
    })?;
    finished.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    Ok(())
}

/// The job of a live lease of this node; nothing where it has been completed.
fn unfinished(app: &App, node: &Node, lease: LeaseId) -> Result<Option<Job>> {
    match app.store.read(|db| store::leases::find(db, lease, node.id))? {
        Some((job, LeaseState::Live)) => app.store.read(|db| store::jobs::by_id(db, job)).map(Some),
        Some((_, LeaseState::Done)) => Ok(None),
        found => Err(not_live(found.map(|(_, state)| state))),
    }
}

/// Why a video is not published.
enum Refusal {
    /// It is not there, or broke on its way.
    Accident(Error),
    /// It is whole, and not what was ordered. A sentence.
    Lie(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Accident(error)
    }
}

/// What the node is told. None of it is a conflict: the lease is still the node's, which may send the video again or
/// give the attempt up. A node whose video is not what was ordered is not trusted with work for a while.
fn refused(app: &App, node: &Node, lease: LeaseId, job: &Job, refusal: Refusal) -> Error {
    let why = match refusal {
        Refusal::Accident(error) => return error,
        Refusal::Lie(why) => why,
    };
    // Gone with it, a repeated call costs nothing and benches nobody twice.
    let benched = throw_away(app, lease)
        .and_then(|()| nodes::bench(app, node, &format!("Its video for job {} was refused. {why}", job.public_id)));
    benched.err().unwrap_or_else(|| {
        let message = format!("The video is not what was ordered: {why} It was thrown away.");
        Error::new(Kind::Invalid, "video_mismatch", message)
    })
}

fn throw_away(app: &App, lease: LeaseId) -> Result<()> {
    app.clip_files
        .discard_video(lease)
        .map_err(|error| Error::internal("A refused upload could not be removed.", error))
}

/// Reads the uploaded video: the very bytes that the node sent, and a video of what was asked for.
fn check(app: &App, job: &Job, lease: LeaseId, expected: Sha256) -> Result<Clip, Refusal> {
    let (sha256, bytes) = app.clip_files.hash_video(lease).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Kind::Invalid, "video_missing", "No video was uploaded under this lease.")
        }
        _ => Error::internal("The uploaded video could not be read.", error),
    })?;
    if sha256 != expected {
        // Which piece is wrong is not known: the node begins again at offset 0.
        throw_away(app, lease)?;
        let message = "The video on the server is not the one whose hash was given; it was thrown away.";
        return Err(Error::new(Kind::Invalid, "video_mismatch", message).into());
    }
    let spec = &job.spec;
    let checked = app.clip_files.check_video(lease, spec.width(), spec.resolution, spec.fps);
    let facts = checked.map_err(|error| match error.kind {
        Kind::Internal => Refusal::Accident(error),
        _ => Refusal::Lie(error.message),
    })?;
    if let Some(fault) = footage::fault(app, job, &facts)? {
        return Err(Refusal::Lie(fault));
    }
    let view = match spec.renderer {
        Renderer::Builtin => View::Tactical,
        Renderer::Game => View::FirstPerson,
    };
    let token = ClipToken::from_bits(app.random.bits()?);
    Ok(Clip { token, lease, bytes, sha256, video: facts, view, pov_verified: None })
}
