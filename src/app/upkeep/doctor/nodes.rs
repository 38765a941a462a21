//! Render nodes: whether any are up while jobs wait, whether their versions match, whether each has its own key.

use crate::app::App;
use crate::app::nodes::{self, NodeInfo};
use crate::app::upkeep::doctor::{Fault, few};
use crate::app::upkeep::health::NO_NODES;
use crate::domain::error::Result;
use crate::domain::key::KeyClass;
use crate::domain::node::NodeState;
use crate::domain::protocol;

/// Problems with render nodes.
pub fn faults(app: &App) -> Result<Vec<Fault>> {
    let all = nodes::list(app)?;
    Ok([none_up(app, &all)?, other_versions(&all), shared_keys(&all)].into_iter().flatten().collect())
}

fn none_up(app: &App, all: &[NodeInfo]) -> Result<Option<Fault>> {
    if all.iter().any(|info| info.state == NodeState::Up) {
        return Ok(None);
    }
    app.store.read_queue()?;
    let waiting: u64 = KeyClass::ALL.into_iter().map(|class| app.store.waiting_in(class).0).sum();
    let (jobs, fix) = match (waiting, all.is_empty()) {
        (0, _) => return Ok(None),
        (1, true) => ("1 job is waiting", JOIN),
        (1, false) => ("1 job is waiting", WAKE),
        (_, true) => ("jobs are waiting", JOIN),
        (_, false) => ("jobs are waiting", WAKE),
    };
    let count = if waiting == 1 { String::new() } else { format!("{waiting} ") };
    let why = if all.is_empty() { "no render node has joined" } else { "no render node is up" };
    Ok(Some(Fault::new(NO_NODES, format!("{count}{jobs} and {why}."), fix)))
}

const JOIN: &str = "Create a join token with `admin nodes token` and start a node with it, or start the server with \
                    --local-nodes 1.";
const WAKE: &str = "See `admin nodes list` for their states. Start the node service on one of them, or resume one that is \
                    draining (`admin nodes resume NAME`).";

fn other_versions(all: &[NodeInfo]) -> Option<Fault> {
    let others: Vec<_> = all
        .iter()
        .filter(|info| info.state.is_live() && info.node.program.protocol != protocol::OURS)
        .map(|info| format!("{} (protocol {})", info.node.name, info.node.program.protocol))
        .collect();
    (!others.is_empty()).then(|| {
        let message = format!(
            "Nodes running a different version than the server, which uses protocol {} ({}): {}.",
            protocol::OURS,
            others.len(),
            few(&others)
        );
        Fault::new("node_versions", message, "Update them: protocol versions may differ by at most one.")
    })
}

/// Two machines with the same key compete for slots and lose each other's leases without a visible cause.
fn shared_keys(all: &[NodeInfo]) -> Option<Fault> {
    let shared: Vec<_> = all.iter().filter(|info| info.key_is_shared).map(|info| info.node.name.clone()).collect();
    (!shared.is_empty()).then(|| {
        let message = format!("Two machines use the key of the same node ({}): {}.", shared.len(), few(&shared));
        let fix = "Remove the node (`admin nodes remove NAME`) and join each machine with its own token (`admin nodes \
                   token`).";
        Fault::new("node_key_shared", message, fix)
    })
}
