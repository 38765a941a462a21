//! Compares the server with others: `cargo bench --bench http [-- account] [clips] [slow] [files]`.
//!
//! The real binary over plain HTTP on loopback, compared with unmodified rouille and with axum (`benches/peers`, which
//! this builds first). All make the same store calls; the peers have no request ids, log or limits. The servers take
//! turns in several short rounds, and the best round of each is shown. The load generator runs on the same machine.
//!
//! - `account`: an authenticated `GET /api/account` over keep-alive connections. axum runs once with lookups on its
//!   blocking threads, as its documentation recommends and as ours does, and once with lookups on its event loop.
//! - `clips`: `POST /api/clips`, answered once durable. axum runs once with a commit per job and once with our writer.
//! - `slow`: the same with 8 ms added to each disk sync.
//! - `files`: a 1 GB upload and download.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

#[path = "../tests/it/support/clip.rs"]
mod clip;
#[path = "http/files.rs"]
mod files;
#[path = "http/load.rs"]
mod load;
#[path = "http/server.rs"]
mod server;

use std::time::Duration;

use files::{Studio, megabytes_per_second};
use load::Measured;
use serde_json::{Value, json};
use server::{Kind, Peers, Server};

/// Concurrent connections.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Number of rounds.
const ROUNDS: usize = 3;
/// Duration of a server's turn.
const TURN: Duration = Duration::from_secs(2);
/// Extra sync latency of an ordinary disk.
const SLOW: Duration = Duration::from_millis(8);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let peers = Peers::build();
    if wants("account") {
        println!("GET /api/account");
        let kinds = [Kind::Ours, Kind::Stock, Kind::Axum, Kind::AxumInline];
        compare(&kinds, &peers, Duration::ZERO, &CONNECTIONS, 200, |key| head("GET", "/api/account", key) + "\r\n");
    }
    if wants("clips") {
        println!("POST /api/clips");
        let kinds = [Kind::Ours, Kind::Stock, Kind::Axum, Kind::AxumGathering];
        compare(&kinds, &peers, Duration::ZERO, &CONNECTIONS, 202, submission);
    }
    if wants("slow") {
        println!("POST /api/clips, each sync 8 ms longer");
        compare(&[Kind::Ours, Kind::Axum], &peers, SLOW, &[64, 256], 202, submission);
    }
    if wants("files") {
        measure_files(&peers);
    }
}

/// A job that every server accepts.
fn job() -> Value {
    json!({"demo_url": "https://example.com/match.dem", "steam64_id": "76561197960265729", "round": 5})
}

/// Request head without the final blank line.
fn head(method: &str, path: &str, key: &str) -> String {
    let authorization = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: application/json\r\n")
}

fn submission(key: &str) -> String {
    let body = job().to_string();
    format!("{}Content-Length: {}\r\n\r\n{body}", head("POST", "/api/clips", key), body.len())
}

/// Measures these servers in turn and prints the best result of each.
fn compare(
    kinds: &[Kind],
    peers: &Peers,
    sync_delay: Duration,
    connections: &[usize],
    status: u16,
    request: impl Fn(&str) -> String,
) {
    let servers: Vec<_> = kinds.iter().map(|kind| (*kind, Server::start(*kind, peers, sync_delay))).collect();
    println!("  at once  server            requests/s   of axum     p50 ms     p99 ms   memory MiB");
    for count in connections {
        let mut best: Vec<Option<(Measured, u64)>> = vec![None; servers.len()];
        for _ in 0..ROUNDS {
            for ((_, server), best) in servers.iter().zip(&mut best) {
                let measured = load::run(server.address, *count, request(&server.key).as_bytes(), status, TURN);
                if best.is_none_or(|(known, _)| known.rate < measured.rate) {
                    *best = Some((measured, server.memory_mib()));
                }
            }
        }
        let rate_of = |wanted: Kind| {
            let found = servers.iter().zip(&best).find(|((kind, _), _)| *kind == wanted);
            found.and_then(|(_, best)| *best).map_or(f64::NAN, |(measured, _)| measured.rate)
        };
        for ((kind, _), best) in servers.iter().zip(&best) {
            let Some((Measured { rate, p50, p99, starved }, memory)) = best else { continue };
            let of_axum = rate / rate_of(Kind::Axum);
            let millis = |time: &Duration| time.as_secs_f64() * 1_000.0;
            let (p50, p99) = (millis(p50), millis(p99));
            let note = if *starved > 0 { format!("   {starved} connections starved") } else { String::new() };
            println!(
                "  {count:7}  {:16} {rate:11.0} {of_axum:9.2} {p50:10.3} {p99:10.3} {memory:12}{note}",
                kind.name()
            );
        }
    }
}

fn measure_files(peers: &Peers) {
    let server = Server::start(Kind::Ours, peers, Duration::ZERO);
    let studio = Studio::of(&server);
    let rounds: Vec<_> = (0..ROUNDS).map(|_| studio.round()).collect();
    let best = |of: fn(&files::Times) -> f64| megabytes_per_second(rounds.iter().map(of).fold(f64::INFINITY, f64::min));
    println!("files of 1 GiB, plain HTTP");
    println!("  download a clip   {:7.0} MB/s", best(|times| times.clip_down));
    println!("  upload a video    {:7.0} MB/s", best(|times| times.video_up));
    println!("  upload a demo     {:7.0} MB/s, hashed and on the disk", best(|times| times.demo_up));
    println!("  memory            {:7} MiB", server.memory_mib());
}
