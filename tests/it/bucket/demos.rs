//! Uploaded demos in a bucket: upload, index, delivery to nodes, deletion, sweep, doctor, backup and move.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dinkem_appliance::app::clips::bucket::Storage;
use dinkem_appliance::app::demos::owner;
use dinkem_appliance::app::upkeep::move_storage::{Count, To, move_all};
use dinkem_appliance::app::upkeep::{backup, bucket, doctor, sweep};
use dinkem_appliance::app::{App, Settings, demos};
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::s3::object::Condition;
use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use crate::support::process::{Appliance, Process};
use crate::support::quick::{PLAYER, ROUND};
use crate::support::s3::{Fault, S3};
use crate::support::test_app::TestApp;
use crate::support::wait;

const DAY_MS: i64 = 24 * 3_600_000;
const DEMO: &[u8] = b"PBDEMS2 and so on";
const OTHER: &[u8] = b"PBDEMS2 another";

fn start(storage: Storage) -> TestApp {
    let test = TestApp::start_as(|settings| settings.storage = Some(storage));
    test.clock.set(SystemClock::new().now_ms());
    test
}

fn key(demo: &[u8]) -> String {
    format!("demos/{}", Sha256::of(demo))
}

/// Names of the files in the data directory's folder of demos.
fn on_disk(test: &TestApp) -> Vec<String> {
    let entries = fs::read_dir(test.dir.path().join("demos")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn codes(app: &App) -> Vec<&'static str> {
    let faults = doctor::examine_served(app, None, None, usize::MAX).unwrap().into_iter().map(|fault| fault.code);
    faults.filter(|code| ["bucket", "bucket_orphans", "demos_missing", "orphans"].contains(code)).collect()
}

/// `admin` beside the server.
fn beside(test: &TestApp, storage: Storage) -> Arc<App> {
    let settings = Settings { storage: Some(storage), ..Settings::default() };
    App::beside_as(test.dir.path(), settings, test.clock.clone(), test.random.clone()).unwrap()
}

#[test]
fn demo_lies_in_the_bucket_once_until_its_last_account_deletes_it() {
    let Some(s3) = S3::start("uploaded demos in the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    let (other, _) = test.account("other");
    for caller in [&studio, &other, &studio] {
        assert_eq!(demos::receive(&test.app, caller, &mut &DEMO[..]).unwrap().bytes, DEMO.len() as u64);
    }
    assert_eq!(s3.keys(), [key(DEMO)]);
    assert_eq!(on_disk(&test), Vec::<String>::new(), "nothing stays on the server's disk");
    let puts = s3.seen().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 1, "identical content is copied once");
    assert_eq!(codes(&test.app), Vec::<&str>::new());

    owner::delete(&test.app, &studio, Sha256::of(DEMO)).unwrap();
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 0);
    assert_eq!(s3.keys(), [key(DEMO)], "the other account still has it");
    owner::delete(&test.app, &other, Sha256::of(DEMO)).unwrap();
    // Uploaded again before the object is deleted.
    demos::receive(&test.app, &other, &mut &DEMO[..]).unwrap();
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 0);
    owner::delete(&test.app, &other, Sha256::of(DEMO)).unwrap();
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 1);
    assert_eq!(s3.keys(), Vec::<String>::new());

    demos::receive(&test.app, &other, &mut &DEMO[..]).unwrap();
    owner::delete(&beside(&test, s3.storage()), &other, Sha256::of(DEMO)).unwrap();
    assert_eq!(s3.keys(), [key(DEMO)], "what `admin` deletes is left to the server's daily sweep");
    test.clock.set(SystemClock::new().now_ms() + DAY_MS + 3_600_000);
    assert_eq!(bucket::sweep(&test.app).unwrap(), 1);
}

#[test]
fn demo_whose_deletion_is_not_certain_is_not_taken_until_it_is() {
    let Some(s3) = S3::start("a deletion without an answer") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    for demo in [DEMO, OTHER] {
        demos::receive(&test.app, &studio, &mut &demo[..]).unwrap();
        owner::delete(&test.app, &studio, Sha256::of(demo)).unwrap();
    }
    // The one that was deleted first is tried first.
    let first = DEMO;
    s3.fault(|head| head.starts_with("DELETE").then_some(Fault::Answer(503, "SlowDown")));
    bucket::delete_doomed(&test.app).unwrap_err();
    let refused = demos::receive(&test.app, &studio, &mut &first[..]).unwrap_err();
    assert_eq!(refused.code.as_str(), "storage_unavailable", "{refused}");
    s3.heal();
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 2);
    demos::receive(&test.app, &studio, &mut &first[..]).unwrap();
    assert_eq!(s3.keys(), [key(first)]);

    // One that may not be deleted does not keep the others, and can be uploaded again.
    demos::receive(&test.app, &studio, &mut &OTHER[..]).unwrap();
    demos::receive(&test.app, &studio, &mut &DEMO[..]).unwrap();
    for demo in [DEMO, OTHER] {
        owner::delete(&test.app, &studio, Sha256::of(demo)).unwrap();
    }
    let locked = Sha256::of(first).to_string();
    s3.fault(move |head| {
        (head.starts_with("DELETE") && head.contains(&locked)).then_some(Fault::Answer(403, "AccessDenied"))
    });
    bucket::delete_doomed(&test.app).unwrap_err();
    assert_eq!(s3.keys(), [key(first)]);
    demos::receive(&test.app, &studio, &mut &first[..]).unwrap();
}

