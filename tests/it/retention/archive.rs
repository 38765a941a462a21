//! The archive of finished jobs: what is in it, what stays, what clients and bills see afterwards, and interrupted runs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use dinkem_appliance::app::billing::{prices, statements, usage};
use dinkem_appliance::app::clips::operator as all_clips;
use dinkem_appliance::app::jobs::{self, Once};
use dinkem_appliance::app::upkeep::backup;
use dinkem_appliance::app::upkeep::retention::{self, run};
use dinkem_appliance::app::{leases, webhooks};
use dinkem_appliance::domain::error::Kind as ErrorKind;
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::idempotency::IdempotencyKey;
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};
use dinkem_appliance::domain::list::JobFilter;
use dinkem_appliance::domain::money::Micros;
use dinkem_appliance::domain::month::Period;
use dinkem_appliance::domain::rates::{FootageKind, RateChange};
use dinkem_appliance::domain::retention::{DAY_MS, JOB_ROW_BYTES, Kind, Limits};
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::wire;
use dinkem_appliance::wire::base::Base;
use dinkem_appliance::wire::node_requests::FailReport;
use uuid::Uuid;

use super::{archived, bytes, cancel, days, files, has_clip, ids, pass_days, render, set};
use crate::support::operator;
use crate::support::test_app::{self, START_MS, TestApp, spec};

/// The month of the tests' first day.
const MONTH: &str = "2026-11";

/// Everything that bills and usage show: statements as JSON, and the accounts' usage in several periods.
fn bills(test: &TestApp, callers: &[&Caller]) -> String {
    let made = statements::make(&test.app, None, None).unwrap();
    let mut text = serde_json::to_string(&wire::statement::view(&made)).unwrap();
    for caller in callers {
        for (from, to) in [(0, 400), (0, 1), (1, 2), (0, 3)] {
            let period = Period { from_ms: START_MS + from * DAY_MS, to_ms: START_MS + to * DAY_MS };
            let shown = wire::usage::view(&usage::usage(&test.app, caller, period).unwrap());
            text += &serde_json::to_string(&shown).unwrap();
        }
    }
    text
}

