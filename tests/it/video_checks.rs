//! Uploaded videos are billed by their length: a video that cannot be the requested clip is rejected and its node
//! benched.

use dinkem_appliance::app::leases::Grant;
use dinkem_appliance::app::{demos, jobs, leases, nodes};
use dinkem_appliance::domain::demo::Indexing;
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::id::JobId;
use dinkem_appliance::domain::job::{Caller, JobSpec, JobStatus, Renderer};
use dinkem_appliance::domain::node::{Node, NodeState};
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::store::{Store, demo_indexes, ledger};
use serde_json::json;
use std::time::Duration;

use crate::support::mp4::Mp4;
use crate::support::test_app::{TestApp, spec};

struct Fixture {
    test: TestApp,
    caller: Caller,
    node: Node,
}

impl Fixture {
    fn open() -> Self {
        let test = TestApp::start();
        let (caller, _) = test.account("studio");
        let node = test.node("n1");
        Self { test, caller, node }
    }

    fn claim(&self, spec: JobSpec) -> Grant {
        jobs::submit(&self.test.app, &self.caller, spec).unwrap();
        leases::claim(&self.test.app, &self.node, &Renderer::ALL, 1, Duration::ZERO).unwrap().expect("a job waits")
    }

    /// Uploads a video and completes the job.
    fn deliver(&self, grant: &Grant, video: &[u8]) -> Result<(), Error> {
        leases::append_video(&self.test.app, &self.node, grant.lease.id, 0, &mut &video[..]).unwrap();
        self.complete(grant, video)
    }

    fn complete(&self, grant: &Grant, video: &[u8]) -> Result<(), Error> {
        leases::complete(&self.test.app, &self.node, grant.lease.id, Sha256::of(video).into())
    }

    fn fail(&self, grant: &Grant) {
        let failure = Failure::for_good(FailureCode::RenderFailed, "x");
        leases::fail(&self.test.app, &self.node, grant.lease.id, failure.into()).unwrap();
    }

    /// Why the node is benched, if it is; resumes it.
    fn bench_reason(&self) -> Option<String> {
        let info = nodes::list(&self.test.app).unwrap().remove(0);
        nodes::resume(&self.test.app, &crate::support::operator(), "n1").unwrap();
        info.node.bench.filter(|_| info.state == NodeState::Benched).map(|bench| bench.because)
    }

    fn billed_ms(&self) -> Vec<u64> {
        let rows = Store::beside(self.test.dir.path()).unwrap().read(|db| ledger::page(db, JobId(0), 100)).unwrap();
        rows.iter().map(|row| row.footage_ms).collect()
    }

    /// A job for an indexed demo whose clips last this many seconds, at 64 ticks per second.
    fn demo(&self, seconds: &[i32]) -> JobSpec {
        let bytes = b"PBDEMS2\0 and so on".repeat(10);
        let stored = demos::receive(&self.test.app, &self.caller, &mut &bytes[..]).unwrap();
        let rounds: Vec<_> = seconds
            .iter()
            .zip(1..)
            .map(|(seconds, number)| {
                let start = number * 20_000;
                json!({"number": number, "start_tick": start, "end_tick": start + 64 * 200, "winner": "ct",
                       "clip_ticks": [start, start + 64 * seconds]})
            })
            .collect();
        let players = [json!({"steam64_id": spec().steam64_id.to_string(), "name": "p", "kills_by_round": {}})];
        let content = json!({"map": "de_x", "tick_rate": 64.0, "rounds": rounds, "players": players}).to_string();
        let beside = Store::beside(self.test.dir.path()).unwrap();
        beside.write(move |tx| demo_indexes::indexed(tx, &stored.sha256, &content, 0)).unwrap();
        let known = demos::known(&self.test.app, &self.caller, &stored.sha256).unwrap();
        assert!(matches!(known, Some(Indexing::Indexed(_))));
        let name = stored.sha256.to_string();
        JobSpec { demo_url: format!("https://any.host/api/demos/{name}"), ..spec() }
    }
}

