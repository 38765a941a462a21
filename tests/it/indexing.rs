//! Uploaded demos are indexed in child processes: two at a time, within limits, and a failing child harms neither the
//! server nor other demos.

use std::path::PathBuf;
use std::time::Duration;

use dinkem_appliance::app::demos::index::INDEX_SECONDS;
use dinkem_appliance::app::demos::{self, index};
use dinkem_appliance::domain::demo::Indexing;
use dinkem_appliance::domain::failure::FailureCode;
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::stop::StopFlag;
use dinkem_appliance::render::forge;
use dinkem_appliance::scheduler;
use dinkem_appliance::scheduler::INDEXERS;
use dinkem_appliance::wire::base::Base;

use crate::support::client::Request;
use crate::support::test_app::TestApp;
use crate::support::wait::until;
use crate::support::{process, script};

/// A child that writes an empty index. Scripts are called as `PROGRAM inspect --child DIR DEMO`.
const GOOD: &str = r#"echo '{"map":"x","tick_rate":64.0,"rounds":[],"players":[]}' > "$3/index.json""#;

struct Fixture {
    test: TestApp,
    caller: Caller,
}

impl Fixture {
    fn open() -> Self {
        let test = TestApp::start();
        let (caller, _) = test.account("studio");
        Self { test, caller }
    }

    fn upload(&self, bytes: &[u8]) -> Sha256 {
        demos::receive(&self.test.app, &self.caller, &mut &bytes[..]).unwrap().sha256
    }

    fn known(&self, sha256: &Sha256) -> Indexing {
        demos::known(&self.test.app, &self.caller, sha256).unwrap().unwrap()
    }

    fn program(&self, work: &str) -> PathBuf {
        let path = self.test.dir.path().join("reader");
        script::write(&path, &format!("#!/bin/sh\n[ \"$1 $2\" = 'inspect --child' ] || exit 99\n{work}\n"));
        path
    }

    fn read_next(&self, work: &str) -> dinkem_appliance::domain::Result<bool> {
        index::index_next(&self.test.app, &self.program(work), &StopFlag::new())
    }
}

#[test]
fn failing_child_marks_the_demo_unreadable_with_a_reason() {
    let cases = [
        ("kill -9 $$", "crashed"),
        ("exit 101", "crashed"),
        ("echo 'openjd_fail: Too old.'; echo 'dinkem_error: code=demo_unsupported retry=never'; exit 10", "Too old."),
        ("exit 10", "cannot be read"),
        ("echo '{}' > $3/index.json", "invalid or too large"),
        (
            "head -c 1100000 /dev/zero | tr '\\0' ' ' > $3/index.json; echo '{}' >> $3/index.json",
            "invalid or too large",
        ),
    ];
    for (number, (work, expected_text)) in cases.iter().enumerate() {
        let fixture = Fixture::open();
        let demo = fixture.upload(&[number as u8]);
        assert!(fixture.read_next(work).unwrap());
        let Indexing::Failed { code, message } = fixture.known(&demo) else { panic!("{work}") };
        let expected =
            if *expected_text == "Too old." { FailureCode::DemoUnsupported } else { FailureCode::DemoUnreadable };
        assert!(code == expected && message.contains(expected_text), "{work}: {code:?} {message}");
        assert!(!fixture.read_next(GOOD).unwrap(), "it is not retried by itself");
        fixture.upload(&[number as u8]);
        assert!(fixture.read_next(GOOD).unwrap(), "it is retried after another upload");
        assert!(matches!(fixture.known(&demo), Indexing::Indexed(_)));
    }
}

