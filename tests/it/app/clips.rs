//! Uploads, published clips and their deletion: files and rows at every step.

use std::fs;
use std::io::Read;
use std::time::Duration;

use dinkem_appliance::app::leases::{Grant, UploadError};
use dinkem_appliance::app::{self, clips, demos, jobs, leases, nodes};
use dinkem_appliance::domain::clip::View;
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::id::JobId;
use dinkem_appliance::domain::job::{Caller, JobSpec, JobStatus};
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::ledger::LedgerRow;
use dinkem_appliance::domain::money::{Currency, Micros};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::store::{Store, ledger};
use dinkem_appliance::wire::base::Base;

use crate::support::epochs::clip_file;
use crate::support::process::BINARY;
use crate::support::test_app::{LEASE, START_MS, TestApp, spec};
use crate::support::video::{CLIP, FRAMES, POSTER};

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::of(bytes)
}

fn append(test: &TestApp, node: &Node, grant: &Grant, offset: u64, mut bytes: &[u8]) -> Result<u64, UploadError> {
    leases::append_video(&test.app, node, grant.lease.id, offset, &mut bytes)
}

fn upload(test: &TestApp, node: &Node, grant: &Grant, bytes: &[u8]) {
    assert_eq!(append(test, node, grant, 0, bytes).unwrap(), bytes.len() as u64);
}

fn complete(test: &TestApp, node: &Node, grant: &Grant) -> Result<(), Error> {
    leases::complete(&test.app, node, grant.lease.id, sha256(&CLIP).into())
}

/// Submits and claims a job.
fn claimed(test: &TestApp, caller: &Caller, node: &Node, spec: JobSpec) -> Grant {
    jobs::submit(&test.app, caller, spec).unwrap();
    test.claim(node).unwrap()
}

fn ledger_rows(test: &TestApp) -> Vec<LedgerRow> {
    Store::beside(test.dir.path()).unwrap().read(|db| ledger::page(db, JobId(0), 100)).unwrap()
}

/// File names in a folder of the data directory.
fn files(test: &TestApp, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(test.dir.path().join(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn repeated_completion_yields_one_clip_and_one_ledger_row() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    let id = grant.job.job.public_id;
    upload(&test, &node, &grant, &CLIP);
    leases::put_poster(&test.app, &node, grant.lease.id, &mut &POSTER[..]).unwrap();
    test.clock.advance(LEASE / 2);
    for _ in 0..3 {
        complete(&test, &node, &grant).unwrap();
    }
    let job = jobs::get(&test.app, &metered, id).unwrap().job;
    assert_eq!((job.status, job.attempts, &job.failure), (JobStatus::Done, 0, &None));
    assert_eq!(job.finished_at_ms, Some(START_MS + LEASE.as_millis() as i64 / 2));
    let clip = job.clip.unwrap();
    assert_eq!((clip.bytes, clip.sha256), (CLIP.len() as u64, sha256(&CLIP)));
    assert_eq!((clip.view, clip.pov_verified, clip.lease), (View::Tactical, None, grant.lease.id));
    let video = &clip.video;
    assert_eq!((video.width, video.height, video.fps, video.frames), (1920, 1080, 30, FRAMES as u64));
    let expected = LedgerRow {
        job: job.id,
        account: metered.account.id,
        class: KeyClass::Metered,
        kind: FootageKind::of(&spec()),
        footage_ms: video.duration_ms,
        at_ms: job.finished_at_ms.unwrap(),
        // No price is set.
        rate: Micros::ZERO,
        amount: Micros::ZERO,
        currency: Currency::DEFAULT,
    };
    assert_eq!(ledger_rows(&test), [expected]);

    let opened = clips::open_video(&test.app, &clip.token).unwrap();
    let mut bytes = Vec::new();
    opened.content.section(0, u64::MAX).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!((bytes, opened.bytes), (CLIP.clone(), CLIP.len() as u64));
    let poster = clips::open_poster(&test.app, &clip.token).unwrap();
    assert_eq!(poster.bytes, POSTER.len() as u64);
    assert_ne!(poster.etag, opened.etag);
    assert!(opened.etag.starts_with('"') && opened.etag.ends_with('"'));
}

#[test]
fn deleting_a_clip_removes_its_files_and_url_but_not_the_job_or_its_bill() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    upload(&test, &node, &grant, &CLIP);
    leases::put_poster(&test.app, &node, grant.lease.id, &mut &POSTER[..]).unwrap();
    complete(&test, &node, &grant).unwrap();
    let id = grant.job.job.public_id;
    let token = jobs::get(&test.app, &metered, id).unwrap().job.clip.unwrap().token;
    for _ in 0..2 {
        let job = jobs::remove(&test.app, &metered, id).unwrap().job;
        assert_eq!((job.status, job.clip), (JobStatus::Done, None));
    }
    assert_eq!(clips::open_video(&test.app, &token).err().unwrap().kind, Kind::NotFound);
    assert_eq!(clips::open_poster(&test.app, &token).err().unwrap().kind, Kind::NotFound);
    assert_eq!(files(&test, "clips"), [""; 0]);
    assert_eq!(ledger_rows(&test).len(), 1);
    complete(&test, &node, &grant).unwrap();
}

#[test]
fn interrupted_upload_resumes_even_after_a_server_restart() {
    struct Breaks<'a>(&'a [u8]);
    impl Read for Breaks<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::ErrorKind::ConnectionReset.into());
            }
            self.0.read(into)
        }
    }
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    let (first, rest) = CLIP.split_at(CLIP.len() / 2);
    let broken = leases::append_video(&test.app, &node, grant.lease.id, 0, &mut Breaks(first));
    assert!(matches!(broken, Err(UploadError::Failed(error)) if error.code.as_str() == "body_incomplete"));
    let test = test.restart();
    for wrong in [0, first.len() as u64 - 1, CLIP.len() as u64] {
        let answer = append(&test, &node, &grant, wrong, b"x");
        assert!(matches!(answer, Err(UploadError::WrongOffset(at)) if at == first.len() as u64), "{wrong}");
    }
    assert_eq!(append(&test, &node, &grant, first.len() as u64, rest).unwrap(), CLIP.len() as u64);
    complete(&test, &node, &grant).unwrap();
}