#[test]
fn video_with_a_false_index_is_rejected_and_its_node_benched() {
    let good = || Mp4::of(300, 30, 40);
    let chunked = |chunks: Vec<i64>| Mp4 { runs: vec![(1, 100)], chunks, ..good() };
    let own = |size: u32| Mp4 { each: 0, sizes: vec![size; 300], ..good() };
    let one_empty = |mut video: Mp4| {
        video.sizes[150] = 0;
        video
    };
    let cases: Vec<(&str, Mp4, Option<&str>)> = vec![
        ("nothing is wrong", good(), None),
        ("nothing is wrong with three chunks", chunked(vec![0, 4_000, 8_000]), None),
        ("nothing is wrong with long offsets", Mp4 { long_offsets: true, ..chunked(vec![0, 4_000, 8_000]) }, None),
        ("nothing is wrong with individual frame sizes", own(40), None),
        ("the last frame is shown a little longer", Mp4 { times: vec![(299, 512), (1, 700)], ..good() }, None),
        ("60 million frames of one byte", Mp4::of(60_000_000, 30, 1), Some("longer than 600 seconds")),
        ("60 million empty frames", Mp4 { media: 8, ..Mp4::of(60_000_000, 30, 0) }, Some("not a complete MP4")),
        ("an index of empty frames", empty_frames(18_000), Some("empty frames")),
        ("one empty frame", one_empty(own(40)), Some("empty frames")),
        ("frames of one byte", Mp4::of(300, 30, 1), Some("empty frames")),
        ("eleven minutes", Mp4::of(30 * 660, 30, 40), Some("longer than 600 seconds")),
        ("frames that are not there", Mp4 { media: 11_999, ..good() }, Some("not stored consecutively")),
        ("a chunk before the media", Mp4 { chunks: vec![-1], ..good() }, Some("not stored consecutively")),
        ("all chunks in one place", chunked(vec![0, 0, 0]), Some("not stored consecutively")),
        ("chunks that overlap", chunked(vec![0, 3_999, 7_999]), Some("not stored consecutively")),
        ("a chunk too few", chunked(vec![0, 4_000]), Some("not a complete MP4")),
        ("a chunk too many", chunked(vec![0, 4_000, 8_000, 11_000]), Some("not a complete MP4")),
        ("more frame durations than frames", Mp4 { times: vec![(301, 512)], ..good() }, Some("not a complete MP4")),
        ("60 frames a second", Mp4::of(300, 60, 40), Some("60 frames per second, not 30")),
        ("a changing frame rate", Mp4 { times: vec![(100, 256), (200, 640)], ..good() }, Some("constant frame rate")),
        (
            "one frame for half the time",
            Mp4 { times: vec![(1, 512 * 5), (299, 497)], ..good() },
            Some("constant frame rate"),
        ),
        (
            "a last frame of an hour",
            Mp4 { times: vec![(299, 512), (1, 512 * 108_000)], ..good() },
            Some("frames per second"),
        ),
        ("1440 lines", Mp4 { lines: 1440, ..good() }, Some("2560x1440, not 1920x1080")),
    ];
    let fixture = Fixture::open();
    for (what, video, refused) in cases {
        let (grant, video) = (fixture.claim(spec()), video.bytes());
        let answer = fixture.deliver(&grant, &video);
        let Some(why) = refused else {
            answer.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(fixture.bench_reason(), None, "{what}");
            continue;
        };
        let error = answer.expect_err(what);
        assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid, "video_mismatch"), "{what}: {error}");
        assert!(error.message.contains(why), "{what}: {error}");
        let job = jobs::get(&fixture.test.app, &fixture.caller, grant.job.job.public_id).unwrap().job;
        assert_eq!((job.status, job.clip), (JobStatus::Rendering, None), "{what}");
        let bench = fixture.bench_reason().unwrap_or_else(|| panic!("{what}: the node must be benched"));
        assert!(bench.contains(why) && bench.contains(&job.public_id.to_string()), "{what}: {bench}");
        // Repeating the call finds no video and does not bench the node again.
        assert_eq!(fixture.complete(&grant, &video).unwrap_err().code.as_str(), "video_missing", "{what}");
        assert_eq!(fixture.bench_reason(), None, "{what}");
        fixture.fail(&grant);
    }
    assert!(fixture.billed_ms().iter().all(|billed| (10_000..10_100).contains(billed)), "{:?}", fixture.billed_ms());
}

