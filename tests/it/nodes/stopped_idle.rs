//! Idle nodes that are terminated hold no job that is submitted right afterwards.

use crate::support::process::{Appliance, Process, terminate};
use crate::support::quick;
use crate::support::wait::until;

/// Nodes that are terminated at once.
const NODES: usize = 5;
/// Tries in the suite, each with one node and one job; `DINKEM_STOP_TRIES` asks for another number.
const TRIES: usize = 20;

#[test]
fn terminated_idle_nodes_hold_no_job() {
    let tries = std::env::var("DINKEM_STOP_TRIES").map_or(TRIES, |count| count.parse().unwrap());
    let files = quick::server();
    // A job that is given to a stopped node would wait for so long.
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8", "--lease-seconds", "60"]);
    let key = appliance.account("studio");
    let mut done = 0;
    while done < tries {
        let mut nodes: Vec<Process> = (0..NODES).map(|number| appliance.node(&format!("n{number}"), None)).collect();
        until("all nodes to wait for a job", || {
            let listed = appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().clone();
            let waiting = listed.iter().filter(|node| node["state"] == "up" && node["slots"] == 1).count();
            (waiting == NODES).then_some(())
        });
        terminate(&nodes);
        let ids: Vec<String> = nodes.iter().map(|_| appliance.submit(&key, &quick::job(&files))).collect();
        for node in &mut nodes {
            let (status, log) = node.wait();
            assert!(status.success(), "{status}: {log:?}");
        }
        for id in ids {
            let job = appliance.job(&key, &id);
            assert_eq!((&job["status"], &job["attempts"]), (&"queued".into(), &0.into()), "after {done}: {job:#}");
            assert_eq!(appliance.call("DELETE", &format!("/api/clips/{id}"), &key, None).0, 200);
            done += 1;
        }
    }
    eprintln!("{done} tries, leases given: {}", appliance.count("leases"));
    // On a busy machine, a job may come before the server hears of the stop: then the node returns it at once.
    assert_eq!(appliance.count("leases WHERE ended_at_ms IS NULL"), 0);
}
