//! `kill -9` of server or node between the steps of an upload into the bucket: every acknowledged job ends as done, with one
//! video and one ledger row, and a sweep leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::upkeep::bucket;
use dinkem_appliance::app::{App, Settings};
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::{Clock, FakeClock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::render::forge;

use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::s3::S3;
use crate::support::wait::{TIMEOUT, until};

/// The bucket's requests at which something is killed: the upload begins, a part arrives, the upload is completed, the object
/// is looked at, its index is read, the poster is stored.
const STAGES: [&[&str]; 6] = [
    &["POST ", "uploads="],
    &["PUT ", "partNumber="],
    &["POST ", "uploadId="],
    &["HEAD ", ".mp4"],
    &["GET ", ".mp4"],
    &["PUT ", ".jpg"],
];
/// How long the request is held up: it goes on after the kill, as requests do.
const HELD: Duration = Duration::from_millis(700);

#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Node,
}

/// Whether there is an S3 server to try it with.
fn kill_at(victim: Victim, stage: &'static [&'static str]) -> bool {
    // Its own: a server leaves alone what another has put into the bucket.
    let Some(s3) = S3::start("kill -9 with a bucket") else { return false };
    let files = quick::server();
    let storage = s3.flags("s3");
    let storage: Vec<&str> = storage.iter().map(String::as_str).collect();
    // Longer than a busy machine takes to start a server: the leases must outlast its restart.
    let flags = ["--fetch-allow", "127.0.0.0/8", "--lease-seconds", "10"];
    let mut appliance = Appliance::start_plain(&[&flags, &storage[..]].concat());
    let key = appliance.account("studio");
    let mut node = appliance.node("node", None);
    // One that is still joining gives up when its server is killed.
    let joined = appliance.scratch().join("node/node.json");
    until("the node to join", || joined.exists().then_some(()));
    let reached = s3.hold(stage, HELD);
    let id = appliance.submit(&key, &quick::job(&files));
    reached.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("{victim:?}: never saw {stage:?}"));
    match victim {
        Victim::Server => {
            appliance.server().kill();
            appliance.restart();
        }
        Victim::Node => {
            node.kill();
            node = appliance.node("node", None);
        }
    }
    let job = appliance.wait_for_clip(&key, &id);
    assert_eq!((appliance.ledger_rows(), appliance.count("clips")), (1, 1), "{victim:?} killed at {stage:?}");
    let (status, video) = appliance.raw("GET", job["clip"]["url"].as_str().unwrap(), None, None);
    assert_eq!((status, video.len() as u64), (200, job["clip"]["bytes"].as_u64().unwrap()));
    // The held request may still be under way.
    until("a bucket without orphans", || {
        sweep_tomorrow(&s3, &appliance);
        let keys = s3.keys();
        let videos = keys.iter().filter(|key| key.ends_with(".mp4")).count();
        let is_clean = videos == 1 && keys.len() <= 2 && s3.bucket().unfinished("", None).unwrap().found.is_empty();
        is_clean.then_some(())
    });
    drop(node);
    true
}

/// The bucket's requests for an uploaded demo at which the server is killed, and whether the client has its answer by then: the
/// demo is looked for, stored, and read for its index.
const DEMO_STAGES: [(&[&str], bool); 3] =
    [(&["HEAD ", "/demos/"], false), (&["PUT ", "/demos/"], false), (&["GET ", "/demos/"], true)];

/// Whether there is an S3 server to try it with.
fn kill_with_demo_at(stage: &'static [&'static str], is_acknowledged: bool) -> bool {
    let Some(s3) = S3::start("kill -9 with a demo on its way to a bucket") else { return false };
    let storage = s3.flags("s3");
    let mut appliance = Appliance::start_plain(&storage.iter().map(String::as_str).collect::<Vec<_>>());
    let key = appliance.account("studio");
    let reached = s3.hold(stage, HELD);
    let (url, bearer) = (appliance.url("/api/demos"), format!("Bearer {key}"));
    let uploading = std::thread::spawn(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        agent.post(url).header("Authorization", bearer).send(forge::quick()).map(|answer| answer.status().as_u16()).ok()
    });
    reached.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("never saw {stage:?}"));
    if is_acknowledged {
        assert_eq!(uploading.join().unwrap(), Some(201));
        appliance.server().kill();
    } else {
        appliance.server().kill();
        assert_eq!(uploading.join().unwrap(), None, "{stage:?}");
    }
    assert_eq!(appliance.count("demos"), i64::from(is_acknowledged), "{stage:?}");
    if !is_acknowledged {
        // The bucket may still be working on the held request.
        until("a bucket without orphans", || {
            sweep_tomorrow(&s3, &appliance);
            s3.keys().is_empty().then_some(())
        });
    }
    appliance.restart();
    if !is_acknowledged {
        assert_eq!(appliance.raw("POST", "/api/demos", Some(&key), Some(forge::quick())).0, 201);
    }
    let index = format!("/api/demos/{}", Sha256::of(forge::quick()));
    until("the index", || (appliance.call("GET", &index, &key, None).0 == 200).then_some(()));
    sweep_tomorrow(&s3, &appliance);
    assert_eq!(s3.keys(), [index.trim_start_matches("/api/")]);
    true
}

/// The daily sweep, as it runs a day later.
fn sweep_tomorrow(s3: &S3, appliance: &Appliance) {
    let clock = FakeClock::at(SystemClock::new().now_ms() + 25 * 3_600_000);
    let settings = Settings { storage: Some(s3.storage()), ..Settings::default() };
    let app = App::beside_as(&appliance.data_dir(), settings, Arc::new(clock), Arc::new(SystemRandom)).unwrap();
    bucket::sweep(&app).unwrap();
}

#[test]
fn server_killed_in_any_step_of_an_upload_to_the_bucket_loses_no_job_and_bills_it_once() {
    let _all = STAGES.iter().all(|stage| kill_at(Victim::Server, stage));
}

#[test]
fn server_killed_while_a_demo_is_uploaded_keeps_it_if_it_was_acknowledged_and_leaves_nothing_otherwise() {
    let _all = DEMO_STAGES.iter().all(|(stage, is_acknowledged)| kill_with_demo_at(stage, *is_acknowledged));
}

#[test]
fn node_killed_in_any_step_of_an_upload_to_the_bucket_loses_no_job_and_bills_it_once() {
    let _all = STAGES.iter().all(|stage| kill_at(Victim::Node, stage));
}
