//! Published clips never change: an upload that began under a live lease writes nothing after the lease has ended,
//! however it ended.

use std::fs;
use std::io::Read;
use std::time::Duration;

use dinkem_appliance::app::jobs::operator;
use dinkem_appliance::app::leases::{Grant, UploadError};
use dinkem_appliance::app::{clips, jobs, leases, nodes};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::job::{Caller, JobStatus};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::sha256::Sha256;

use crate::support::epochs::clip_file;
use crate::support::test_app::{LEASE, TestApp, spec};
use crate::support::video::{CLIP, POSTER};

/// A body that runs a callback before its last bytes.
struct BodyWithCallback<'a> {
    first: &'a [u8],
    callback: Option<Box<dyn FnOnce() + 'a>>,
    last: &'a [u8],
}

impl Read for BodyWithCallback<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if !self.first.is_empty() {
            return self.first.read(into);
        }
        if let Some(callback) = self.callback.take() {
            callback();
        }
        self.last.read(into)
    }
}

/// How a lease ends while its node is still uploading.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Completed,
    NodeRemoved,
    CancelledByClient,
    CancelledByOperator,
    Expired,
}

const ENDS: [End; 5] =
    [End::Completed, End::NodeRemoved, End::CancelledByClient, End::CancelledByOperator, End::Expired];

struct Fixture {
    test: TestApp,
    caller: Caller,
    node: Node,
    grant: Grant,
}

impl Fixture {
    fn open() -> Self {
        let test = TestApp::start();
        let (caller, _) = test.account("studio");
        let node = test.node("n1");
        jobs::submit(&test.app, &caller, spec()).unwrap();
        let grant = test.claim(&node).unwrap();
        Self { test, caller, node, grant }
    }

    fn complete(&self) -> Result<(), Error> {
        leases::complete(&self.test.app, &self.node, self.grant.lease.id, Sha256::of(&*CLIP).into())
    }

    /// Ends the lease through another request, another process or a timeout; a second passes.
    fn end(&self, how: End) {
        let (app, id) = (&self.test.app, self.grant.job.job.public_id);
        self.test.clock.advance(Duration::from_secs(1));
        match how {
            End::Completed => self.complete().unwrap(),
            End::NodeRemoved => drop(nodes::remove(&self.test.admin(), &crate::support::operator(), "n1").unwrap()),
            End::CancelledByClient => drop(jobs::remove(app, &self.caller, id).unwrap()),
            End::CancelledByOperator => {
                drop(operator::cancel(&self.test.admin(), &crate::support::operator(), id).unwrap())
            }
            End::Expired => {
                self.test.clock.advance(LEASE);
                assert_eq!(leases::expire(app).unwrap(), 1);
            }
        }
    }

    fn send_video(&self, offset: u64, body: &mut dyn Read) -> Result<u64, Error> {
        leases::append_video(&self.test.app, &self.node, self.grant.lease.id, offset, body).map_err(|why| match why {
            UploadError::Failed(error) => error,
            UploadError::WrongOffset(offset) => panic!("the offset is {offset}"),
        })
    }

    fn send_poster(&self, body: &mut dyn Read) -> Result<u64, Error> {
        leases::put_poster(&self.test.app, &self.node, self.grant.lease.id, body)
    }

