//! Fair indexing: accounts take turns, and a demo that needs too much disk space is not retried forever.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::demos::index::{EXHAUSTIONS, INDEX_RETRY_SECONDS};
use dinkem_appliance::app::demos::{self, index};
use dinkem_appliance::domain::demo::Indexing;
use dinkem_appliance::domain::error::Kind;
use dinkem_appliance::domain::failure::FailureCode;
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::room::{DISK_RESERVE_BYTES, Room};
use dinkem_appliance::os::stop::StopFlag;

use crate::support::compression::gz;
use crate::support::process::BINARY;
use crate::support::script;
use crate::support::test_app::TestApp;

const MIB: u64 = 1 << 20;

fn upload(test: &TestApp, caller: &Caller, bytes: &[u8]) -> Sha256 {
    demos::receive(&test.app, caller, &mut &[b"PBDEMS2\0", bytes].concat()[..]).unwrap().sha256
}

fn is_read(test: &TestApp, caller: &Caller, demo: &Sha256) -> bool {
    demos::known(&test.app, caller, demo).unwrap().unwrap() != Indexing::Waiting
}

/// A reader that writes an empty index.
fn reader(test: &TestApp) -> PathBuf {
    let path = test.dir.path().join("reader");
    let index = r#"{"map":"x","tick_rate":64.0,"rounds":[],"players":[]}"#;
    script::write(&path, &format!("#!/bin/sh\necho '{index}' > \"$3/index.json\"\n"));
    path
}

#[test]
fn one_accounts_uploads_do_not_delay_anothers_even_after_a_restart() {
    for restarts in [false, true] {
        let mut test = TestApp::start();
        let ((greedy, _), (modest, _)) = (test.account("greedy"), test.account("modest"));
        let many: Vec<_> = (0..20).map(|number: u8| upload(&test, &greedy, &[number])).collect();
        test.clock.advance(Duration::from_secs(1));
        let one = upload(&test, &modest, b"one");
        if restarts {
            test = test.restart();
        }
        let program = reader(&test);
        let read = || assert!(index::index_next(&test.app, &program, &StopFlag::new()).unwrap());
        read();
        read();
        assert!(is_read(&test, &modest, &one), "restarted: {restarts}");
        (0..19).for_each(|_| read());
        assert!(many.iter().all(|demo| is_read(&test, &greedy, demo)));
        assert!(!index::index_next(&test.app, &program, &StopFlag::new()).unwrap());
    }
}

#[test]
fn demo_shared_by_two_accounts_is_indexed_once_at_the_first_turn() {
    let test = TestApp::start();
    let ((first, _), (second, _)) = (test.account("first"), test.account("second"));
    let own = upload(&test, &first, b"own");
    let shared = upload(&test, &first, b"shared");
    assert_eq!(upload(&test, &second, b"shared"), shared);
    let program = reader(&test);
    let read = || index::index_next(&test.app, &program, &StopFlag::new()).unwrap();
    assert!(read() && read() && !read());
    assert!(is_read(&test, &first, &own) && is_read(&test, &second, &shared));
}

/// Unpacks to this many MiB at a ratio of about 30, below the bomb limit.
fn compressible_demo(mib: usize) -> Vec<u8> {
    let mut noise = 1_u64;
    let mut block = || {
        let mut block = vec![0; 64 * 1_024];
        for byte in &mut block[..2_048] {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (noise >> 56) as u8;
        }
        block
    };
    gz(&(0..mib * 16).flat_map(|_| block()).collect::<Vec<u8>>())
}

fn app_with_free_space(left: u64) -> (TestApp, Arc<std::sync::atomic::AtomicU64>) {
    let free = Arc::new(std::sync::atomic::AtomicU64::new(DISK_RESERVE_BYTES + left));
    let seen = Arc::clone(&free);
    let probe = move || Some(seen.load(std::sync::atomic::Ordering::SeqCst));
    (TestApp::start_with(|_| {}, |_| Room::new(DISK_RESERVE_BYTES, probe)), free)
}

#[test]
fn compressed_demo_that_fills_the_disk_three_times_fails_without_blocking_others() {
    let (test, _) = app_with_free_space(20 * MIB);
    let (caller, _) = test.account("studio");
    let packed = compressible_demo(32);
    let demo = demos::receive(&test.app, &caller, &mut &packed[..]).unwrap().sha256;
    let read = || index::index_next(&test.app, Path::new(BINARY), &StopFlag::new()).unwrap();
    for times in 1..=EXHAUSTIONS {
        assert!(read(), "{times}");
        let is_last = times == EXHAUSTIONS;
        assert_eq!(is_read(&test, &caller, &demo), is_last, "{times}");
        if !is_last {
            let other = upload(&test, &caller, &[times as u8]);
            assert!(read() && is_read(&test, &caller, &other), "other demos are not blocked");
            assert!(!read(), "the retry is delayed");
            test.clock.advance(Duration::from_secs(INDEX_RETRY_SECONDS));
        }
    }
    let Indexing::Failed { code, message } = demos::known(&test.app, &caller, &demo).unwrap().unwrap() else {
        panic!("it must fail")
    };
    assert!(code == FailureCode::DemoTooLarge && message.contains("3 times"), "{code:?} {message}");
    assert!(!read(), "it is not retried forever");
    assert_eq!(std::fs::read_dir(test.dir.path().join("indexing")).unwrap().count(), 0);
}

#[test]
fn with_enough_disk_space_the_same_demo_is_unpacked_and_read() {
    let (test, free) = app_with_free_space(20 * MIB);
    let (caller, _) = test.account("studio");
    let demo = demos::receive(&test.app, &caller, &mut &compressible_demo(32)[..]).unwrap().sha256;
    let read = || index::index_next(&test.app, Path::new(BINARY), &StopFlag::new());
    assert!(read().unwrap() && !is_read(&test, &caller, &demo));
    // Too little space even for an ordinary demo of that size: this is the machine's fault and does not count.
    free.store(DISK_RESERVE_BYTES + MIB, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..EXHAUSTIONS {
        test.clock.advance(Duration::from_secs(INDEX_RETRY_SECONDS));
        assert_eq!(read().unwrap_err().kind, Kind::NoSpace);
    }
    free.store(DISK_RESERVE_BYTES + 100 * MIB, std::sync::atomic::Ordering::SeqCst);
    test.clock.advance(Duration::from_secs(INDEX_RETRY_SECONDS));
    assert!(read().unwrap());
    let Indexing::Failed { code, .. } = demos::known(&test.app, &caller, &demo).unwrap().unwrap() else {
        panic!("it must fail: it is no demo")
    };
    assert_eq!(code, FailureCode::DemoUnreadable);
}
