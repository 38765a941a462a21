//! How long a queued job will wait: the jobs that go before it, and how long such jobs took lately.

use super::super::offer::Needs;
use super::nodes::LiveNode;

/// What goes before a queued job, among the jobs with its renderer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Jobs of the other class that go first.
    pub other_class: u64,
    /// Other accounts of its class that it takes turns with.
    pub accounts: u64,
    /// About how many jobs are started before it, its own account's included.
    pub jobs: u64,
    /// Mean time in milliseconds that the last jobs took, if one was done lately.
    pub took_ms: Option<u64>,
}

/// Seconds until a node takes a job with these needs; `None` if no live node can take it, or the speed is not known.
pub fn wait_seconds(needs: &Needs, before: &Before, live: &[LiveNode]) -> Option<u64> {
    let able = || live.iter().filter(|node| node.can_take(needs));
    let slots: u64 = able().map(|node| u64::from(node.offer.slots)).sum();
    let free: u64 = able().map(|node| u64::from(node.free_slots())).sum();
    if slots == 0 {
        return None;
    }
    match (before.jobs + 1).saturating_sub(free) {
        0 => Some(0),
        turns => {
            let busy_ms = u128::from(turns) * u128::from(before.took_ms?) / u128::from(slots);
            u64::try_from(busy_ms.div_ceil(1_000)).ok()
        }
    }
}
