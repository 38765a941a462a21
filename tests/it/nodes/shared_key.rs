//! Two machines that use the same node key are reported; a node that restarts is not.

use std::time::Duration;

use dinkem_appliance::app::nodes;
use dinkem_appliance::domain::node::NODE_INSTANCE_CHARS;
use dinkem_appliance::domain::node::NODE_SHARED_SECONDS;
use serde_json::json;

use crate::support::appliance::{Appliance, Joined};
use crate::support::client::Request;

/// A claim by the agent with this instance id, `after` seconds later.
fn claim(appliance: &Appliance, node: &Joined, instance: &str, after: u64) {
    appliance.clock.advance(Duration::from_secs(after));
    let body = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 1}).to_string();
    let request = Request::post("/api/node/claims").key(&node.key).header("Dinkem-Instance", instance).json(body);
    appliance.send(&request).expect(204);
}

/// Whether the node list and `doctor` report a shared key.
fn is_reported(appliance: &Appliance) -> (bool, bool) {
    let faults = super::faults(appliance);
    let fault = faults.iter().find(|fault| fault.code == "node_key_shared");
    let names = fault.is_some_and(|fault| fault.message.contains("n1") && fault.remedy.contains("admin nodes remove"));
    (nodes::list(&appliance.app).unwrap()[0].key_is_shared, names)
}

#[test]
fn two_machines_with_one_node_key_are_reported_while_both_run() {
    let appliance = Appliance::start();
    let node = appliance.node("n1");
    for _ in 0..2 {
        claim(&appliance, &node, "first", 20);
        claim(&appliance, &node, "second", 5);
    }
    assert_eq!(is_reported(&appliance), (true, true));
    // One of the machines is switched off.
    for _ in 0..NODE_SHARED_SECONDS / 25 {
        claim(&appliance, &node, "first", 25);
    }
    assert_eq!(is_reported(&appliance), (false, false));
}

#[test]
fn node_that_restarts_repeatedly_is_one_machine() {
    let appliance = Appliance::start();
    let node = appliance.node("n1");
    for restart in 0..10 {
        claim(&appliance, &node, &format!("agent-{restart}"), 1);
        claim(&appliance, &node, &format!("agent-{restart}"), 1);
    }
    assert_eq!(is_reported(&appliance), (false, false));
}

#[test]
fn invalid_instance_ids_are_ignored() {
    let appliance = Appliance::start();
    let node = appliance.node("n1");
    for _ in 0..3 {
        claim(&appliance, &node, "", 1);
        claim(&appliance, &node, &"x".repeat(NODE_INSTANCE_CHARS + 1), 1);
        claim(&appliance, &node, "with a space", 1);
    }
    assert_eq!(is_reported(&appliance), (false, false));
}
