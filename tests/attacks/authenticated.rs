//! Attacks with valid keys of a client or a node. The worst they may do is fail their own work and use up their own
//! share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::demo_bombs::{empty_members, huge_sign_on};
use super::forged_video::{empty_frames, one_byte_frames};
use super::hostile::client::Wire;
use super::hostile::{PATIENCE, eventually};
use super::test_server::{TestServer, padded, path_of, try_call};
use crate::support::client::Request;
use crate::support::hash::sha256_hex;

const DEMO: &[u8] = b"PBDEMS2\0";
const MIB: usize = 1 << 20;

/// Unique numbers for the names of nodes and accounts.
pub fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Videos whose index lists hours of footage. None is accepted.
pub fn videos_with_false_lengths(server: &TestServer) {
    for video in [one_byte_frames(), empty_frames()] {
        // A new node each time, because a bad video benches its node.
        let node = server.node(&format!("liar-{}", next()));
        let (id, lease) = server.claimed_job(&node);
        let (status, answer) = server.deliver(&node, &lease, &video);
        assert_eq!((status, &answer["code"]), (400, &json!("video_mismatch")), "{answer}");
        assert_eq!(server.job(&id)["clip"], Value::Null);
        server.cancel(&id);
    }
    let nodes = server.appliance.admin(&["nodes", "list"]);
    let liars: Vec<&Value> = nodes
        .as_array()
        .or_else(|| nodes["nodes"].as_array())
        .unwrap()
        .iter()
        .filter(|node| node["name"].as_str().unwrap().starts_with("liar-"))
        .collect();
    assert!(!liars.is_empty() && liars.iter().all(|node| node["state"] == "benched"), "{nodes:#}");
}

