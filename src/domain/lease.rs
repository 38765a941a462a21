//! Leases: a node's time-limited right to one job, and what happens to the job if one ends without a clip.

use super::failure::{Blame, Failure, FailureCode, Retry};
use super::id::{JobId, LeaseId, NodeId};
use super::job::{ATTEMPTS, Stage};

/// Times that a node may go silent while it holds a job, before the job fails. More than [`ATTEMPTS`]: it is rarely
/// the job's fault, and machines do get restarted.
pub const LOSSES: u32 = 10;
/// Seconds until a lease without a heartbeat expires.
pub const LEASE_SECONDS: u64 = 30;
/// Seconds until a lease without progress expires.
pub const LEASE_PROGRESS_SECONDS: u64 = 600;
/// Maximum age of a lease in seconds, regardless of heartbeats: 2 hours.
pub const LEASE_AGE_SECONDS: u64 = 2 * 3_600;

/// Heartbeats that a lease outlives: a node sends this many before it expires.
const HEARTBEATS: u64 = 3;
/// Milliseconds between two heartbeats of a job that somebody watches…
const WATCHED_HEARTBEAT_MS: u64 = 500;
/// …unless so many are watched that they would exceed this many heartbeats a second. With 10,000 nodes that nobody
/// watches, they remain below 2,000 a second.
const WATCHED_HEARTBEATS_PER_SECOND: u64 = 800;

/// Milliseconds between two heartbeats. `watched`: how many jobs are watched, if this is one of them.
pub fn heartbeat_ms(lease_ms: u64, watched: Option<u64>) -> u64 {
    let idle = lease_ms / HEARTBEATS;
    watched.map_or(idle, |count| {
        let fair = count.saturating_mul(1_000) / WATCHED_HEARTBEATS_PER_SECOND;
        idle.min(fair.max(WATCHED_HEARTBEAT_MS))
    })
}

/// A live lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// Its number.
    pub id: LeaseId,
    /// The job it is for.
    pub job: JobId,
    /// The node that holds it.
    pub node: NodeId,
    /// Unix time in milliseconds at which it expires, unless a heartbeat extends it.
    pub expires_at_ms: i64,
}

/// The progress that the node last reported. Kept in memory only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Current stage.
    pub stage: Stage,
    /// 0 to 1 over the whole job; never falls within one lease.
    pub fraction: f64,
}

/// Failed attempts of a job so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts that failed: after [`ATTEMPTS`], the job fails.
    pub failures: u32,
    /// Attempts whose node went silent: rarely the job's fault, so the job fails only after [`LOSSES`].
    pub losses: u32,
}

/// How a lease ended without a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// The attempt failed, as reported by the node or determined by the server.
    Failed(Failure, Blame),
    /// No heartbeat arrived in time.
    Lost,
    /// The node disconnected before it received the job.
    Unclaimed,
}

impl LeaseEnd {
    /// A failure reported by the node.
    pub fn reported(failure: Failure) -> Self {
        let blame = Blame::reported(&failure);
        Self::Failed(failure, blame)
    }

    /// The operator removed the node; the job is not to blame.
    pub fn node_removed() -> Self {
        Self::nobodys_fault("The render node was removed.")
    }

    /// The node's machine joined again, without the job; the job is not to blame.
    pub fn node_started_anew() -> Self {
        Self::nobodys_fault("The render node was started anew while it held the job.")
    }

    /// The server's store was restored or replaced by a copy; the job is not to blame.
    pub fn server_replaced() -> Self {
        Self::nobodys_fault("The server was replaced while the job was rendering.")
    }

    fn nobodys_fault(message: &str) -> Self {
        let (code, retry) = (FailureCode::NodeFailed, Retry::Anywhere);
        Self::Failed(Failure { code, message: message.to_owned(), retry }, Blame::Nobody)
    }

    /// The node is alive, but made no progress for too long.
    pub fn stalled() -> Self {
        let minutes = LEASE_PROGRESS_SECONDS / 60;
        let failure =
            Failure::here(FailureCode::RenderTimeout, format!("The job made no progress for {minutes} minutes."));
        Self::Failed(failure, Blame::Here)
    }

    /// The lease reached its maximum age.
    pub fn too_old() -> Self {
        let hours = LEASE_AGE_SECONDS / 3_600;
        let failure = Failure::here(FailureCode::RenderTimeout, format!("The attempt took longer than {hours} hours."));
        Self::Failed(failure, Blame::Here)
    }
}

/// What happens to a job whose lease ended without a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aftermath {
    /// The updated counts.
    pub attempts: Attempts,
    /// Whether the job fails permanently; otherwise it returns to its place in the queue.
    pub for_good: bool,
    /// Whether it avoids the node as long as another one can take it.
    pub avoid_node: bool,
    /// The failure to report.
    pub failure: Failure,
}

