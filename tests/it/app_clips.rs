//! From an upload to a published clip, and away again: files and rows at every step.

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
use dinkem_appliance::store::{Store, ledger};
use sha2::{Digest, Sha256};

use crate::support::office::{LEASE, Office, START_MS, spec};
use crate::support::process::BINARY;
use crate::support::video::{CLIP, FRAMES, POSTER};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn append(office: &Office, node: &Node, grant: &Grant, offset: u64, mut bytes: &[u8]) -> Result<u64, UploadError> {
    leases::append_video(&office.app, node, grant.lease.id, offset, &mut bytes)
}

fn upload(office: &Office, node: &Node, grant: &Grant, bytes: &[u8]) {
    assert_eq!(append(office, node, grant, 0, bytes).unwrap(), bytes.len() as u64);
}

fn complete(office: &Office, node: &Node, grant: &Grant) -> Result<(), Error> {
    leases::complete(&office.app, node, grant.lease.id, sha256(&CLIP))
}

/// A job that a node holds.
fn claimed(office: &Office, caller: &Caller, node: &Node, spec: JobSpec) -> Grant {
    jobs::submit(&office.app, caller, spec).unwrap();
    office.claim(node).unwrap()
}

fn bills(office: &Office) -> Vec<LedgerRow> {
    Store::beside(office.dir.path()).unwrap().read(|db| ledger::page(db, JobId(0), 100)).unwrap()
}

/// Names of what lies in a folder of the data directory.
fn files(office: &Office, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(office.dir.path().join(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_completed_job_has_one_clip_and_one_ledger_row_however_often_it_is_completed() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    let id = grant.job.job.public_id;
    upload(&office, &node, &grant, &CLIP);
    leases::put_poster(&office.app, &node, grant.lease.id, &mut &POSTER[..]).unwrap();
    office.clock.advance(LEASE / 2);
    for _ in 0..3 {
        complete(&office, &node, &grant).unwrap();
    }
    let job = jobs::get(&office.app, &metered, id).unwrap().job;
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
        kind: spec().footage_kind(),
        footage_ms: video.duration_ms,
        at_ms: job.finished_at_ms.unwrap(),
        // No price was set.
        rate: Micros::ZERO,
        amount: Micros::ZERO,
        currency: Currency::DEFAULT,
    };
    assert_eq!(bills(&office), [expected]);

    let mut opened = clips::open_video(&office.app, &clip.token).unwrap();
    let mut bytes = Vec::new();
    opened.file.read_to_end(&mut bytes).unwrap();
    assert_eq!((bytes, opened.bytes), (CLIP.clone(), CLIP.len() as u64));
    assert_eq!(opened.file_name, format!("{id}.mp4"));
    let poster = clips::open_poster(&office.app, &clip.token).unwrap();
    assert_eq!((poster.bytes, poster.file_name), (POSTER.len() as u64, format!("{id}.jpg")));
    assert_ne!(poster.etag, opened.etag);
    assert!(opened.etag.starts_with('"') && opened.etag.ends_with('"'));
}

#[test]
fn a_deleted_clip_loses_address_and_files_and_the_job_keeps_its_row_and_its_bill() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    upload(&office, &node, &grant, &CLIP);
    leases::put_poster(&office.app, &node, grant.lease.id, &mut &POSTER[..]).unwrap();
    complete(&office, &node, &grant).unwrap();
    let id = grant.job.job.public_id;
    let token = jobs::get(&office.app, &metered, id).unwrap().job.clip.unwrap().token;
    for _ in 0..2 {
        let job = jobs::remove(&office.app, &metered, id).unwrap().job;
        assert_eq!((job.status, job.clip), (JobStatus::Done, None));
    }
    assert_eq!(clips::open_video(&office.app, &token).err().unwrap().kind, Kind::NotFound);
    assert_eq!(clips::open_poster(&office.app, &token).err().unwrap().kind, Kind::NotFound);
    assert_eq!(files(&office, "clips"), [""; 0]);
    assert_eq!(bills(&office).len(), 1);
    complete(&office, &node, &grant).unwrap();
}