#[test]
fn video_is_hashed_as_it_arrives_and_again_if_its_file_has_changed() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let file = |grant: &Grant| test.dir.path().join(clip_file(test.dir.path(), grant.lease.id, "mp4"));

    let grant = claimed(&test, &metered, &node, spec());
    for (at, piece) in CLIP.chunks(CLIP.len() / 3).enumerate() {
        let offset = at * (CLIP.len() / 3);
        assert!(matches!(append(&test, &node, &grant, offset as u64 + 1, b"x"), Err(UploadError::WrongOffset(_))));
        append(&test, &node, &grant, offset as u64, piece).unwrap();
        assert_eq!(test.app.uploads_in_flight(), 0);
    }
    complete(&test, &node, &grant).unwrap();
    let job = jobs::get(&test.app, &metered, grant.job.job.public_id).unwrap().job;
    assert_eq!(job.clip.unwrap().sha256, sha256(&CLIP));

    for (change, why) in [(&CLIP[..CLIP.len() - 1], "shorter"), (&[&CLIP[..], b"x"].concat()[..], "longer")] {
        let grant = claimed(&test, &metered, &node, spec());
        upload(&test, &node, &grant, &CLIP);
        fs::write(file(&grant), change).unwrap();
        assert_eq!(complete(&test, &node, &grant).unwrap_err().code.as_str(), "video_mismatch", "{why}");
        upload(&test, &node, &grant, &CLIP);
        complete(&test, &node, &grant).unwrap();
    }

    // What is appended to a file that has changed is not what was hashed before.
    let grant = claimed(&test, &metered, &node, spec());
    upload(&test, &node, &grant, b"something else");
    let half = CLIP.len() / 2;
    fs::write(file(&grant), &CLIP[..half]).unwrap();
    append(&test, &node, &grant, half as u64, &CLIP[half..]).unwrap();
    complete(&test, &node, &grant).unwrap();
}

