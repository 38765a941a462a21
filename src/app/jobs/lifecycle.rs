//! The job lifecycle: every change of a job's status is made here.
//!
//! A transition runs inside the caller's transaction, is checked against the domain's state table, and writes the
//! related rows (lease, clip, ledger, unbilled, history, event) in that same transaction. It returns a [`Transition`], which the
//! caller settles after the commit: the job is counted and logged, an ended lease is cleaned up, and waiting requests are
//! woken.

use uuid::Uuid;

use crate::app::App;
use crate::app::nodes::record;
use crate::domain::clip::Clip;
use crate::domain::delivery::{self, Event};
use crate::domain::error::{Error, Result};
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::domain::job::{Caller, Job, JobSpec, JobStatus};
use crate::domain::key::KeyClass;
use crate::domain::lease::{LeaseEnd, aftermath};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Micros;
use crate::domain::node::Node;
use crate::domain::rates::FootageKind;
use crate::domain::schedule::ReadyJob;
use crate::store::leases::{Ending, LeaseState, LiveLease};
use crate::store::{self, Db, Tx};

/// A status change, to be settled after the commit.
#[must_use = "settle it after the commit"]
#[derive(Debug)]
pub(in crate::app) struct Transition {
    job: JobId,
    public_id: Uuid,
    to: JobStatus,
    /// The lease that it ended.
    ended: Option<LeaseId>,
    /// Why the attempt failed, if it did.
    failure: Option<Failure>,
    /// Milliseconds from the first attempt's start to now.
    took_ms: i64,
    /// Whether an event for the account's webhook was written.
    is_announced: bool,
}

/// A new job, queued.
pub(in crate::app) fn create(
    tx: &mut Tx<'_>,
    public_id: Uuid,
    caller: &Caller,
    spec: JobSpec,
    demo_build: Option<u32>,
    now_ms: i64,
) -> Result<Job> {
    store::jobs::insert(tx, public_id, caller, spec, demo_build, now_ms)
}

/// The new job is committed.
pub(in crate::app) fn created(app: &App, id: Uuid, caller: &Caller) {
    app.counters.submitted.add_one();
    log::info!("job {id} submitted by account {:?} ({})", caller.account.name, caller.class.as_str());
}

/// Leases a queued job to a node. `None`: the queue entry was outdated and has been removed.
pub(in crate::app) fn start(
    tx: &mut Tx<'_>,
    ready: &ReadyJob,
    node: NodeId,
    now_ms: i64,
) -> Result<Option<(Job, LeaseId)>> {
    if !store::jobs::start(tx, ready, now_ms)? {
        return Ok(None);
    }
    let lease = store::leases::insert(tx, ready.id, node, now_ms)?;
    Ok(Some((store::jobs::by_id(tx, ready.id)?, lease)))
}

/// After the commit of a lease whose node is still connected.
pub(in crate::app) fn started(app: &App, job: &Job, lease: LeaseId, node: &Node) {
    app.store.lease_given(lease);
    app.heartbeats.begin(job.id, lease, app.clock.monotonic());
    app.waits.wake(job.id);
    log::info!("job {} taken by node {:?} (lease {lease})", job.public_id, node.name);
}

/// Publishes the node's video: the job is done, its clip gets a public link, and it is billed. `log` is the tail of the
/// renderer's output, if it is kept. `None`: the lease is not live.
pub(in crate::app) fn finish(
    tx: &mut Tx<'_>,
    job: &Job,
    node: NodeId,
    clip: &Clip,
    log: Option<&str>,
    now_ms: i64,
) -> Result<Option<Transition>> {
    check(job, JobStatus::Done)?;
    let ending = Ending { log, ..Ending::DONE };
    if !store::leases::end(tx, clip.lease, node, &ending, now_ms)? {
        return Ok(None);
    }
    if !store::jobs::finish(tx, job.id, now_ms)? {
        return Err(Error::internal("The job could not be completed.", "its lease is live, but it is not rendering"));
    }
    record::after_success(tx, job.id, node, now_ms)?;
    store::clips::insert(tx, job, clip, now_ms)?;
    store::ledger::insert(tx, &ledger_row(tx, job, clip.video.duration_ms, now_ms)?)?;
    let is_announced = ended(tx, job, JobStatus::Done, None, now_ms)?;
    Ok(Some(Transition { is_announced, ..Transition::of(job, JobStatus::Done, Some(clip.lease), None, now_ms) }))
}

/// Cancels an unfinished job and ends its lease, if any; the node learns of it with its next heartbeat.
pub(in crate::app) fn cancel(tx: &mut Tx<'_>, job: &Job, now_ms: i64) -> Result<Transition> {
    check(job, JobStatus::Cancelled)?;
    store::jobs::cancel(tx, job, now_ms)?;
    let lease = store::leases::cancel(tx, job.id, now_ms)?;
    let is_announced = ended(tx, job, JobStatus::Cancelled, None, now_ms)?;
    Ok(Transition { is_announced, ..Transition::of(job, JobStatus::Cancelled, lease, None, now_ms) })
}

