//! Power cuts: whatever was acknowledged before one is there after it.
//!
//! A server's app works on a new data directory while every write and sync is recorded (`crates/disk_log`). Then the disk
//! is rebuilt as it may be after a power cut, at random places of the recording: what was written before a sync began is
//! there when the sync has ended; of the rest nothing, a random part, torn into sectors, or everything. Each disk is opened
//! with the product's own code and examined.
//!
//! The cuts depend on the seed, which is printed and can be set with `POWER_LOSS_SEED`; what the threads of the recorded
//! server do, and when, also depends on the machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]

#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
#[path = "../it/support/clip.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod clip;
#[cfg(target_os = "linux")]
mod cuts;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
#[path = "../it/support/rng.rs"]
mod rng;
#[cfg(target_os = "linux")]
#[path = "../it/support/spec.rs"]
mod spec;
#[cfg(target_os = "linux")]
#[path = "../it/support/video.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod video;
#[cfg(target_os = "linux")]
#[path = "../it/support/wait.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod wait;
#[cfg(target_os = "linux")]
mod work;

#[cfg(target_os = "linux")]
#[test]
fn no_acknowledged_work_is_lost_in_a_power_cut_but_much_would_be_without_the_sync_of_each_commit() {
    let recorded = cuts::Recorded::new();
    let full = recorded.survey(cuts::Syncs::AsMade);
    full.print("synchronous = FULL");
    // Shows that a missing sync would be noticed.
    let normal = recorded.survey(cuts::Syncs::AsIfNormal);
    normal.print("as if synchronous = NORMAL");
    assert!(full.lost.is_empty() && full.damaged.is_empty(), "see above");
    assert!(normal.lost.len() >= cuts::CUTS / 4, "only {} of {} cuts lost anything", normal.lost.len(), cuts::CUTS);
}

#[cfg(not(target_os = "linux"))]
#[test]
fn power_cuts_are_simulated_on_linux_only() {
    eprintln!("SKIPPED: writes and syncs can be recorded on Linux only");
}
