//! Live frames over HTTP: taken with heartbeats while somebody watches, checked, and gone with their lease.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dinkem_appliance::app::leases::frames::{self, FRAMES, Frame, KEPT, WATCH};
use dinkem_appliance::app::{self, leases};
use dinkem_appliance::domain::frame::FRAME_BYTES;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};

use super::node::{heartbeat, lease_path, publish};
use crate::support::appliance::{Appliance, Joined};
use crate::support::client::{Answer, Request};
use crate::support::operator;

/// A grey JPEG.
fn jpeg(width: u16, height: u16, grey: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let pixels = vec![grey; usize::from(width) * usize::from(height)];
    Encoder::new(&mut jpeg, 60).encode(&pixels, width, height, ColorType::Luma).unwrap();
    jpeg
}

/// A heartbeat with this member `frame`.
fn beat(appliance: &Appliance, node: &Joined, claim: &Value, frame: &Value) -> Answer {
    let body = json!({"stage": "rendering", "progress": 0.5, "frame": frame}).to_string();
    appliance.send(&Request::put(&lease_path(claim, "")).key(&node.key).json(body))
}

fn send(appliance: &Appliance, node: &Joined, claim: &Value, jpeg: &[u8]) -> Answer {
    beat(appliance, node, claim, &json!(STANDARD.encode(jpeg)))
}

fn latest(appliance: &Appliance) -> Vec<Frame> {
    frames::latest(&appliance.app, FRAMES)
}

/// A server with an account, a node and its lease.
fn rendering() -> (Appliance, String, Joined, Value) {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    (appliance, key, node, claim)
}

#[test]
fn frame_is_kept_while_somebody_watches() {
    let (appliance, key, node, claim) = rendering();
    let answer = send(&appliance, &node, &claim, &jpeg(320, 180, 9)).expect(200).json();
    assert_eq!(answer.get("watched"), None, "nobody watches: {answer}");
    assert_eq!(latest(&appliance), []);

    frames::watch(&appliance.app);
    let answer = heartbeat(&appliance, &node, &claim, "rendering", 0.5).expect(200).json();
    assert_eq!(answer["watched"], true);
    send(&appliance, &node, &claim, &jpeg(320, 180, 10)).expect(200);
    appliance.clock.advance(Duration::from_secs(5));
    send(&appliance, &node, &claim, &jpeg(320, 180, 11)).expect(200);
    appliance.job(&key);
    let second = appliance.claim(&node).unwrap();
    appliance.clock.advance(Duration::from_millis(1_500));
    send(&appliance, &node, &second, &jpeg(640, 640, 12)).expect(200);
    let seen: Vec<_> = latest(&appliance).iter().map(|frame| (frame.lease.0, frame.age_ms)).collect();
    assert_eq!(seen, [(second["lease"].as_i64().unwrap(), 0), (claim["lease"].as_i64().unwrap(), 1_500)]);
    let frame = &latest(&appliance)[1];
    assert_eq!(&*frame.jpeg, jpeg(320, 180, 11));
    assert_eq!(frames::latest(&appliance.app, 1).len(), 1);
    assert_eq!(frames::of_node(&appliance.app, frame.node), latest(&appliance));
    assert_eq!(frames::of_node(&appliance.app, dinkem_appliance::domain::id::NodeId(99)), []);

    // Nobody looks any more.
    appliance.clock.advance(WATCH);
    let answer = send(&appliance, &node, &claim, &jpeg(320, 180, 13)).expect(200).json();
    assert_eq!(answer.get("watched"), None);
    assert_eq!(&*latest(&appliance)[1].jpeg, jpeg(320, 180, 11));
    appliance.clock.advance(KEPT - WATCH);
    assert_eq!(latest(&appliance), [], "too old");
}