#[test]
fn newer_request_takes_over_a_hanging_upload() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    struct Hangs<'a>(&'a TestApp, &'a Node, &'a Grant, bool);
    impl Read for Hangs<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            // While this request waits for its body, the node sends another one.
            if std::mem::replace(&mut self.3, true) {
                return Ok(0);
            }
            upload(self.0, self.1, self.2, &CLIP);
            into[..4].copy_from_slice(b"late");
            Ok(4)
        }
    }
    let mut hanging = Hangs(&test, &node, &grant, false);
    let old = leases::append_video(&test.app, &node, grant.lease.id, 0, &mut hanging);
    assert!(matches!(old, Err(UploadError::Failed(error)) if error.code.as_str() == "superseded"));
    complete(&test, &node, &grant).unwrap();
}

#[test]
fn video_that_does_not_match_the_job_is_not_published() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let wide = JobSpec { resolution: 1440, ..spec() };
    let fast = JobSpec { fps: 60, ..spec() };
    let garbage = vec![7; 5_000];
    type Case<'a> = (JobSpec, Option<&'a [u8]>, Sha256, &'a str);
    let cases: [Case<'_>; 5] = [
        (spec(), None, sha256(&CLIP), "video_missing"),
        (spec(), Some(&CLIP[..1_000]), sha256(&CLIP), "video_mismatch"),
        (spec(), Some(&garbage), sha256(&garbage), "video_mismatch"),
        (wide, Some(&CLIP), sha256(&CLIP), "video_mismatch"),
        (fast, Some(&CLIP), sha256(&CLIP), "video_mismatch"),
    ];
    for (spec, video, hash, code) in cases {
        let grant = claimed(&test, &metered, &node, spec);
        if let Some(video) = video {
            upload(&test, &node, &grant, video);
        }
        let error = leases::complete(&test.app, &node, grant.lease.id, hash.into()).unwrap_err();
        assert_eq!(error.code.as_str(), code, "{error}");
        let job = jobs::get(&test.app, &metered, grant.job.job.public_id).unwrap().job;
        assert_eq!((job.status, job.clip), (JobStatus::Rendering, None), "{code}");
        nodes::resume(&test.app, &crate::support::operator(), "n").unwrap();
        if video == Some(&CLIP[..1_000]) {
            // The mismatched video was discarded, so the node can start over.
            upload(&test, &node, &grant, &CLIP);
            complete(&test, &node, &grant).unwrap();
        } else {
            let failure = Failure::for_good(FailureCode::RenderFailed, "x");
            leases::fail(&test.app, &node, grant.lease.id, failure.into()).unwrap();
        }
    }
    assert_eq!(ledger_rows(&test).len(), 1);
    assert_eq!(files(&test, "clips").len(), 1, "only the published clip is left");
}

#[test]
fn poster_must_be_a_jpeg() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    let answer = leases::put_poster(&test.app, &node, grant.lease.id, &mut &b"<html>"[..]);
    assert_eq!(answer.unwrap_err().kind, Kind::UnsupportedMedia);
    let mut endless = std::io::repeat(0xff);
    let answer = leases::put_poster(&test.app, &node, grant.lease.id, &mut endless);
    assert_eq!(answer.unwrap_err().kind, Kind::TooLarge);
    assert_eq!(files(&test, "clips"), [""; 0]);
}

#[test]
fn ended_lease_deletes_its_files_and_sweep_deletes_orphaned_files() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let lost = claimed(&test, &metered, &node, spec());
    upload(&test, &node, &lost, b"half a video");
    test.clock.advance(LEASE);
    leases::expire(&test.app).unwrap();
    assert_eq!(files(&test, "clips"), [""; 0]);

    let done = test.claim(&node).unwrap();
    upload(&test, &node, &done, &CLIP);
    complete(&test, &node, &done).unwrap();
    let open = claimed(&test, &metered, &node, spec());
    upload(&test, &node, &open, b"on its way");
    let name = |lease, extension| clip_file(test.dir.path(), lease, extension);
    let foreign = [format!("clips/{}.mp4", done.lease.id), format!("clips/01234567-{}.mp4", done.lease.id)];
    let orphans =
        [&[name(lost.lease.id, "mp4"), name(lost.lease.id, "jpg"), "clips/999.mp4".into()], &foreign[..]].concat();
    for orphan in &orphans {
        fs::write(test.dir.path().join(orphan), "left by a crash, or by another server").unwrap();
    }
    fs::write(test.dir.path().join("clips/notes.txt"), "the operator's own").unwrap();
    assert_eq!(app::upkeep::sweep::sweep(&test.app).unwrap(), orphans.len());
    assert_eq!(app::upkeep::sweep::sweep(&test.app).unwrap(), 0);
    let kept = [name(done.lease.id, "mp4"), name(open.lease.id, "mp4"), "clips/notes.txt".into()];
    assert_eq!(files(&test, "clips").iter().map(|name| format!("clips/{name}")).collect::<Vec<_>>(), kept);
}

