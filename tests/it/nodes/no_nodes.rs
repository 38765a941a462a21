//! Jobs that wait without a render node: what the server, readyz, healthcheck and doctor say.

use serde_json::{Value, json};
use std::time::Duration;

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request;
use crate::support::process;
use crate::support::wait::until;

use dinkem_appliance::domain::node::NODE_GONE_SECONDS;

fn doctor(appliance: &Appliance) -> Vec<(String, String)> {
    let faults = super::faults(appliance);
    // The nodes in these tests send no protocol version.
    let faults = faults.into_iter().filter(|fault| fault.code != "node_versions");
    faults.map(|fault| (fault.code.to_owned(), format!("{} {}", fault.message, fault.remedy))).collect()
}

fn ready(appliance: &Appliance) -> Value {
    appliance.send(&Request::get("/readyz")).expect(200).json()
}

#[test]
fn readyz_and_doctor_warn_when_jobs_wait_and_no_node_is_up() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let well = json!({"status": "ready"});
    assert_eq!((ready(&appliance), doctor(&appliance)), (well.clone(), vec![]), "nothing waits");

    appliance.job(&key);
    let warned = ready(&appliance);
    assert_eq!((&warned["status"], &warned["warnings"][0]["code"]), (&json!("ready"), &json!("no_nodes")));
    let [(code, message)] = &doctor(&appliance)[..] else { panic!("one fault") };
    assert_eq!(code, "no_nodes");
    assert!(message.starts_with("1 job is waiting and no render node has joined."), "{message}");
    assert!(message.contains("admin nodes token") && message.contains("--local-nodes"), "{message}");

    // A node that is up, even if busy, will get to the job.
    let node = appliance.node("n1");
    assert!(appliance.claim(&node).is_some());
    appliance.job(&key);
    appliance.job(&key);
    assert_eq!((ready(&appliance), doctor(&appliance)), (well, vec![]));

    // The node goes silent, then leaves.
    appliance.clock.advance(Duration::from_secs(NODE_GONE_SECONDS));
    for _ in 0..2 {
        assert_eq!(ready(&appliance)["warnings"][0]["code"], "no_nodes");
        let [(_, message)] = &doctor(&appliance)[..] else { panic!("one fault") };
        assert!(message.starts_with("2 jobs are waiting and no render node is up."), "{message}");
        assert!(message.contains("admin nodes list"), "{message}");
        appliance.send(&Request::post("/api/node/leave").key(&node.key)).expect(200);
    }
}

#[test]
fn healthcheck_passes_with_a_warning_when_jobs_wait_for_nodes() {
    let appliance = process::Appliance::start(&[]);
    let data = appliance.data_dir();
    let check = || process::run(&["--data-dir", data.to_str().unwrap(), "admin", "healthcheck"]);
    let (status, out, _) = check();
    assert!(status.success() && !out.contains("warning"), "{out}");
    assert!(appliance.admin(&["healthcheck"]).get("warnings").is_none());
    let key = appliance.account("studio");
    appliance.submit(&key, &good_job());
    let (status, out, err) = check();
    assert!(status.success() && err.is_empty(), "{err}");
    assert!(out.contains("warning: Jobs are waiting and no render node is up. (no_nodes)"), "{out}");
    assert_eq!(appliance.admin(&["healthcheck"])["warnings"][0]["code"], "no_nodes");
}

#[test]
fn server_without_nodes_prints_the_join_command_at_startup() {
    let mut appliance = process::Appliance::start(&[]);
    let data = appliance.data_dir().display().to_string();
    let message =
        until("the hint", || appliance.server().line().filter(|line| line.contains("No render node has joined")));
    let line = format!("`dinkem-appliance --data-dir {data} admin nodes token`");
    assert!(message.contains(&line) && message.contains("--local-nodes 1"), "{message}");
    // The suggested command works.
    assert!(appliance.admin(&["nodes", "token"])["join_token"].is_string());
}

#[cfg(unix)]
#[test]
fn server_whose_nodes_are_all_down_says_so_at_startup() {
    let mut appliance = process::Appliance::start(&[]);
    let mut node = appliance.node("n1", None);
    until("the node to be up", || (appliance.admin(&["nodes", "list"])["nodes"][0]["slots"] == 1).then_some(()));
    node.signal("TERM");
    assert!(node.wait().0.success());
    appliance.restart();
    let message = until("the hint", || appliance.server().line().filter(|line| line.contains("No render node is up")));
    assert!(message.contains("admin nodes list`") && message.contains("--local-nodes 1"), "{message}");
}

#[test]
fn server_with_a_local_node_prints_no_such_hint() {
    let mut appliance = process::Appliance::start(&["--local-nodes", "1"]);
    until("the node to be up", || {
        let nodes = appliance.admin(&["nodes", "list"]);
        (nodes["nodes"][0]["slots"] == 1).then_some(())
    });
    let mut lines = Vec::new();
    while let Some(line) = appliance.server().line() {
        lines.push(line);
    }
    assert!(lines.iter().any(|line| line.starts_with("Listening on")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("No render node has joined")), "{lines:?}");
}
