//! Nodes as the scheduler sees them.

use super::super::id::NodeId;
use super::super::node::Node;
use super::super::offer::{Needs, Offer};
use super::entry::ReadyJob;

/// A live node, as seen by the scheduler.
#[derive(Clone, Debug)]
pub struct LiveNode {
    /// Its row.
    pub id: NodeId,
    /// What it can render.
    pub offer: Offer,
    /// Number of leases it holds.
    pub leases: u32,
    /// Whether it is draining.
    pub draining: bool,
    /// Whether it is benched.
    pub benched: bool,
    /// Whether it has not been heard from for a while, so that it is not expected to ask for work soon.
    pub silent: bool,
}

impl LiveNode {
    /// A node that is live at this time and holds this many leases.
    pub fn of(node: Node, leases: u32, now_ms: i64) -> Self {
        let (benched, draining, silent) = (node.is_benched(now_ms), node.draining, node.is_silent(now_ms));
        Self { id: node.id, leases, draining, benched, silent, offer: node.offer }
    }

    /// Whether it accepts any work.
    pub fn takes_work(&self) -> bool {
        !self.draining && !self.benched
    }

    /// Whether it accepts this kind of job.
    pub fn can_take(&self, needs: &Needs) -> bool {
        self.offer.can_render(needs) && self.takes_work()
    }

    /// Slots without a lease.
    pub fn free_slots(&self) -> u32 {
        self.offer.slots.saturating_sub(self.leases)
    }
}

/// Whether a live node other than `node` that the job does not avoid can take the job. Busy nodes count, because they
/// will become free.
pub fn another_can_take(job: &ReadyJob, node: NodeId, live: &[LiveNode]) -> bool {
    live.iter().any(|other| other.id != node && other.can_take(&job.needs) && !job.avoids.contains(&other.id))
}
