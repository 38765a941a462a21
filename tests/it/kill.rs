//! `kill -9` at any point: every acknowledged job ends as done, with one video and one ledger row.

use crate::support::process::Appliance;
use crate::support::proxy::Proxy;
use crate::support::quick;
use crate::support::wait::{TIMEOUT, until};

/// What the node sends at each stage: heartbeats, upload, completion.
const STAGES: [&str; 6] = [
    r#""stage":"fetching""#,
    r#""stage":"parsing""#,
    r#""stage":"rendering""#,
    r#""stage":"uploading""#,
    "/video?offset=",
    "/complete HTTP",
];

#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Node,
}

/// Kills and restarts `victim` when the node sends `stage`; the job must still end as done.
fn kill_at(victim: Victim, stage: &str) {
    let files = quick::server();
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let proxy = Proxy::before(&appliance.address);
    let mut node = appliance.node("node", Some(&proxy.url));

    let reached = proxy.stop_at(stage);
    let id = appliance.submit(&key, &quick::job(&files));
    reached.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("{victim:?}: never saw {stage}"));
    match victim {
        Victim::Server => {
            appliance.server().kill();
            proxy.release();
            appliance.restart();
        }
        Victim::Node => {
            node.kill();
            proxy.release();
            node = appliance.node("node", Some(&proxy.url));
        }
    }

    let job = appliance.wait_for_clip(&key, &id);
    assert_eq!(appliance.ledger_rows(), 1, "{victim:?} killed at {stage}");
    until("the killed attempt's files to be deleted", || (appliance.videos().len() == 1).then_some(()));
    let (status, video) = appliance.raw("GET", job["clip"]["url"].as_str().unwrap(), None, None);
    assert_eq!((status, video.len() as u64), (200, job["clip"]["bytes"].as_u64().unwrap()));
    drop(node);
}

#[test]
fn server_killed_in_any_stage_loses_no_job_and_bills_it_once() {
    STAGES.iter().for_each(|stage| kill_at(Victim::Server, stage));
}

#[test]
fn node_killed_in_any_stage_loses_no_job_and_bills_it_once() {
    STAGES.iter().for_each(|stage| kill_at(Victim::Node, stage));
}

#[test]
fn server_killed_while_jobs_wait_keeps_every_acknowledged_job() {
    let files = quick::server();
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let ids: Vec<String> = (0..3).map(|_| appliance.submit(&key, &quick::job(&files))).collect();
    appliance.server().kill();
    appliance.restart();
    let _node = appliance.node("node", None);
    for id in &ids {
        appliance.wait_for_clip(&key, id);
    }
    assert_eq!(appliance.ledger_rows(), 3);
    assert_eq!(appliance.videos().len(), 3);
}
