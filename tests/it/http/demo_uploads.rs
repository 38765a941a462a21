//! What `POST /api/demos` accepts, judged by the first bytes; a byte order mark before JSON.

use std::io::{Read, Write};

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::{Answer, Request, connect};
use crate::support::compression::COMPRESSORS;

const README: &[u8] = b"# My demos\n\nThese are recordings of matches.\n";

/// Name, content type, body; status, code and part of the message.
type Refusal<'a> = (&'a str, &'a str, &'a [u8], u16, &'a str, &'a str);

/// A refused upload leaves no file and no row.
fn assert_nothing_kept(appliance: &Appliance, key: &str, what: &str) {
    let demos = std::fs::read_dir(appliance.app.data_dir().join("demos")).unwrap();
    assert_eq!(demos.count(), 0, "{what}: no file");
    let list = appliance.send(&Request::get("/api/demos").key(key)).expect(200).json();
    assert_eq!(list["demos"], serde_json::json!([]), "{what}: no row");
}

#[test]
fn non_demo_upload_is_rejected_and_uses_no_quota() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let request = Request::post("/api/demos").key(&key);
    let multipart =
        b"--x\r\nContent-Disposition: form-data; name=\"demo\"; filename=\"a.dem\"\r\n\r\nPBDEMS2\0\r\n--x--\r\n";
    let cases: [Refusal<'_>; 12] = [
        ("a README", "application/octet-stream", README, 422, "demo_unreadable", "not a CS2 demo"),
        ("a README as text", "text/markdown", README, 422, "demo_unreadable", "not a CS2 demo"),
        ("a page", "text/html", b"<!doctype html><title>x</title>", 422, "demo_unreadable", "web page"),
        ("an old demo", "application/octet-stream", b"HL2DEMO\0....", 422, "demo_unreadable", "older"),
        ("a RAR", "application/octet-stream", b"Rar!\x1a\x07\x01\0....", 422, "demo_unreadable", "RAR"),
        ("too little", "application/octet-stream", b"PBDEMS", 422, "demo_unreadable", "not a CS2 demo"),
        ("a video", "video/mp4", b"\0\0\0\x20ftypisom", 422, "demo_unreadable", "not a CS2 demo"),
        ("multipart", "multipart/form-data; boundary=x", multipart, 415, "unsupported_media_type", "--data-binary"),
        ("Multipart", "Multipart/Form-Data; boundary=x", multipart, 415, "unsupported_media_type", "-T match.dem"),
        ("a form", "application/x-www-form-urlencoded", b"demo=PBDEMS2", 415, "unsupported_media_type", "curl"),
        // `curl -d @match.dem` drops NUL bytes.
        ("curl -d", "application/x-www-form-urlencoded", b"PBDEMS2....", 415, "unsupported_media_type", "curl"),
        ("nothing", "application/octet-stream", b"", 400, "empty_body", "no body"),
    ];
    for (what, media, body, status, code, message) in cases {
        for request in [request.clone().body(body), request.clone().body(body).chunked()] {
            let answer = appliance.send(&request.header("Content-Type", media)).expect(status);
            let problem = answer.json();
            assert_eq!(problem["code"], code, "{what}");
            assert!(problem["error"].as_str().unwrap().contains(message), "{what}: {problem}");
        }
        assert_nothing_kept(&appliance, &key, what);
    }
}

#[test]
fn plain_and_compressed_demos_are_accepted_with_any_content_type() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = dinkem_appliance::render::forge::quick();
    let mut bodies: Vec<Vec<u8>> = COMPRESSORS.iter().map(|(_, pack)| pack(&demo)).collect();
    bodies.push(b"PK\x03\x04 and so on".to_vec());
    bodies.push(demo);
    // The last one is curl's default for `--data-binary`.
    for media in ["application/octet-stream", "text/plain", "application/x-www-form-urlencoded"] {
        for body in &bodies {
            let request = Request::post("/api/demos").key(&key).header("Content-Type", media).body(body);
            appliance.send(&request).expect(201);
        }
    }
}

#[test]
fn non_demo_upload_is_rejected_before_the_whole_body_is_sent() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let request = Request::post("/api/demos").key(&key).no_length().header("Content-Length", "1000000000");
    let mut stream = connect(appliance.address);
    stream.write_all(&[request.bytes(), README.to_vec()].concat()).unwrap();
    assert_eq!(Answer::read(stream, false).expect(422).json()["code"], "demo_unreadable");

    // With `Expect: 100-continue`, a form is refused before any body is sent.
    let request = request.header("Expect", "100-continue");
    let mut stream = connect(appliance.address);
    stream.write_all(&request.clone().header("Content-Type", "multipart/form-data; boundary=x").bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 415 "), "{all}");

    // For other types the client is told to start sending.
    let mut stream = connect(appliance.address);
    stream.write_all(&request.bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(README).unwrap();
    Answer::read(stream, false).expect(422);
    assert_nothing_kept(&appliance, &key, "100-continue");
}

#[test]
fn byte_order_mark_before_json_is_ignored() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let marked = |json: &str| [b"\xef\xbb\xbf", json.as_bytes()].concat();
    let job = Request::post("/api/clips").key(&key).json(marked(&good_job().to_string()));
    appliance.send(&job).expect(202);
    let claim = Request::post("/api/node/claims").key(&node.key);
    let claim = claim.json(marked(r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1}"#));
    let lease = appliance.send(&claim).expect(200).json()["lease"].clone();
    let beat = Request::put(&format!("/api/node/leases/{lease}")).key(&node.key);
    appliance.send(&beat.json(marked(r#"{"stage":"parsing","progress":0.5}"#))).expect(200);
    // Only one UTF-8 mark, and only at the beginning.
    for body in [&b"\xef\xbb\xbf\xef\xbb\xbf{}"[..], b"{\xef\xbb\xbf}", b"\xfe\xff\0{\0}", b"\xef\xbb\xbf"] {
        let answer = appliance.send(&Request::post("/api/clips").key(&key).json(body)).expect(400);
        assert_eq!(answer.json()["code"], "invalid_json", "{body:?}");
    }
}
