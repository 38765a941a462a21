//! Errors from the transport, below any handler: JSON with a documented code.

use std::io::{Read, Write};

use dinkem_appliance::domain::error_code::error_responses;
use dinkem_appliance::http::TransportLimits;
use serde_json::Value;

use crate::support::appliance::Appliance;
use crate::support::client::connect;
use crate::support::wait::until;

/// The response to these bytes: head and body.
fn answer(appliance: &Appliance, bytes: &[u8]) -> (String, Vec<u8>) {
    let mut stream = connect(appliance.address);
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    // The response may be followed by a reset.
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("{bytes:?}: {all:?}"));
    (String::from_utf8_lossy(&all[..end]).to_ascii_lowercase(), all[end + 4..].to_vec())
}

/// Asserts that the response is a documented error; its status and code.
fn problem(what: &str, (head, body): &(String, Vec<u8>)) -> (u16, String) {
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let problem: Value = serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{what}: {error}: {}", String::from_utf8_lossy(body)));
    let code = problem["code"].as_str().unwrap().to_owned();
    assert!(
        error_responses().iter().any(|known| (known.code.as_str(), known.status) == (&*code, status)),
        "{what}: {status} {code}"
    );
    assert!(problem["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{what}: {problem}");
    for line in ["content-type: application/json", "x-request-id: ", "connection: close"] {
        assert!(head.contains(line), "{what}: {head}");
    }
    (status, code)
}

#[test]
fn transport_errors_are_json_with_documented_codes() {
    let appliance = Appliance::start_with(|options| {
        options.limits.transport = TransportLimits { requests_in_flight: 1, ..TransportLimits::default() };
    });
    let head = |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let long = "x".repeat(40_000);
    let cases = [
        ("not HTTP", "nonsense\r\n\r\n".into(), 400, "bad_request"),
        ("a TLS handshake", "\u{16}\u{3}\u{1}\r\n\r\n".into(), 400, "bad_request"),
        ("an invalid method", head("G@T /", ""), 400, "bad_request"),
        ("an invalid URI", head("GET /a<b>\u{7f}", ""), 400, "bad_request"),
        ("an invalid header name", head("GET /", "X(1): y\r\n"), 400, "bad_request"),
        ("a nameless header", head("GET /", ": y\r\n"), 400, "bad_request"),
        ("a control character", head("GET /", "X: \u{1}\r\n"), 400, "bad_request"),
        ("no host", "GET / HTTP/1.1\r\n\r\n".into(), 400, "bad_request"),
        ("two lengths", head("POST /", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400, "bad_request"),
        ("a length beyond 64 bits", head("POST /", "Content-Length: 99999999999999999999\r\n"), 413, "body_too_large"),
        ("a long URI", head(&format!("GET /{long}"), ""), 414, "uri_too_long"),
        ("an unknown expectation", head("POST /", "Content-Length: 1\r\nExpect: tea\r\n"), 417, "expectation_failed"),
        ("long headers", head("GET /", &format!("X: {long}\r\n")), 431, "request_header_fields_too_large"),
        ("many headers", head("GET /", &"X: y\r\n".repeat(200)), 431, "request_header_fields_too_large"),
        ("an unsupported transfer coding", head("POST /", "Transfer-Encoding: gzip\r\n"), 501, "not_implemented"),
        ("a CONNECT request", head("CONNECT x:1", ""), 501, "not_implemented"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, "http_version_not_supported"),
        ("HTTP/3", "GET / HTTP/3.0\r\nHost: x\r\n\r\n".into(), 505, "http_version_not_supported"),
    ];
    for (what, bytes, status, code) in cases {
        assert_eq!(problem(what, &answer(&appliance, bytes.as_bytes())), (status, code.to_owned()), "{what}");
    }
    // At the request limit: an unfinished upload takes the only slot.
    let key = appliance.account("studio").metered;
    let lines = format!("Authorization: Bearer {key}\r\nContent-Length: 1000000\r\n");
    let mut uploads = Vec::new();
    let busy = until("the only slot to be taken", || {
        let answer = answer(&appliance, head("GET /healthz", "Connection: close\r\n").as_bytes());
        if answer.0.starts_with("http/1.1 503") {
            return Some(answer);
        }
        // The previous upload may have arrived while this check held the slot.
        let mut upload = connect(appliance.address);
        upload.write_all((head("POST /api/demos", &lines) + "PBDEMS2\0").as_bytes()).unwrap();
        uploads.push(upload);
        None
    });
    assert_eq!(problem("busy", &busy), (503, "service_unavailable".to_owned()));
    assert!(busy.0.contains("retry-after: 1"), "{}", busy.0);
}

#[test]
fn any_byte_in_a_request_gets_a_json_response() {
    let appliance = Appliance::start();
    for byte in 0..=u8::MAX {
        let places: [(&str, &[u8], &[u8]); 4] = [
            ("method", b"GE", b"T /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            ("address", b"GET /heal", b"thz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            ("name", b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-", b"A: b\r\n\r\n"),
            ("value", b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: b", b"c\r\n\r\n"),
        ];
        for (place, before, after) in places {
            let (head, body) = answer(&appliance, &[before, &[byte], after].concat());
            let parsed: Result<Value, _> = serde_json::from_slice(&body);
            assert!(parsed.is_ok(), "byte {byte:#04x} in the {place}: {head} {body:?}");
            assert!(head.contains("content-type: application/json"), "byte {byte:#04x} in the {place}: {head}");
        }
    }
}
