//! The `complete` call: one at a time for each lease, few at once in total, and published clips stay as they are.

use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::node::lease_path;
use crate::support::appliance::{Appliance, Joined};
use crate::support::client::{Answer, Request, connect};
use crate::support::epochs::clip_file;
use crate::support::hash::sha256_hex;
use crate::support::video::CLIP;
use crate::support::wait::until;

use dinkem_appliance::app::leases::upload_turns::{COMPLETES, NODE_COMPLETES};

fn completion(node: &Joined, claim: &Value, video: &[u8]) -> Request {
    let sha256 = sha256_hex(video);
    let body = serde_json::json!({"video_sha256": sha256}).to_string();
    Request::post(&lease_path(claim, "/complete")).key(&node.key).json(body)
}

fn video_path(appliance: &Appliance, claim: &Value) -> PathBuf {
    appliance.app.data_dir().join(clip_file(appliance.app.data_dir(), &claim["lease"], "mp4"))
}

/// A named pipe in place of the video, so that hashing waits until the test writes to it.
fn make_pipe(appliance: &Appliance, claim: &Value) -> PathBuf {
    let path = video_path(appliance, claim);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Sends a request whose response is read later.
fn send_only(appliance: &Appliance, request: &Request) -> std::net::TcpStream {
    let mut stream = connect(appliance.address);
    stream.write_all(&request.bytes()).unwrap();
    stream
}

#[test]
fn second_completion_is_told_to_retry_while_the_first_is_checked() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    let pipe = make_pipe(&appliance, &claim);
    let complete = completion(&node, &claim, &CLIP);
    let first = send_only(&appliance, &complete);
    until("the check of the first completion", || (appliance.app.uploads_in_flight() == 1).then_some(()));
    for _ in 0..220 {
        let actual = appliance.send(&complete).expect(409);
        assert_eq!((actual.json()["code"].as_str(), actual.header("Retry-After")), (Some("completing"), Some("1")));
    }
    let upload = Request::put(&lease_path(&claim, "/video?offset=0")).key(&node.key).body("something else");
    assert_eq!(appliance.send(&upload).expect(409).json()["code"], "completing");
    let poster = Request::put(&lease_path(&claim, "/poster")).key(&node.key).body([0xff, 0xd8, 0xff, 0]);
    assert_eq!(appliance.send(&poster).expect(409).json()["code"], "completing");
    appliance.job(&key);

    std::fs::write(pipe, "what broke on its way").unwrap();
    assert_eq!(Answer::read(first, false).expect(400).json()["code"], "video_mismatch");
    appliance.send(&upload.body(&*CLIP)).expect(200);
    appliance.send(&complete).expect(200);
    appliance.send(&complete).expect(200);
}

#[test]
fn concurrent_video_checks_are_limited_in_total_and_per_node() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let nodes: Vec<Joined> = (1..=3).map(|number| appliance.node(&format!("n{number}"))).collect();
    let claim = |node: &Joined| {
        appliance.job(&key);
        appliance.claim(node).unwrap()
    };
    let (mut pipes, mut waiting) = (Vec::new(), Vec::new());
    for node in &nodes[..COMPLETES / NODE_COMPLETES] {
        for _ in 0..NODE_COMPLETES {
            let claim = claim(node);
            pipes.push(make_pipe(&appliance, &claim));
            waiting.push(send_only(&appliance, &completion(node, &claim, &CLIP)));
            until("the check of the video", || (appliance.app.uploads_in_flight() == waiting.len()).then_some(()));
        }
        let more = claim(node);
        let actual = appliance.send(&completion(node, &more, &CLIP)).expect(503);
        assert_eq!((actual.json()["code"].as_str(), actual.header("Retry-After")), (Some("too_busy"), Some("5")));
    }
    let other = claim(&nodes[2]);
    appliance.send(&Request::put(&lease_path(&other, "/video?offset=0")).key(&nodes[2].key).body(&*CLIP)).expect(200);
    let complete = completion(&nodes[2], &other, &CLIP);
    appliance.send(&complete).expect(503);
    appliance.job(&key);
    for (pipe, stream) in pipes.iter().zip(waiting) {
        std::fs::write(pipe, "x").unwrap();
        Answer::read(stream, false).expect(400);
    }
    appliance.send(&complete).expect(200);
}

#[test]
fn upload_that_outlives_its_lease_cannot_change_the_published_clip() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    let more = b"what nobody has checked";
    let end = b"0\r\n\r\n";
    let bytes = Request::put(&lease_path(&claim, "/video?offset=0")).key(&node.key).body(&*CLIP).chunked().bytes();
    let mut slow = connect(appliance.address);
    slow.write_all(bytes.strip_suffix(end).unwrap()).unwrap();
    let path = video_path(&appliance, &claim);
    let length = || std::fs::metadata(&path).map_or(0, |file| file.len());
    until("the uploaded video", || (length() == CLIP.len() as u64).then_some(()));
    appliance.send(&completion(&node, &claim, &CLIP)).expect(200);

    slow.write_all(&[format!("{:x}\r\n", more.len()).as_bytes(), more, b"\r\n", end].concat()).unwrap();
    Answer::read(slow, false).expect(409);
    let clip = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json()["clip"].clone();
    let url = clip["url"].as_str().unwrap().strip_prefix("http://clips.lan:8443").unwrap().to_owned();
    let served = appliance.send(&Request::get(&url)).expect(200);
    assert!(served.body == *CLIP && std::fs::read(&path).unwrap() == *CLIP);
    let sha256 = sha256_hex(&served.body);
    assert_eq!(served.header("ETag"), Some(format!("\"{sha256}\"").as_str()));
    assert_eq!(clip["bytes"], CLIP.len());
}
