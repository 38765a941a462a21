//! The store: locking, durability, and access by a second process.

use std::fs;
use std::sync::{Arc, Barrier, mpsc};

use dinkem_appliance::app::{App, accounts};
use dinkem_appliance::domain::error::Error;
use dinkem_appliance::domain::job::JobStatus;
use dinkem_appliance::os::doorbell::Doorbell;
use dinkem_appliance::os::random::{FakeRandom, Random};
use dinkem_appliance::store::{self, Store};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::test_app::{TestApp, private_dir, serve};

fn open(dir: &TempDir) -> Store {
    Store::serve(dir.path(), Arc::new(Doorbell::default())).unwrap()
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[track_caller]
fn assert_refused<T>(answer: Result<T, Error>, code: &str, message: &str) {
    let error = answer.err().expect("it must be refused");
    assert_eq!(error.code.as_str(), code);
    assert!(error.message.contains(message), "{}", error.message);
}

#[test]
fn second_server_on_the_same_data_is_refused_until_the_first_stops() {
    let test = TestApp::start();
    let path = test.dir.path().display().to_string();
    assert_refused(serve(test.dir.path(), &test.clock, &test.random), "data_dir_in_use", &path);
    let test = test.restart();
    assert!(accounts::list(&test.app).unwrap().is_empty());
}

#[test]
fn newer_or_foreign_store_is_refused_and_left_unchanged() {
    let cases = [
        ("PRAGMA user_version = 99", "store_newer", "version 99"),
        ("CREATE TABLE theirs (x)", "store_foreign", "another program"),
    ];
    for (sql, code, message) in cases {
        let dir = private_dir();
        Connection::open(dir.path().join("store.db")).unwrap().execute_batch(sql).unwrap();
        assert_refused(Store::serve(dir.path(), Arc::default()), code, message);
        assert_refused(Store::beside(dir.path()), code, message);
        let tables: i64 = Connection::open(dir.path().join("store.db"))
            .unwrap()
            .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert!(tables <= 1, "{sql}");
    }
}

#[test]
fn admin_creates_no_store_and_the_server_sees_what_admin_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("deep/data");
    assert_refused(Store::beside(&folder), "no_appliance", "deep/data");
    assert!(!dir.path().join("deep").exists(), "nothing must be created");
    drop(Store::serve(&folder, Arc::default()).unwrap());
    let beside = Store::beside(&folder).unwrap();
    beside.write(|tx| store::accounts::insert(tx, uuid(1), "studio", 5)).unwrap();
    let server = Store::serve(&folder, Arc::default()).unwrap();
    assert_eq!(server.read(store::accounts::all).unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn store_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let server = Store::serve(&folder, Arc::default()).unwrap();
    server.write(|tx| store::accounts::insert(tx, uuid(1), "studio", 5)).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
        files.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    files.sort();
    assert_eq!(
        files,
        ["archive", "backups", "clips", "demos", "indexing", "lock", "store.db", "store.db-shm", "store.db-wal"]
    );
}

#[test]
fn committed_write_is_visible_to_other_connections() {
    let dir = tempfile::tempdir().unwrap();
    let server = open(&dir);
    let start = Barrier::new(16);
    std::thread::scope(|scope| {
        for thread in 0..16_u128 {
            let (server, start) = (&server, &start);
            scope.spawn(move || {
                start.wait();
                for turn in 0..20_u128 {
                    let name = format!("{thread}-{turn}");
                    let (id, row) = (uuid(thread << 64 | turn), name.clone());
                    server.write(move |tx| store::accounts::insert(tx, id, &row, 0)).unwrap();
                    assert!(server.read(|db| store::accounts::by_name(db, &name)).unwrap().is_some(), "{name}");
                }
            });
        }
    });
    drop(server);
    assert_eq!(open(&dir).read(store::accounts::all).unwrap().len(), 16 * 20);
}

#[test]
fn failed_or_panicking_operation_is_rolled_back_without_affecting_its_commit_group() {
    let dir = tempfile::tempdir().unwrap();
    let server = open(&dir);
    // Blocks the writer, so that the following operations share one commit.
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let outcomes = std::thread::scope(|scope| {
        let blocker = scope.spawn(|| {
            server.write(move |_| {
                began.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            })
        });
        begun.recv().unwrap();
        let others: Vec<_> = ["good", "bad", "worse", "fine"]
            .into_iter()
            .zip(1..)
            .map(|(name, number)| {
                let server = &server;
                scope.spawn(move || {
                    server.write(move |tx| {
                        let account = store::accounts::insert(tx, uuid(number), name, 0)?;
                        match name {
                            "bad" => Err(Error::not_found("no")),
                            "worse" => panic!("expected panic in a test"),
                            _ => Ok(account.name),
                        }
                    })
                })
            })
            .collect();
        release.send(()).unwrap();
        blocker.join().unwrap().unwrap();
        others.into_iter().map(|other| other.join().unwrap().map_err(|error| error.code.as_str())).collect::<Vec<_>>()
    });
    assert_eq!(outcomes, [Ok("good".into()), Err("not_found"), Err("internal"), Ok("fine".into())]);
    let mut names: Vec<_> =
        server.read(store::accounts::all).unwrap().into_iter().map(|account| account.name).collect();
    names.sort();
    assert_eq!(names, ["fine", "good"]);
}

#[test]
fn admin_writes_succeed_beside_a_busy_server() {
    let test = TestApp::start();
    let admin: Arc<App> = test.admin();
    let random = FakeRandom::default();
    let (stop, stopped) = (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::Ordering::SeqCst);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (app, random, stop) = (&test.app, &random, &stop);
            scope.spawn(move || {
                while !stop.load(stopped) {
                    let name = format!("{thread} {:x}", random.bits().unwrap());
                    accounts::create(app, &crate::support::operator(), &name, false).unwrap();
                }
            });
        }
        for turn in 0..10 {
            accounts::create(&admin, &crate::support::operator(), &format!("admin {turn}"), true).unwrap();
        }
        stop.store(true, stopped);
    });
}

#[test]
fn admin_change_wakes_waiting_claims_of_an_idle_server() {
    let dir = tempfile::tempdir().unwrap();
    let news = Arc::new(Doorbell::default());
    let _server = Store::serve(dir.path(), news.clone()).unwrap();
    let beside = Store::beside(dir.path()).unwrap();
    let seen = news.rings();
    beside.write(|tx| store::accounts::insert(tx, uuid(1), "studio", 0)).unwrap();
    assert!(news.wait_past(seen, std::time::Duration::from_secs(30)));
}

#[test]
fn job_statuses_in_the_schema_are_those_of_the_state_table() {
    let schema = include_str!("../../schema.sql");
    let (_, jobs) = schema.split_once("CREATE TABLE jobs (").unwrap();
    let words = |before: &str| -> Vec<&str> {
        let (_, rest) = jobs.split_once(before).unwrap();
        rest.split_once("),").unwrap().0.split('\'').skip(1).step_by(2).collect()
    };
    let all: Vec<_> = JobStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(words("CHECK (status IN ("), all);
    // A job has ended exactly where the schema asks for the time of its end.
    let unfinished: Vec<_> =
        JobStatus::ALL.iter().filter(|status| status.is_unfinished()).map(|status| status.as_str()).collect();
    assert_eq!(words("(finished_at_ms IS NULL) = (status IN ("), unfinished);
}