/// Decides what happens: failures caused by the job are final, others count up to [`ATTEMPTS`]. Silent nodes
/// are counted separately, with a higher limit. An attempt does not count if its node was stopped, was not ready, or
/// disconnected before it received the job.
pub fn aftermath(before: Attempts, end: LeaseEnd) -> Aftermath {
    let Attempts { failures, losses } = before;
    let failed = Attempts { failures: failures.saturating_add(1), losses };
    let lost = Attempts { failures, losses: losses.saturating_add(1) };
    match end {
        LeaseEnd::Lost => Aftermath {
            attempts: lost,
            for_good: lost.losses >= LOSSES,
            avoid_node: true,
            failure: Failure::here(FailureCode::NodeLost, "The render node stopped responding while it held the job."),
        },
        LeaseEnd::Unclaimed => Aftermath {
            attempts: before,
            for_good: false,
            avoid_node: false,
            failure: Failure {
                code: FailureCode::NodeLost,
                message: "The render node disconnected before it received the job.".to_owned(),
                retry: Retry::Anywhere,
            },
        },
        LeaseEnd::Failed(failure, blame) => {
            let attempts = if blame.counts() { failed } else { before };
            let is_last = failure.retry == Retry::Never || attempts.failures >= ATTEMPTS;
            Aftermath { attempts, for_good: blame.counts() && is_last, avoid_node: blame.avoids_node(), failure }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_frequent_for_watched_jobs_and_few_in_total() {
        let cases = [
            (30_000, None, 10_000),
            (30_000, Some(1), 500),
            (30_000, Some(400), 500),
            (30_000, Some(4_000), 5_000),
            (30_000, Some(10_000), 10_000),
            (1_000, None, 333),
            (1_000, Some(1), 333),
        ];
        for (lease_ms, watched, expected) in cases {
            assert_eq!(heartbeat_ms(lease_ms, watched), expected, "{lease_ms} {watched:?}");
        }
        for watched in [0, 100, 1_000, 4_096, 10_000] {
            let per_second = |count: u64, watched| count as f64 * 1_000.0 / heartbeat_ms(30_000, watched) as f64;
            let all = per_second(10_000 - watched, None) + per_second(watched, Some(watched));
            assert!(all < 2_000.0, "{watched} of 10,000 watched: {all} heartbeats a second");
        }
    }

    #[test]
    fn failures_and_losses_are_counted_separately() {
        let at = |failures, losses| Attempts { failures, losses };
        let here = || LeaseEnd::reported(Failure::here(FailureCode::RenderFailed, "x"));
        let failed = |code, retry| LeaseEnd::reported(Failure { code, message: "x".into(), retry });
        let never = || LeaseEnd::reported(Failure::for_good(FailureCode::PlayerNotInDemo, "x"));
        let last_loss = LOSSES - 1;
        let cases = [
            (at(0, 0), here(), at(1, 0), false, true),
            (at(2, 0), here(), at(3, 0), true, true),
            (at(0, 0), never(), at(1, 0), true, false),
            (at(0, 0), failed(FailureCode::FetchFailed, Retry::Anywhere), at(1, 0), false, false),
            (at(2, 5), failed(FailureCode::NodeFailed, Retry::Anywhere), at(2, 5), false, false),
            (at(2, last_loss), failed(FailureCode::NodeFailed, Retry::Anywhere), at(2, last_loss), false, false),
            (at(2, last_loss), failed(FailureCode::NodeNotReady, Retry::Elsewhere), at(2, last_loss), false, true),
            (at(2, last_loss), failed(FailureCode::NodeNotReady, Retry::Never), at(2, last_loss), false, true),
            (at(2, 0), failed(FailureCode::WrongGameBuild, Retry::Elsewhere), at(2, 0), false, true),
            (at(1, 0), failed(FailureCode::NodeFailed, Retry::Elsewhere), at(2, 0), false, true),
            (at(2, last_loss), LeaseEnd::node_removed(), at(2, last_loss), false, false),
            (at(2, last_loss), LeaseEnd::Unclaimed, at(2, last_loss), false, false),
            (at(0, 0), LeaseEnd::Lost, at(0, 1), false, true),
            (at(2, 3), LeaseEnd::Lost, at(2, 4), false, true),
            (at(0, last_loss), LeaseEnd::Lost, at(0, LOSSES), true, true),
            (at(1, 1), LeaseEnd::stalled(), at(2, 1), false, true),
            (at(2, 1), LeaseEnd::too_old(), at(3, 1), true, true),
        ];
        for (before, end, attempts, for_good, avoid_node) in cases {
            let what = format!("{before:?} {end:?}");
            let after = aftermath(before, end);
            assert_eq!((after.attempts, after.for_good, after.avoid_node), (attempts, for_good, avoid_node), "{what}");
        }
    }
}