    /// The files in `clips`.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.test.dir.path().join("clips")).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    /// Asserts that a complete clip is left, or nothing.
    #[track_caller]
    fn assert_frozen(&self, how: End, poster: bool) {
        let name = |extension| {
            let path = clip_file(self.test.dir.path(), self.grant.lease.id, extension);
            path.strip_prefix("clips/").unwrap().to_owned()
        };
        let mut expected = Vec::new();
        if how == End::Completed {
            if poster {
                expected.push((name("jpg"), POSTER.clone()));
            }
            expected.push((name("mp4"), CLIP.clone()));
        }
        let found = self.files();
        assert!(found == expected, "{how:?}: {:?}", found.iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(self.test.app.uploads_in_flight(), 0, "{how:?}: the upload is still registered");
    }
}

#[test]
fn video_upload_writes_nothing_after_its_lease_ends() {
    for how in ENDS {
        let fixture = Fixture::open();
        let callback = || fixture.end(how);
        let mut body = BodyWithCallback { first: &CLIP, callback: Some(Box::new(callback)), last: b"something else" };
        let error = fixture.send_video(0, &mut body).expect_err("the lease has ended");
        assert_eq!(error.kind, Kind::Conflict, "{how:?}: {error}");
        fixture.assert_frozen(how, false);
        let late = fixture.send_video(0, &mut &b"late"[..]).unwrap_err();
        assert_eq!(late.kind, Kind::Conflict, "{how:?}: {late}");
        fixture.assert_frozen(how, false);
    }
}

#[test]
fn poster_upload_is_not_stored_after_its_lease_ends() {
    for how in ENDS {
        let fixture = Fixture::open();
        fixture.send_video(0, &mut &CLIP[..]).unwrap();
        fixture.send_poster(&mut &POSTER[..]).unwrap();
        let callback = || fixture.end(how);
        let mut body = BodyWithCallback { first: &POSTER, callback: Some(Box::new(callback)), last: b"something else" };
        let error = fixture.send_poster(&mut body).expect_err("the lease has ended");
        assert_eq!(error.kind, Kind::Conflict, "{how:?}: {error}");
        fixture.assert_frozen(how, true);
    }
}

#[test]
fn upload_notices_within_a_mebibyte_that_another_process_ended_its_lease() {
    let fixture = Fixture::open();
    let rest = vec![7; 3 << 20];
    // The clock stands still.
    let callback = || drop(nodes::remove(&fixture.test.admin(), &crate::support::operator(), "n1").unwrap());
    let mut body = BodyWithCallback { first: b"x", callback: Some(Box::new(callback)), last: &rest };
    assert_eq!(fixture.send_video(0, &mut body).unwrap_err().code.as_str(), "lost");
    fixture.assert_frozen(End::NodeRemoved, false);
}

#[test]
fn upload_started_before_a_rejected_completion_is_superseded() {
    let fixture = Fixture::open();
    let half = CLIP.len() / 2;
    let callback = || assert_eq!(fixture.complete().unwrap_err().code.as_str(), "video_mismatch");
    let mut body = BodyWithCallback { first: &CLIP[..half], callback: Some(Box::new(callback)), last: &CLIP[half..] };
    assert_eq!(fixture.send_video(0, &mut body).unwrap_err().code.as_str(), "superseded");
    assert_eq!(fixture.files(), []);
    fixture.send_video(0, &mut &CLIP[..]).unwrap();
    fixture.complete().unwrap();
    fixture.assert_frozen(End::Completed, false);
}

#[test]
fn clip_file_with_the_wrong_length_is_not_served() {
    let fixture = Fixture::open();
    fixture.send_video(0, &mut &CLIP[..]).unwrap();
    fixture.complete().unwrap();
    let job = jobs::get(&fixture.test.app, &fixture.caller, fixture.grant.job.job.public_id).unwrap().job;
    assert_eq!(job.status, JobStatus::Done);
    let token = job.clip.unwrap().token;
    let path = fixture.test.dir.path().join(clip_file(fixture.test.dir.path(), fixture.grant.lease.id, "mp4"));
    for length in [0, CLIP.len() - 1, CLIP.len() + 1] {
        let mut bytes = CLIP.clone();
        bytes.resize(length, 0);
        fs::write(&path, bytes).unwrap();
        let error = clips::open_video(&fixture.test.app, &token).err().expect("the file has the wrong length");
        assert_eq!(error.kind, Kind::Internal, "{length}");
    }
    fs::write(&path, &*CLIP).unwrap();
    assert_eq!(clips::open_video(&fixture.test.app, &token).unwrap().bytes, CLIP.len() as u64);
}
