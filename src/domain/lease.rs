//! Leases: a node's time-limited right to one job.

use super::id::{JobId, LeaseId, NodeId};
use super::job::Stage;

/// A live lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// Its number.
    pub id: LeaseId,
    /// The job it is for.
    pub job: JobId,
    /// The node that holds it.
    pub node: NodeId,
    /// Unix time in milliseconds after which it is void unless a heartbeat comes.
    pub expires_at_ms: i64,
}

/// What the node last said of its work. Kept in memory only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What it is at.
    pub stage: Stage,
    /// 0 to 1 over the whole job; never falls within one lease.
    pub fraction: f64,
}
