//! Clips of all accounts, for the operator: list, pin, delete.

use uuid::Uuid;

use crate::app::clips::no_clip;
use crate::app::jobs::operator::row;
use crate::app::{App, accounts, audit};
use crate::domain::error::Result;
use crate::domain::job::Job;
use crate::domain::operator::Operator;
use crate::store;

/// A job with its clip.
pub struct StoredClip {
    /// The job; it is done and has a clip.
    pub job: Job,
    /// Name of its account.
    pub account: String,
    /// Whether retention rules leave the clip alone.
    pub is_pinned: bool,
}

/// The clips of one or all accounts, newest first.
pub fn list(app: &App, account: Option<&str>, only_pinned: bool, limit: u32) -> Result<Vec<StoredClip>> {
    let account = account.map(|name| app.store.read(|db| accounts::named(db, name))).transpose()?;
    let latest = |db: &store::Db| store::clips::latest(db, account.map(|account| account.id), only_pinned, limit);
    let mut clips = Vec::new();
    for id in app.store.read(latest)? {
        // Each in a read of its own: a clip may be deleted meanwhile.
        let found = app.store.read(|db| {
            let Some(job) = store::jobs::find(db, id)? else { return Ok(None) };
            let account = store::accounts::by_id(db, job.account)?.name;
            Ok(store::clips::is_pinned(db, id)?.map(|is_pinned| StoredClip { job, account, is_pinned }))
        })?;
        clips.extend(found.filter(|clip| clip.job.clip.is_some()));
    }
    Ok(clips)
}

/// Protects a job's clip from retention rules, or no longer.
pub fn pin(app: &App, operator: &Operator, id: Uuid, pinned: bool) -> Result<()> {
    audit::change(app, operator, move |tx, log| {
        let job = row(tx, id)?;
        if !store::clips::pin(tx, job, pinned)? {
            return Err(no_clip());
        }
        log.note(tx, if pinned { "clips.pin" } else { "clips.unpin" }, &id.to_string(), "")
    })
}

/// Deletes a job's clip, as its owner can: the job stays done and billed, and the clip's address stops working.
pub fn delete(app: &App, operator: &Operator, id: Uuid) -> Result<()> {
    let lease = audit::change(app, operator, move |tx, log| {
        let job = row(tx, id)?;
        let lease = store::clips::delete(tx, job)?.ok_or_else(no_clip)?;
        log.note(tx, "clips.delete", &id.to_string(), "")?;
        Ok(lease)
    })?;
    // After the commit, so that no row ever points to a missing file.
    app.clip_files.remove(lease);
    Ok(())
}