#[test]
fn an_upload_goes_on_where_it_broke_off_also_after_a_restart_of_the_server() {
    struct Breaks<'a>(&'a [u8]);
    impl Read for Breaks<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::ErrorKind::ConnectionReset.into());
            }
            self.0.read(into)
        }
    }
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    let (first, rest) = CLIP.split_at(CLIP.len() / 2);
    let broken = leases::append_video(&office.app, &node, grant.lease.id, 0, &mut Breaks(first));
    assert!(matches!(broken, Err(UploadError::Failed(error)) if error.code == "body_broke_off"));
    let office = office.restart();
    for wrong in [0, first.len() as u64 - 1, CLIP.len() as u64] {
        let answer = append(&office, &node, &grant, wrong, b"x");
        assert!(matches!(answer, Err(UploadError::WrongOffset(at)) if at == first.len() as u64), "{wrong}");
    }
    assert_eq!(append(&office, &node, &grant, first.len() as u64, rest).unwrap(), CLIP.len() as u64);
    complete(&office, &node, &grant).unwrap();
}

#[test]
fn a_newer_request_takes_an_upload_over_from_one_that_hangs() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    struct Hangs<'a>(&'a Office, &'a Node, &'a Grant, bool);
    impl Read for Hangs<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            // While this request waits for its body, the node comes again.
            if std::mem::replace(&mut self.3, true) {
                return Ok(0);
            }
            upload(self.0, self.1, self.2, &CLIP);
            into[..4].copy_from_slice(b"late");
            Ok(4)
        }
    }
    let mut hanging = Hangs(&office, &node, &grant, false);
    let old = leases::append_video(&office.app, &node, grant.lease.id, 0, &mut hanging);
    assert!(matches!(old, Err(UploadError::Failed(error)) if error.code == "superseded"));
    complete(&office, &node, &grant).unwrap();
}

#[test]
fn a_video_that_is_not_what_was_asked_for_is_not_published() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let wide = JobSpec { resolution: 1440, ..spec() };
    let fast = JobSpec { fps: 60, ..spec() };
    let garbage = vec![7; 5_000];
    type Case<'a> = (JobSpec, Option<&'a [u8]>, [u8; 32], &'a str);
    let cases: [Case<'_>; 5] = [
        (spec(), None, sha256(&CLIP), "video_missing"),
        (spec(), Some(&CLIP[..1_000]), sha256(&CLIP), "video_mismatch"),
        (spec(), Some(&garbage), sha256(&garbage), "video_mismatch"),
        (wide, Some(&CLIP), sha256(&CLIP), "video_mismatch"),
        (fast, Some(&CLIP), sha256(&CLIP), "video_mismatch"),
    ];
    for (spec, video, hash, code) in cases {
        let grant = claimed(&office, &metered, &node, spec);
        if let Some(video) = video {
            upload(&office, &node, &grant, video);
        }
        let error = leases::complete(&office.app, &node, grant.lease.id, hash).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        let job = jobs::get(&office.app, &metered, grant.job.job.public_id).unwrap().job;
        assert_eq!((job.status, job.clip), (JobStatus::Rendering, None), "{code}");
        nodes::resume(&office.app, &crate::support::operator(), "n").unwrap();
        if video == Some(&CLIP[..1_000]) {
            // What did not match was thrown away: the node begins again.
            upload(&office, &node, &grant, &CLIP);
            complete(&office, &node, &grant).unwrap();
        } else {
            let failure = Failure::for_good(FailureCode::RenderFailed, "x");
            leases::fail(&office.app, &node, grant.lease.id, failure, None).unwrap();
        }
    }
    assert_eq!(bills(&office).len(), 1);
    assert_eq!(files(&office, "clips").len(), 1, "only the published one is left");
}

#[test]
fn only_a_jpeg_is_a_poster() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    let answer = leases::put_poster(&office.app, &node, grant.lease.id, &mut &b"<html>"[..]);
    assert_eq!(answer.unwrap_err().kind, Kind::UnsupportedMedia);
    let mut endless = std::io::repeat(0xff);
    let answer = leases::put_poster(&office.app, &node, grant.lease.id, &mut endless);
    assert_eq!(answer.unwrap_err().kind, Kind::TooLarge);
    assert_eq!(files(&office, "clips"), [""; 0]);
}

