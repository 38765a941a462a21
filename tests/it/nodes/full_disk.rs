//! A node whose disk is nearly full fails jobs whose demo does not fit.

use std::fs;
use std::sync::Arc;

use dinkem_appliance::os::room::Room;

use crate::support::node_harness::{GOOD, NodeHarness, while_working};
use crate::support::node_server::Behavior;

/// A disk with this much space above the reserve.
fn disk(left: u64) -> Arc<Room> {
    Room::new(1_000, move || Some(1_000 + left))
}

#[test]
fn demo_that_does_not_fit_once_unpacked_fails_and_leaves_nothing() {
    let harness = NodeHarness::new(Behavior::normal());
    let mut config = harness.config(GOOD);
    config.room = disk(1_000_000);
    let cache = config.state_dir.join("cache");
    while_working(config, |_| {
        let lease = harness.server.offer(&harness.url("/bomb.dem.gz"), None);
        let failed = harness.server.wait_for_end(lease).failed.unwrap();
        assert_eq!((&failed["code"], &failed["retry"]), (&"demo_too_large".into(), &"elsewhere".into()), "{failed}");
        assert!(failed["message"].as_str().unwrap().contains("disk space"), "{failed}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    })
    .unwrap();
}

#[test]
fn node_at_its_disk_reserve_fails_jobs_with_the_reason() {
    let harness = NodeHarness::new(Behavior::normal());
    let mut config = harness.config(GOOD);
    config.room = Room::new(1_000, || Some(999));
    while_working(config, |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let failed = harness.server.wait_for_end(lease).failed.unwrap();
        assert_eq!(failed["code"], "node_failed");
        assert!(failed["message"].as_str().unwrap().contains("disk"), "{failed}");
    })
    .unwrap();
}
