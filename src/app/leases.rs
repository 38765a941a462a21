//! Leases, as nodes see them: claim, heartbeat, fail, and what happens to one that runs out. Every write names lease
//! *and* node; a late or foreign node gets a conflict and nothing of its work is published.

use std::time::Duration;

use super::jobs::{JobInfo, describe};
use super::pulse::Look;
use super::{App, sweep};
use crate::domain::demo::uploaded_demo;
use crate::domain::error::{Error, Result};
use crate::domain::failure::Failure;
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::domain::job::{Job, Renderer};
use crate::domain::lease::{Lease, LeaseEnd, Progress, aftermath};
use crate::domain::limits;
use crate::domain::node::Node;
use crate::domain::schedule::{LiveNode, another_can_take};
use crate::store::leases::{Ending, LeaseState, LiveLease};
use crate::store::{self, Db, Tx};

pub use super::complete::complete;
pub use super::uploads::{UploadError, append_video, open_demo, put_poster};

/// A claim that got a job.
pub struct Grant {
    /// The new lease.
    pub lease: Lease,
    /// Milliseconds until it is void without a heartbeat.
    pub expires_in_ms: u64,
    /// The job.
    pub job: JobInfo,
    /// Hash and length of the demo, if the job's account uploaded it.
    pub uploaded_demo: Option<([u8; 32], u64)>,
}

/// Waits up to `wait` for a job that the node can take. While the server stops it is told to come again.
pub fn claim(app: &App, node: &Node, renderers: &[Renderer], slots: u32, wait: Duration) -> Result<Option<Grant>> {
    note_offer(app, node, renderers, slots)?;
    let deadline = app.clock.monotonic() + wait;
    loop {
        // Before the look, so that a ring in between is not missed.
        let seen = app.news.rings();
        if app.stopping() {
            return Err(super::stopping());
        }
        // Its video would not be taken: at the disk's reserve jobs wait for room.
        if app.store.has_ready(renderers) && app.room.is_open() {
            match try_claim(app, node.id, renderers, slots)? {
                Claimed::Job(job, lease, demo) => return grant(app, node.id, *job, lease, demo),
                Claimed::Stale => continue,
                Claimed::Nothing => {}
            }
        }
        let left = deadline.saturating_sub(app.clock.monotonic());
        if left.is_zero() || !app.news.wait_past(seen, left) {
            return Ok(None);
        }
    }
}

/// Writes down what the node says that it can do, when it says something new.
fn note_offer(app: &App, node: &Node, renderers: &[Renderer], slots: u32) -> Result<()> {
    if node.slots == slots && node.renderers == renderers {
        return Ok(());
    }
    let (id, renderers) = (node.id, renderers.to_vec());
    app.store.write(move |tx| store::nodes::set_offer(tx, id, slots, &renderers))
}

/// How one try ended.
enum Claimed {
    Job(Box<Job>, LeaseId, Option<([u8; 32], u64)>),
    /// The queue was behind the rows; the job is out of it now.
    Stale,
    Nothing,
}

/// Decides and leases in one transaction, so that two nodes never get one job and no node more than its slots.
fn try_claim(app: &App, node: NodeId, renderers: &[Renderer], slots: u32) -> Result<Claimed> {
    let (renderers, now) = (renderers.to_vec(), app.clock.now_ms());
    app.store.write(move |tx| {
        if !store::nodes::may_take(tx, node, now)? || store::leases::held_by(tx, node)? >= slots {
            return Ok(Claimed::Nothing);
        }
        // Only jobs that avoid this node make it matter who else is there.
        let mut live: Option<Vec<LiveNode>> = None;
        let picked = tx.pick(node, &renderers, |job| {
            let live = live.get_or_insert_with(|| store::nodes::live(tx, now).unwrap_or_default());
            another_can_take(job, node, live)
        });
        let Some(ready) = picked else { return Ok(Claimed::Nothing) };
        if !store::jobs::start(tx, &ready, now)? {
            return Ok(Claimed::Stale);
        }
        let lease = store::leases::insert(tx, ready.id, node, now)?;
        let job = store::jobs::by_id(tx, ready.id)?;
        let demo = own_demo(tx, &job)?;
        Ok(Claimed::Job(Box::new(job), lease, demo))
    })
}

fn grant(app: &App, node: NodeId, job: Job, lease: LeaseId, demo: Option<([u8; 32], u64)>) -> Result<Option<Grant>> {
    app.store.lease_given(lease);
    app.pulse.begin(job.id, lease, app.clock.monotonic());
    let expires_in_ms = app.settings.lease_ms;
    let expires_at_ms = app.clock.now_ms() + expires_in_ms.cast_signed();
    let lease = Lease { id: lease, job: job.id, node, expires_at_ms };
    let described = describe(app, vec![job])?.pop();
    Ok(described.map(|job| Grant { lease, expires_in_ms, job, uploaded_demo: demo }))
}

/// The demo that the job's URL names, if the job's account uploaded it.
pub(super) fn own_demo(db: &Db, job: &Job) -> Result<Option<([u8; 32], u64)>> {
    let Some(sha256) = uploaded_demo(&job.spec.demo_url) else { return Ok(None) };
    Ok(store::demos::bytes(db, job.account, &sha256)?.map(|bytes| (sha256, bytes)))
}

