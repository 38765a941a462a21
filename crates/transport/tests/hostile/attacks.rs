//! The attacks that broke the stock server, one function each. Each is bounded, ends when the server has ended it, and
//! panics if the server mishandles it.

use super::client::Wire;
use super::target::Target;
use super::{PATIENCE, eventually};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Interval between two bytes from a deliberately slow client.
const DRIP: Duration = Duration::from_millis(100);
const MIB: usize = 1 << 20;

/// Sends single bytes on each connection until the server has closed them all.
pub fn drip_until_cut(wires: &mut [Wire]) {
    let begin = Instant::now();
    let mut open: Vec<&mut Wire> = wires.iter_mut().collect();
    while !open.is_empty() {
        open.retain_mut(|wire| wire.send("a").is_ok());
        assert!(begin.elapsed() < PATIENCE, "{} connections are still open", open.len());
        std::thread::park_timeout(DRIP);
    }
}

/// Heads that never end. Each is answered 408 or just cut off.
pub fn slow_heads(target: &Target, count: usize) {
    let mut wires = target.open_with(count, &(target.head("GET", &target.small) + "X-A: "));
    drip_until_cut(&mut wires);
    for wire in &mut wires {
        assert!(wire.answer("GET").is_none_or(|answer| answer.status == 408));
    }
}

/// The magic bytes of a demo, so that the product waits for the rest.
const DEMO: &str = "PBDEMS2\0";

/// Bodies that never end. Half are small and wait on tasks; half are uploads, of which a limited number may hold
/// threads.
pub fn slow_bodies(target: &Target, count: usize) {
    let mut wires = target.open_with(count / 2, &(target.post("Content-Length: 60000\r\n") + DEMO));
    wires.extend(target.open_with(count / 2, &(target.post("Content-Length: 1000000\r\n") + DEMO)));
    drip_until_cut(&mut wires);
    for wire in &mut wires {
        let status = wire.answer("POST").map(|answer| answer.status);
        assert!(status.is_none_or(|status| [408, 429, 503].contains(&status)), "{status:?}");
    }
}

/// Downloads that nobody reads. None may look complete.
pub fn stalled_downloads(target: &Target, count: usize) {
    let open = |_| {
        let mut wire = Wire::open_narrow(target.address, target.tls.clone()).unwrap();
        wire.send(target.get(&target.download)).unwrap();
        wire
    };
    let mut wires: Vec<Wire> = (0..count).map(open).collect();
    drip_until_cut(&mut wires);
    for wire in &mut wires {
        assert!(wire.answer("GET").is_none_or(|answer| answer.status == 200 && !answer.complete));
    }
}

/// More connections than the server allows, each idle after its first answer. The oldest are evicted, the newest
/// served.
pub fn idle_connections(target: &Target, count: usize) {
    let open = |_| {
        let mut wire = target.open();
        wire.send(target.get(&target.small)).unwrap();
        assert_eq!(wire.answer("GET").unwrap().status, 200);
        wire
    };
    let mut wires: Vec<Wire> = (0..count).map(open).collect();
    assert_eq!(wires[0].read_out().0, b"", "the oldest was evicted");
    let newest = &mut wires[count - 1];
    newest.send(target.get(&target.small)).unwrap();
    assert_eq!(newest.answer("GET").unwrap().status, 200, "the newest is served");
}

