//! What broke the stock server, bounded and on loopback, with a healthy client beside it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::client::Wire;
use support::site::Site;
use support::{Every, alone, descriptors, eventually, memory_mib};
use tiny_http::{Limits, Settings};

const SECOND: Duration = Duration::from_secs(1);
/// What memory may grow by, in MiB, server and clients together.
const MEMORY_MIB: u64 = 200;

/// Sends a byte on each of the connections now and then, until dropped.
fn drip(wires: Vec<Wire>) -> (Arc<Mutex<Vec<Wire>>>, Every) {
    let wires = Arc::new(Mutex::new(wires));
    let all = wires.clone();
    let dripping = Every::millis(100, move || {
        for wire in all.lock().unwrap().iter_mut() {
            // A closed connection is what is waited for.
            let _ = wire.send("a");
        }
    });
    (wires, dripping)
}

fn open_with(site: &Site, count: usize, bytes: &str) -> Vec<Wire> {
    let open = |_| {
        let mut wire = site.open();
        wire.send(bytes).unwrap();
        wire
    };
    (0..count).map(open).collect()
}

#[test]
fn slow_heads_by_the_hundreds() {
    let _alone = alone();
    descriptors(4_096);
    let limits = Limits { head_time: SECOND, ..Limits::default() };
    for site in Site::both(&limits) {
        let bystander = site.bystander();
        let (wires, dripping) = drip(open_with(&site, 640, "GET /json HTTP/1.1\r\nHost: x\r\nX-A: "));
        eventually("all are cut", || site.counters().timeouts >= 640);
        drop(dripping);
        for wire in wires.lock().unwrap().iter_mut() {
            let answer = wire.answer("GET");
            assert!(answer.is_none_or(|answer| answer.status == 408));
        }
        bystander.was_served("slow heads x640");
        drop(wires);
        site.is_empty();
    }
}

#[test]
fn slow_bodies_by_the_hundreds() {
    let _alone = alone();
    descriptors(4_096);
    let limits = Limits { body_idle_time: SECOND, body_rate_window: SECOND, ..Limits::default() };
    for site in Site::both(&limits) {
        let bystander = site.bystander();
        // Half are small and wait on tasks, half are uploads of which only so many may hold a thread.
        let head = |length| format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let mut wires = open_with(&site, 320, &head(60_000));
        wires.extend(open_with(&site, 320, &head(1_000_000)));
        let (wires, dripping) = drip(wires);
        eventually("all are cut or refused", || site.counters().timeouts + site.counters().overloaded >= 640);
        assert!(site.counters().overloaded >= 320 - limits.uploads as u64);
        drop(dripping);
        for wire in wires.lock().unwrap().iter_mut() {
            let answer = wire.answer("POST");
            assert!(answer.is_none_or(|answer| matches!(answer.status, 408 | 503)));
        }
        bystander.was_served("slow bodies x640");
        drop(wires);
        site.is_empty();
    }
}