#[test]
fn a_lease_that_ends_takes_its_files_with_it_and_the_sweep_finds_what_a_crash_left() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let lost = claimed(&office, &metered, &node, spec());
    upload(&office, &node, &lost, b"half a video");
    office.clock.advance(LEASE);
    leases::expire(&office.app).unwrap();
    assert_eq!(files(&office, "clips"), [""; 0]);

    let done = office.claim(&node).unwrap();
    upload(&office, &node, &done, &CLIP);
    complete(&office, &node, &done).unwrap();
    let open = claimed(&office, &metered, &node, spec());
    upload(&office, &node, &open, b"on its way");
    let orphans = [format!("{}.mp4", lost.lease.id), format!("{}.jpg", lost.lease.id), "999.mp4".into()];
    for orphan in &orphans {
        fs::write(office.dir.path().join("clips").join(orphan), "left by a crash").unwrap();
    }
    fs::write(office.dir.path().join("clips/notes.txt"), "the operator's own").unwrap();
    assert_eq!(app::upkeep::sweep::sweep(&office.app).unwrap(), orphans.len());
    assert_eq!(app::upkeep::sweep::sweep(&office.app).unwrap(), 0);
    let kept = [format!("{}.mp4", done.lease.id), format!("{}.mp4", open.lease.id), "notes.txt".into()];
    assert_eq!(files(&office, "clips"), kept);
}

#[test]
fn an_uploaded_demo_is_stored_once_and_given_to_the_node_of_its_own_accounts_job() {
    let office = Office::open();
    let (metered, reserved) = office.account("studio");
    let (stranger, _) = office.account("stranger");
    let demo = b"PBDEMS2 and so on".repeat(40_000);
    let stored = demos::receive(&office.app, &metered, &mut &demo[..]).unwrap();
    assert_eq!((stored.sha256, stored.bytes), (sha256(&demo), demo.len() as u64));
    assert_eq!(demos::receive(&office.app, &reserved, &mut &demo[..]).unwrap(), stored);
    let name: String = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(files(&office, "demos"), std::slice::from_ref(&name));

    let node = office.node("n");
    let order = JobSpec { demo_url: format!("https://any.host/api/demos/{name}"), ..spec() };
    let grant = claimed(&office, &metered, &node, order.clone());
    assert_eq!(grant.uploaded_demo, Some((stored.sha256, stored.bytes)));
    let (mut file, bytes) = leases::open_demo(&office.app, &node, grant.lease.id).unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).unwrap();
    assert!(read == demo && bytes == stored.bytes);
    let gone = Failure::for_good(FailureCode::RenderFailed, "x");
    leases::fail(&office.app, &node, grant.lease.id, gone, None).unwrap();

    let grant = claimed(&office, &stranger, &node, order);
    assert_eq!(grant.uploaded_demo, None, "an account that has not uploaded it is not given it");
    assert_eq!(leases::open_demo(&office.app, &node, grant.lease.id).err().unwrap().kind, Kind::NotFound);
}

#[test]
fn a_demo_that_breaks_off_or_is_empty_leaves_nothing_and_a_restart_sweeps_what_a_crash_left() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    assert_eq!(demos::receive(&office.app, &metered, &mut &b""[..]).unwrap_err().code, "empty_body");
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let broken = demos::receive(&office.app, &metered, &mut (&b"PBDEMS2"[..]).chain(Breaks));
    assert_eq!(broken.unwrap_err().code, "body_broke_off");
    assert_eq!(files(&office, "demos"), [""; 0]);

    let stored = demos::receive(&office.app, &metered, &mut &b"kept"[..]).unwrap();
    let folder = office.dir.path().join("demos");
    fs::write(folder.join("0123.part"), "broken off").unwrap();
    fs::write(folder.join("ab".repeat(32)), "renamed, never committed").unwrap();
    let office = office.restart();
    let kept: String = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(files(&office, "demos"), [kept]);
}

#[test]
fn the_scheduler_ends_leases_that_ran_out_and_stops_when_told() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n");
    let grant = claimed(&office, &metered, &node, spec());
    let seen = office.app.news.rings();
    office.clock.advance(LEASE);
    let scheduler = dinkem_appliance::scheduler::start(office.app.clone(), BINARY.into(), Vec::new()).unwrap();
    assert!(office.app.news.wait_past(seen, Duration::from_secs(60)));
    scheduler.stop();
    let job = jobs::get(&office.app, &metered, grant.job.job.public_id).unwrap().job;
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 1));
}
