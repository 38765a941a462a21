//! Finished clips wait on the node's disk while the server is away, and are delivered for as long as the server takes
//! them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::node::agent::AgentConfig;
use dinkem_appliance::os::clock::FakeClock;

use crate::support::hash::sha256_hex;
use crate::support::node_harness::{GOOD, NodeHarness, while_working};
use crate::support::node_server::Behavior;
use crate::support::process::Appliance;
use crate::support::proxy::Proxy;
use crate::support::quick;
use crate::support::wait::{TIMEOUT, until, until_within};

/// Longer than a lease.
const OUTAGE: Duration = Duration::from_secs(3_600);

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// A node whose clip was finished after its server went away.
struct Outage {
    harness: NodeHarness,
    config: AgentConfig,
    clock: Arc<FakeClock>,
    lease: usize,
}

impl Outage {
    fn prepare() -> Self {
        let harness = NodeHarness::new(Behavior { lease_ms: 30_000, ..Behavior::normal() });
        let clock = Arc::new(FakeClock::at(0));
        let script =
            format!("echo run >> $dir/runs; echo $$ > $dir/pid; until [ -e $dir/go ]; do sleep 0.01; done; {GOOD}");
        let config = AgentConfig { clock: clock.clone(), ..harness.config(&script) };
        let lease = harness.server.offer(&harness.demo_url, None);
        Self { harness, config, clock, lease }
    }

    /// The server goes away, the clip is finished, and time passes.
    fn begin(&self) {
        self.harness.read_note("pid");
        self.harness.server.change(|behavior| behavior.fail_all_with = Some(503));
        fs::write(self.harness.dir.path().join("go"), "").unwrap();
        let note = self.outbox().join(self.lease.to_string()).join("clip.json");
        until("the finished clip to be kept", || note.exists().then_some(()));
        self.clock.advance(OUTAGE);
    }

    fn outbox(&self) -> std::path::PathBuf {
        self.config.state_dir.join("outbox")
    }

    /// Polls while the clock runs.
    fn until(&self, what: &str, is: impl Fn() -> bool) {
        until(what, || {
            self.clock.advance(Duration::from_millis(500));
            is().then_some(())
        });
    }

    /// The server is back: it takes the clip, or gave its job to another node meanwhile.
    fn end(&self, is_lost: bool) {
        let server = &self.harness.server;
        server.change(|behavior| (behavior.fail_all_with, behavior.revoke_leases) = (None, is_lost));
        self.until("an empty outbox", || is_empty(&self.outbox()));
        let lease = server.lease(self.lease);
        let video = fs::read(self.harness.dir.path().join("good.mp4")).unwrap();
        assert_eq!(lease.completed, (!is_lost).then(|| sha256_hex(&video)));
        assert!(lease.failed.is_none(), "{:?}", lease.failed);
        if !is_lost {
            assert_eq!((lease.video, lease.poster), (video, b"\xff\xd8\xffjpeg\n".to_vec()));
        }
        server.change(|behavior| behavior.revoke_leases = false);
        let next = server.offer(&self.harness.demo_url, None);
        self.until("the next job", || server.lease(next).completed.is_some());
        let runs = fs::read_to_string(self.harness.dir.path().join("runs")).unwrap();
        assert_eq!(runs.lines().count(), 2, "one for each job");
    }
}

#[test]
fn clip_finished_during_an_outage_is_delivered_unless_its_lease_is_lost() {
    for is_lost in [false, true] {
        let outage = Outage::prepare();
        while_working(outage.config.clone(), |_| {
            outage.begin();
            let calls = outage.harness.server.calls().len();
            outage.until("the node to try again", || outage.harness.server.calls().len() > calls + 3);
            assert!(!is_empty(&outage.outbox()));
            outage.end(is_lost);
        })
        .unwrap();
    }
}

#[test]
fn clip_finished_during_an_outage_survives_a_restart_of_its_node() {
    for is_lost in [false, true] {
        let outage = Outage::prepare();
        while_working(outage.config.clone(), |_| outage.begin()).unwrap();
        assert!(!is_empty(&outage.outbox()) && is_empty(&outage.config.state_dir.join("work")));
        while_working(outage.config.clone(), |_| outage.end(is_lost)).unwrap();
    }
}

#[test]
fn stopped_node_that_can_return_its_job_keeps_no_clip() {
    let harness = NodeHarness::new(Behavior { busy_completions: u32::MAX, ..Behavior::normal() });
    let config = harness.config(GOOD);
    let lease = harness.server.offer(&harness.demo_url, None);
    while_working(config.clone(), |stop| {
        until("a completion", || harness.server.calls().iter().any(|call| call.ends_with("/complete")).then_some(()));
        stop.stop();
    })
    .unwrap();
    assert!(harness.server.lease(lease).failed.is_some() && is_empty(&config.state_dir.join("outbox")));
}

#[test]
fn refused_clip_is_offered_once_and_not_kept() {
    let harness = NodeHarness::new(Behavior { refuse_completions: true, ..Behavior::normal() });
    let config = harness.config(GOOD);
    while_working(config.clone(), |_| {
        for _ in 0..2 {
            let lease = harness.server.offer(&harness.demo_url, None);
            let failed = harness.server.wait_for_end(lease).failed.unwrap();
            assert_eq!((&failed["code"], &failed["retry"]), (&"render_failed".into(), &"elsewhere".into()), "{failed}");
        }
    })
    .unwrap();
    let completions = harness.server.calls().iter().filter(|call| call.ends_with("/complete")).count();
    assert!(completions == 2 && is_empty(&config.state_dir.join("outbox")), "{completions}");
}

#[test]
fn server_that_was_down_longer_than_a_lease_takes_the_finished_clip() {
    let files = quick::server();
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let proxy = Proxy::before(&appliance.address);
    let _node = appliance.node("node", Some(&proxy.url));
    let reached = proxy.stop_at("/complete HTTP");
    let id = appliance.submit(&key, &quick::job(&files));
    reached.recv_timeout(TIMEOUT).unwrap();
    appliance.server().kill();
    proxy.release();
    let outbox = appliance.scratch().join("node/outbox");
    let dropped = until_within(Duration::from_secs(3), || is_empty(&outbox).then_some(()));
    assert!(dropped.is_none(), "a finished clip outlives the lease of two seconds");
    appliance.restart();
    appliance.wait_for_clip(&key, &id);
    assert_eq!((appliance.count("leases"), appliance.ledger_rows()), (1, 1));
    until("an empty outbox", || is_empty(&outbox).then_some(()));
}

#[test]
fn node_that_was_cut_off_finds_out_that_another_has_done_its_job() {
    let files = quick::server();
    let appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let proxy = Proxy::before(&appliance.address);
    let _cut_off = appliance.node("cut-off", Some(&proxy.url));
    let reached = proxy.stop_at("/complete HTTP");
    let id = appliance.submit(&key, &quick::job(&files));
    reached.recv_timeout(TIMEOUT).unwrap();
    let mut other = appliance.node("other", None);
    let clip = appliance.wait_for_clip(&key, &id)["clip"].clone();
    other.kill();
    proxy.release();
    let outbox = appliance.scratch().join("cut-off/outbox");
    until("an empty outbox", || is_empty(&outbox).then_some(()));
    assert_eq!(appliance.job(&key, &id)["clip"], clip, "it stays the other's");
    let next = appliance.submit(&key, &quick::job(&files));
    appliance.wait_for_clip(&key, &next);
    assert_eq!((appliance.count("leases"), appliance.ledger_rows()), (3, 2));
    until("two videos", || (appliance.videos().len() == 2).then_some(()));
}
