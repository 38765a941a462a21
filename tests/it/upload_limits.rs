//! Quota and disk limits hold while uploads are running, and refused uploads leave nothing.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Barrier;

use dinkem_appliance::app::upkeep::backup;
use dinkem_appliance::app::{self, demos, leases};
use dinkem_appliance::domain::error::Kind;
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::job::{ATTEMPTS, Caller, JobStatus};
use rusqlite::Connection;

use crate::support::fake_disk::{self, FakeDisk};
use crate::support::test_app::{TestApp, spec};

const MIB: usize = 1 << 20;

/// A demo of this size, different for each number.
fn demo(number: u8, bytes: usize) -> Vec<u8> {
    let mut demo = b"PBDEMS2\0".to_vec();
    demo.resize(bytes, number);
    demo
}

/// A body that runs a callback after `at` bytes.
struct BodyWithCallback<'a> {
    body: &'a [u8],
    at: usize,
    callback: Option<Box<dyn FnOnce() + 'a>>,
}

impl<'a> BodyWithCallback<'a> {
    fn at(body: &'a [u8], at: usize, callback: impl FnOnce() + 'a) -> Self {
        Self { body, at, callback: Some(Box::new(callback)) }
    }
}

impl Read for BodyWithCallback<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == 0
            && let Some(callback) = self.callback.take()
        {
            callback();
        }
        let most = if self.at > 0 { self.at.min(buffer.len()) } else { buffer.len() };
        let read = self.body.read(&mut buffer[..most])?;
        self.at = self.at.saturating_sub(read);
        Ok(read)
    }
}

/// Uploads all bodies at once: each has begun before any continues. The results, errors by code.
fn upload_concurrently(
    test: &TestApp,
    caller: &Caller,
    bodies: &[Vec<u8>],
    are_stated: bool,
) -> Vec<Result<(), &'static str>> {
    let begun = Barrier::new(bodies.len());
    std::thread::scope(|scope| {
        let upload = |body: &Vec<u8>| {
            // Uploads that are refused early must not block the others.
            let waits = std::cell::Cell::new(true);
            let mut reader = BodyWithCallback::at(body, body.len() / 2, || {
                waits.set(false);
                begun.wait();
            });
            let stated = are_stated.then_some(body.len() as u64);
            let outcome = demos::receive_sized(&test.app, caller, &mut reader, stated);
            drop(reader);
            if waits.get() {
                begun.wait();
            }
            outcome.map(|_| ()).map_err(|error| error.code.as_str())
        };
        let uploads: Vec<_> = bodies.iter().map(|body| scope.spawn(move || upload(body))).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    })
}

#[test]
fn concurrent_uploads_at_the_quota_accept_one_and_leave_nothing_of_the_rest() {
    for are_stated in [true, false] {
        let quota = 3 * MIB as u64;
        let test = TestApp::start_with(|quotas| quotas.demo_bytes = quota, |data| FakeDisk::with(1 << 40).room(data));
        let (caller, _) = test.account("studio");
        let bodies: Vec<_> = (0..40).map(|number| demo(number, 2 * MIB)).collect();
        let ended = upload_concurrently(&test, &caller, &bodies, are_stated);
        let taken = ended.iter().filter(|ended| ended.is_ok()).count();
        // Uploads of unknown length may all be refused, but never exceed the limit.
        assert!(if are_stated { taken == 1 } else { taken <= 1 }, "{ended:?}");
        assert!(ended.iter().all(|ended| ended.is_ok() || *ended == Err("quota_reached")), "{ended:?}");
        assert_eq!(fake_disk::used_bytes(test.dir.path()), (2 * taken * MIB) as u64, "length stated: {are_stated}");
        assert_eq!(fake_disk::files(test.dir.path()).len(), taken);
        // Refused uploads have released their quota.
        let left = demos::allowance(&test.app, &caller).unwrap().left;
        assert_eq!(left, quota - (2 * taken * MIB) as u64);
        demos::receive(&test.app, &caller, &mut &demo(99, left as usize)[..]).unwrap();
    }
}

#[test]
fn bytes_in_flight_count_only_against_their_own_accounts_quota() {
    let quota = 3 * MIB as u64;
    let test = TestApp::start_with(|quotas| quotas.demo_bytes = quota, |data| FakeDisk::with(1 << 40).room(data));
    let ((studio, _), (another, _)) = (test.account("studio"), test.account("another"));
    let (first, second) = (demo(1, 2 * MIB), demo(2, 2 * MIB));
    let mut during = BodyWithCallback::at(&first, MIB, || {
        assert_eq!(demos::allowance(&test.app, &studio).unwrap().left, MIB as u64);
        let refused = demos::receive_sized(&test.app, &studio, &mut &second[..], Some(2 * MIB as u64));
        assert_eq!(refused.unwrap_err().code.as_str(), "quota_reached");
        demos::receive(&test.app, &another, &mut &second[..]).unwrap();
    });
    demos::receive_sized(&test.app, &studio, &mut during, Some(2 * MIB as u64)).unwrap();
}