#[test]
fn upload_that_the_bucket_refuses_or_damages_leaves_nothing_behind() {
    let Some(s3) = S3::start("refused uploads of demos") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    for (status, code, kind) in [(503, "SlowDown", "storage_unavailable"), (403, "AccessDenied", "bucket_refused")] {
        s3.fault(move |head| head.starts_with("PUT").then_some(Fault::Answer(status, code)));
        let error = demos::receive(&test.app, &studio, &mut &DEMO[..]).unwrap_err();
        assert_eq!(error.code.as_str(), kind);
        assert!(demos::known(&test.app, &studio, &Sha256::of(DEMO)).unwrap().is_none());
        assert_eq!(on_disk(&test), Vec::<String>::new());
    }
    // The object was stored, but the answer was lost: the next attempt finds it.
    s3.fault(|head| head.starts_with("PUT").then_some(Fault::LostAnswer));
    demos::receive(&test.app, &studio, &mut &DEMO[..]).unwrap_err();
    assert_eq!(s3.keys(), [key(DEMO)]);
    s3.heal();
    demos::receive(&test.app, &studio, &mut &DEMO[..]).unwrap();
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 0, "it has a row by now");
    assert_eq!(s3.keys(), [key(DEMO)]);
}

#[test]
fn sweep_and_doctor_tell_needed_demos_from_orphans() {
    let Some(s3) = S3::start("the sweep of demos in the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    demos::receive(&test.app, &studio, &mut &DEMO[..]).unwrap();
    let own = s3.bucket();
    for name in [&*key(b"orphan"), "demos/holiday.dem"] {
        own.put(&own.key(name), b"x", "application/octet-stream", Condition::None).unwrap();
    }
    assert_eq!(bucket::sweep(&test.app).unwrap(), 0, "everything is younger than a day");
    test.clock.set(SystemClock::new().now_ms() + DAY_MS + 3_600_000);
    assert_eq!(codes(&test.app), ["bucket_orphans"]);
    assert_eq!(bucket::sweep(&test.app).unwrap(), 1);
    let mut expected = [key(DEMO), "demos/holiday.dem".to_owned()];
    let mut found = s3.keys();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    own.delete(&own.key(&key(DEMO))).unwrap();
    assert_eq!(codes(&test.app), ["demos_missing"]);
}

#[test]
fn what_lies_under_the_prefix_of_another_appliance_is_not_garbage() {
    let Some(s3) = S3::start("two appliances with one prefix") else { return };
    let test = start(s3.storage());
    demos::receive(&test.app, &test.account("studio").0, &mut &DEMO[..]).unwrap();
    let own = s3.bucket();
    let put = |name: &str, content: &[u8]| {
        own.put(&own.key(name), content, "text/plain", Condition::None).unwrap();
    };
    put(&key(OTHER), OTHER);
    put("owner", b"0badcafe");
    test.clock.set(SystemClock::new().now_ms() + DAY_MS + 3_600_000);
    let is_shared = || {
        let faults = doctor::examine_served(&test.app, None, None, usize::MAX).unwrap();
        faults.iter().any(|fault| fault.code == "bucket_shared")
    };
    assert!(bucket::sweep(&test.app).unwrap_err().to_string().contains("swept"));
    assert_eq!((is_shared(), codes(&test.app), s3.keys().len()), (true, vec![], 2));
    // The other one is gone for good, as the operator says by deleting the object.
    own.delete(&own.key("owner")).unwrap();
    assert_eq!(codes(&test.app), ["bucket_orphans"]);
    assert_eq!(bucket::sweep(&test.app).unwrap(), 1);
    assert_eq!((is_shared(), s3.keys()), (false, vec![key(DEMO)]));
    assert!(own.head(&own.key("owner")).unwrap().is_some(), "from now on it is this one's");
}

#[test]
fn demos_move_into_the_bucket_and_back_and_the_backup_lists_them() {
    let Some(s3) = S3::start("moving demos") else { return };
    let to_disk = || Storage { takes_new: false, ..s3.storage() };
    let test = start(to_disk());
    let (studio, _) = test.account("studio");
    for demo in [DEMO, OTHER] {
        demos::receive(&test.app, &studio, &mut &demo[..]).unwrap();
    }
    assert_eq!((s3.keys().len(), on_disk(&test).len()), (0, 2));
    let admin = beside(&test, s3.storage());
    let bytes = (DEMO.len() + OTHER.len()) as u64;
    let moved = |app: &App, to| move_all(app, to, |_| ()).unwrap().demos;
    // Interrupted after the first demo, then repeated.
    let asked = AtomicUsize::new(0);
    s3.fault(move |head| {
        let count = if head.starts_with("PUT") { asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
        (count > 0).then_some(Fault::Answer(403, "AccessDenied"))
    });
    move_all(&admin, To::S3, |_| ()).unwrap_err();
    assert_eq!((s3.keys().len(), on_disk(&test).len()), (1, 1));
    s3.heal();
    let again = moved(&admin, To::S3);
    assert_eq!((again.moved, again.there, again.missing), (1, 1, 0));
    assert_eq!((s3.keys().len(), on_disk(&test).len()), (2, 0));
    assert_eq!(codes(&test.app), Vec::<&str>::new());

    // A damaged file is said and left, and does not hide the good one.
    let damaged = test.dir.path().join(key(DEMO));
    fs::write(&damaged, DEMO.to_ascii_uppercase()).unwrap();
    let count = moved(&admin, To::S3);
    assert_eq!((count.moved, count.there, count.missing), (0, 1, 1));
    fs::write(&damaged, "short").unwrap();
    assert_eq!(moved(&admin, To::S3).there, 2);
    assert_eq!(codes(&test.app), Vec::<&str>::new());

    let to = test.dir.path().join("backup.tar");
    let made = backup::make(&admin, &to, false).unwrap();
    assert_eq!((made.demos, made.demos_in_bucket, made.left_out.len()), (0, 2, 0));
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = backup::restore(&elsewhere.path().join("data"), &to, &*test.clock, &*test.random).unwrap();
    assert_eq!(restored.demos_in_bucket, 2);

    let back = beside(&test, to_disk());
    assert_eq!(moved(&back, To::Disk), Count { moved: 2, bytes, ..Count::default() });
    assert_eq!((s3.keys().len(), on_disk(&test).len()), (0, 2));
    assert_eq!(fs::read(test.dir.path().join(key(DEMO))).unwrap(), DEMO);
    assert_eq!(moved(&back, To::Disk), Count { there: 2, ..Count::default() });
    assert_eq!(sweep::sweep(&test.app).unwrap(), 0);
}

/// A server whose demos lie in the bucket, and an uploaded demo.
struct Uploaded {
    appliance: Appliance,
    account: String,
    demo: Value,
    _node: Process,
}

impl Uploaded {
    /// Uploads a demo and waits until it is indexed.
    fn to(s3: &S3) -> Self {
        let storage = s3.flags("s3");
        let appliance = Appliance::start_plain(&storage.iter().map(String::as_str).collect::<Vec<_>>());
        let account = appliance.account("studio");
        let (status, demo) = appliance.raw("POST", "/api/demos", Some(&account), Some(forge::quick()));
        let demo: Value = serde_json::from_slice(&demo).unwrap();
        assert_eq!(status, 201, "{demo}");
        let index = format!("/api/demos/{}", demo["sha256"].as_str().unwrap());
        wait::until("the index", || (appliance.call("GET", &index, &account, None).0 == 200).then_some(()));
        let _node = appliance.node("node", None);
        Self { appliance, account, demo, _node }
    }

    fn submit(&self) -> String {
        let body = json!({"demo_url": self.demo["demo_url"], "steam64_id": PLAYER.to_string(), "round": ROUND});
        self.appliance.submit(&self.account, &body)
    }

    fn render(&self) {
        self.appliance.wait_for_clip(&self.account, &self.submit());
        assert_eq!(self.appliance.ledger_rows(), 1);
    }
}

/// Whether a node, and not the server, reads a demo: the server reads ranges.
fn is_by_node(head: &str) -> bool {
    head.starts_with("GET") && head.contains("/demos/") && !head.to_lowercase().contains("\r\nrange:")
}

#[test]
fn node_reads_an_uploaded_demo_straight_from_the_bucket() {
    let Some(s3) = S3::start("a node that reads a demo in the bucket") else { return };
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    s3.fault(move |head| {
        counted.fetch_add(usize::from(is_by_node(head)), Ordering::SeqCst);
        None
    });
    let uploaded = Uploaded::to(&s3);
    uploaded.render();
    assert_eq!(read.load(Ordering::SeqCst), 1);
    let demos = fs::read_dir(uploaded.appliance.data_dir().join("demos")).unwrap().count();
    assert_eq!(demos, 0, "nothing stays on the server's disk");
}

#[test]
fn node_gets_an_uploaded_demo_through_the_server_if_it_cannot_reach_the_bucket_or_is_cut_off() {
    for fault in [Fault::Answer(403, "AccessDenied"), Fault::Cut(9_000)] {
        let Some(s3) = S3::start("a node that cannot read the bucket") else { return };
        s3.fault(move |head| is_by_node(head).then_some(fault));
        Uploaded::to(&s3).render();
    }
}

#[test]
fn job_whose_demo_is_lost_fails_instead_of_holding_a_node_for_ever() {
    let Some(s3) = S3::start("a lost demo") else { return };
    let uploaded = Uploaded::to(&s3);
    s3.bucket().delete(&s3.bucket().key(&s3.keys()[0])).unwrap();
    let job = uploaded.appliance.wait_for_job(&uploaded.account, &uploaded.submit());
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("fetch_failed")), "{job}");
}