/// Ends a lease without a clip: the job fails or returns to its place in the queue, by the domain's rules. `log` is the
/// tail of the renderer's output. `None`: the lease had already ended.
pub(in crate::app) fn set_back(
    tx: &mut Tx<'_>,
    lease: LiveLease,
    end: LeaseEnd,
    log: Option<&str>,
    now_ms: i64,
) -> Result<Option<Transition>> {
    let is_lost = matches!(end, LeaseEnd::Lost | LeaseEnd::Unclaimed);
    let state = if is_lost { LeaseState::Lost } else { LeaseState::Failed };
    let after = aftermath(store::jobs::attempts(tx, lease.job)?, end);
    let ending = Ending { state, avoid: after.avoid_node, failure: Some(&after.failure), log };
    if !store::leases::end(tx, lease.id, lease.node, &ending, now_ms)? {
        return Ok(None);
    }
    record::after_failure(tx, lease.node, now_ms)?;
    let job = store::jobs::by_id(tx, lease.job)?;
    let to = if after.for_good { JobStatus::Failed } else { JobStatus::Queued };
    check(&job, to)?;
    store::jobs::set_back(tx, job.id, &after, now_ms)?;
    let is_announced = ended(tx, &job, to, Some(after.failure.code), now_ms)?;
    Ok(Some(Transition { is_announced, ..Transition::of(&job, to, Some(lease.id), Some(after.failure), now_ms) }))
}

/// Returns a failed or cancelled job to its place in the queue; its earlier attempts are kept.
pub(in crate::app) fn retry(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    check(job, JobStatus::Queued)?;
    store::unbilled::delete(tx, job)?;
    store::jobs::retry(tx, job.id)
}

/// After the commit: counts and logs the change, cleans up the ended lease, and wakes the requests that wait for it.
pub(in crate::app) fn settle(app: &App, transition: Transition) {
    let Transition { job, public_id, to, ended, failure, took_ms, is_announced } = transition;
    let lease = ended.map(|lease| format!("lease {lease}, ")).unwrap_or_default();
    let why = failure.map(|failure| format!("{}: {}", failure.code.as_str(), failure.message)).unwrap_or_default();
    if is_announced {
        app.outbox.news.ring();
    }
    match to {
        JobStatus::Done => {
            app.counters.done.add_one();
            log::info!("job {public_id} done in {} s", took_ms / 1_000);
        }
        JobStatus::Failed => {
            app.counters.failed.add_one();
            log::warn!("job {public_id} failed ({lease}{why})");
        }
        JobStatus::Cancelled => {
            app.counters.cancelled.add_one();
            log::info!("job {public_id} cancelled");
        }
        JobStatus::Queued => log::warn!("job {public_id} returned to the queue ({lease}{why})"),
        JobStatus::Rendering => {}
    }
    if let Some(lease) = ended {
        lease_over(app, job, lease, to == JobStatus::Done);
    }
    app.waits.wake(job);
}

/// A lease was ended by another process: a cancelled job or a removed node. Its files are deleted unless published.
pub(in crate::app) fn ended_elsewhere(app: &App, job: JobId, lease: LeaseId) -> Result<()> {
    let keeps_files = app.store.read(|db| store::leases::keeps_files(db, lease))?;
    lease_over(app, job, lease, keeps_files);
    Ok(())
}

/// Cleans up after the commit that ends a lease: from here on, every request under it is refused.
fn lease_over(app: &App, job: JobId, lease: LeaseId, keeps_files: bool) {
    app.heartbeats.end(job, lease);
    app.frames.end(lease);
    app.claims.lease_over(lease);
    app.uploads.end(lease);
    if !keeps_files {
        app.clip_files.remove(lease);
    }
}

impl Transition {
    fn of(job: &Job, to: JobStatus, ended: Option<LeaseId>, failure: Option<Failure>, now_ms: i64) -> Self {
        let took_ms = now_ms - job.started_at_ms.unwrap_or(now_ms);
        Self { job: job.id, public_id: job.public_id, to, ended, failure, took_ms, is_announced: false }
    }
}

/// Checks every transition against the state table.
fn check(job: &Job, to: JobStatus) -> Result<()> {
    if job.status.may_become(to) {
        return Ok(());
    }
    let detail = format!("job {} is {} and cannot become {}", job.public_id, job.status.as_str(), to.as_str());
    Err(Error::internal("The job's status does not allow that.", detail))
}

/// Writes what follows from a job's end: its place in the history, its row in the usage if it is not billed, and an
/// event if its account has a webhook. Returns whether there is an event. A job that has not ended has none of these.
/// `code`: why its attempt failed, if it did.
fn ended(tx: &mut Tx<'_>, job: &Job, to: JobStatus, code: Option<FailureCode>, now_ms: i64) -> Result<bool> {
    if matches!(to, JobStatus::Failed | JobStatus::Cancelled) {
        store::unbilled::insert(tx, job, to, now_ms)?;
    }
    if !to.is_unfinished() {
        store::history::count_ended(tx, job, to, code, now_ms)?;
    }
    let Some(event) = Event::of_job(to) else { return Ok(false) };
    let id = delivery::id_of(job.public_id, event, now_ms);
    store::outbox::insert(tx, job.account, id, event, Some(job.id), now_ms)
}

/// What a job is billed at: the price in force now. Dinks cover reserved work.
fn ledger_row(db: &Db, job: &Job, footage_ms: u64, now_ms: i64) -> Result<LedgerRow> {
    let kind = FootageKind::of(&job.spec);
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
