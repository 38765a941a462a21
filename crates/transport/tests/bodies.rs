//! Request and response bodies: complete in whatever pieces they arrive, and never mistaken for complete.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::ErrorKind;
use support::hostile::client::{Answer, statuses};
use support::site::Site;
use tiny_http::Limits;

#[test]
fn body_may_arrive_in_any_pieces() {
    let site = Site::plain(Limits::default());
    for length in [1, 5_000, 64 << 10, (64 << 10) + 1, 3_000_000] {
        let mut wire = site.open();
        let body = vec![b'b'; length];
        wire.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")).unwrap();
        let (first, rest) = body.split_at(length / 2);
        wire.send(first).unwrap();
        // The next request arrives in one piece with the end of the body.
        wire.send([rest, b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n"].concat()).unwrap();
        assert_eq!(wire.answer("POST").unwrap().text(), length.to_string());
        assert_eq!(wire.answer("GET").unwrap().status, 200);
    }
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    let mut wire = site.open();
    for byte in head.as_bytes() {
        wire.send([*byte]).unwrap();
    }
    assert_eq!(wire.answer("POST").unwrap().text(), "4");
}

#[test]
fn continue_is_sent_only_when_the_body_is_read() {
    for site in Site::both(&Limits::default()) {
        let ask = |path: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        };
        let mut wire = site.open();
        wire.send(ask("/ignore")).unwrap();
        let (out, error) = wire.read_out();
        assert_eq!((statuses(&out), error), (vec![401], None), "refused without 100 Continue, and closed");
        let mut wire = site.open();
        wire.send(ask("/echo")).unwrap();
        assert!(wire.read_some().unwrap() > 0, "100 Continue");
        wire.send("abc").unwrap();
        assert_eq!(wire.answer("POST").unwrap().text(), "3");
    }
}

#[test]
fn truncated_request_body_never_looks_complete() {
    for site in Site::both(&Limits::default()) {
        for length in [100, 100_000] {
            let mut wire = site.open();
            wire.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nabc")).unwrap();
            wire.tcp.shutdown(std::net::Shutdown::Write).unwrap();
            let answer = wire.answer("POST");
            assert!(answer.as_ref().is_none_or(|answer| answer.status == 400), "{answer:?}");
        }
        site.is_empty();
    }
}

#[test]
fn failed_answer_never_looks_complete() {
    for site in Site::both(&Limits::default()) {
        // (path, maximum number of bytes)
        for (path, most) in [("/fails?at=500000&n=1000000", 500_000), ("/short?at=500000&n=1000000", 500_000)] {
            for version in ["1.1", "1.0"] {
                let answer = site.ask(format!("GET {path} HTTP/{version}\r\nHost: x\r\n\r\n")).unwrap();
                assert_eq!((answer.status, answer.complete), (200, false), "{path} {version}");
                assert!(answer.body.len() <= most, "{path} {version}");
            }
        }
        let chunked = site.ask("GET /fails-unsized?at=500000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!((chunked.status, chunked.complete), (200, false));
        // Without a length and without chunks, only a reset shows it.
        if let Some(Answer { error, .. }) = site.ask("GET /fails-unsized?at=500000 HTTP/1.0\r\n\r\n") {
            assert!(matches!(error, Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)), "{error:?}");
        }
        // As long as nothing was sent, a proper error is possible.
        assert_eq!(site.open().get("/fails?at=10&n=1000000").unwrap().status, 500);
        assert_eq!(site.open().get("/short?at=10&n=20").unwrap().status, 500);
        site.is_serving();
        assert_eq!(site.counters().broken_answers, 8);
    }
}

#[test]
fn streams_arrive_complete() {
    for site in Site::both(&Limits::default()) {
        let mut wire = site.open();
        for n in [0, 1, 65_535, 65_536, 65_537, 1_000_000, 20_000_000] {
            for (path, byte) in [("/sized", b's'), ("/unsized", b'u')] {
                let answer = wire.get(&format!("{path}?n={n}")).unwrap();
                assert!(answer.complete && answer.body.len() == n, "{path} {n}: {}", answer.body.len());
                assert!(answer.body.iter().all(|each| *each == byte));
            }
        }
    }
}

#[test]
fn short_unread_body_keeps_the_connection_open() {
    for site in Site::both(&Limits::default()) {
        let mut wire = site.open();
        for (path, status) in [("/ignore", 401), ("/peek", 400)] {
            let body = "b".repeat(300_000);
            wire.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n{body}")).unwrap();
            let answer = wire.answer("POST").unwrap();
            assert_eq!((answer.status, answer.header("connection")), (status, None));
            assert_eq!(wire.get("/json").unwrap().status, 200);
        }
        // The rest never arrives: the connection closes after the drain time.
        wire.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nb").unwrap();
        assert_eq!(wire.answer("POST").unwrap().status, 401);
        assert_eq!(wire.read_out().0, b"");
        site.is_empty();
    }
}
