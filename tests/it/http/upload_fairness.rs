//! Upload slots are shared: one caller's slow uploads leave slots to all others, and clients leave slots to nodes,
//! whatever their address. Loopback, as a trusted proxy, has no limit for an address.

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::appliance::{Appliance, Joined};
use crate::support::client::{Answer, Request, connect};
use crate::support::wait::until;

/// Slots of clients and of nodes; an eighth of them is 2 and 1.
const CLIENTS: usize = 16;
const NODES: usize = 8;

fn appliance() -> Appliance {
    Appliance::start_with(|options| {
        options.limits.transport.uploads = CLIENTS;
        options.limits.transport.reserved_uploads = NODES;
    })
}

fn demo(bytes: usize) -> Vec<u8> {
    let mut demo = b"PBDEMS2\0".to_vec();
    demo.resize(bytes, 7);
    demo
}

/// Starts an upload that does not end.
fn start_upload(appliance: &Appliance, request: &Request) -> TcpStream {
    let bytes = request.bytes();
    let mut stream = connect(appliance.address);
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    stream.write_all(&bytes[..head + 4 + 20]).unwrap();
    stream
}

fn upload(key: &str) -> Request {
    Request::post("/api/demos").key(key).body(demo(100_000))
}

/// Waits until this many demo uploads are running; each has a file.
fn wait_for_uploads(appliance: &Appliance, uploads: usize) {
    let folder = appliance.app.data_dir().join("demos");
    let count = || std::fs::read_dir(&folder).unwrap().flatten();
    let parts = || count().filter(|entry| entry.path().extension().is_some_and(|ending| ending == "part")).count();
    until("the uploads to start", || (parts() == uploads).then_some(()));
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{answer:?}");
    assert!(answer.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 0), "{answer:?}");
}

fn video(appliance: &Appliance, node: &Joined) -> Request {
    let claim = appliance.claim(node).unwrap();
    Request::put(&format!("/api/node/leases/{}/video?offset=0", claim["lease"])).key(&node.key).body(vec![7; 200_000])
}

#[test]
fn account_gets_at_most_an_eighth_of_upload_slots_and_others_are_unaffected() {
    let appliance = appliance();
    let (greedy, other) = (appliance.account_with_dinks("greedy", 1), appliance.account("other"));
    let _first = start_upload(&appliance, &upload(&greedy.metered));
    let second = start_upload(&appliance, &upload(&greedy.reserved).chunked());
    wait_for_uploads(&appliance, 2);
    for request in [
        upload(&greedy.metered),
        upload(&greedy.metered).chunked(),
        upload(&greedy.metered).header("X-Forwarded-For", "192.0.2.7"),
        Request::post("/api/demos").key(&greedy.metered).body(demo(100)).header("Expect", "100-continue"),
    ] {
        assert_refused(&appliance.send(&request), 429, "too_many_uploads");
    }
    appliance.send(&upload(&other.metered)).expect(201);
    // Short bodies with a known length need no slot.
    appliance.send(&Request::post("/api/demos").key(&greedy.metered).body(demo(100))).expect(201);
    appliance.job(&greedy.metered);
    drop(second);
    until("a free slot", || {
        let answer = appliance.send(&upload(&greedy.metered));
        (answer.status == 201).then_some(())
    });
}

#[test]
fn node_video_upload_works_when_clients_hold_all_their_slots() {
    let appliance = appliance();
    let node = appliance.node("n1");
    let accounts: Vec<_> = (0..CLIENTS / 2).map(|number| appliance.account(&format!("account {number}"))).collect();
    appliance.job(&accounts[0].metered);
    let _held: Vec<_> =
        accounts.iter().flat_map(|keys| [(); 2].map(|()| start_upload(&appliance, &upload(&keys.metered)))).collect();
    wait_for_uploads(&appliance, CLIENTS);
    let late = appliance.account("late");
    assert_refused(&appliance.send(&upload(&late.metered)), 503, "service_unavailable");
    appliance.send(&video(&appliance, &node)).expect(200);
}

#[test]
fn node_gets_at_most_an_eighth_of_node_slots_and_others_are_unaffected() {
    let appliance = appliance();
    let key = appliance.account("studio").metered;
    let (greedy, other) = (appliance.node("greedy"), appliance.node("other"));
    for _ in 0..3 {
        appliance.job(&key);
    }
    let requests = [video(&appliance, &greedy), video(&appliance, &greedy)];
    let _held = start_upload(&appliance, &requests[0]);
    let clips = appliance.app.data_dir().join("clips");
    until("the video upload to start", || std::fs::read_dir(&clips).unwrap().next().map(drop));
    assert_refused(&appliance.send(&requests[1]), 503, "too_busy");
    appliance.send(&video(&appliance, &other)).expect(200);
}

#[test]
fn unauthenticated_uploads_cannot_take_slots_from_authenticated_ones() {
    let appliance = appliance();
    let key = appliance.account("studio").metered;
    let join = Request::post("/api/node/join").json(format!("{{\"join_token\": \"{}\"}}", "x".repeat(2_000)));
    let held: Vec<_> = (0..4 * CLIENTS).map(|_| start_upload(&appliance, &join.clone().chunked())).collect();
    // Two of them are being read; the others are refused with a retry hint.
    let actual = until("the refusals", || {
        let answers = held.iter().filter(|stream| {
            stream.set_nonblocking(true).unwrap();
            stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0)
        });
        Some(answers.count()).filter(|count| *count >= 4 * CLIENTS - 2)
    });
    assert_eq!(actual, 4 * CLIENTS - 2);
    appliance.send(&upload(&key)).expect(201);
    // A node that sends a `Content-Length` can still join.
    appliance.node("n1");
}
