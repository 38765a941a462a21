//! The end of a job that went well: what the node uploaded is checked, made durable and published.

use std::fs;

use super::App;
use super::leases::not_live;
use crate::domain::clip::{Clip, ClipToken, View};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::id::{JobId, LeaseId};
use crate::domain::job::{Job, Renderer};
use crate::domain::key::KeyClass;
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Micros;
use crate::domain::node::Node;
use crate::os::files;
use crate::render::video;
use crate::store::leases::{Ending, LeaseState};
use crate::store::{self, Db, Tx};

/// Checks and publishes. The same call again answers the same. Billing uses what the server reads off the file, not
/// what a node says. The files are on the disk before the commit that says so, and never renamed.
pub fn complete(app: &App, node: &Node, lease: LeaseId, video_sha256: [u8; 32]) -> Result<()> {
    let job = match app.store.read(|db| store::leases::find(db, lease, node.id))? {
        Some((job, LeaseState::Live)) => app.store.read(|db| store::jobs::by_id(db, job))?,
        Some((_, LeaseState::Done)) => return Ok(()),
        found => return Err(not_live(found.map(|(_, state)| state))),
    };
    let clip = check(app, &job, lease, video_sha256)?;
    make_durable(app, lease).map_err(|error| Error::internal("The video could not be made durable.", error))?;

    let (node, now) = (node.id, app.clock.now_ms());
    let (job_id, is_new) = app.store.write(move |tx| match store::leases::find(tx, lease, node)? {
        Some((id, LeaseState::Live)) => {
            if !store::leases::end(tx, lease, node, &Ending::DONE, now)? {
                return Err(not_live(None));
            }
            publish(tx, &job, &clip, now)?;
            store::nodes::reset_benchings(tx, node)?;
            Ok((id, true))
        }
        // The same call came twice at once, and the other one was first.
        Some((id, LeaseState::Done)) => Ok((id, false)),
        found => Err(not_live(found.map(|(_, state)| state))),
    })?;
    if is_new {
        app.counters.done.add_one();
    }
    ended(app, job_id, lease);
    Ok(())
}

/// The job is done, its clip has an address, and it is billed: all or nothing.
fn publish(tx: &mut Tx<'_>, job: &Job, clip: &Clip, now_ms: i64) -> Result<()> {
    if !store::jobs::finish(tx, job.id, now_ms)? {
        return Err(Error::internal("The job could not be completed.", "a live lease on a job that is not rendering"));
    }
    store::clips::insert(tx, job.id, clip)?;
    store::ledger::insert(tx, &bill(tx, job, clip.video.duration_ms, now_ms)?)
}

/// What the job is billed by: the price in force now. Dinks cover reserved work.
fn bill(db: &Db, job: &Job, footage_ms: u64, now_ms: i64) -> Result<LedgerRow> {
    let kind = job.spec.footage_kind();
    let rate = match job.class {
        KeyClass::Metered => store::rates::hour_at(db, kind, now_ms)?,
        KeyClass::Reserved => Micros::ZERO,
    };
    Ok(LedgerRow {
        job: job.id,
        account: job.account,
        class: job.class,
        kind,
        footage_ms,
        at_ms: now_ms,
        rate,
        amount: rate.for_footage(footage_ms),
        currency: store::rates::currency_at(db, now_ms)?,
    })
}

fn ended(app: &App, job: JobId, lease: LeaseId) {
    app.pulse.end(job, lease);
    app.uploads.end(lease);
}

/// Reads the uploaded video: the very bytes that the node sent, and a video of what was asked for. None of the refusals
/// is a conflict: the lease is still the node's, which may send the video again or give the attempt up.
fn check(app: &App, job: &Job, lease: LeaseId, expected: [u8; 32]) -> Result<Clip> {
    let path = app.store.folder.video(lease);
    let (sha256, bytes) = files::hash(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Kind::Invalid, "video_missing", "No video was uploaded under this lease.")
        }
        _ => Error::internal("The uploaded video could not be read.", error),
    })?;
    if sha256 != expected {
        // What has arrived cannot be mended piece by piece: the node begins again at offset 0.
        fs::remove_file(&path).map_err(|error| Error::internal("A broken upload could not be removed.", error))?;
        return Err(Error::new(
            Kind::Invalid,
            "video_mismatch",
            "The video on the server is not the one whose hash was given; it was thrown away.",
        ));
    }
    let spec = &job.spec;
    let facts = video::check(&path, spec.width(), spec.resolution, spec.fps).map_err(|error| match error.kind {
        Kind::Internal => error,
        _ => Error { kind: Kind::Invalid, code: "video_refused", ..error },
    })?;
    let view = match spec.renderer {
        Renderer::Builtin => View::Tactical,
        Renderer::Game => View::FirstPerson,
    };
    let token = ClipToken::from_bits(app.random.bits()?);
    Ok(Clip { token, lease, bytes, sha256, video: facts, view, pov_verified: None })
}

/// Content and names are on the disk when this returns. The poster was synced when it came.
fn make_durable(app: &App, lease: LeaseId) -> std::io::Result<()> {
    files::sync(&app.store.folder.video(lease))?;
    files::sync_dir(&app.store.folder.clips())
}