#[test]
fn machine_failure_requeues_the_demo_behind_the_others() {
    let fixture = Fixture::open();
    let first = fixture.upload(b"first");
    fixture.test.clock.advance(Duration::from_secs(1));
    let second = fixture.upload(b"second");
    for work in ["echo 'openjd_fail: No room.'; exit 20", "exit 21", "true"] {
        fixture.test.clock.advance(Duration::from_secs(1));
        assert!(fixture.read_next(work).is_err(), "{work}");
        assert_eq!((fixture.known(&first), fixture.known(&second)), (Indexing::Waiting, Indexing::Waiting));
    }
    // The failed attempts have put the first demo behind the second.
    assert!(fixture.read_next(GOOD).unwrap());
    assert!(matches!(fixture.known(&second), Indexing::Indexed(_)) && fixture.known(&first) == Indexing::Waiting);
    assert!(fixture.read_next(GOOD).unwrap());
    assert!(matches!(fixture.known(&first), Indexing::Indexed(_)));
}

#[test]
fn hanging_child_is_killed_at_its_time_limit() {
    let fixture = Fixture::open();
    let demo = fixture.upload(b"demo");
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| fixture.read_next("sleep 600"));
        until("the hanging child to be killed", || {
            fixture.test.clock.advance(Duration::from_secs(INDEX_SECONDS));
            reading.is_finished().then_some(())
        });
        assert!(reading.join().unwrap().unwrap());
    });
    let Indexing::Failed { message, .. } = fixture.known(&demo) else { panic!("it must time out") };
    assert!(message.contains("longer than 300 seconds"), "{message}");
}

#[test]
fn stopping_server_kills_its_children_and_requeues_the_demo() {
    let fixture = Fixture::open();
    let demo = fixture.upload(b"demo");
    let began = fixture.test.dir.path().join("began");
    let program = fixture.program(&format!("echo > {}; sleep 600", began.display()));
    let passes =
        scheduler::start(fixture.test.app.clone(), program, Base::public("https://clips.lan"), Vec::new()).unwrap();
    until("the child to start", || began.exists().then_some(()));
    passes.stop();
    assert_eq!(fixture.known(&demo), Indexing::Waiting);
    let Fixture { test, caller } = fixture;
    let fixture = Fixture { test: test.restart(), caller };
    assert!(fixture.read_next(GOOD).unwrap());
    assert!(matches!(fixture.known(&demo), Indexing::Indexed(_)));
}

#[test]
fn two_demos_are_indexed_at_a_time_until_all_are_done() {
    let fixture = Fixture::open();
    let demos: Vec<_> = (0..7_u8).map(|number| fixture.upload(&[number])).collect();
    let (log, go) = (fixture.test.dir.path().join("log"), fixture.test.dir.path().join("go"));
    // Each child waits until the test has seen two at once.
    let work = format!(
        "echo + >> {log}; while [ ! -e {go} ]; do sleep 0.01; done; {GOOD}; echo - >> {log}",
        log = log.display(),
        go = go.display()
    );
    let passes = scheduler::start(
        fixture.test.app.clone(),
        fixture.program(&work),
        Base::public("https://clips.lan"),
        Vec::new(),
    )
    .unwrap();
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    until("two children at once", || (read().matches('+').count() == INDEXERS).then_some(()));
    std::fs::write(&go, "").unwrap();
    until("all demos to be indexed", || {
        demos.iter().all(|demo| fixture.known(demo) != Indexing::Waiting).then_some(())
    });
    passes.stop();
    let mut running = 0_i32;
    for line in read().lines() {
        running += if line == "+" { 1 } else { -1 };
        assert!((0..=INDEXERS as i32).contains(&running), "{}", read());
    }
    assert_eq!(read().matches('+').count(), demos.len(), "each demo must be read once");
}

#[test]
fn demo_is_indexed_after_its_server_was_killed() {
    let mut appliance = process::Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let address = || appliance.address.parse().unwrap();
    let uploaded = Request::post("/api/demos").key(&key).body(forge::quick()).send(address()).expect(201).json();
    let path = format!("/api/demos/{}", uploaded["sha256"].as_str().unwrap());
    appliance.server().kill();
    appliance.restart();
    let report = until("the demo's index", || {
        let (status, body) = appliance.call("GET", &path, &key, None);
        assert!([200, 202].contains(&status), "{status} {body}");
        (status == 200).then_some(body)
    });
    assert_eq!(report["rounds"].as_array().map(Vec::len), Some(2));
}
