//! How often a node sends heartbeats.

use crate::support::node_harness::{GOOD, NodeHarness, while_working};
use crate::support::node_server::Behavior;

/// Reports progress for about two seconds.
fn busy() -> String {
    format!(
        "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo 'openjd_status: parsing'; echo \"openjd_progress: $i\"
         sleep 0.05; done; {GOOD}"
    )
}

#[test]
fn node_beats_once_a_stage_and_otherwise_as_often_as_the_server_says() {
    for (heartbeat_ms, is_quiet) in [(Some(100_000), true), (None, false)] {
        let harness = NodeHarness::new(Behavior { heartbeat_ms, ..Behavior::normal() });
        while_working(harness.config(&busy()), |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            let lease = harness.server.wait_for_end(lease);
            assert!(lease.completed.is_some(), "{:?}", lease.failed);
            let stages: Vec<_> = lease.heartbeats.iter().map(|(stage, _)| stage.as_str()).collect();
            match is_quiet {
                true => assert_eq!(stages, ["fetching", "parsing", "rendering", "uploading"]),
                false => assert!(stages.len() > 4, "{stages:?}"),
            }
        })
        .unwrap();
    }
}
