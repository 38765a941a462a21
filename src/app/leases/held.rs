//! Leases: the transaction that gives one, heartbeat, fail and expiry. Every write checks both lease and node; a node that is late, or does not
//! own the lease, gets a conflict and none of its work is published.

use crate::app::jobs::lifecycle::{self, Transition};
use crate::app::jobs::owner::describe;
use crate::app::leases::claims::Miss;
use crate::app::leases::heartbeats::Expired;
use crate::app::leases::live::{live_job, not_live};
use crate::app::leases::watched;
use crate::app::{App, demos};
use crate::domain::error::Result;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::game_build;
use crate::domain::id::{LeaseId, NodeId};
use crate::domain::job::{Job, Renderer};
use crate::domain::job_info::JobInfo;
use crate::domain::lease::{Lease, LeaseEnd, Progress};
use crate::domain::node::Node;
use crate::domain::offer::Offer;
use crate::domain::schedule::{LiveNode, another_can_take};
use crate::domain::sha256::Sha256;
use crate::store;
use crate::store::COMMIT_BATCH;
use crate::store::leases::{LeaseState, LiveLease};
use crate::wire::node_requests::FailReport;

/// A claim that got a job.
pub struct Grant {
    /// The new lease.
    pub lease: Lease,
    /// Milliseconds until it expires without a heartbeat.
    pub expires_in_ms: u64,
    /// Milliseconds until the first heartbeat.
    pub heartbeat_ms: u64,
    /// The job.
    pub job: JobInfo,
    /// Hash and length of the demo, if the job's account uploaded it.
    pub uploaded_demo: Option<(Sha256, u64)>,
}

/// What a heartbeat gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beaten {
    /// Milliseconds until the lease expires without another one.
    pub expires_in_ms: u64,
    /// Milliseconds until the next one.
    pub heartbeat_ms: u64,
}

/// Stores what the node can render when it changes or the node returns after a stop. A node whose game has become ready
/// is no longer benched: it has tried the game.
pub(in crate::app) fn note_offer(app: &App, node: &Node, offer: &Offer) -> Result<()> {
    if node.offer == *offer && node.stopped_at_ms.is_none() {
        return Ok(());
    }
    let was_not_ready = node.offer.game.as_ref().is_some_and(|game| game.not_ready.is_some());
    let is_ready = offer.game.as_ref().is_some_and(|game| game.not_ready.is_none());
    let (id, offer) = (node.id, offer.clone());
    app.store.write(move |tx| {
        if was_not_ready && is_ready {
            store::nodes::unbench(tx, id)?;
        }
        store::nodes::set_offer(tx, id, &offer)
    })
}

/// How one try ended.
pub(in crate::app) enum Tried {
    Job(Box<Job>, LeaseId, Option<(Sha256, u64)>),
    /// The queue entry was outdated and has been removed; try again.
    Stale,
    /// The node may not take jobs.
    MayNot,
    /// There is nothing for it.
    Missed(Miss),
}

/// Picks and leases in one transaction, so that no job goes to two nodes and no node exceeds its slots.
pub(in crate::app) fn try_claim(app: &App, node: NodeId, offer: &Offer) -> Result<Tried> {
    let (offer, now) = (offer.clone(), app.clock.now_ms());
    app.store.write(move |tx| {
        let Some((found, held)) = store::nodes::to_work(tx, node, now)? else { return Ok(Tried::MayNot) };
        if held >= found.slots_of(offer.slots) {
            return Ok(Tried::Missed(Miss::Full));
        }
        // Loaded lazily: needed only for jobs that avoid this node.
        let mut live: Option<Vec<LiveNode>> = None;
        let picked = tx.pick(node, &offer, |job| {
            let live = live.get_or_insert_with(|| store::nodes::live(tx, now).unwrap_or_default());
            another_can_take(job, node, live)
        });
        let Some(ready) = picked else { return Ok(Tried::Missed(Miss::Nothing)) };
        let Some((job, lease)) = lifecycle::start(tx, &ready, node, now)? else { return Ok(Tried::Stale) };
        let demo = demos::of_job(tx, &job)?;
        Ok(Tried::Job(Box::new(job), lease, demo))
    })
}

/// Grants the lease, or ends it at once if the node has disconnected meanwhile; otherwise the job would be stuck until
/// the lease expires.
pub(in crate::app) fn hand_over(
    app: &App,
    node: &Node,
    is_there: &dyn Fn() -> bool,
    job: Job,
    lease: LeaseId,
    demo: Option<(Sha256, u64)>,
) -> Result<Option<Grant>> {
    if is_there() {
        return grant(app, node, job, lease, demo);
    }
    let (held, now) = (LiveLease { id: lease, job: job.id, node: node.id }, app.clock.now_ms());
    let ended = app.store.write(move |tx| lifecycle::set_back(tx, held, LeaseEnd::Unclaimed, None, now))?;
    ended.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    Ok(None)
}

