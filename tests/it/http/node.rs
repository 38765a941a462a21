//! `/api/node`: a job from claim to clip with plain requests, and requests that are late, foreign or invalid.

use std::io::Write as _;
use std::time::Duration;

use dinkem_appliance::app;
use dinkem_appliance::domain::join_token::JOIN_TOKEN_SECONDS;
use dinkem_appliance::domain::lease::LEASE_SECONDS;
use dinkem_appliance::wire::join_token::JoinTicket;
use dinkem_appliance::wire::node_requests::CLAIM_WAIT_SECONDS;
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, Joined, PLAYER};
use crate::support::client::{Answer, Request, connect};
use crate::support::hash::sha256_hex;
use crate::support::video::{CLIP, FRAMES, POSTER};

pub fn lease_path(claim: &Value, what: &str) -> String {
    format!("/api/node/leases/{}{what}", claim["lease"])
}

pub fn heartbeat(appliance: &Appliance, node: &Joined, claim: &Value, stage: &str, progress: f64) -> Answer {
    let body = json!({"stage": stage, "progress": progress}).to_string();
    appliance.send(&Request::put(&lease_path(claim, "")).key(&node.key).json(body))
}

fn complete(appliance: &Appliance, node: &Joined, claim: &Value, video: &[u8]) -> Answer {
    let sha256 = sha256_hex(video);
    let body = json!({"video_sha256": sha256}).to_string();
    appliance.send(&Request::post(&lease_path(claim, "/complete")).key(&node.key).json(body))
}

/// Uploads and completes, which publishes the clip.
pub fn publish(appliance: &Appliance, node: &Joined, claim: &Value) {
    publish_video(appliance, node, claim, &CLIP);
}

/// The same with this video.
pub fn publish_video(appliance: &Appliance, node: &Joined, claim: &Value, video: &[u8]) {
    let upload = |what: &str, body: &[u8]| {
        appliance.send(&Request::put(&lease_path(claim, what)).key(&node.key).body(body)).expect(200);
    };
    upload("/video?offset=0", video);
    upload("/poster", &POSTER);
    complete(appliance, node, claim, video).expect(200);
}

#[test]
fn job_goes_from_claim_to_published_clip() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    assert!(appliance.claim(&node).is_none());
    let id = appliance.job(&key);
    let show = || appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json();

    let claim = appliance.claim(&node).unwrap();
    assert_eq!((&claim["job"]["id"], &claim["job"]["status"]), (&json!(id), &json!("rendering")));
    assert_eq!(claim["expires_in_ms"], json!(LEASE_SECONDS * 1_000));
    assert_eq!(
        claim["render"],
        json!({"steam64_id": PLAYER, "round": 5, "fps": 30, "width": 1920, "height": 1080,
               "commands": {"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"}, "camera": "follow"})
    );
    assert_eq!((&claim["uploaded_demo"], &claim["fetch_policy"]["allow"]), (&Value::Null, &json!([])));

    for (stage, progress) in [("fetching", 0.0), ("parsing", 0.1), ("rendering", 0.5), ("uploading", 0.9)] {
        appliance.clock.advance(Duration::from_secs(10));
        let expires = heartbeat(&appliance, &node, &claim, stage, progress).expect(200).json();
        assert_eq!(expires, json!({"expires_in_ms": LEASE_SECONDS * 1_000}));
        let job = show();
        assert_eq!((&job["status"], &job["stage"]), (&json!("rendering"), &json!(stage)));
        assert_eq!((&job["progress"], &job["queue_position"]), (&json!(progress), &Value::Null));
    }

    // The video in two parts, the second after a wrong offset.
    let half = CLIP.len() / 2;
    let part = |offset: usize, body: &[u8]| {
        appliance.send(&Request::put(&lease_path(&claim, &format!("/video?offset={offset}"))).key(&node.key).body(body))
    };
    assert_eq!(part(0, &CLIP[..half]).expect(200).json(), json!({"bytes": half}));
    let wrong = part(half + 1, &CLIP[half..]).expect(409).json();
    assert_eq!((&wrong["code"], &wrong["offset"]), (&json!("wrong_offset"), &json!(half)));
    assert_eq!(part(half, &CLIP[half..]).expect(200).json(), json!({"bytes": CLIP.len()}));
    appliance.send(&Request::put(&lease_path(&claim, "/poster")).key(&node.key).body(&*POSTER)).expect(200);

    complete(&appliance, &node, &claim, &CLIP).expect(200);
    complete(&appliance, &node, &claim, &CLIP).expect(200);
    let job = show();
    assert_eq!((&job["status"], &job["progress"], &job["error"]), (&json!("done"), &json!(1.0), &Value::Null));
    let clip = &job["clip"];
    assert_eq!((&clip["width"], &clip["height"], &clip["fps"]), (&json!(1920), &json!(1080), &json!(30)));
    assert_eq!(
        (&clip["bytes"], &clip["duration_seconds"]),
        (&json!(CLIP.len()), &json!((FRAMES * 1_000 / 30) as f64 / 1_000.0))
    );
    assert_eq!((&clip["view"], &clip["pov_verified"]), (&json!("tactical"), &Value::Null));
    let path = clip["url"].as_str().unwrap().strip_prefix("http://clips.lan:8443").unwrap();
    assert!(appliance.send(&Request::get(path)).expect(200).body == *CLIP);
}