#[test]
fn uploaded_demo_is_stored_once_and_served_only_to_nodes_of_its_own_accounts_jobs() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let (stranger, _) = test.account("stranger");
    let demo = b"PBDEMS2 and so on".repeat(40_000);
    let stored = demos::receive(&test.app, &metered, &mut &demo[..]).unwrap();
    assert_eq!((stored.sha256, stored.bytes), (sha256(&demo), demo.len() as u64));
    assert_eq!(demos::receive(&test.app, &reserved, &mut &demo[..]).unwrap(), stored);
    let name = stored.sha256.to_string();
    assert_eq!(files(&test, "demos"), std::slice::from_ref(&name));

    let node = test.node("n");
    let order = JobSpec { demo_url: format!("https://any.host/api/demos/{name}"), ..spec() };
    let grant = claimed(&test, &metered, &node, order.clone());
    assert_eq!(grant.uploaded_demo, Some((stored.sha256, stored.bytes)));
    let (content, bytes) = leases::open_demo(&test.app, &node, grant.lease.id, false).unwrap();
    let mut read = Vec::new();
    content.section(0, bytes).unwrap().read_to_end(&mut read).unwrap();
    assert!(read == demo && bytes == stored.bytes);
    let gone = Failure::for_good(FailureCode::RenderFailed, "x");
    leases::fail(&test.app, &node, grant.lease.id, gone.into()).unwrap();

    let grant = claimed(&test, &stranger, &node, order);
    assert_eq!(grant.uploaded_demo, None, "accounts that did not upload the demo do not get it");
    assert_eq!(leases::open_demo(&test.app, &node, grant.lease.id, false).err().unwrap().kind, Kind::NotFound);
}

#[test]
fn interrupted_or_empty_demo_upload_leaves_no_file_and_restart_deletes_orphans() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    assert_eq!(demos::receive(&test.app, &metered, &mut &b""[..]).unwrap_err().code.as_str(), "empty_body");
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let broken = demos::receive(&test.app, &metered, &mut (&b"PBDEMS2"[..]).chain(Breaks));
    assert_eq!(broken.unwrap_err().code.as_str(), "body_incomplete");
    assert_eq!(files(&test, "demos"), [""; 0]);

    let stored = demos::receive(&test.app, &metered, &mut &b"kept"[..]).unwrap();
    let folder = test.dir.path().join("demos");
    fs::write(folder.join("0123.part"), "broken off").unwrap();
    fs::write(folder.join("ab".repeat(32)), "renamed, never committed").unwrap();
    let test = test.restart();
    let kept = stored.sha256.to_string();
    assert_eq!(files(&test, "demos"), [kept]);
}

#[test]
fn scheduler_expires_leases_and_stops_on_request() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let grant = claimed(&test, &metered, &node, spec());
    let seen = test.app.news.rings();
    test.clock.advance(LEASE);
    let scheduler = dinkem_appliance::scheduler::start(
        test.app.clone(),
        BINARY.into(),
        Base::public("https://clips.lan"),
        Vec::new(),
    )
    .unwrap();
    assert!(test.app.news.wait_past(seen, Duration::from_secs(60)));
    scheduler.stop();
    let job = jobs::get(&test.app, &metered, grant.job.job.public_id).unwrap().job;
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 1));
}

#[test]
fn a_job_that_is_cancelled_while_its_video_is_checked_is_a_lost_lease_and_no_internal_error() {
    const ROUNDS: usize = 60;
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    for _ in 0..ROUNDS {
        let grant = claimed(&test, &metered, &node, spec());
        upload(&test, &node, &grant, &CLIP);
        let together = std::sync::Barrier::new(2);
        let completed = std::thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                jobs::remove(&test.app, &metered, grant.job.job.public_id).unwrap();
            });
            together.wait();
            complete(&test, &node, &grant)
        });
        if let Err(error) = completed {
            assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, "cancelled"), "{error:?}");
        }
    }
}