/// A job that fails for good.
fn fail(test: &TestApp, caller: &Caller) -> Uuid {
    let node = test.node("failing");
    let id = jobs::submit(&test.app, caller, JobSpec { metadata: Some(r#"{"b": 1, "a":"ß"}"#.into()), ..spec() });
    let lease = test.claim(&node).unwrap().lease.id;
    let failure = Failure::for_good(FailureCode::RoundNotInDemo, "There is no round 2.");
    let log = Some("the last line".into());
    leases::fail(&test.app, &node, lease, FailReport { failure, log, demo_build: None }).unwrap();
    id.unwrap().job.public_id
}

#[test]
fn archived_job_is_in_the_file_with_everything_and_nowhere_else() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let node = test.node("n");
    let failed = fail(&test, &metered);
    let done = render(&test, &reserved, &node);
    jobs::remove(&test.app, &reserved, done).unwrap();
    let cancelled = cancel(&test, &metered);
    let with_clip = render(&test, &metered, &node);
    let waiting = jobs::submit(&test.app, &metered, spec()).unwrap().job.public_id;
    pass_days(&test, 29);
    let young = cancel(&test, &metered);
    let before = jobs::get(&test.app, &metered, failed).unwrap();
    pass_days(&test, 1);
    let newest = cancel(&test, &metered);
    set(&test, Kind::Jobs, None, days(30));
    assert_eq!(run(&test.app).unwrap(), 3);

    let lines = archived(test.dir.path(), MONTH);
    assert_eq!(ids(&lines), [failed, done, cancelled].map(|id| id.to_string()));
    let shown = serde_json::to_value(wire::job::view(&before, &Base::public("https://x")).unwrap()).unwrap();
    let line = &lines[0];
    assert_eq!(line["job"], shown);
    assert_eq!((&line["account"], &line["key"]), (&"studio".into(), &metered.key.0.into()));
    let attempt = &line["attempts"][0];
    assert_eq!((&attempt["node"], &attempt["state"]), (&"failing".into(), &"failed".into()));
    assert_eq!((&attempt["error"]["code"], &attempt["log"]), (&"round_not_in_demo".into(), &"the last line".into()));
    assert_eq!(lines[1]["attempts"][0]["state"], "done");
    assert_eq!(lines[2]["attempts"].as_array().unwrap().len(), 0);

    for gone in [failed, done, cancelled] {
        for answer in [jobs::get(&test.app, &metered, gone), jobs::remove(&test.app, &metered, gone)] {
            assert_eq!(answer.err().unwrap().kind, ErrorKind::NotFound);
        }
    }
    for kept in [with_clip, waiting, young, newest] {
        assert!(jobs::get(&test.app, &metered, kept).is_ok());
    }
    assert!(has_clip(&test, &metered, with_clip));
    let listed = jobs::list(&test.app, &metered, &JobFilter::default(), 10, None).unwrap().jobs;
    assert_eq!(listed.iter().map(|info| info.job.public_id).collect::<Vec<_>>(), [newest, young, waiting, with_clip]);
    assert_eq!(run(&test.app).unwrap(), 0);
}

#[test]
fn a_file_that_was_moved_away_and_put_back_is_continued_and_an_unreadable_one_is_set_aside() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let first = cancel(&test, &metered);
    cancel(&test, &metered);
    pass_days(&test, 2);
    set(&test, Kind::Jobs, None, days(1));
    assert_eq!(run(&test.app).unwrap(), 1);
    let file = test.dir.path().join(format!("archive/jobs-{MONTH}.jsonl.gz"));
    let away = test.dir.path().join("away.gz");
    fs::rename(&file, &away).unwrap();
    // The next run notices that it is gone, and forgets it.
    assert_eq!(run(&test.app).unwrap(), 0);
    fs::rename(&away, &file).unwrap();
    cancel(&test, &metered);
    pass_days(&test, 2);
    assert_eq!(run(&test.app).unwrap(), 1);
    let found = archived(test.dir.path(), MONTH);
    assert_eq!((found.len(), &ids(&found)[0]), (2, &first.to_string()));

    fs::remove_file(&file).unwrap();
    assert_eq!(run(&test.app).unwrap(), 0);
    fs::write(&file, "no archive").unwrap();
    cancel(&test, &metered);
    pass_days(&test, 2);
    assert_eq!(run(&test.app).unwrap(), 1);
    assert_eq!(archived(test.dir.path(), MONTH).len(), 1);
    assert_eq!(fs::read_to_string(file.with_extension("gz.unreadable")).unwrap(), "no archive");
}

#[test]
fn bills_and_usage_are_the_same_before_and_after_archiving() {
    let test = TestApp::start();
    let ((a, a_reserved), (b, _)) = (test.account("a"), test.account("b"));
    let node = test.node("n");
    let kind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };
    prices::set(&test.app, &operator(), RateChange::Hour(kind, Micros::new(430_000_000))).unwrap();
    let mut finished = 0;
    for caller in [&a, &a_reserved, &b] {
        for _ in 0..3 {
            let id = render(&test, caller, &node);
            jobs::remove(&test.app, caller, id).unwrap();
            cancel(&test, caller);
            test.clock.advance(Duration::from_secs(3_600 * 7));
            finished += 2;
        }
    }
    fail(&test, &b);
    cancel(&test, &a);
    pass_days(&test, 2);
    let before = bills(&test, &[&a, &b]);
    assert!(before.contains("\"cancelled\":7") && before.contains("\"failed\":1"), "{before}");
    set(&test, Kind::Jobs, None, days(1));
    assert_eq!(run(&test.app).unwrap(), finished + 1, "all but the newest");
    assert_eq!(bills(&test, &[&a, &b]), before);
    let test = test.restart();
    assert_eq!(bills(&test, &[&a, &b]), before);
}