/// Unfinished TLS handshakes: silent, cut in the middle of a ClientHello, and the seven bytes that made the stock
/// server burn a core.
pub fn unfinished_tls_handshakes(target: &Target, count: usize) {
    let openings: [&[u8]; 4] =
        [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x15\x03\x03\x00\x02\x01\x00", b"\x16"];
    let open = |n: usize| {
        let mut socket = target.open_tcp();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(openings[n % openings.len()]).unwrap();
        socket
    };
    let sockets: Vec<TcpStream> = (0..count).map(open).collect();
    for mut socket in sockets {
        let mut alert = Vec::new();
        // Any end will do.
        if let Err(error) = socket.read_to_end(&mut alert) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
}

/// HTTP/2 with prior knowledge, and by upgrade.
pub fn http_2(target: &Target, count: usize) {
    let mut wires = target.open_with(count / 2, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n";
    let mut offers = target.open_with(count / 2, &(target.head("GET", &target.small) + offer));
    for wire in &mut wires {
        assert_eq!(wire.answer("GET").unwrap().status, 505);
    }
    for wire in &mut offers {
        assert_eq!(wire.answer("GET").unwrap().status, 200, "the upgrade is ignored");
    }
}

/// Heads of a gigabyte, and a path of ten megabytes.
pub fn heads_without_end(target: &Target) {
    let mebibyte = |text: &str| text.repeat(MIB / text.len());
    let head = target.head("GET", &target.small);
    let line = format!("{head}X-A: ");
    // (name, beginning, repeated bytes, maximum repetitions, status)
    let cases = [
        ("a line of 1 GB", line.as_str(), mebibyte("a"), 1_024, 431),
        ("lines without end", &head, mebibyte("A: b\r\n"), 1_024, 431),
        ("a method of 1 GB", "", mebibyte("G"), 1_024, 431),
        ("a path of 10 MB", "GET /", mebibyte("u"), 10, 414),
        ("a path of 1 GB", "GET /", mebibyte("u"), 1_024, 414),
    ];
    for (name, begin, more, most, status) in &cases {
        let mut wire = target.open();
        wire.send(begin).unwrap();
        let sent = (0..*most).take_while(|_| wire.send(more).is_ok()).count();
        assert!(sent < 16, "{name}: {sent} MiB taken");
        // Bytes beyond the drain limit may have reset the connection before the answer was read.
        assert!(wire.answer("GET").is_none_or(|answer| answer.status == *status), "{name}");
        // If everything fits the drain limit, the answer always arrives.
        let mut wire = target.open();
        wire.send([begin.as_bytes(), &more.as_bytes()[..500_000]].concat()).unwrap();
        assert_eq!(wire.answer("GET").map(|answer| answer.status), Some(*status), "{name}");
    }
}

/// Bodies with an absurd declared length.
pub fn length_bombs(target: &Target) {
    for length in
        ["9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999", "4294967296"]
    {
        let mut wire = target.open();
        wire.send(target.post_refused(&format!("Content-Length: {length}\r\n")) + "abcd").unwrap();
        let answer = wire.answer("POST").unwrap();
        assert!(answer.complete && [401, 413].contains(&answer.status), "{length}: {}", answer.status);
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

/// An answer before 4 GB of body: a client that reads gets it, one that doesn't is cut off.
pub fn early_answer(target: &Target) {
    let mut wire = target.open();
    wire.send(target.post_refused("Content-Length: 4000000000\r\n")).unwrap();
    // A client that reads while it sends stops at the answer.
    wire.send(vec![b'z'; MIB / 2]).unwrap();
    let answer = wire.answer("POST").unwrap();
    assert_eq!((answer.status, answer.complete, answer.header("connection")), (401, true, Some("close")));
    // Another never reads.
    let piece = vec![b'z'; MIB];
    let sent = (0..4_000).take_while(|_| wire.send(&piece).is_ok()).count();
    assert!(sent < 32, "{sent} MiB taken after the answer");
}

/// Pipelined requests whose answers are never read. `look` is called repeatedly. Returns how many were sent before the
/// server stopped reading.
pub fn pipelining(target: &Target, mut look: impl FnMut()) -> u64 {
    let mut wire = Wire::open_narrow(target.address, target.tls.clone()).unwrap();
    let piece = target.get(&target.small).repeat(500);
    let mut sent = 0;
    while wire.send(&piece).is_ok() {
        sent += 500;
        assert!(sent < 10_000_000, "the server never stopped reading");
        look();
    }
    sent
}

/// More connections than the server has descriptors for, each with a request that holds it.
pub fn out_of_descriptors(target: &Target, count: usize) {
    let mut wires: Vec<Wire> = Vec::new();
    for _ in 0..count {
        // At the limit idle connections are evicted, so opening may fail at any point.
        if let Ok(mut wire) = Wire::open(target.address, target.tls.clone()) {
            let _ = wire.send(target.post("Content-Length: 1000000\r\n") + DEMO);
            wires.push(wire);
        }
    }
    drip_until_cut(&mut wires);
    drop(wires);
    eventually("it serves again", || {
        let wire = Wire::open(target.address, target.tls.clone());
        let answer =
            wire.ok().and_then(|mut wire| wire.send(target.get(&target.small)).ok().and_then(|()| wire.answer("GET")));
        answer.is_some_and(|answer| answer.status == 200)
    });
}
