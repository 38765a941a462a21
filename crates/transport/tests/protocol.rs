//! HTTP/1.1, as seen by a strict client and a hostile one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};
use support::hostile::client::statuses;
use support::hostile::eventually;
use support::hostile::smuggling::ambiguous_requests;
use support::site::Site;
use tiny_http::Limits;

#[test]
fn bytes_after_an_ambiguous_request_are_never_a_request() {
    for site in Site::both(&Limits::default()) {
        ambiguous_requests(&site.target());
        // The handler reads only the beginning, and the rest looks like a request.
        let mut wire = site.open();
        let chunk = "40\r\nabcdGET /SMUGGLED HTTP/1.1\r\nHost: x\r\n\r\n";
        wire.send(format!("POST /peek HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")).unwrap();
        assert_eq!(statuses(&wire.read_out().0), [400]);
        site.is_serving();
    }
}

#[test]
fn valid_requests_are_answered_in_order() {
    for site in Site::both(&Limits::default()) {
        let mut wire = site.open();
        // (request, method, status, body)
        let cases: &[(&str, &str, u16, Option<&str>)] = &[
            ("GET /json HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 200, Some(r#"{"ok":true}"#)),
            ("\r\nGET /json HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 200, None),
            ("GET http://x/json HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 200, None),
            ("HEAD /sized?n=70000 HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD", 200, Some("")),
            ("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 204, Some("")),
            ("GET /who HTTP/1.1\r\nHost: x\r\nX-A:  b \r\n\r\n", "GET", 200, Some(r#"127.0.0.1 Some("b") None"#)),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST", 200, Some("3")),
            ("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST", 401, Some("no")),
            ("DELETE /gone HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE", 404, Some("DELETE /gone")),
            ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", 404, Some("OPTIONS *")),
            ("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 500, None),
            ("GET /json HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 200, None),
        ];
        for (bytes, method, status, body) in cases {
            wire.send(bytes).unwrap();
            let answer = wire.answer(method).expect(bytes);
            assert_eq!((answer.status, answer.complete), (*status, true), "{bytes}");
            if let Some(body) = body {
                assert_eq!(answer.text(), *body, "{bytes}");
            }
            assert!(answer.header("date").is_some(), "{bytes}");
        }
        // Pipelined: the answers arrive in order, on the same connection.
        wire.send(cases.iter().map(|(bytes, ..)| *bytes).collect::<String>()).unwrap();
        for (bytes, method, status, _) in cases {
            assert_eq!(wire.answer(method).expect(bytes).status, *status, "{bytes}");
        }
        let counters = site.counters();
        assert_eq!((counters.accepted, counters.requests), (1, 2 * cases.len() as u64));
    }
}

#[test]
fn http_1_0_closes_unless_keep_alive_is_requested() {
    let site = Site::plain(Limits::default());
    let mut wire = site.open();
    wire.send("GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
    assert_eq!(wire.answer("GET").unwrap().header("connection"), Some("keep-alive"));
    wire.send("GET /unsized?n=100000 HTTP/1.0\r\n\r\n").unwrap();
    let answer = wire.answer("GET").unwrap();
    assert_eq!((answer.body.len(), answer.complete, answer.error), (100_000, true, None));
}

#[test]
fn response_headers_never_contain_line_breaks() {
    let site = Site::plain(Limits::default());
    let answer = site.open().get("/inject?v=a%0d%0aSet-Cookie:%20evil=1").unwrap();
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
}

#[test]
fn connection_can_be_upgraded() {
    let site = Site::plain(Limits::default());
    let mut wire = site.open();
    wire.send(
        "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .unwrap();
    wire.patience(Duration::from_secs(5));
    // A masked text frame, mask 0.
    wire.send(b"\x81\x85\0\0\0\0hello").unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"echo hello") {
        let before = seen.len();
        wire.read_some().unwrap();
        seen.extend(wire.take_held());
        assert!(seen.len() > before);
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "));
    drop(wire);
    site.is_empty();
}

#[test]
fn idle_connection_is_closed_and_slow_request_gets_408() {
    let quick = Duration::from_millis(200);
    let limits = Limits { head_time: quick, idle_time: 2 * quick, drain_time: quick, ..Limits::default() };
    for site in Site::both(&limits) {
        let mut silent = site.open();
        assert_eq!(silent.read_out(), (Vec::new(), None), "a silent connection is closed");
        let mut slow = site.open();
        slow.send("GET /json HTTP/1.1\r\nHo").unwrap();
        assert_eq!(slow.answer("GET").unwrap().status, 408);
        let mut used = site.open();
        assert_eq!(used.get("/json").unwrap().status, 200);
        assert_eq!(used.read_out(), (Vec::new(), None), "so is an idle one");
        let mut used = site.open();
        assert_eq!(used.get("/json").unwrap().status, 200);
        used.send("GET /json HTTP/1.1\r\nHo").unwrap();
        assert_eq!(used.answer("GET").unwrap().status, 408);
        site.is_empty();
        assert_eq!(site.counters().timeouts, 4);
    }
}

#[test]
fn request_over_the_limit_gets_503_with_retry_after() {
    let site = Site::plain(Limits { requests_in_flight: 2, ..Limits::default() });
    let mut waiting: Vec<_> = (0..2).map(|_| site.open()).collect();
    for wire in &mut waiting {
        wire.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    eventually("both wait", || site.counters().in_flight == 2);
    let answer = site.open().get("/json").unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(site.counters().overloaded, 1);
    site.gate.open();
    for wire in &mut waiting {
        assert_eq!(wire.answer("GET").unwrap().text(), "waited");
    }
    site.is_serving();
}

#[test]
fn keep_alive_connections_do_not_starve_others() {
    for site in Site::both(&Limits::default()) {
        let mut wires: Vec<_> = (0..200).map(|_| site.open()).collect();
        for _ in 0..3 {
            for wire in &mut wires {
                wire.send("GET /json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            }
            for wire in &mut wires {
                assert_eq!(wire.answer("GET").unwrap().status, 200);
            }
        }
        assert_eq!(site.counters().accepted, 200);
    }
}

#[test]
fn answers_do_not_wait_for_delayed_acknowledgements() {
    let site = Site::plain(Limits::default());
    let mut wire = site.open();
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let begin = Instant::now();
            assert_eq!(wire.get("/sized?n=3000").unwrap().body.len(), 3_000);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    // A delayed acknowledgement would take 40 ms, nearly every time.
    assert!(times[25] < Duration::from_millis(30), "{times:?}");
}