#[test]
fn job_tried_again_counts_only_by_how_it_ends_at_last() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let id = cancel(&test, &metered);
    let period = Period { from_ms: 0, to_ms: i64::MAX };
    let counts = |test: &TestApp| {
        let total = usage::usage(&test.app, &metered, period).unwrap().total();
        (total.done, total.failed, total.cancelled)
    };
    assert_eq!(counts(&test), (0, 0, 1));
    jobs::operator::retry(&test.app, &operator(), id).unwrap();
    assert_eq!(counts(&test), (0, 0, 0));
    let lease = test.claim(&test.node("n")).unwrap();
    let failure = Failure::for_good(FailureCode::RenderFailed, "x");
    leases::fail(&test.app, &test.node("m"), lease.lease.id, failure.clone().into()).unwrap_err();
    assert_eq!(counts(&test), (0, 0, 0));
    jobs::remove(&test.app, &metered, id).unwrap();
    assert_eq!(counts(&test), (0, 0, 1));
    fail(&test, &metered);
    assert_eq!(counts(&test), (0, 1, 1));
}

#[test]
fn jobs_go_by_bytes_as_a_fixed_size_for_each_and_never_on_their_first_day() {
    let test = TestApp::start();
    let ((a, _), (b, _)) = (test.account("a"), test.account("b"));
    let node = test.node("n");
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push((&a, cancel(&test, &a)));
        all.push((&b, cancel(&test, &b)));
    }
    let clip = render(&test, &a, &node);
    set(&test, Kind::Jobs, None, bytes(0));
    assert_eq!(run(&test.app).unwrap(), 0, "a repeated submission must find them");
    pass_days(&test, 1);
    // Seven finished jobs, of which the one with a clip cannot go.
    set(&test, Kind::Jobs, None, bytes(5 * JOB_ROW_BYTES));
    assert_eq!(run(&test.app).unwrap(), 2);
    set(&test, Kind::Jobs, Some("b"), Limits { max_age_ms: None, max_bytes: None });
    set(&test, Kind::Jobs, None, bytes(0));
    cancel(&test, &a);
    assert_eq!(run(&test.app).unwrap(), 2);
    let left: Vec<_> = all.iter().map(|(caller, id)| jobs::get(&test.app, caller, *id).is_ok()).collect();
    assert_eq!(left, [false, false, false, true, false, true]);
    assert!(has_clip(&test, &a, clip));
}

#[test]
fn repeated_submission_never_makes_a_second_job_because_the_first_was_archived() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let submit = || {
        let once = Once { key: IdempotencyKey::parse("order-1").unwrap(), body_sha256: Sha256::of(b"body") };
        jobs::submit_once(&test.app, &metered, spec(), once, Base::public("https://x")).unwrap()
    };
    let first = submit();
    jobs::remove(&test.app, &metered, first.job).unwrap();
    cancel(&test, &metered);
    set(&test, Kind::Jobs, None, days(1));
    test.clock.advance(Duration::from_millis(DAY_MS as u64 - 1));
    assert_eq!(run(&test.app).unwrap(), 0);
    assert!(submit().again);
    test.clock.advance(Duration::from_millis(1));
    assert_eq!(run(&test.app).unwrap(), 1);
    assert!(!submit().again, "a day has passed");
}

#[test]
fn each_month_has_its_file_and_members_are_appended() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    set(&test, Kind::Jobs, None, days(1));
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(cancel(&test, &metered).to_string());
        pass_days(&test, 10);
        run(&test.app).unwrap();
    }
    cancel(&test, &metered);
    assert_eq!(run(&test.app).unwrap(), 1);
    let names = files(test.dir.path(), "archive");
    assert_eq!(names, ["jobs-2026-11.jsonl.gz", "jobs-2026-12.jsonl.gz"]);
    let both = [archived(test.dir.path(), "2026-11"), archived(test.dir.path(), "2026-12")];
    assert_eq!(both.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(both.iter().flat_map(|lines| ids(lines)).collect::<Vec<_>>(), all);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| fs::metadata(test.dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("archive"), mode("archive/jobs-2026-11.jsonl.gz")), (0o700, 0o600));
    }
}

