//! Node processes that are stopped, frozen or removed in the middle of their work.

use crate::support::copies::Copies;
use crate::support::node_harness::is_alive;
use crate::support::process::{Appliance, Process, terminate_ids};
use crate::support::wait::until;

/// A node whose renderer names itself and hangs, but only the first time.
struct Busy {
    appliance: Appliance,
    key: String,
    job: String,
    node: Process,
    renderer: String,
    _copies: Copies,
}

impl Busy {
    fn start() -> Self {
        let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
        let key = appliance.account("studio");
        let copies = Copies::prepare(appliance.scratch());
        let pid = appliance.scratch().join("pid");
        let hang = format!("[ -e {0} ] || {{ echo $$ > {0}; exec sleep 600; }}", pid.display());
        let flags = copies.flags(&hang);
        let node = appliance.node_with("n1", None, &flags.iter().map(String::as_str).collect::<Vec<_>>());
        let job = appliance.submit(&key, &copies.job());
        let renderer = until("the renderer to start", || {
            let text = std::fs::read_to_string(&pid).ok()?;
            text.strip_suffix('\n').map(str::to_owned)
        });
        Self { appliance, key, job, node, renderer, _copies: copies }
    }

    fn until_renderer_ends(&self) {
        until("the renderer to end", || (!is_alive(&self.renderer)).then_some(()));
    }
}

#[test]
fn node_whose_processes_are_all_terminated_at_once_returns_its_job_and_exits_with_0() {
    let mut busy = Busy::start();
    terminate_ids(&[busy.renderer.clone(), busy.node.id().to_string()]);
    let (status, log) = busy.node.wait();
    assert!(status.success(), "{status}: {log:#?}");
    let job = busy.appliance.job(&busy.key, &busy.job);
    assert_eq!((&job["status"], &job["attempts"]), (&"queued".into(), &0.into()), "{job:#}");
    assert_eq!(busy.appliance.count("leases WHERE failure_message = 'The render node was stopped.'"), 1);
}

#[test]
fn node_that_was_frozen_longer_than_its_lease_stops_its_work_and_goes_on() {
    let busy = Busy::start();
    busy.node.signal("STOP");
    until("the lease to expire", || (busy.appliance.count("leases WHERE state = 'lost'") == 1).then_some(()));
    busy.node.signal("CONT");
    busy.until_renderer_ends();
    busy.appliance.wait_for_clip(&busy.key, &busy.job);
    assert_eq!((busy.appliance.count("leases"), busy.appliance.ledger_rows()), (2, 1));
}

#[test]
fn removed_node_stops_its_work_and_its_process_says_why() {
    let mut busy = Busy::start();
    busy.appliance.admin(&["nodes", "remove", "n1"]);
    busy.until_renderer_ends();
    let (status, log) = busy.node.wait();
    let log = log.join("\n");
    assert!(!status.success() && log.contains("does not know this node's key any more"), "{status}: {log}");
    assert_eq!(busy.appliance.job(&busy.key, &busy.job)["status"], "queued");
}
