//! JSON bodies before they are parsed: content types, lengths, limits.

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::{Answer, Request, connect};

use dinkem_appliance::wire::JSON_BODY_BYTES;

fn padded(bytes: usize) -> String {
    let body = good_job().to_string();
    format!("{body}{}", " ".repeat(bytes - body.len()))
}

#[test]
fn json_route_accepts_only_json() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let types = [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("application/jsonx"), 415),
        (Some("application/json"), 202),
        (Some("application/json; charset=utf-8"), 202),
        (Some("Application/JSON ;x=y"), 202),
    ];
    for (content_type, status) in types {
        let request = Request::post("/api/clips").key(&key).body(good_job().to_string());
        let request = content_type.map_or(request.clone(), |value| request.header("Content-Type", value));
        let answer = appliance.send(&request).expect(status);
        assert!(status == 202 || answer.json()["code"] == "unsupported_media_type");
    }
}

#[test]
fn json_body_is_limited_to_16_kib() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let most = JSON_BODY_BYTES as usize;
    let request = |bytes: usize| Request::post("/api/clips").key(&key).json(padded(bytes));
    appliance.send(&request(most)).expect(202);
    appliance.send(&request(most).chunked()).expect(202);
    assert_eq!(appliance.send(&request(most + 1)).expect(413).json()["code"], "body_too_large");
    appliance.send(&request(most + 1).chunked()).expect(413);
    // A body announced as too large is not waited for once it exceeds what the transport buffers.
    let head = Request::post("/api/clips").key(&key).json("").no_length().header("Content-Length", "100000");
    let mut stream = connect(appliance.address);
    std::io::Write::write_all(&mut stream, &head.bytes()).unwrap();
    Answer::read(stream, false).expect(413);
}

#[test]
fn operator_can_raise_the_body_limit() {
    let appliance = Appliance::start_with(|options| options.limits.json_body_bytes = 100_000);
    let key = appliance.account("studio").metered;
    appliance.send(&Request::post("/api/clips").key(&key).json(padded(100_000))).expect(202);
    appliance.send(&Request::post("/api/clips").key(&key).json(padded(100_001))).expect(413);
}

#[test]
fn content_type_is_checked_before_size_and_size_before_content() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let large = "[".repeat(JSON_BODY_BYTES as usize + 1);
    appliance.send(&Request::post("/api/clips").key(&key).body(&large)).expect(415);
    appliance.send(&Request::post("/api/clips").key(&key).json(&large)).expect(413);
    appliance.send(&Request::post("/api/clips").key(&key).json("[")).expect(400);
    appliance.send(&Request::post("/api/clips").key(&key).json("")).expect(400);
}

#[test]
fn ambiguous_body_length_is_rejected() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let body = good_job().to_string();
    let length = body.len().to_string();
    let request = Request::post("/api/clips").key(&key).json(&body);
    let odd = [
        (request.clone().chunked().header("Content-Length", &length), 400, "bad_request"),
        (request.clone().header("Content-Length", &length), 400, "bad_request"),
        (request.clone().no_length().header("Content-Length", &format!("{length}, {length}")), 400, "bad_request"),
        (request.no_length().header("Transfer-Encoding", "gzip, chunked"), 501, "not_implemented"),
    ];
    for (request, status, code) in odd {
        assert_eq!(appliance.send(&request).expect(status).json()["code"], code);
    }
}