/// An upload that continues after its clip was published must not change the clip.
pub fn upload_that_outlives_its_lease(server: &TestServer) {
    let node = server.node(&format!("late-{}", next()));
    let (id, lease) = server.claimed_job(&node);
    let video = padded();
    let target = &server.target;
    let head = |path: &str, length: usize| {
        format!(
            "PUT /api/node/leases/{lease}/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {node}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    // The whole video, then another unfinished upload of the video and one of the poster.
    let (status, _) =
        server.call(&Request::put(&format!("/api/node/leases/{lease}/video?offset=0")).key(&node).body(&video));
    assert_eq!(status, 200);
    let mut late = target.open();
    late.send(head(&format!("video?offset={}", video.len()), 4 * MIB)).unwrap();
    let mut poster = target.open();
    poster.send(head("poster", MIB)).unwrap();
    let sha256 = sha256_hex(&video);
    let body = json!({"video_sha256": sha256}).to_string();
    let complete = Request::post(&format!("/api/node/leases/{lease}/complete")).key(&node).json(body);
    assert_eq!(server.call(&complete).0, 200);
    let clip = server.job(&id)["clip"].clone();
    for wire in [&mut late, &mut poster] {
        for _ in 0..4 {
            let _cut_perhaps = wire.send([&[0xff, 0xd8, 0xff][..], &vec![7; MIB]].concat());
        }
        // Refused or disconnected, never accepted.
        let status = wire.answer("PUT").map(|answer| answer.status);
        assert!(status.is_none_or(|status| [400, 404, 409].contains(&status)), "{status:?}");
    }
    let mut reader = target.open();
    reader.patience(PATIENCE);
    reader.send(target.get(&path_of(clip["url"].as_str().unwrap()))).unwrap();
    let answer = reader.answer("GET").unwrap();
    assert!(answer.complete && answer.status == 200);
    assert_eq!((answer.body.len(), sha256_hex(&answer.body)), (video.len(), sha256));
    assert_eq!(server.call(&Request::get(&path_of(clip["poster_url"].as_str().unwrap_or("/clips/x.jpg")))).0, 404);
}

/// The same completion many times at once.
pub fn concurrent_completions(server: &TestServer, count: usize) {
    let node = server.node(&format!("eager-{}", next()));
    let (id, lease) = server.claimed_job(&node);
    let video = padded();
    server.call(&Request::put(&format!("/api/node/leases/{lease}/video?offset=0")).key(&node).body(&video));
    let body = json!({"video_sha256": sha256_hex(&video)}).to_string();
    let complete = Request::post(&format!("/api/node/leases/{lease}/complete")).key(&node).json(body);
    let mut wires: Vec<Wire> = (0..count).map(|_| server.target.open()).collect();
    for wire in &mut wires {
        wire.send(complete.bytes()).unwrap();
    }
    let statuses: Vec<Option<u16>> =
        wires.iter_mut().map(|wire| wire.answer("POST").map(|answer| answer.status)).collect();
    assert!(statuses.iter().flatten().all(|status| [200, 409, 429, 503].contains(status)), "{statuses:?}");
    eventually("the clip is published", || {
        server.call(&complete);
        server.job(&id)["status"] == "done"
    });
}

/// Concurrent uploads of different demos, each more than half of the quota: one is accepted and the others leave
/// nothing. The accepted one is deleted again.
pub fn concurrent_uploads(server: &TestServer, count: usize, each: usize) {
    let key = server.key.as_str();
    let (before, run) = (server.files("demos").len(), next());
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let upload = |n: usize| {
            let target = &server.target;
            move || {
                let demo: Arc<[u8]> =
                    [DEMO, &n.to_be_bytes(), &run.to_be_bytes(), &vec![n as u8; each]].concat().into();
                try_call(target, &Request::post("/api/demos").key(key).body(&demo)).unwrap_or((0, Value::Null))
            }
        };
        let uploads: Vec<_> = (0..count).map(|n| scope.spawn(upload(n))).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    // 0: disconnected before the response was read, as a client that keeps sending must expect.
    assert!(answers.iter().all(|(status, _)| [0, 201, 413, 429, 503].contains(status)), "{answers:?}");
    let taken: Vec<&Value> = answers.iter().filter(|(status, _)| *status == 201).map(|(_, answer)| answer).collect();
    assert_eq!(taken.len(), 1, "{answers:?}");
    eventually("refused uploads leave no file", || server.files("demos").len() == before + taken.len());
    let path = path_of(taken[0]["demo_url"].as_str().unwrap());
    assert_eq!(server.call(&Request::delete(&path).key(key)).0, 200);
    assert_eq!(server.files("demos").len(), before);
}

/// Uploads that arrive a byte at a time, more than there are upload slots.
pub fn trickling_uploads(server: &TestServer, count: usize) {
    let head = format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n", 8 * MIB);
    let head = server.target.post(&head);
    let mut wires: Vec<Wire> = server.target.open_with(count, &head);
    for wire in &mut wires {
        let _refused_perhaps = wire.send(DEMO);
    }
    super::hostile::attacks::drip_until_cut(&mut wires);
}

/// Many more waiting claims than the node has slots; then the node is removed.
pub fn claims_of_one_node(server: &TestServer, count: usize) {
    let name = format!("greedy-{}", next());
    let key = server.node(&name);
    let claim = json!({"wait_seconds": 25, "renderers": ["builtin"], "slots": 1}).to_string();
    let request = Request::post("/api/node/claims").key(&key).json(claim);
    let mut wires: Vec<Wire> = (0..count).map(|_| server.target.open()).collect();
    for wire in &mut wires {
        wire.send(request.bytes()).unwrap();
    }
    server.appliance.admin(&["nodes", "remove", &name]);
    let statuses: Vec<Option<u16>> =
        wires.iter_mut().map(|wire| wire.answer("POST").map(|answer| answer.status)).collect();
    assert!(statuses.iter().flatten().all(|status| [204, 401, 409, 429, 503].contains(status)), "{statuses:?}");
}

/// Demos that are small to send but large to read. Each is accepted, read in a child process and found too large.
pub fn decompression_bombs(server: &TestServer) {
    let key = server.appliance.account(&format!("bomber-{}", next()));
    for bomb in [empty_members(), huge_sign_on()] {
        let (status, answer) = server.call(&Request::post("/api/demos").key(&key).body(&bomb));
        assert_eq!(status, 201, "{answer}");
        let path = path_of(answer["demo_url"].as_str().unwrap());
        let mut found = Value::Null;
        eventually("the demo has been read", || {
            let (status, answer) = server.call(&Request::get(&path).key(&key));
            found = answer;
            status != 202
        });
        assert_eq!(found["code"], "demo_too_large", "{found}");
        assert_eq!(server.call(&Request::delete(&path).key(&key)).0, 200);
    }
}
