//! Sweep, doctor, backup and move with clips in a bucket.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use dinkem_appliance::app::clips::bucket::Storage;
use dinkem_appliance::app::clips::{open_video, operator};
use dinkem_appliance::app::upkeep::bucket_usage::{self, BucketUsage};
use dinkem_appliance::app::upkeep::findings::{self, Subject};
use dinkem_appliance::app::upkeep::move_storage::{Count, Moved, To, move_all};
use dinkem_appliance::app::upkeep::{backup, bucket, doctor};
use dinkem_appliance::app::{App, Settings, leases};
use dinkem_appliance::domain::job::{JobSpec, Renderer};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::s3::object::Condition;

use crate::support::s3::{Fault, S3};
use crate::support::test_app::{LEASE, TestApp};
use crate::support::video::CLIP;
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: JobSpec::DEFAULT_FPS };
const DAY_MS: i64 = 24 * 3_600_000;

fn start(storage: Storage) -> TestApp {
    let test = TestApp::start_as(|settings| settings.storage = Some(storage));
    test.clock.set(SystemClock::new().now_ms());
    test
}

fn codes(app: &App) -> Vec<&'static str> {
    doctor::examine_served(app, None, None, usize::MAX)
        .unwrap()
        .into_iter()
        .map(|fault| fault.code)
        .filter(|code| code.starts_with("bucket") || code.starts_with("videos"))
        .collect()
}

