//! The history by half hour: the last day's jobs, failures by their reason, and how the disk fills up.

use std::path::Path;
use std::time::Duration;

use dinkem_appliance::app::jobs::operator;
use dinkem_appliance::app::upkeep::history::{self, DISK_POINTS, Slot};
use dinkem_appliance::app::{jobs, leases};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::history::{HALF_HOUR_MS, half_hour};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::room::DISK_RESERVE_BYTES;

use crate::support::fake_disk::FakeDisk;
use crate::support::test_app::{START_MS, TestApp, spec};
use crate::support::video::{CLIP, POSTER};

const GB: u64 = 1_000_000_000;
const HALF_HOUR: Duration = Duration::from_millis(HALF_HOUR_MS as u64);

/// Renders the next waiting job.
pub fn render(test: &TestApp, node: &Node) {
    complete(test, node, test.claim(node).unwrap().lease.id);
}

/// Uploads and completes what a node has rendered.
pub fn complete(test: &TestApp, node: &Node, lease: LeaseId) {
    leases::append_video(&test.app, node, lease, 0, &mut &CLIP[..]).unwrap();
    leases::put_poster(&test.app, node, lease, &mut &POSTER[..]).unwrap();
    leases::complete(&test.app, node, lease, Sha256::of(&*CLIP).into()).unwrap();
}

fn fail(test: &TestApp, node: &Node, code: FailureCode, message: &str) {
    let lease = test.claim(node).unwrap().lease.id;
    leases::fail(&test.app, node, lease, Failure::for_good(code, message).into()).unwrap();
}

fn submit(test: &TestApp, caller: &Caller) -> uuid::Uuid {
    jobs::submit(&test.app, caller, spec()).unwrap().job.public_id
}

#[test]
fn last_day_counts_what_ended_in_each_half_hour_and_why_jobs_failed() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let node = test.node("n1");
    submit(&test, &metered);
    submit(&test, &reserved);
    render(&test, &node);
    render(&test, &node);
    submit(&test, &metered);
    fail(&test, &node, FailureCode::FetchFailed, "The first.");
    test.clock.advance(HALF_HOUR);
    submit(&test, &metered);
    fail(&test, &node, FailureCode::PlayerNotInDemo, "Not there.");
    let last = submit(&test, &metered);
    fail(&test, &node, FailureCode::FetchFailed, "The last.");
    let cancelled = submit(&test, &metered);
    submit(&test, &metered);
    history::sample(&test.app).unwrap();
    operator::cancel(&test.app, &crate::support::operator(), cancelled).unwrap();
    history::sample(&test.app).unwrap();

    let day = history::last_day(&test.app).unwrap();
    assert_eq!((day.slots.len(), day.done, day.failed, day.cancelled), (48, 2, 3, 1));
    let now = half_hour(test.now_ms());
    assert_eq!(day.slots[47], Slot { at_ms: now, failed: 2, cancelled: 1, waiting: Some(2), ..Slot::default() });
    let before = Slot { at_ms: now - HALF_HOUR_MS, done_reserved: 1, done_metered: 1, failed: 1, ..Slot::default() };
    assert_eq!(day.slots[46], before);
    assert_eq!(day.slots[0], Slot { at_ms: now - 47 * HALF_HOUR_MS, ..Slot::default() });
    let actual: Vec<_> = day.failures.iter().map(|failures| (failures.code, failures.jobs)).collect();
    assert_eq!(actual, [(FailureCode::FetchFailed, 2), (FailureCode::PlayerNotInDemo, 1)]);
    let example = day.failures[0].last.clone().unwrap();
    assert_eq!((example.id, example.account.as_str()), (last, "studio"));
    assert_eq!((example.node.as_deref(), example.message.as_str()), (Some("n1"), "The last."));
    assert_eq!(day.failures[0].last_at_ms, test.now_ms());

    operator::retry(&test.app, &crate::support::operator(), last).unwrap();
    let day = history::last_day(&test.app).unwrap();
    assert_eq!((day.failed, &day.failures[0].last), (3, &None), "a retried job is no example, but it did fail");
    test.clock.advance(HALF_HOUR * 46);
    assert_eq!(history::last_day(&test.app).unwrap().slots[0].done_metered, 1);
    test.clock.advance(HALF_HOUR * 2);
    let day = history::last_day(&test.app).unwrap();
    assert_eq!((day.done, day.failed, day.failures.len()), (0, 0, 0));
}

#[test]
fn disk_trend_says_when_only_the_reserve_is_left() {
    let disk = FakeDisk::with(1_000 * GB);
    let test = TestApp::start_with(|_| {}, |data: &Path| disk.room(data));
    let (metered, _) = test.account("studio");
    submit(&test, &metered);
    render(&test, &test.node("n1"));
    for half_hour in 0..=48 * 35 {
        disk.resize(1_000 * GB - half_hour * GB / 2);
        history::sample(&test.app).unwrap();
        test.clock.advance(HALF_HOUR);
        if half_hour == 47 {
            let early = history::disk_trend(&test.app).unwrap();
            assert_eq!((early.gained_per_day, early.days_left), (None, None), "less than a day of samples");
        }
    }
    let trend = history::disk_trend(&test.app).unwrap();
    assert!((100..=DISK_POINTS).contains(&trend.points.len()), "{}", trend.points.len());
    assert!(trend.points[0].at_ms > START_MS + 4 * 86_400_000);
    assert!(trend.points.iter().all(|point| point.stored_bytes == Some(CLIP.len() as u64)));
    assert_eq!(trend.reserve_bytes, DISK_RESERVE_BYTES);
    assert_eq!(trend.gained_per_day, Some(24 * GB as i64));
    let days = trend.days_left.unwrap();
    assert!((days - 160.0 / 24.0).abs() < 0.01, "{days}");
}

#[test]
fn history_is_deleted_after_a_hundred_days() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let id = submit(&test, &metered);
    operator::cancel(&test.app, &crate::support::operator(), id).unwrap();
    history::sample(&test.app).unwrap();
    let rows = |table: &str| {
        let db = rusqlite::Connection::open(test.dir.path().join("store.db")).unwrap();
        db.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get::<_, u64>(0)).unwrap()
    };
    let day = Duration::from_secs(86_400);
    test.clock.advance(day * 100);
    history::sample(&test.app).unwrap();
    assert_eq!((rows("ended_jobs"), rows("samples")), (1, 2), "exactly a hundred days");
    test.clock.advance(HALF_HOUR);
    history::sample(&test.app).unwrap();
    assert_eq!((rows("ended_jobs"), rows("samples")), (0, 2));
}
