//! Detects two machines that use the same node key. Each agent generates an instance ID when it starts; if two IDs
//! alternate, two agents are running. Kept in memory: after a restart of the server it is detected again quickly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::NodeId;
use crate::domain::node::Node;
use crate::store;

/// Time within which alternating calls of two agents with the same node key count as simultaneous: longer than a claim
/// waits.
const TURNS: Duration = Duration::from_secs(90);
/// Minimum time between two updates of when a node key was last seen in use by two machines.
const NOTE: Duration = Duration::from_secs(60);
/// How often an ID must reappear after another one before both agents count as running. A single reappearance may be a
/// delayed request of an agent that was just replaced.
const RETURNS: u32 = 2;

/// Agents seen, by node. Times are from the monotonic clock.
#[derive(Default)]
pub struct Instances(Mutex<HashMap<NodeId, Seen>>);

#[derive(Default)]
struct Seen {
    now: Option<(String, Duration)>,
    before: Option<(String, Duration)>,
    returns: u32,
    noted: Option<Duration>,
}

impl Instances {
    /// Records a call of a node's agent. Returns true when a duplicate should be reported.
    fn saw(&self, node: NodeId, instance: &str, now: Duration) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(node).or_default().saw(instance, now)
    }
}

impl Seen {
    fn saw(&mut self, instance: &str, now: Duration) -> bool {
        let is = |seen: &Option<(String, Duration)>| seen.as_ref().is_some_and(|(id, _)| id == instance);
        if is(&self.now) {
            self.now = Some((instance.to_owned(), now));
            return false;
        }
        let is_back = is(&self.before) && self.before.as_ref().is_some_and(|(_, at)| now.saturating_sub(*at) < TURNS);
        self.returns = if is_back { self.returns + 1 } else { 0 };
        self.before = self.now.replace((instance.to_owned(), now));
        let is_due = self.noted.is_none_or(|at| now.saturating_sub(at) >= NOTE);
        let says = self.returns >= RETURNS && is_due;
        if says {
            self.noted = Some(now);
        }
        says
    }
}

/// Records which agent called with a node's key, and reports the node if there are two.
pub fn note(app: &App, node: &Node, instance: &str) -> Result<()> {
    if !app.instances.saw(node.id, instance, app.clock.monotonic()) {
        return Ok(());
    }
    log::warn!(
        "Two machines are using the key of node {:?} and compete for its slots. Remove the node (admin \
         nodes remove), then join each machine with its own token (admin nodes token).",
        node.name
    );
    let (id, now_ms) = (node.id, app.clock.now_ms());
    app.store.write(move |tx| store::nodes::set_doubled(tx, id, now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indexes of the calls that report a duplicate. A call is an agent's letter and the seconds since the previous
    /// call.
    fn noticed(calls: &[(&str, u64)]) -> Vec<usize> {
        let (instances, mut now) = (Instances::default(), Duration::from_secs(1_000));
        let mut found = Vec::new();
        for (at, (instance, after)) in calls.iter().enumerate() {
            now += Duration::from_secs(*after);
            if instances.saw(NodeId(1), instance, now) {
                found.push(at);
            }
        }
        found
    }

    #[test]
    fn alternating_agents_are_reported_and_restarts_are_not() {
        let restarts = [("a", 0), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("e", 25)];
        assert_eq!(noticed(&restarts), Vec::<usize>::new(), "each restart is a new agent");
        let overtaken = [("a", 0), ("b", 1), ("a", 0), ("b", 25), ("b", 25)];
        assert_eq!(noticed(&overtaken[..3]), Vec::<usize>::new(), "one late call is no second agent");
        // Each agent calls every 25 seconds: detected after 26 seconds, and reported again after a minute at the
        // earliest.
        let turns = [("a", 0), ("b", 1), ("a", 24), ("b", 1), ("a", 24), ("b", 1), ("a", 24), ("b", 1), ("a", 24)];
        assert_eq!(noticed(&turns), [3, 8]);
        let moved_back = [("a", 0), ("b", 1), ("b", 25), ("b", 80), ("a", 3_600), ("a", 25)];
        assert_eq!(noticed(&moved_back), Vec::<usize>::new());
    }
}