#[test]
fn interrupted_video_upload_resumes_at_the_servers_offset() {
    let appliance = Appliance::start();
    appliance.job(&appliance.account("studio").metered);
    let node = appliance.node("n1");
    let claim = appliance.claim(&node).unwrap();
    let whole = Request::put(&lease_path(&claim, "/video?offset=0")).key(&node.key).body(&*CLIP);
    whole.send_partially(appliance.address, CLIP.len() / 2);
    // The server may still be writing what arrived: retry until the offset matches.
    let mut offset = 0;
    loop {
        let path = lease_path(&claim, &format!("/video?offset={offset}"));
        let answer = appliance.send(&Request::put(&path).key(&node.key).body(&CLIP[offset..]));
        if answer.status == 200 {
            assert_eq!(answer.json()["bytes"], CLIP.len());
            break;
        }
        offset = answer.expect(409).json()["offset"].as_u64().unwrap() as usize;
    }
    complete(&appliance, &node, &claim, &CLIP).expect(200);
}

#[test]
fn wrong_video_is_not_published() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    let nothing_yet = complete(&appliance, &node, &claim, &CLIP);
    assert!((400..500).contains(&nothing_yet.status), "{nothing_yet:?}");
    appliance.send(&Request::put(&lease_path(&claim, "/video?offset=0")).key(&node.key).body("no video")).expect(200);
    let wrong_hash = complete(&appliance, &node, &claim, &CLIP);
    assert!((400..500).contains(&wrong_hash.status), "{wrong_hash:?}");
    let no_video = complete(&appliance, &node, &claim, b"no video");
    assert!((400..500).contains(&no_video.status), "{no_video:?}");
    let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).json();
    assert_eq!((job["status"] == "done", &job["clip"]), (false, &Value::Null));
}

#[test]
fn cancelled_job_stops_its_node_at_the_next_heartbeat() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    let deleted = appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200).json();
    assert_eq!(deleted["status"], "cancelled");
    assert_eq!(heartbeat(&appliance, &node, &claim, "rendering", 0.5).expect(409).json()["code"], "cancelled");
    complete(&appliance, &node, &claim, &CLIP).expect(409);
}

#[test]
fn foreign_and_nonexistent_leases_are_the_same_conflict() {
    let appliance = Appliance::start();
    appliance.job(&appliance.account("studio").metered);
    let (node, foreign) = (appliance.node("n1"), appliance.node("n2"));
    let claim = appliance.claim(&node).unwrap();
    for (who, lease) in [
        (&foreign, claim.clone()),
        (&node, json!({"lease": 987_654})),
        (&node, json!({"lease": "99999999999999999999"})),
    ] {
        let lease = json!({"lease": lease["lease"].as_str().map_or(lease["lease"].clone(), |text| serde_json::from_str(text).unwrap())});
        let answer = heartbeat(&appliance, who, &lease, "rendering", 0.5);
        let known = answer.status == 409 && answer.json()["code"] == "lost";
        assert!(known || answer.status == 404, "{answer:?}");
        assert!((400..500).contains(&complete(&appliance, who, &lease, &CLIP).status));
    }
    heartbeat(&appliance, &node, &claim, "rendering", 0.5).expect(200);
}

#[test]
fn permanent_failure_reaches_the_client_with_the_nodes_message() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    let body = json!({"code": "player_not_in_demo", "message": "Nobody <here>.", "retry": "never"}).to_string();
    let fail = Request::post(&lease_path(&claim, "/fail")).key(&node.key).json(body);
    appliance.send(&fail).expect(200);
    let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).json();
    assert_eq!(job["status"], "failed");
    assert_eq!(job["error"], json!({"code": "player_not_in_demo", "message": "Nobody <here>."}));
}