#[test]
fn stalled_downloads_by_the_hundreds() {
    let _alone = alone();
    descriptors(4_096);
    let limits = Limits { answer_stall_time: 2 * SECOND, ..Limits::default() };
    for site in Site::both(&limits) {
        let (bystander, before) = (site.bystander(), memory_mib());
        let wires = open_with(&site, 320, "GET /sized?n=20000000 HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut most = 0;
        eventually("all are cut", || {
            most = most.max(memory_mib());
            site.counters().timeouts >= 320
        });
        println!("stalled downloads x320: memory {before} MiB before, at most {most} MiB");
        assert!(most < before + MEMORY_MIB);
        bystander.was_served("stalled downloads x320");
        drop(wires);
        site.is_empty();
    }
}

#[test]
fn idle_connections_by_the_thousands() {
    let _alone = alone();
    // Both ends are in this process.
    let count = 5_000.min((descriptors(12_000) as usize).saturating_sub(1_000) / 2);
    let limits =
        Limits { connections: count * 4 / 5, idle_time: 60 * SECOND, head_time: 60 * SECOND, ..Limits::default() };
    let (site, before) = (Site::plain(limits.clone()), memory_mib());
    let bystander = site.bystander();
    let mut wires: Vec<Wire> = (0..count).map(|_| site.open()).collect();
    // All are still open on this side, so each beyond the cap cost another its seat.
    eventually("room was made", || site.counters().made_room >= (count - limits.connections) as u64);
    let counters = site.counters();
    println!("{count} idle connections: {counters:?}, memory {before} MiB before, {} MiB now", memory_mib());
    assert!(counters.open <= limits.connections as u64 && counters.refused == 0);
    assert!(memory_mib() < before + MEMORY_MIB);
    assert_eq!(wires[0].read_out().0, b"", "the oldest made room");
    assert_eq!(wires.last_mut().unwrap().get("/json").unwrap().status, 200, "the youngest is served");
    bystander.was_served("idle connections");
    drop(wires);
    site.is_empty();
}

#[test]
fn half_handshakes_by_the_hundreds() {
    let _alone = alone();
    descriptors(4_096);
    let site = Site::tls(Limits { tls_handshake_time: SECOND, ..Limits::default() });
    let bystander = site.bystander();
    // Silent, in the midst of a greeting, and with the seven bytes that made the stock server burn a core.
    let openings: [&[u8]; 4] =
        [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x15\x03\x03\x00\x02\x01\x00", b"\x16"];
    let open = |n: usize| {
        let mut socket = site.open_tcp();
        socket.write_all(openings[n % openings.len()]).unwrap();
        socket
    };
    let sockets: Vec<TcpStream> = (0..640).map(open).collect();
    eventually("all have failed", || site.counters().handshake_failures >= 640);
    bystander.was_served("half handshakes x640");
    drop(sockets);
    site.is_empty();
}

#[test]
fn prefaces_of_http_2() {
    let _alone = alone();
    descriptors(4_096);
    let site = Site::plain(Limits::default());
    let bystander = site.bystander();
    let mut wires = open_with(&site, 250, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let upgrade = "GET /json HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n";
    let mut upgrades = open_with(&site, 250, upgrade);
    for wire in &mut wires {
        assert_eq!(wire.answer("GET").unwrap().status, 505);
    }
    for wire in &mut upgrades {
        assert_eq!(wire.answer("GET").unwrap().status, 200, "an offer that is not taken");
    }
    bystander.was_served("h2c x500");
    drop((wires, upgrades));
    site.is_empty();
}

#[test]
fn heads_without_end() {
    let _alone = alone();
    let mebibyte = |text: &str| text.repeat((1 << 20) / text.len());
    // (what, how it begins, what follows up to a gigabyte, the answer)
    let cases = [
        ("a line of 1 GB", "GET /json HTTP/1.1\r\nHost: x\r\nX-A: ", mebibyte("a"), 431),
        ("a target of 1 GB", "GET /", mebibyte("u"), 414),
        ("lines without end", "GET /json HTTP/1.1\r\nHost: x\r\n", mebibyte("A: b\r\n"), 431),
        ("a method of 1 GB", "", mebibyte("G"), 431),
    ];
    for site in Site::both(&Limits::default()) {
        let (bystander, before) = (site.bystander(), memory_mib());
        for (name, begin, more, status) in &cases {
            let mut wire = site.open();
            wire.send(begin).unwrap();
            let sent = (0..1_024).take_while(|_| wire.send(more).is_ok()).count();
            assert!(sent < 16, "{name}: {sent} MiB taken");
            // What was sent past the drain may have reset the connection before the answer was read.
            assert!(wire.answer("GET").is_none_or(|answer| answer.status == *status), "{name}");
            // Sent as one piece that fits the drain, the answer is always read.
            let mut wire = site.open();
            wire.send([begin.as_bytes(), &more.as_bytes()[..500_000]].concat()).unwrap();
            assert_eq!(wire.answer("GET").map(|answer| answer.status), Some(*status), "{name}");
        }
        assert!(memory_mib() < before + MEMORY_MIB);
        bystander.was_served("heads without end");
        site.is_empty();
    }
}

#[test]
fn length_bombs() {
    let _alone = alone();
    let lengths =
        ["9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999", "4294967296"];
    for site in Site::both(&Limits::default()) {
        let (bystander, before) = (site.bystander(), memory_mib());
        for length in lengths {
            for path in ["/ignore", "/peek"] {
                let mut wire = site.open();
                wire.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nabcd")).unwrap();
                let (answer, path_answer) = (wire.answer("POST").unwrap(), if path == "/peek" { 400 } else { 401 });
                assert!(answer.complete && [path_answer, 413].contains(&answer.status), "{length}: {}", answer.status);
                assert_eq!(answer.header("connection"), Some("close"));
            }
        }
        assert!(memory_mib() < before + MEMORY_MIB / 4);
        bystander.was_served("length bombs");
        site.is_empty();
    }
}

#[test]
fn an_early_answer_is_read_by_a_client_that_sends_on() {
    let _alone = alone();
    for site in Site::both(&Limits::default()) {
        let bystander = site.bystander();
        let mut wire = site.open();
        wire.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n").unwrap();
        // As a client does that reads while it sends: it stops at the answer.
        wire.send(vec![b'z'; 512 << 10]).unwrap();
        let answer = wire.answer("POST").unwrap();
        assert_eq!((answer.status, answer.text(), answer.header("connection")), (401, "no", Some("close")));
        // And as one does that never reads: it is cut.
        let piece = vec![b'z'; 1 << 20];
        let sent = (0..4_000).take_while(|_| wire.send(&piece).is_ok()).count();
        assert!(sent < 32, "{sent} MiB taken after the answer");
        bystander.was_served("early 401, 4 GB");
        drop(wire);
        site.is_empty();
    }
}

#[test]
fn pipelining_without_end() {
    let _alone = alone();
    let limits = Limits { answer_stall_time: SECOND, ..Limits::default() };
    for site in Site::both(&limits) {
        let (bystander, before) = (site.bystander(), memory_mib());
        let mut wire = site.open();
        let piece = "GET /sized?n=1000 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500);
        let mut sent = 0_u64;
        while wire.send(&piece).is_ok() {
            sent += 500;
            assert!(sent < 10_000_000 && site.counters().in_flight < 8);
        }
        println!("pipelining: cut after {sent} requests, {:?}", site.counters());
        assert!(memory_mib() < before + MEMORY_MIB / 4);
        bystander.was_served("pipelining without end");
        drop(wire);
        site.is_empty();
    }
}

#[test]
fn clients_that_vanish() {
    let _alone = alone();
    descriptors(8_192);
    let site = Site::plain(Limits { requests_in_flight: POOL_AND_MORE, ..Limits::default() });
    let mut overloaded = 0;
    for _ in 0..1_500 {
        let mut wire = site.open();
        wire.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let _ = wire.tcp.shutdown(Shutdown::Both);
        assert!(site.counters().in_flight <= POOL_AND_MORE as u64);
        overloaded = site.counters().overloaded;
    }
    eventually("the flood has hit the limit", || site.counters().overloaded > 0 || overloaded > 0);
    site.gate.open();
    site.is_empty();
    site.is_serving();
}

/// Some requests wait in rouille's queue, which has no bound of its own.
const POOL_AND_MORE: usize = support::site::POOL + 32;

#[test]
fn one_address_cannot_take_every_seat() {
    let _alone = alone();
    let limits = Limits { connections_per_address: 10, uploads_per_address: 3, ..Limits::default() };
    let site = Site::start(Settings { limits, uncapped: Arc::new(|_| false), ..Settings::default() }, None);
    let mut wires: Vec<Wire> = (0..25).map(|_| site.open()).collect();
    eventually("all are accepted", || site.counters().accepted == 25);
    let counters = site.counters();
    assert_eq!((counters.open, counters.made_room, counters.refused), (10, 15, 0));
    assert_eq!(wires[14].read_out().0, b"");
    assert_eq!(wires[15].get("/json").unwrap().status, 200);
    drop(wires);
    site.is_empty();
    let upload = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    let mut uploads: Vec<Wire> = Vec::new();
    for _ in 0..3 {
        uploads.extend(open_with(&site, 1, upload));
    }
    eventually("three uploads hold threads", || site.counters().uploads == 3);
    assert_eq!(open_with(&site, 1, upload)[0].answer("POST").unwrap().status, 503);
    // A connection with a request never makes room.
    uploads.extend(open_with(&site, 7, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    eventually("ten requests", || site.counters().in_flight == 10);
    let mut refused = Wire::open(site.address, None).unwrap();
    let ended = refused.send("GET /json HTTP/1.1\r\nHost: x\r\n\r\n").and_then(|()| refused.read_some());
    assert!(matches!(
        ended.as_ref().map_err(std::io::Error::kind),
        Ok(0) | Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    ));
    assert!(site.counters().refused >= 1);
    site.gate.open();
    drop(uploads);
    site.is_empty();
}
