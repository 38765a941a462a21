//! Clips of all accounts, for the operator: list, pin, delete.

use std::fmt;

use uuid::Uuid;

use crate::app::clips::no_clip;
use crate::app::jobs::operator::row;
use crate::app::{App, accounts, audit};
use crate::domain::clip::Clip;
use crate::domain::error::Result;
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::domain::operator::Operator;
use crate::store;
use crate::store::clips::Place;

/// Clips that are examined for one page, unless each is a result.
pub const SEARCHED_CLIPS: u32 = 50_000;

/// A job with its clip.
pub struct StoredClip {
    /// The job; it is done and has a clip.
    pub job: Job,
    /// Name of its account.
    pub account: String,
    /// Whether retention rules leave the clip alone.
    pub is_pinned: bool,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Place);

impl Cursor {
    /// The reverse of its `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let (at_ms, job) = text.split_once('-')?;
        Some(Self((at_ms.parse().ok()?, JobId(job.parse().ok()?))))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.0, self.0.1)
    }
}

/// A page of clips.
pub struct ClipPage {
    /// Newest first.
    pub clips: Vec<StoredClip>,
    /// Where to continue, if there may be more.
    pub next: Option<Cursor>,
    /// If the page is short because [`SEARCHED_CLIPS`] were examined: when the last of them was completed. Unix time in
    /// milliseconds.
    pub searched_to_ms: Option<i64>,
}

/// The clips of one or all accounts, at most `limit`. A page may be short, even empty, and still have a next one.
pub fn page(
    app: &App,
    account: Option<&str>,
    only_pinned: bool,
    after: Option<Cursor>,
    limit: u32,
) -> Result<ClipPage> {
    let account = account.map(|name| app.store.read(|db| accounts::named(db, name))).transpose()?;
    let (account, after) = (account.map(|account| account.id), after.map(|cursor| cursor.0));
    let found = app.store.read(|db| store::clips::latest(db, account, only_pinned, after, limit, SEARCHED_CLIPS))?;
    let mut clips = Vec::new();
    for (_, id) in found.clips {
        // Each in a read of its own: a clip may be deleted meanwhile.
        let stored = app.store.read(|db| {
            let Some(job) = store::jobs::find(db, id)? else { return Ok(None) };
            let account = store::accounts::by_id(db, job.account)?.name;
            Ok(store::clips::is_pinned(db, id)?.map(|is_pinned| StoredClip { job, account, is_pinned }))
        })?;
        clips.extend(stored.filter(|clip| clip.job.clip.is_some()));
    }
    Ok(ClipPage { clips, next: found.next.map(Cursor), searched_to_ms: found.searched_to_ms })
}

/// The clips of one or all accounts, newest first, at most `limit`.
pub fn list(app: &App, account: Option<&str>, only_pinned: bool, limit: u32) -> Result<Vec<StoredClip>> {
    let (mut clips, mut after) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(clips.len() as u32);
        let page = page(app, account, only_pinned, after, left)?;
        clips.extend(page.clips);
        after = page.next;
        if after.is_none() || clips.len() >= limit as usize {
            return Ok(clips);
        }
    }
}

/// Whether a clip's poster is there.
pub fn has_poster(app: &App, clip: &Clip) -> bool {
    app.clip_files.open_poster(clip.lease).is_ok()
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