/// A video of empty frames.
fn empty_frames(frames: u32) -> Mp4 {
    Mp4 { each: 0, sizes: vec![0; frames as usize], media: 64, ..Mp4::of(frames, 30, 0) }
}

#[test]
fn clip_of_an_indexed_demo_must_last_as_long_as_its_round() {
    let fixture = Fixture::open();
    let order = fixture.demo(&[100, 40]);
    let game = |spec: JobSpec| JobSpec { renderer: Renderer::Game, ..spec };
    let round = |round: u32| JobSpec { round, ..order.clone() };
    let cases = [
        (round(1), 100.0, true),
        (round(1), 100.4, true),
        (round(1), 99.6, true),
        (round(1), 101.0, false),
        (round(1), 99.0, false),
        (round(1), 40.0, false),
        (round(2), 40.0, true),
        (round(2), 100.0, false),
        (round(2), 599.0, false),
        (game(round(1)), 100.0, true),
        (game(round(1)), 60.0, true),
        (game(round(1)), 101.0, false),
        // Nothing is known about a demo that was not uploaded.
        (JobSpec { round: 2, ..spec() }, 599.0, true),
    ];
    let mut billed = Vec::new();
    for (spec, seconds, good) in cases {
        let what = format!("round {} by {:?}: {seconds} s", spec.round, spec.renderer);
        let grant = fixture.claim(spec);
        let frames = (seconds * 30.0_f64).round() as u32;
        let answer = fixture.deliver(&grant, &Mp4::of(frames, 30, 40).bytes());
        assert_eq!(
            answer.as_ref().err().map(|error| error.code.as_str()),
            (!good).then_some("video_mismatch"),
            "{what}"
        );
        assert_eq!(fixture.bench_reason().is_some(), !good, "{what}");
        match good {
            true => billed.push((seconds * 1_000.0).round() as u64),
            false => fixture.fail(&grant),
        }
    }
    assert_eq!(fixture.billed_ms(), billed);
}

#[test]
fn incomplete_upload_does_not_bench_the_node_and_a_completed_job_resets_the_bench() {
    let fixture = Fixture::open();
    let (good, bad) = (Mp4::of(300, 30, 40).bytes(), Mp4::of(300, 60, 40).bytes());
    let minutes = || {
        let info = nodes::list(&fixture.test.app).unwrap().remove(0);
        info.node.bench.map(|bench| (bench.until_ms - fixture.test.now_ms()) / 60_000)
    };
    let grant = fixture.claim(spec());
    assert_eq!(fixture.complete(&grant, &good).unwrap_err().code.as_str(), "video_missing");
    leases::append_video(&fixture.test.app, &fixture.node, grant.lease.id, 0, &mut &good[..5_000]).unwrap();
    assert_eq!(fixture.complete(&grant, &good).unwrap_err().code.as_str(), "video_mismatch");
    assert_eq!(minutes(), None, "an incomplete upload does not bench the node");
    // The video was discarded, so the node can start over.
    assert_eq!(fixture.deliver(&grant, &bad).unwrap_err().code.as_str(), "video_mismatch");
    assert_eq!(minutes(), Some(10));
    assert_eq!(fixture.deliver(&grant, &bad).unwrap_err().code.as_str(), "video_mismatch");
    assert_eq!(minutes(), Some(20));
    fixture.deliver(&grant, &good).unwrap();
    assert_eq!(minutes(), Some(20), "the node may finish its job, and stays benched");
    fixture.test.clock.advance(Duration::from_secs(20 * 60));
    let grant = fixture.claim(spec());
    assert_eq!(fixture.deliver(&grant, &bad).unwrap_err().code.as_str(), "video_mismatch");
    assert_eq!(minutes(), Some(10));
}
