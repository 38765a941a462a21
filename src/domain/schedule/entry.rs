//! Jobs as the scheduler sees them.

use super::super::id::{AccountId, JobId, NodeId};
use super::super::job::Renderer;
use super::super::key::KeyClass;
use super::super::offer::Needs;

/// A queued job, with what scheduling depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyJob {
    /// Its row number, which is its place in the queue, also after a failed attempt.
    pub id: JobId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Reserved or metered.
    pub class: KeyClass,
    /// What it needs of a node.
    pub needs: Needs,
    /// Nodes on which it failed: it avoids them as long as another live node can take it.
    pub avoids: Vec<NodeId>,
}

/// Queued jobs that need the same of a node and avoid the same nodes: they wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingKind {
    /// What they need.
    pub needs: Needs,
    /// The nodes that they avoid.
    pub avoids: Vec<NodeId>,
    /// How many they are.
    pub jobs: u64,
    /// The one that was submitted first.
    pub oldest: JobId,
}

/// A job that a node is working on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// Its row.
    pub id: JobId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Reserved or metered.
    pub class: KeyClass,
    /// What it is rendered with.
    pub renderer: Renderer,
}

/// What the store's rows say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Queued jobs of active accounts, unordered.
    pub ready: Vec<ReadyJob>,
    /// Jobs that nodes are working on, unordered.
    pub running: Vec<RunningJob>,
    /// Accounts with dinks, and how many, unordered.
    pub dinks: Vec<(AccountId, u32)>,
}

/// How a job stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Milliseconds that its node worked on it.
    pub took_ms: u64,
    /// Whether it is done: only then its time says how long such jobs take.
    pub is_done: bool,
}