/// New expiry in ms from now, or Conflict with code `cancelled` or `lost`.
pub fn heartbeat(app: &App, node: &Node, lease: LeaseId, progress: Progress) -> Result<u64> {
    let job = live_job(app, node.id, lease)?;
    app.pulse.beat(job, lease, progress, app.clock.monotonic());
    Ok(app.settings.lease_ms)
}

/// The job of a live lease of this node.
pub(super) fn live_job(app: &App, node: NodeId, lease: LeaseId) -> Result<JobId> {
    match app.store.read(|db| store::leases::find(db, lease, node))? {
        Some((job, LeaseState::Live)) => Ok(job),
        found => Err(not_live(found.map(|(_, state)| state))),
    }
}

/// What a node is told whose lease is not live, or not its own.
pub(super) fn not_live(state: Option<LeaseState>) -> Error {
    match state {
        Some(LeaseState::Cancelled) => Error::conflict("cancelled", "The job was cancelled. Stop working on it."),
        _ => Error::conflict("lost", "The lease has ended, or is another node's. Stop working on the job."),
    }
}

/// The node gives the attempt up; `log` is the end of what its renderer said. The same call again answers the same.
pub fn fail(app: &App, node: &Node, lease: LeaseId, failure: Failure, log: Option<String>) -> Result<()> {
    let (node, now) = (node.id, app.clock.now_ms());
    let (job, is_for_good) = app.store.write(move |tx| match store::leases::find(tx, lease, node)? {
        Some((job, LeaseState::Live)) => {
            let held = LiveLease { id: lease, job, node };
            Ok((job, set_back(tx, held, LeaseEnd::Failed(failure), log.as_deref(), now)?))
        }
        Some((job, LeaseState::Failed)) => Ok((job, false)),
        found => Err(not_live(found.map(|(_, state)| state))),
    })?;
    count_failed(app, [is_for_good]);
    forget(app, job, lease);
    Ok(())
}

/// Ends a lease without a clip, and puts the job back in its place or fails it: all by the rules in the domain.
/// A lease that has ended meanwhile is left as it is. Whether the job has failed for good.
pub(super) fn set_back(
    tx: &mut Tx<'_>,
    lease: LiveLease,
    end: LeaseEnd,
    log: Option<&str>,
    now_ms: i64,
) -> Result<bool> {
    let state = if end == LeaseEnd::Lost { LeaseState::Lost } else { LeaseState::Failed };
    let after = aftermath(store::jobs::attempts(tx, lease.job)?, end);
    let ending = Ending { state, avoid: after.avoid_node, failure: Some(&after.failure), log };
    let was_live = store::leases::end(tx, lease.id, lease.node, &ending, now_ms)?;
    if was_live {
        store::jobs::set_back(tx, lease.job, &after, now_ms)?;
    }
    Ok(was_live && after.for_good)
}

/// Counts those of the jobs that have failed for good.
fn count_failed(app: &App, are_for_good: impl IntoIterator<Item = bool>) {
    are_for_good.into_iter().filter(|is_for_good| *is_for_good).for_each(|_| app.counters.failed.add_one());
}

/// A lease is over, and the commit that says so is on the disk: no request works for it any more. Everything that ends
/// one comes here.
pub(super) fn over(app: &App, job: JobId, lease: LeaseId) {
    app.pulse.end(job, lease);
    app.uploads.end(lease);
}

/// The same for one without a clip, or whose clip was deleted: nothing of it is kept.
pub(super) fn forget(app: &App, job: JobId, lease: LeaseId) {
    over(app, job, lease);
    sweep::remove_files(app, lease);
}

/// One look at all live leases: those that have run out, or stand still, are ended. How many were. The first look after
/// a start knows nothing yet and gives each lease its full time: a restart of the server ends none.
pub fn expire(app: &App) -> Result<usize> {
    let now = app.clock.monotonic();
    let live = app.store.read(store::leases::live)?;
    let Look { mut overdue, gone } = app.pulse.look(&live, now);
    // Another process has ended them: a cancelled job, a removed node.
    for (job, lease) in gone {
        forget_if_unwanted(app, job, lease)?;
    }
    overdue.truncate(limits::COMMIT_BATCH);
    if overdue.is_empty() {
        return Ok(0);
    }
    let (ended, now_ms) = (overdue.clone(), app.clock.now_ms());
    let are_for_good: Vec<bool> = app.store.write(move |tx| {
        ended.into_iter().map(|(lease, end)| set_back(tx, lease, end, None, now_ms)).collect::<Result<_>>()
    })?;
    count_failed(app, are_for_good);
    for (lease, end) in &overdue {
        log::warn!("lease {} of node {} on job {} has ended: {end:?}", lease.id, lease.node, lease.job);
        forget_if_unwanted(app, lease.job, lease.id)?;
    }
    Ok(overdue.len())
}

/// The same for a lease that another request may have completed at the last moment.
fn forget_if_unwanted(app: &App, job: JobId, lease: LeaseId) -> Result<()> {
    if !app.store.read(|db| store::leases::keeps_files(db, lease))? {
        forget(app, job, lease);
    }
    Ok(())
}
