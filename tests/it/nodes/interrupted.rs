//! A stopped or unready node: neither is counted against the job.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::{jobs, leases, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::job::{ATTEMPTS, JobStatus};
use dinkem_appliance::domain::lease::LOSSES;
use dinkem_appliance::domain::node::NodeState;
use dinkem_appliance::node::agent::AgentConfig;
use dinkem_appliance::os::clock::FakeClock;

use crate::support::node_harness::{GOOD, NodeHarness, is_alive, while_working};
use crate::support::node_server::Behavior;
use crate::support::script;
use crate::support::test_app::{TestApp, spec};
use crate::support::wait::until;

#[test]
fn renderer_ended_by_a_signal_while_its_node_stops_is_an_interruption() {
    let cases = [
        ("by the signal", "echo $$ > $dir/pid; exec sleep 600"),
        ("caught", "trap 'exit 143' TERM; echo $$ > $dir/pid; while :; do sleep 0.01; done"),
        ("exit 20", "trap 'exit 20' TERM; echo $$ > $dir/pid; until [ -e $dir/go ]; do sleep 0.01; done"),
    ];
    for (how, script) in cases {
        let harness = NodeHarness::new(Behavior::normal());
        let mut config = harness.config(script);
        // The clock stands still, so that the node's stop is in time even on a busy machine.
        config.clock = Arc::new(FakeClock::at(0));
        let lease = harness.server.offer(&harness.demo_url, None);
        while_working(config, |stop| {
            let pid = harness.read_note("pid");
            if how == "exit 20" {
                // This is no exit by a signal, so the node must already be stopping.
                stop.stop();
                until("the node to leave", || {
                    harness.server.calls().iter().any(|call| call.ends_with("/leave")).then_some(())
                });
            }
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            until("the renderer to exit", || (!is_alive(&pid)).then_some(()));
            stop.stop();
        })
        .unwrap();
        let failed = harness.server.lease(lease).failed.unwrap();
        assert_eq!((&failed["code"], &failed["retry"]), (&"node_failed".into(), &"anywhere".into()), "{how}: {failed}");
    }
}

/// Stops the node and, a little earlier, the child of it that wrote its number to `$dir/pid`.
fn stop_with_child(harness: &NodeHarness, mut config: AgentConfig, demo_url: &str) -> serde_json::Value {
    config.clock = Arc::new(FakeClock::at(0));
    let lease = harness.server.offer(demo_url, None);
    while_working(config, |stop| {
        let pid = harness.read_note("pid");
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        until("the child to exit", || (!is_alive(&pid)).then_some(()));
        stop.stop();
    })
    .unwrap();
    harness.server.lease(lease).failed.unwrap()
}

#[test]
fn child_that_reads_the_demo_or_checks_the_video_is_interrupted_just_the_same() {
    for what in ["reads the demo", "checks the video"] {
        let harness = NodeHarness::new(Behavior::normal());
        let mut config = harness.config(GOOD);
        let dir = harness.dir.path();
        let child = dir.join("child");
        let name_itself = format!("#!/bin/sh\necho $$ > {}/pid", dir.display());
        let url = if what == "reads the demo" {
            script::write(&child, &format!("{name_itself}; exec sleep 600\n"));
            config.program = child;
            harness.url("/good.dem.gz")
        } else {
            // As ffmpeg does.
            let caught = "trap 'exit 255' TERM; while :; do sleep 0.01; done";
            script::write(&child, &format!("{name_itself}; {caught}\n"));
            config.renderers.ffmpeg = child.to_str().unwrap().into();
            harness.demo_url.clone()
        };
        let failed = stop_with_child(&harness, config, &url);
        assert_eq!(
            (&failed["code"], &failed["retry"]),
            (&"node_failed".into(), &"anywhere".into()),
            "{what}: {failed}"
        );
        assert_eq!(failed["message"], "The render node was stopped.", "{what}");
    }
}

#[test]
fn removed_node_stops_its_work_and_ends() {
    let harness = NodeHarness::new(Behavior { lease_ms: 3_000, ..Behavior::normal() });
    let mut config = harness.config("echo $$ > $dir/pid; exec sleep 600");
    config.patience.cancel = Duration::ZERO;
    harness.server.offer(&harness.demo_url, None);
    let ended = while_working(config, |_| {
        let (pid, calls) = (harness.read_note("pid"), harness.server.calls().len());
        harness.server.change(|behavior| behavior.fail_all_with = Some(401));
        until("the renderer to exit", || (!is_alive(&pid)).then_some(()));
        until("a claim", || harness.server.calls()[calls..].iter().any(|call| call.ends_with("/claims")).then_some(()));
    });
    assert_eq!(ended.unwrap_err().code.as_str(), "node_unknown");
}

#[test]
fn stopping_node_announces_it_whatever_the_server_answers() {
    for status in [None, Some(404), Some(500)] {
        let harness = NodeHarness::new(Behavior::normal());
        let mut config = harness.config(GOOD);
        config.slots = 3;
        while_working(config, |stop| {
            until("a claim", || (!harness.server.calls().is_empty()).then_some(()));
            harness.server.change(|behavior| behavior.fail_all_with = status);
            stop.stop();
        })
        .unwrap();
        let calls = harness.server.calls();
        let of = |wanted: &str| calls.iter().filter(|call| *call == wanted).count();
        assert_eq!(of("POST /api/node/leave"), 1, "{status:?}: {calls:?}");
        assert_eq!(of("POST /api/node/claims"), 1, "all slots share one claim: {calls:?}");
    }
}

#[test]
fn older_server_gets_a_failure_code_it_knows_for_an_unready_node() {
    let harness = NodeHarness::new(Behavior { is_older: true, ..Behavior::normal() });
    while_working(harness.config("exit 21"), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let failed = harness.server.wait_for_end(lease).failed.unwrap();
        assert_eq!((&failed["code"], &failed["retry"]), (&"node_failed".into(), &"elsewhere".into()), "{failed}");
    })
    .unwrap();
}

fn failure(code: FailureCode, retry: Retry) -> Failure {
    Failure { code, message: "The render node was stopped.".into(), retry }
}

#[test]
fn interruptions_never_use_up_a_jobs_attempts() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    let id = jobs::submit(&test.app, &metered, spec()).unwrap().job.public_id;
    for _ in 0..LOSSES + ATTEMPTS {
        let grant = test.claim(&node).unwrap();
        let stopped = failure(FailureCode::NodeFailed, Retry::Anywhere);
        leases::fail(&test.app, &node, grant.lease.id, stopped.into()).unwrap();
    }
    let job = jobs::get(&test.app, &metered, id).unwrap().job;
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0));
}

#[test]
fn unready_node_is_benched_and_the_attempt_is_not_counted() {
    for retry in [Retry::Elsewhere, Retry::Anywhere, Retry::Never] {
        let test = TestApp::start();
        let (metered, _) = test.account("studio");
        let id = jobs::submit(&test.app, &metered, spec()).unwrap().job.public_id;
        for number in 1..=ATTEMPTS + 1 {
            let node = test.node(&format!("n{number}"));
            let grant = test.claim(&node).unwrap();
            let unready = failure(FailureCode::NodeNotReady, retry);
            leases::fail(&test.app, &node, grant.lease.id, unready.into()).unwrap();
            let listed = nodes::list(&test.app).unwrap().pop().unwrap();
            assert_eq!(listed.state, NodeState::Benched);
            assert_eq!(listed.node.bench.unwrap().because, "The render node was stopped.");
            let job = jobs::get(&test.app, &metered, id).unwrap().job;
            assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0), "{retry:?}");
        }
    }
}
