//! Malformed HTTP, made by mutating valid requests. The server must neither crash nor hang, and a strict client must be
//! able to parse every byte of its answers. `FUZZ_SECONDS` sets the duration, `FUZZ_SEED` the seed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::Shutdown;
use std::time::{Duration, Instant};
use support::site::Site;
use tiny_http::Limits;

const SEEDS: &[&str] = &[
    "GET /json HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /who?a=b HTTP/1.1\r\nHost: x\r\nX-A: b\r\nAccept: */*\r\n\r\nGET /json HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello worldGET /json HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: u\r\n\r\n",
    "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    "POST /peek HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\nabc",
    "GET /unsized?n=70000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HEAD /sized?n=5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b"\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Host: y\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Upgrade: x\r\n",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"0\r\n\r\n",
    b"ffffffffffffffff",
    b"-1",
    b"99999999999999999999",
    b"\xff\xfe",
    b"GET ",
    b"CONNECT ",
    b"* ",
    b"http://",
    b"%00",
    b"#",
];

/// xorshift64*: good enough for mutations, and reproducible.
struct Rng(u64);

impl Rng {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % most.max(1)
    }

    fn mutated(&mut self) -> Vec<u8> {
        let mut bytes = SEEDS[self.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(8)).min(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied())),
                2 => drop(bytes.splice(at..end, PIECES[self.below(PIECES.len())].iter().copied())),
                3 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                4 => bytes.truncate(at),
                _ => {
                    let copy = bytes[at..end].repeat(1 + self.below(50));
                    drop(bytes.splice(at..at, copy));
                }
            }
        }
        bytes
    }
}

/// Panics if the bytes are not valid answers. The last one may be cut short.
fn parse_answers(mut bytes: &[u8], sent: &[u8]) {
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head that ends") + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head in ASCII");
        bytes = &bytes[end..];
        let mut lines = head.trim_end().split("\r\n");
        let first = lines.next().unwrap();
        let status: u16 = first.get(9..12).and_then(|code| code.parse().ok()).expect("a status");
        assert!(first.starts_with("HTTP/1.1 ") || first.starts_with("HTTP/1.0 "), "{first}");
        let fields: Vec<(String, &str)> = lines
            .map(|line| line.split_once(": ").map(|(k, v)| (k.to_lowercase(), v)).expect("a header line"))
            .collect();
        let find = |name: &str| {
            let mut found = fields.iter().filter(|(key, _)| key == name).map(|(_, value)| *value);
            let first = found.next();
            assert!(found.next().is_none(), "{name} twice");
            first
        };
        let (length, coding) = (find("content-length"), find("transfer-encoding"));
        assert!(length.is_none() || coding.is_none(), "both framings");
        if status == 101 {
            return;
        }
        // Unknown which request an answer belongs to, so a HEAD anywhere ends the strict checks.
        if sent.windows(4).any(|four| four == b"HEAD") {
            return;
        }
        if status >= 200 && status != 204 {
            match (length.map(|length| length.parse::<usize>().expect("a length")), coding) {
                (Some(length), _) => bytes = &bytes[length.min(bytes.len())..],
                (None, Some(coding)) => {
                    assert_eq!(coding, "chunked");
                    bytes = after_chunks(bytes);
                }
                (None, None) => return,
            }
        }
    }
}

fn after_chunks(mut bytes: &[u8]) -> &[u8] {
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return &[] };
        let size = std::str::from_utf8(&bytes[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("a chunk's size");
        let Some(rest) = bytes.get(end + 2 + size..) else { return &[] };
        assert!(rest.starts_with(b"\r\n"), "a chunk's end");
        bytes = &rest[2..];
        if size == 0 {
            return bytes;
        }
    }
}

#[test]
fn mutated_requests_get_valid_answers() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let time = Duration::from_secs(variable("FUZZ_SECONDS").unwrap_or(3));
    let seed = variable("FUZZ_SEED").unwrap_or(1).max(1);
    let quick = Duration::from_millis(100);
    let limits = Limits { head_time: quick, idle_time: quick, body_idle_time: quick, ..Limits::default() };
    let site = Site::plain(limits);
    let begin = Instant::now();
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let address = site.address;
            std::thread::spawn(move || {
                let mut rng = Rng(seed.wrapping_mul(1_000).wrapping_add(thread));
                let mut count = 0_u64;
                while begin.elapsed() < time {
                    let sent = rng.mutated();
                    let mut wire = support::hostile::client::Wire::open(address, None).unwrap();
                    let cut = rng.below(sent.len() + 1);
                    // In two pieces; sometimes half-closed, otherwise waiting for the server to close.
                    let _ = wire.send(&sent[..cut]).and_then(|()| wire.send(&sent[cut..]));
                    if rng.below(4) == 0 {
                        let _ = wire.tcp.shutdown(Shutdown::Write);
                    }
                    let (answers, error) = wire.read_out();
                    assert!(
                        !matches!(error, Some(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)),
                        "hangs after {:?}",
                        String::from_utf8_lossy(&sent)
                    );
                    let parsed = std::panic::catch_unwind(|| parse_answers(&answers, &sent));
                    assert!(
                        parsed.is_ok(),
                        "{:?} was answered {:?}",
                        String::from_utf8_lossy(&sent),
                        String::from_utf8_lossy(&answers)
                    );
                    count += 1;
                }
                count
            })
        })
        .collect();
    let counts: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("{counts} mutated requests, {:?}", site.counters());
    site.is_serving();
    site.is_empty();
}