#[test]
fn join_token_works_once_and_expires_after_an_hour() {
    let appliance = Appliance::start();
    let join = |token: &str, name: &str| {
        let body = json!({"join_token": token, "name": name}).to_string();
        appliance.send(&Request::post("/api/node/join").json(body))
    };
    let secret = app::nodes::token(&appliance.app, &crate::support::operator()).unwrap().reveal().to_owned();
    let ticket = JoinTicket { server: None, ca: None, secret: secret.clone() }.encode().unwrap();
    let joined = join(&ticket, "n1").expect(201).json();
    assert!(uuid::Uuid::try_parse(joined["node_key"].as_str().unwrap()).is_ok());
    let again = join(&secret, "n2");
    assert!((400..500).contains(&again.status), "{again:?}");
    assert!(again.json()["error"].as_str().is_some_and(|message| !message.is_empty()));

    let late = app::nodes::token(&appliance.app, &crate::support::operator()).unwrap().reveal().to_owned();
    appliance.clock.advance(Duration::from_secs(JOIN_TOKEN_SECONDS + 1));
    assert!((400..500).contains(&join(&late, "n3").status));
    join("not a token", "n4").expect_bad_field("join_token");
    join(&ticket, "").expect_bad_field("name");
}

#[test]
fn node_requests_are_validated_strictly() {
    let appliance = Appliance::start();
    appliance.job(&appliance.account("studio").metered);
    let node = appliance.node("n1");
    let claims = |body: &str| appliance.send(&Request::post("/api/node/claims").key(&node.key).json(body));
    claims(r#"{"wait_seconds":26,"renderers":["builtin"],"slots":1}"#).expect_bad_field("wait_seconds");
    claims(r#"{"wait_seconds":0,"renderers":["vr"],"slots":1}"#).expect_bad_field("renderers");
    claims(r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1,"gpus":2}"#).expect_bad_field("gpus");
    let claim = appliance.claim(&node).unwrap();
    heartbeat(&appliance, &node, &claim, "sleeping", 0.5).expect_bad_field("stage");
    heartbeat(&appliance, &node, &claim, "rendering", 1.5).expect_bad_field("progress");
    for query in ["", "?offset=", "?offset=-1", "?offset=x"] {
        let path = lease_path(&claim, &format!("/video{query}"));
        appliance.send(&Request::put(&path).key(&node.key).body("x")).expect_bad_field("offset");
    }
    appliance.send(&Request::put("/api/node/leases/x").key(&node.key).json("{}")).expect(404);
}

#[test]
fn waiting_claim_gets_a_new_job_and_ends_when_the_server_stops() {
    let mut appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let wait = Request::post("/api/node/claims")
        .key(&node.key)
        .json(json!({"wait_seconds": CLAIM_WAIT_SECONDS, "renderers": ["builtin"], "slots": 64}).to_string());
    let waiting = || {
        let mut stream = connect(appliance.address);
        stream.write_all(&wait.bytes()).unwrap();
        stream
    };
    let first = waiting();
    let id = appliance.job(&key);
    assert_eq!(Answer::read(first, false).expect(200).json()["job"]["id"], json!(id));

    let second = waiting();
    // Once this request is answered, the server has also received the claim before it.
    appliance.send(&Request::get("/healthz")).expect(200);
    assert_eq!(appliance.stop(), 0, "no request was aborted");
    let actual = Answer::read(second, false).expect(503);
    assert_eq!((actual.json()["code"].as_str(), actual.header("Retry-After")), (Some("stopping"), Some("5")));
}

#[test]
fn job_status_is_served_while_claims_wait_on_every_thread() {
    const THREADS: usize = 2;
    let appliance = Appliance::start_with(|options| options.limits.threads = THREADS);
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let node = appliance.node("n1");
    appliance.claim(&node).unwrap();
    let wait = Request::post("/api/node/claims")
        .key(&node.key)
        .json(json!({"wait_seconds": CLAIM_WAIT_SECONDS, "renderers": ["builtin"], "slots": 64}).to_string());
    let waiting: Vec<_> = (0..10 * THREADS)
        .map(|_| {
            let mut stream = connect(appliance.address);
            stream.write_all(&wait.bytes()).unwrap();
            stream
        })
        .collect();
    for path in ["/api/account", "/api/clips?limit=5", &format!("/api/clips/{id}")] {
        appliance.send(&Request::get(path).key(&key)).expect(200);
    }
    for stream in waiting {
        stream.set_nonblocking(true).unwrap();
        assert!(stream.peek(&mut [0]).is_err(), "a claim ended before the other requests were answered");
    }
}