fn grant(app: &App, node: &Node, job: Job, lease: LeaseId, demo: Option<(Sha256, u64)>) -> Result<Option<Grant>> {
    lifecycle::started(app, &job, lease, node);
    let expires_in_ms = app.settings.lease_ms;
    let expires_at_ms = app.clock.now_ms() + expires_in_ms.cast_signed();
    let lease = Lease { id: lease, job: job.id, node: node.id, expires_at_ms };
    let heartbeat_ms = watched::heartbeat_ms(app, job.id);
    let described = describe(app, vec![job])?.pop();
    Ok(described.map(|job| Grant { lease, expires_in_ms, heartbeat_ms, job, uploaded_demo: demo }))
}

/// Extends a lease, or fails with a conflict: `cancelled` or `lost`.
pub fn heartbeat(app: &App, node: &Node, lease: LeaseId, progress: Progress) -> Result<Beaten> {
    let job = live_job(app, node.id, lease)?;
    if app.heartbeats.beat(job, lease, progress, app.clock.monotonic()) {
        app.waits.wake(job);
    }
    Ok(Beaten { expires_in_ms: app.settings.lease_ms, heartbeat_ms: watched::heartbeat_ms(app, job) })
}

/// Ends the attempt as failed. Idempotent.
pub fn fail(app: &App, node: &Node, lease: LeaseId, report: FailReport) -> Result<()> {
    let FailReport { failure, log, demo_build } = report;
    let failure = if is_excluded_from_now_on(node, demo_build) { failure } else { counted(failure) };
    // A node whose game is not ready does not ask for such jobs, and may go on with others.
    let goes_on = node.offer.game.is_some() && node.offer.renderers.contains(&Renderer::Builtin);
    let (node, now) = (node.id, app.clock.now_ms());
    let ended = app.store.write(move |tx| match store::leases::find(tx, lease, node)? {
        Some((job, LeaseState::Live)) => {
            let held = LiveLease { id: lease, job, node };
            if failure.code == FailureCode::NodeNotReady && !goes_on {
                store::nodes::bench(tx, node, &failure.message, now)?;
            }
            if let Some(build) = demo_build {
                store::jobs::set_demo_build(tx, job, build)?;
            }
            lifecycle::set_back(tx, held, LeaseEnd::reported(failure), log.as_deref(), now)
        }
        Some((_, LeaseState::Failed)) => Ok(None),
        found => Err(not_live(found.map(|(_, state)| state))),
    })?;
    ended.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    Ok(())
}

/// Whether the node gets no job with this demo any more, because its game does not play it.
fn is_excluded_from_now_on(node: &Node, demo_build: Option<u32>) -> bool {
    let game = node.offer.game.as_ref().and_then(|game| game.build);
    game.zip(demo_build).is_some_and(|(game, demo)| !game_build::plays(game, demo))
}

/// A wrong build of the game is not counted, so it must not bring the job back to the same node for ever.
fn counted(failure: Failure) -> Failure {
    let code = match failure.code {
        FailureCode::WrongGameBuild => FailureCode::DemoUnsupported,
        code => code,
    };
    Failure { code, ..failure }
}

/// Ends the leases that have expired or stalled and returns how many. The first check after a start gives each lease
/// its full time, so that a server restart ends none.
pub fn expire(app: &App) -> Result<usize> {
    let now = app.clock.monotonic();
    let live = app.store.read(store::leases::live)?;
    app.frames.sweep(&live, now);
    app.uploads.sweep(&live);
    let Expired { mut overdue, gone } = app.heartbeats.check(&live, now);
    for (job, lease) in gone {
        lifecycle::ended_elsewhere(app, job, lease)?;
    }
    overdue.truncate(COMMIT_BATCH);
    if overdue.is_empty() {
        return Ok(0);
    }
    let now_ms = app.clock.now_ms();
    let ended: Vec<Option<Transition>> = app.store.write(move |tx| {
        let set_back = |(lease, end)| lifecycle::set_back(tx, lease, end, None, now_ms);
        overdue.into_iter().map(set_back).collect::<Result<_>>()
    })?;
    let count = ended.len();
    ended.into_iter().flatten().for_each(|transition| lifecycle::settle(app, transition));
    Ok(count)
}