#[test]
fn torn_member_of_an_interrupted_run_is_cut_off_and_a_missing_file_is_begun_anew() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let jobs: Vec<_> = (0..5).map(|_| cancel(&test, &metered).to_string()).collect();
    let one = |test: &TestApp, most: usize| {
        set(test, Kind::Jobs, None, bytes((5 - most as u64) * JOB_ROW_BYTES));
        run(&test.app).unwrap()
    };
    pass_days(&test, 1);
    assert_eq!(one(&test, 1), 1);
    let path = test.dir.path().join(format!("archive/jobs-{MONTH}.jsonl.gz"));
    let sound = fs::read(&path).unwrap();
    let torn = |bytes: &[u8]| OpenOptions::new().append(true).open(&path).unwrap().write_all(bytes).unwrap();
    // A whole member, and half of one, whose jobs were not deleted.
    for left in [&sound[..], &sound[..sound.len() / 2]] {
        torn(left);
        assert_eq!(run(&test.app).unwrap(), 0);
        assert_eq!(fs::read(&path).unwrap(), sound);
    }
    torn(&sound[..10]);
    assert_eq!(one(&test, 2), 1);
    assert_eq!(ids(&archived(test.dir.path(), MONTH)), jobs[..2]);
    let away = test.dir.path().join("moved-away.gz");
    fs::rename(&path, &away).unwrap();
    assert_eq!(one(&test, 3), 1);
    assert_eq!(ids(&archived(test.dir.path(), MONTH)), jobs[2..3]);
    // A short file has lost something: nothing more goes into it, and no row goes.
    fs::write(&path, &fs::read(&path).unwrap()[..20]).unwrap();
    set(&test, Kind::Jobs, None, bytes(0));
    let refused = run(&test.app).unwrap_err();
    assert!(refused.message.contains("jobs-2026-11.jsonl.gz"), "{refused}");
    assert!(super::killed::faults(&test).contains(&"archive_damaged"));
}

#[test]
fn backup_has_the_archive_up_to_its_recorded_length_and_restore_brings_it_back() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let pinned = render(&test, &metered, &node);
    all_clips::pin(&test.app, &operator(), pinned, true).unwrap();
    let jobs: Vec<_> = (0..3).map(|_| cancel(&test, &metered).to_string()).collect();
    pass_days(&test, 1);
    // One, and the newest stays.
    set(&test, Kind::Jobs, None, bytes(3 * JOB_ROW_BYTES));
    assert_eq!(run(&test.app).unwrap(), 1);
    let path = test.dir.path().join(format!("archive/jobs-{MONTH}.jsonl.gz"));
    let sound = fs::read(&path).unwrap();
    // The server is about to append more.
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&sound[..15]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (file, restored) = (scratch.path().join("backup.tar"), scratch.path().join("restored"));
    let made = backup::make(&test.admin(), &file, true).unwrap();
    assert_eq!(made.left_out, [""; 0]);

    // The jobs that are archived after the backup come back with it, and are not in the archive.
    set(&test, Kind::Jobs, None, bytes(0));
    assert_eq!(run(&test.app).unwrap(), 1);
    assert_eq!(ids(&archived(test.dir.path(), MONTH)), jobs[..2]);
    backup::restore(&restored, &file, &*test.clock, &*test.random).unwrap();
    assert_eq!(fs::read(restored.join(format!("archive/jobs-{MONTH}.jsonl.gz"))).unwrap(), sound);
    let app = test_app::serve(&restored, &test.clock, &test.random).unwrap();
    assert_eq!(retention::show(&app).unwrap().len(), 1);
    assert_eq!(all_clips::list(&app, None, true, 10).unwrap().len(), 1, "still pinned");
    retention::set(&app, &operator(), Kind::Jobs, None, Some(bytes(0))).unwrap();
    assert_eq!(run(&app).unwrap(), 1);
    assert_eq!(ids(&archived(&restored, MONTH)), jobs[..2]);
}

#[test]
fn job_with_a_pending_webhook_delivery_stays_until_it_is_delivered_or_given_up() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    webhooks::owner::set(&test.app, &metered, "https://example.com/hook".into(), false).unwrap();
    let id = cancel(&test, &metered);
    cancel(&test, &metered);
    pass_days(&test, 2);
    set(&test, Kind::Jobs, None, days(1));
    assert_eq!(run(&test.app).unwrap(), 0);
    webhooks::owner::remove(&test.app, &metered).unwrap();
    assert_eq!(run(&test.app).unwrap(), 1);
    assert_eq!(ids(&archived(test.dir.path(), MONTH)), [id.to_string()]);
}