#[test]
fn repeated_upload_is_accepted_at_the_quota_but_new_bytes_are_not() {
    let bytes = 2 * MIB as u64;
    let test = TestApp::start_with(|quotas| quotas.demo_bytes = bytes, |data| FakeDisk::with(1 << 40).room(data));
    let (caller, _) = test.account("studio");
    let stored = demos::receive(&test.app, &caller, &mut &demo(1, 2 * MIB)[..]).unwrap();
    for stated in [None, Some(bytes)] {
        let again = demos::receive_sized(&test.app, &caller, &mut &demo(1, 2 * MIB)[..], stated);
        assert_eq!(again.unwrap(), stored, "{stated:?}");
        let other = demos::receive_sized(&test.app, &caller, &mut &demo(2, 2 * MIB)[..], stated);
        assert_eq!(other.unwrap_err().code.as_str(), "quota_reached", "{stated:?}");
        assert_eq!(fake_disk::files(test.dir.path()).len(), 1, "{stated:?}");
    }
}

/// Uses up the account's quota, as another process could during an upload.
fn use_up_quota(test: &TestApp, caller: &Caller, bytes: u64) {
    let db = Connection::open(test.dir.path().join("store.db")).unwrap();
    let sql = "INSERT INTO demos (account, sha256, bytes, uploaded_at_ms) VALUES (?1, randomblob(32), ?2, 0)";
    db.execute(sql, (caller.account.id.0, bytes)).unwrap();
}

#[test]
fn demo_refused_at_commit_leaves_no_file_unless_another_account_has_it() {
    let quota = 3 * MIB as u64;
    for is_shared in [false, true] {
        let test = TestApp::start_with(|quotas| quotas.demo_bytes = quota, |data| FakeDisk::with(1 << 40).room(data));
        let ((studio, _), (another, _)) = (test.account("studio"), test.account("another"));
        let body = demo(1, 2 * MIB);
        if is_shared {
            demos::receive(&test.app, &another, &mut &body[..]).unwrap();
        }
        let mut late = BodyWithCallback::at(&body, body.len(), || use_up_quota(&test, &studio, quota));
        let refused = demos::receive_sized(&test.app, &studio, &mut late, Some(body.len() as u64));
        assert_eq!(refused.unwrap_err().code.as_str(), "quota_reached");
        assert_eq!(fake_disk::files(test.dir.path()).len(), usize::from(is_shared));
    }
}

#[test]
fn uploading_a_demo_again_restores_its_missing_file() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    let body = demo(1, 1_000);
    demos::receive(&test.app, &caller, &mut &body[..]).unwrap();
    let file = fake_disk::files(test.dir.path()).remove(0);
    std::fs::remove_file(&file).unwrap();
    demos::receive(&test.app, &caller, &mut &body[..]).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), body);
}

#[test]
fn sweep_removes_orphans_but_not_running_uploads() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    let folder = test.dir.path().join("demos");
    let kept = demos::receive(&test.app, &caller, &mut &demo(1, 1_000)[..]).unwrap();
    let body = demo(2, 2 * MIB);
    let mut during = BodyWithCallback::at(&body, MIB, || {
        for left in ["0123.part".to_owned(), "0a".repeat(32)] {
            std::fs::write(folder.join(left), "left over").unwrap();
        }
        std::fs::write(folder.join("note"), "somebody's").unwrap();
        assert_eq!(app::upkeep::sweep::sweep(&test.app).unwrap(), 2);
        assert_eq!(app::upkeep::sweep::sweep(&test.app).unwrap(), 0);
    });
    let stored = demos::receive(&test.app, &caller, &mut during).unwrap();
    let mut expected =
        vec![folder.join("note"), folder.join(kept.sha256.to_string()), folder.join(stored.sha256.to_string())];
    expected.sort();
    assert_eq!(fake_disk::files(test.dir.path()), expected);
}

#[test]
fn concurrent_uploads_never_use_the_disk_reserve() {
    for are_stated in [true, false] {
        let disk = FakeDisk::with(5 * MIB as u64);
        let test = TestApp::start_with(|_| {}, |data| disk.room(data));
        let (caller, _) = test.account("studio");
        let bodies: Vec<_> = (0..8).map(|number| demo(number, 2 * MIB)).collect();
        let ended = upload_concurrently(&test, &caller, &bodies, are_stated);
        let taken = ended.iter().filter(|ended| ended.is_ok()).count();
        // Uploads of unknown length may all be refused, but never exceed the limit.
        assert!(if are_stated { taken == 2 } else { taken <= 2 }, "{ended:?}");
        assert!(ended.iter().all(|ended| ended.is_ok() || *ended == Err("no_space")), "{ended:?}");
        assert_eq!(fake_disk::used_bytes(test.dir.path()), (2 * taken * MIB) as u64);
        assert_eq!(fake_disk::files(test.dir.path()).len(), taken);
    }
}