#[test]
fn sweep_deletes_what_no_row_knows_after_a_day_and_nothing_else() {
    let Some(s3) = S3::start("the sweep of the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    let worker = Worker::new(&test.app);
    worker.complete_job(&studio, KIND);
    let published = s3.keys();
    assert_eq!(published.len(), 1);
    let grant = {
        worker.submit(&studio, KIND);
        worker.claim()
    };
    let live = published[0].replace(&*leases_number(&published[0]), &grant.lease.id.to_string());
    let dead = published[0].replace(&*leases_number(&published[0]), "99");
    let own = s3.bucket();
    for name in [&*live, &*dead, "clips/holiday.mp4", "clips/0000000a-7.mp4", "elsewhere/x"] {
        own.put(&own.key(name), b"x", "video/mp4", Condition::None).unwrap();
    }
    assert_eq!(bucket::sweep(&test.app).unwrap(), 0, "everything is younger than a day");

    test.clock.set(SystemClock::new().now_ms() + DAY_MS + 3_600_000);
    assert!(codes(&test.app).contains(&"bucket_orphans"));
    for name in [&*dead, &*published[0], "clips/holiday.mp4"] {
        own.begin_upload(&own.key(name), "video/mp4").unwrap();
    }
    assert_eq!(bucket::sweep(&test.app).unwrap(), 3, "an object and two uploads");
    let mut expected = [&*published[0], &*live, "clips/holiday.mp4", "clips/0000000a-7.mp4", "elsewhere/x"];
    let mut found = s3.keys();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(own.unfinished("", None).unwrap().found.len(), 1, "that of others");
}

/// The lease's number in a key.
fn leases_number(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap().trim_end_matches(".mp4");
    name.rsplit('-').next().unwrap().to_owned()
}

#[test]
fn ended_lease_gets_no_addresses_and_its_upload_is_aborted() {
    let Some(s3) = S3::start("the fence of direct uploads") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    let node = test.node("n1");
    Worker::new(&test.app).submit(&studio, KIND);
    let grant = test.claim(&node).unwrap();
    let hash = Sha256::of("part");
    let parts = leases::direct::parts(&test.app, &node, grant.lease.id, None, &[hash]).unwrap();
    assert_eq!(parts.addresses.len(), 1);
    let other = test.node("n2");
    assert!(leases::direct::parts(&test.app, &other, grant.lease.id, None, &[hash]).is_err());
    test.clock.advance(LEASE);
    leases::expire(&test.app).unwrap();
    let error = leases::direct::parts(&test.app, &node, grant.lease.id, Some(parts.upload), &[hash]).unwrap_err();
    assert_eq!(error.code.as_str(), "lost");
    assert_eq!(bucket::delete_doomed(&test.app).unwrap(), 1);
    assert_eq!(s3.bucket().unfinished("", None).unwrap().found, []);
}

#[test]
fn doctor_names_what_is_wrong_with_the_bucket() {
    let Some(s3) = S3::start("doctor and the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    Worker::new(&test.app).complete_job(&studio, KIND);
    assert_eq!(codes(&test.app), ["bucket_lifecycle"]);
    s3.bucket().delete(&s3.bucket().key(&s3.keys()[0])).unwrap();
    assert_eq!(codes(&test.app), ["bucket_lifecycle", "videos_missing"]);
    test.clock.set(SystemClock::new().now_ms() + 3_600_000);
    assert!(codes(&test.app).contains(&"bucket_clock"));
    s3.fault(|head| {
        (head.starts_with("PUT") || head.starts_with("DELETE")).then_some(Fault::Answer(403, "AccessDenied"))
    });
    assert!(codes(&test.app).contains(&"bucket"));
    s3.fault(|_| Some(Fault::Answer(403, "RequestTimeTooSkewed")));
    let faults = doctor::examine_served(&test.app, None, None, usize::MAX).unwrap();
    let fault = faults.iter().find(|fault| fault.code == "bucket_clock").unwrap();
    assert!(fault.message.contains("NTP"), "{fault:?}");
}

#[test]
fn store_that_cannot_list_uploads_is_named_and_nothing_is_left_behind() {
    let Some(s3) = S3::start("a store that lacks something") else { return };
    let test = start(s3.storage());
    s3.fault(|head| {
        let is_listing = head.starts_with("GET") && (head.contains("uploads=") || head.contains("lifecycle="));
        is_listing.then_some(Fault::Answer(501, "NotImplemented"))
    });
    let faults = doctor::examine_served(&test.app, None, None, usize::MAX).unwrap();
    let found: Vec<_> = faults.iter().filter(|fault| fault.code.starts_with("bucket")).collect();
    let codes: Vec<_> = found.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["bucket", "bucket_lifecycle"]);
    assert!(found[0].message.contains("does not offer that"), "{found:?}");
    assert_eq!(s3.keys(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn credentials_that_everybody_can_read_are_a_fault() {
    let Some(s3) = S3::start("the rights of the credentials") else { return };
    let storage = Storage { credentials_file: Some(s3.credentials_file()), ..s3.storage() };
    let test = start(storage);
    let has_fault = || {
        let faults = doctor::examine_served(&test.app, None, None, 0).unwrap();
        faults.into_iter().any(|fault| fault.code == "credentials_rights")
    };
    for (mode, is_fault) in [(0o644, true), (0o640, false), (0o600, false), (0o602, true)] {
        let rights = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(s3.credentials_file(), rights).unwrap();
        assert_eq!(has_fault(), is_fault, "{mode:o}");
    }
}

#[test]
fn dashboard_lists_the_bucket_once_an_hour_and_shows_what_that_found_in_between() {
    let Some(s3) = S3::start("findings about the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    Worker::new(&test.app).complete_job(&studio, KIND);
    let video = s3.bucket().key(&s3.keys()[0]);
    s3.bucket().delete(&video).unwrap();
    let listings =
        || s3.seen().iter().filter(|line| line.contains("list-type=2") && !line.contains("max-keys=1")).count();
    let look = || {
        let before = listings();
        findings::look(&test.app, &Subject::default());
        let faults = findings::latest(&test.app).unwrap().faults;
        (listings() - before > 0, faults.iter().any(|fault| fault.code == "videos_missing"))
    };
    assert_eq!(look(), (true, true));
    s3.bucket().put(&video, &CLIP, "video/mp4", Condition::None).unwrap();
    assert_eq!(look(), (false, true));
    test.clock.advance(findings::LISTING);
    assert_eq!(look(), (true, false));
}

#[test]
fn usage_of_the_bucket_is_counted_and_an_unreachable_one_is_said_to_be() {
    let Some(s3) = S3::start("usage of the bucket") else { return };
    let test = start(s3.storage());
    let (studio, _) = test.account("studio");
    let worker = Worker::new(&test.app);
    for _ in 0..2 {
        worker.complete_job(&studio, KIND);
    }
    let bytes = 2 * CLIP.len() as u64;
    let expected = BucketUsage { objects: 2, bytes, is_cut: false };
    assert_eq!(bucket_usage::measure(&test.app).unwrap(), Some(expected));
    s3.fault(|_| Some(Fault::Answer(403, "AccessDenied")));
    assert!(bucket_usage::measure(&test.app).is_err());
}

#[test]
fn clips_move_into_the_bucket_and_back_and_can_be_read_all_the_time() {
    let Some(s3) = S3::start("moving clips") else { return };
    let on_disk = || Storage { takes_new: false, is_proxied: true, ..s3.storage() };
    let test = start(on_disk());
    let (studio, _) = test.account("studio");
    let worker = Worker::new(&test.app);
    for _ in 0..3 {
        worker.complete_job(&studio, KIND);
    }
    assert_eq!(s3.keys(), Vec::<String>::new());
    let refused = move_all(&test.app, To::S3, |_| ()).unwrap_err();
    assert_eq!(refused.code.as_str(), "storage_elsewhere");
    let moved = |app: &App, to| move_all(app, to, |_| ()).unwrap();
    let clips = |clips| Moved { clips, ..Moved::default() };
    let bytes = 3 * CLIP.len() as u64;
    let beside = |storage| {
        let settings = Settings { storage: Some(storage), ..Settings::default() };
        App::beside_as(test.dir.path(), settings, test.clock.clone(), test.random.clone()).unwrap()
    };
    let admin = beside(s3.storage());
    // Interrupted after the first clip, then repeated.
    let asked = AtomicUsize::new(0);
    s3.fault(move |head| {
        let is_video = head.starts_with("PUT") && head.contains(".mp4");
        let count = if is_video { asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
        (count > 0).then_some(Fault::Answer(403, "AccessDenied"))
    });
    move_all(&admin, To::S3, |_| ()).unwrap_err();
    s3.heal();
    let again = moved(&admin, To::S3);
    assert_eq!((again.clips.moved, again.clips.there, again.clips.missing), (2, 1, 0));
    assert_eq!(s3.keys().len(), 3);
    assert_eq!(moved(&admin, To::S3), clips(Count { there: 3, ..Count::default() }));
    assert!(!codes(&test.app).contains(&"videos_missing"));
    let clip = operator::list(&test.app, None, false, 1).unwrap()[0].job.clip.clone().unwrap();
    let mut found = open_video(&test.app, &clip.token).unwrap().content.section(0, u64::MAX).unwrap();
    let mut read = Vec::new();
    found.read_to_end(&mut read).unwrap();
    assert!(read == *CLIP);

    // The backup names the clips instead of copying them, and a restore keeps them.
    let to = test.dir.path().join("backup.tar");
    let made = backup::make(&admin, &to, true).unwrap();
    assert_eq!((made.videos, made.in_bucket, made.left_out.len()), (Some(0), 3, 0));
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("data");
    let restored = backup::restore(&target, &to, &*test.clock, &*test.random).unwrap();
    assert_eq!((restored.in_bucket, restored.forgotten), (3, 0));

    let back = beside(on_disk());
    assert_eq!(moved(&back, To::Disk), clips(Count { moved: 3, bytes, ..Count::default() }));
    assert_eq!(s3.keys(), Vec::<String>::new());
}
