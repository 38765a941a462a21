//! The attacks that broke the stock server, bounded and on loopback, next to a healthy client. `hostile` checks the
//! outside, the counters here the inside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use support::hostile::bystander::unharmed;
use support::hostile::client::Wire;
use support::hostile::target::Target;
use support::hostile::{alone, attacks, descriptors, eventually, memory_mib};
use support::site::Site;
use tiny_http::{Limits, Settings};

const SECOND: Duration = Duration::from_secs(1);
/// Allowed growth of memory in MiB, server and clients together.
const MEMORY_MIB: u64 = 200;

/// Runs an attack on a site, and checks that other clients were unaffected and that no resources stay in use.
fn withstands(site: &Site, what: &str, attack: impl Fn(&Target)) {
    let _alone = alone();
    descriptors(12_000);
    let (target, before) = (site.target(), memory_mib("self", "VmRSS"));
    unharmed(what, &target, || attack(&target));
    let memory = memory_mib("self", "VmRSS");
    println!("{what}: memory {before} MiB before, {memory} MiB after");
    assert!(memory < before + MEMORY_MIB, "{what}: {memory} MiB after {before} MiB");
    site.is_empty();
    site.is_serving();
}

#[test]
fn hundreds_of_slow_heads() {
    for site in Site::both(&Limits { head_time: SECOND, ..Limits::default() }) {
        withstands(&site, "slow heads x640", |target| attacks::slow_heads(target, 640));
        assert!(site.counters().timeouts >= 640);
    }
}

#[test]
fn hundreds_of_slow_bodies() {
    let limits = Limits { body_idle_time: SECOND, body_rate_window: SECOND, ..Limits::default() };
    for site in Site::both(&limits) {
        withstands(&site, "slow bodies x640", |target| attacks::slow_bodies(target, 640));
        let counters = site.counters();
        assert!(counters.timeouts + counters.overloaded >= 640);
        assert!(counters.overloaded > 0, "the limit on uploads was reached");
    }
}

#[test]
fn hundreds_of_stalled_downloads() {
    for site in Site::both(&Limits { answer_stall_time: 2 * SECOND, ..Limits::default() }) {
        withstands(&site, "stalled downloads x320", |target| attacks::stalled_downloads(target, 320));
        assert!(site.counters().timeouts >= 320);
    }
}

#[test]
fn thousands_of_idle_connections() {
    let limits = Limits { connections: 4_000, ..Limits::default() };
    let site = Site::plain(limits.clone());
    withstands(&site, "idle connections x5000", |target| attacks::idle_connections(target, 5_000));
    let counters = site.counters();
    assert!(counters.made_room >= 1_000 && counters.refused == 0, "{counters:?}");
}

#[test]
fn hundreds_of_half_handshakes() {
    let site = Site::tls(Limits { tls_handshake_time: SECOND, ..Limits::default() });
    withstands(&site, "unfinished TLS handshakes x640", |target| attacks::unfinished_tls_handshakes(target, 640));
    assert!(site.counters().handshake_failures >= 640);
}

#[test]
fn unsupported_http_2() {
    for site in Site::both(&Limits::default()) {
        withstands(&site, "h2c x500", |target| attacks::http_2(target, 500));
    }
}

#[test]
fn endless_heads() {
    for site in Site::both(&Limits::default()) {
        withstands(&site, "endless heads", attacks::heads_without_end);
    }
}

#[test]
fn length_bombs() {
    for site in Site::both(&Limits::default()) {
        withstands(&site, "length bombs", |target| {
            attacks::length_bombs(target);
            // The same with a handler that begins to read the body.
            let mut wire = target.open();
            wire.send("POST /peek HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\nabcd").unwrap();
            assert_eq!(wire.answer("POST").unwrap().status, 400);
        });
    }
}

#[test]
fn early_answer_reaches_a_client_that_keeps_sending() {
    for site in Site::both(&Limits::default()) {
        withstands(&site, "early 401, 4 GB", attacks::early_answer);
    }
}

#[test]
fn endless_pipelining() {
    for site in Site::both(&Limits { answer_stall_time: SECOND, ..Limits::default() }) {
        withstands(&site, "endless pipelining", |target| {
            let sent = attacks::pipelining(target, || assert!(site.counters().in_flight < 8));
            println!("pipelining: cut after {sent} requests, {:?}", site.counters());
        });
    }
}

#[test]
fn clients_that_disconnect() {
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

/// More than the pool, so that some requests wait in rouille's unbounded queue.
const POOL_AND_MORE: usize = support::site::POOL + 32;

#[test]
fn one_address_cannot_take_every_connection() {
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
    let target = site.target();
    let mut uploads = target.open_with(3, upload);
    eventually("three uploads hold threads", || site.counters().uploads == 3);
    assert_eq!(target.open_with(1, upload)[0].answer("POST").unwrap().status, 503);
    // A connection with a request is never evicted.
    uploads.extend(target.open_with(7, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
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