#[test]
fn video_and_poster_uploads_stop_at_the_disk_reserve_and_resume_later() {
    let disk = FakeDisk::with(3 * MIB as u64);
    let test = TestApp::start_with(|_| {}, |data| disk.room(data));
    let (caller, _) = test.account("studio");
    let node = test.node("n");
    app::jobs::submit(&test.app, &caller, spec()).unwrap();
    let lease = test.claim(&node).unwrap().lease.id;
    let append = |offset: u64, bytes: usize| match leases::append_video(
        &test.app,
        &node,
        lease,
        offset,
        &mut &vec![7; bytes][..],
    ) {
        Ok(bytes) => Ok(bytes),
        Err(leases::UploadError::Failed(error)) => Err(error.kind),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(append(0, 2 * MIB), Ok(2 * MIB as u64));
    assert_eq!(append(2 * MIB as u64, 2 * MIB), Err(Kind::NoSpace));
    let arrived = fake_disk::used_bytes(test.dir.path());
    assert!(arrived <= 3 * MIB as u64, "{arrived}");
    disk.resize(arrived);
    let poster = [&[0xff, 0xd8, 0xff][..], &[0; 1_000]].concat();
    let put = || leases::put_poster(&test.app, &node, lease, &mut &poster[..]).map_err(|error| error.kind);
    assert_eq!(put(), Err(Kind::NoSpace));
    assert_eq!(append(arrived, 0), Ok(arrived), "the offset can be queried without free space");
    disk.resize(10 * MIB as u64);
    assert_eq!(append(arrived, MIB), Ok(arrived + MIB as u64));
    assert_eq!(put(), Ok(poster.len() as u64));
}

#[test]
fn jobs_wait_at_the_disk_reserve_and_continue_when_there_is_space() {
    let disk = FakeDisk::with(MIB as u64);
    let test = TestApp::start_with(|_| {}, |data| disk.room(data));
    let (caller, _) = test.account("studio");
    let node = test.node("n");
    let id = app::jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
    disk.fill_to(0);
    assert!(test.claim(&node).is_none());
    let refused = app::jobs::submit(&test.app, &caller, spec()).err().map(|error| error.kind);
    assert_eq!(refused, Some(Kind::NoSpace));
    let seen = app::jobs::get(&test.app, &caller, id).unwrap();
    assert_eq!((seen.job.status, seen.job.attempts), (JobStatus::Queued, 0));
    assert_eq!(seen.waiting_because.as_deref(), Some("the server's disk has no room for clips"));
    disk.resize(MIB as u64);
    assert_eq!(test.claim(&node).unwrap().job.job.public_id, id);
    disk.fill_to(0);
    assert_eq!(app::jobs::remove(&test.app, &caller, id).unwrap().job.status, JobStatus::Cancelled);
}

#[test]
fn job_whose_demo_fits_no_node_fails_after_three_attempts() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    let node = test.node("n");
    let id = app::jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
    for _ in 0..ATTEMPTS {
        let lease = test.claim(&node).unwrap().lease.id;
        let failure = Failure::here(FailureCode::DemoTooLarge, "No room.");
        leases::fail(&test.app, &node, lease, failure.into()).unwrap();
    }
    let job = app::jobs::get(&test.app, &caller, id).unwrap().job;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.failure.map(|failure| failure.code), Some(FailureCode::DemoTooLarge));
}

#[test]
fn backup_respects_the_disk_reserve_and_leaves_nothing_when_refused() {
    let disk = FakeDisk::with(20 * MIB as u64);
    let test = TestApp::start_with(|_| {}, |data| disk.room(data));
    let (caller, _) = test.account("studio");
    demos::receive(&test.app, &caller, &mut &demo(1, 2 * MIB)[..]).unwrap();
    let folder = test.dir.path().join("backup");
    std::fs::create_dir(&folder).unwrap();
    let beside = test.admin_with_disk(disk.room(test.dir.path()));
    let to = folder.join("b");
    disk.resize(3 * MIB as u64);
    let refused = backup::make(&beside, &to, false).unwrap_err();
    assert!(refused.kind == Kind::NoSpace && refused.message.contains("another"), "{refused}");
    assert_eq!(files_in(&folder), 0);
    disk.resize(20 * MIB as u64);
    assert_eq!(backup::make(&beside, &to, false).unwrap().demos, 1);
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}
