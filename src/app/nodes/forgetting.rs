//! Forgets ephemeral nodes some time after they are gone or stopped: their keys end and their names become free. A row
//! goes once no lease refers to it and its machine can no longer come back with its token.
//!
//! The time is taken from the monotonic clock, from when this server first noticed that a node is gone: nodes that were
//! silent only because the server was down, or because the clock was set, are not forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::NodeId;
use crate::domain::node::{NODE_FORGOTTEN_SECONDS, Node};
use crate::store;

/// Nodes that one pass forgets, and rows that it looks at to delete them.
const AT_ONCE: usize = 500;

/// Ephemeral nodes that are gone, and since when, by the monotonic clock. Kept in memory only.
#[derive(Default)]
pub struct Departed(Mutex<Noticed>);

#[derive(Default)]
struct Noticed {
    since: HashMap<NodeId, Duration>,
    /// The last row that was looked at to delete it.
    looked_at: Option<NodeId>,
}

impl Noticed {
    /// Updates what is known with the nodes that are gone now, and returns those that have been gone long enough.
    fn due(&mut self, gone: Vec<Node>, now: Duration) -> Vec<Node> {
        self.since = gone.iter().map(|node| (node.id, *self.since.get(&node.id).unwrap_or(&now))).collect();
        let enough = Duration::from_secs(NODE_FORGOTTEN_SECONDS);
        let is_due = |node: &Node| self.since.get(&node.id).is_some_and(|at| now.saturating_sub(*at) >= enough);
        gone.into_iter().filter(is_due).take(AT_ONCE).collect()
    }
}

/// Forgets the nodes that have been gone long enough and returns how many.
pub fn forget(app: &App) -> Result<usize> {
    let (now, now_ms) = (app.clock.monotonic(), app.clock.now_ms());
    let all = app.store.read(store::nodes::all)?.into_iter();
    let gone = all.filter(|(node, leases)| node.ephemeral && *leases == 0 && !node.state(now_ms).is_live());
    let gone: Vec<Node> = gone.map(|(node, _)| node).collect();
    let mut noticed = app.departed.0.lock().unwrap_or_else(PoisonError::into_inner);
    let due = noticed.due(gone, now);
    let after = noticed.looked_at.unwrap_or(NodeId(0));
    let old = app.store.read(|db| store::machines::forgotten(db, after, now_ms, AT_ONCE as u32))?;
    noticed.looked_at = old.last().map(|(id, _)| *id);
    drop(noticed);
    let unneeded: Vec<NodeId> = old.into_iter().filter(|(_, is_unneeded)| *is_unneeded).map(|(id, _)| id).collect();
    if due.is_empty() && unneeded.is_empty() {
        return Ok(0);
    }
    let forgotten = app.store.write(move |tx| {
        for id in unneeded {
            store::machines::delete(tx, id)?;
        }
        let mut forgotten = Vec::new();
        for node in due {
            if store::machines::forget(tx, &node, now_ms)? {
                forgotten.push(node.name);
            }
        }
        Ok(forgotten)
    })?;
    for name in &forgotten {
        log::info!("node {name:?} is gone and has been forgotten");
    }
    Ok(forgotten.len())
}
