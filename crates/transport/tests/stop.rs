//! Shutdown: no acknowledged request is lost, and whatever was cut off is reported.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::hostile::client::Wire;
use support::hostile::{PATIENCE, eventually};
use support::site::Site;
use tiny_http::{Limits, Server, Settings, configure};

#[test]
fn idle_server_stops_at_once_and_frees_its_port() {
    for mut site in Site::both(&Limits::default()) {
        let (mut fresh, mut used, mut begun) = (site.open(), site.open(), site.open());
        assert_eq!(used.get("/json").unwrap().status, 200);
        begun.send("GET /js").unwrap();
        eventually("all are here", || site.counters().open == 3);
        let stopped = site.stop(PATIENCE);
        assert!(stopped.is_clean() && stopped.took < Duration::from_secs(10), "{stopped:?}");
        for wire in [&mut fresh, &mut used] {
            assert_eq!(wire.read_out().0, b"");
        }
        assert!(Wire::open(site.address, None).is_err(), "nobody listens");
        let again = Server::http(site.address).unwrap();
        assert_eq!(again.server_addr().to_ip(), Some(site.address));
        let second = site.stop(PATIENCE);
        assert!(second.is_clean(), "a second stop has nothing to do");
    }
}

#[test]
fn in_flight_requests_are_finished() {
    for mut site in Site::both(&Limits::default()) {
        let mut wires: Vec<Wire> = (0..20).map(|_| site.open()).collect();
        for wire in &mut wires {
            wire.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        eventually("all wait", || site.counters().in_flight == 20);
        let (handle, gate) = (site.handle.clone(), site.gate.clone());
        let stopping = std::thread::spawn(move || handle.stop(PATIENCE));
        eventually("nobody listens", || Wire::open(site.address, None).is_err());
        gate.open();
        for wire in &mut wires {
            let answer = wire.answer("GET").unwrap();
            assert_eq!((answer.text(), answer.header("connection")), ("waited", Some("close")));
            assert_eq!(wire.read_out().0, b"");
        }
        assert!(stopping.join().unwrap().is_clean());
        assert!(site.stop(PATIENCE).is_clean());
    }
}

#[test]
fn long_answer_is_finished() {
    let site = Site::plain(Limits::default());
    let mut wire = site.open();
    wire.send("GET /sized?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    eventually("it is being answered", || site.counters().in_flight == 1);
    let handle = site.handle.clone();
    let stopping = std::thread::spawn(move || handle.stop(PATIENCE));
    eventually("nobody listens", || Wire::open(site.address, None).is_err());
    let answer = wire.answer("GET").unwrap();
    assert!(answer.complete && answer.body.len() == 50_000_000);
    assert!(stopping.join().unwrap().is_clean());
}

#[test]
fn requests_past_the_deadline_are_cut_and_reported() {
    for site in Site::both(&Limits::default()) {
        let mut wires: Vec<Wire> = (0..3).map(|_| site.open()).collect();
        wires[0].send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        wires[1].send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc").unwrap();
        wires[2].send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc").unwrap();
        eventually("all have begun", || site.counters().requests == 3 && site.counters().in_flight == 2);
        let begin = Instant::now();
        let stopped = site.handle.stop(Duration::from_millis(200));
        assert_eq!((stopped.cut_requests, stopped.cut_connections), (2, 3));
        assert!(!stopped.is_clean() && begin.elapsed() < Duration::from_secs(20));
        for wire in &mut wires {
            assert_eq!(wire.read_out().0, b"", "cut off without an answer");
        }
        site.gate.open();
    }
}

#[test]
fn stop_under_load_completes_every_acknowledged_request() {
    let mut site = Site::plain(Limits::default());
    let (address, answered, stop) = (site.address, AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut wire = Wire::open(address, None).unwrap();
                loop {
                    // Either a complete answer, or none because the connection had been closed before.
                    match wire.get("/sized?n=200000") {
                        Some(answer) => {
                            assert!(answer.complete && answer.status == 200, "{:?}", answer.error);
                            answered.fetch_add(1, SeqCst);
                        }
                        None if stop.load(SeqCst) => return,
                        None => panic!("a connection ended before the stop"),
                    }
                }
            });
        }
        eventually("some load", || answered.load(SeqCst) > 200);
        stop.store(true, SeqCst);
        assert!(site.stop(PATIENCE).is_clean());
    });
    let counters = site.counters();
    println!("stop under load: {} answered, {counters:?}", answered.load(SeqCst));
    assert_eq!(counters.requests, answered.load(SeqCst) as u64, "every request that began was answered");
}

#[test]
fn dropping_a_server_cuts_its_connections() {
    let (server, handle) = configure(Settings::default(), || Server::http("127.0.0.1:0").unwrap());
    let handle = handle.unwrap();
    let mut wire = Wire::open(handle.address(), None).unwrap();
    wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let request = server.recv_timeout(PATIENCE).unwrap().unwrap();
    drop(server);
    assert_eq!(wire.read_out().0, b"");
    assert!(request.respond(tiny_http::Response::empty(204u16)).is_err(), "the client has gone");
    assert!(handle.stop(Duration::from_millis(1)).took < PATIENCE, "a handle outlives its server");
}