#[test]
fn what_is_no_frame_is_dropped_and_the_heartbeat_counts() {
    let (appliance, _, node, claim) = rendering();
    frames::watch(&appliance.app);
    let good = jpeg(320, 180, 9);
    let long = [&good[..good.len() - 2], &vec![0; FRAME_BYTES], &[0xff, 0xd9]].concat();
    let encoded = |bytes: &[u8]| json!(STANDARD.encode(bytes));
    for (what, frame) in [
        ("too many bytes", encoded(&long[..FRAME_BYTES + 1])),
        ("too wide", encoded(&jpeg(641, 8, 9))),
        ("too high", encoded(&jpeg(8, 641, 9))),
        ("cut off", encoded(&good[..good.len() - 1])),
        ("another kind of picture", encoded(b"\x89PNG\r\n\x1a\n")),
        ("empty", json!("")),
        ("no base64", json!("<svg>")),
        ("no string", json!([255, 216])),
        ("null", Value::Null),
    ] {
        let answer = beat(&appliance, &node, &claim, &frame).expect(200).json();
        assert_eq!(answer["watched"], true, "{what}");
        assert_eq!(latest(&appliance), [], "{what}");
    }
    send(&appliance, &node, &claim, &good).expect(200);
    beat(&appliance, &node, &claim, &json!("<svg>")).expect(200);
    assert_eq!(&*latest(&appliance)[0].jpeg, good, "the last good one stays");
    // What does not fit into a JSON body is refused like any other.
    beat(&appliance, &node, &claim, &json!("A".repeat(17 * 1024))).expect(413);
}

#[test]
fn frame_is_gone_when_its_lease_ends() {
    let (appliance, key, node, claim) = rendering();
    let mut claim = Some(claim);
    let others = appliance.node("n2");
    type End<'a> = (&'a str, &'a dyn Fn(&Value));
    let ends: [End<'_>; 5] = [
        ("done", &|claim| publish(&appliance, &node, claim)),
        ("failed", &|claim| {
            let body = r#"{"code":"render_failed","message":"It broke.","retry":"never"}"#;
            appliance.send(&Request::post(&lease_path(claim, "/fail")).key(&node.key).json(body)).expect(200);
        }),
        ("cancelled", &|claim| {
            let path = format!("/api/clips/{}", claim["job"]["id"].as_str().unwrap());
            appliance.send(&Request::new("DELETE", &path).key(&key)).expect(200);
        }),
        ("lost", &|_| {
            appliance.clock.advance(Duration::from_secs(31));
            assert_eq!(leases::expire(&appliance.app).unwrap(), 1);
        }),
        ("removed", &|_| {
            app::nodes::remove(&appliance.app, &operator(), "n1").unwrap();
        }),
    ];
    for (what, end) in ends {
        frames::watch(&appliance.app);
        let claim = claim.take().unwrap_or_else(|| {
            appliance.claim(&node).unwrap_or_else(|| {
                appliance.job(&key);
                appliance.claim(&node).unwrap()
            })
        });
        send(&appliance, &others, &claim, &jpeg(320, 180, 9)).expect(409);
        assert_eq!(latest(&appliance), [], "another node's lease");
        send(&appliance, &node, &claim, &jpeg(320, 180, 9)).expect(200);
        assert_eq!(latest(&appliance).len(), 1, "{what}");
        end(&claim);
        assert_eq!(latest(&appliance), [], "{what}");
        frames::watch(&appliance.app);
        let late = send(&appliance, &node, &claim, &jpeg(320, 180, 9));
        assert!([401, 409].contains(&late.status), "{what}: {late:?}");
        assert_eq!(latest(&appliance), [], "{what}");
    }
}

#[test]
fn clients_see_nothing_of_frames() {
    let (appliance, key, node, claim) = rendering();
    frames::watch(&appliance.app);
    let frame = jpeg(320, 180, 9);
    send(&appliance, &node, &claim, &frame).expect(200);
    let path = lease_path(&claim, "");
    for (method, path) in [("GET", path.as_str()), ("GET", &format!("{path}/frame"))] {
        let answer = appliance.send(&Request::new(method, path).key(&key));
        assert!([401, 403, 404, 405].contains(&answer.status), "{answer:?}");
    }
    let id = claim["job"]["id"].as_str().unwrap();
    let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200);
    assert!(!String::from_utf8_lossy(&job.body).contains("frame"));
    assert!(!format!("{:?}", latest(&appliance)).contains("255"), "a frame is not printed");
}
