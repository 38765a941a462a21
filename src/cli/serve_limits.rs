//! Limits of `serve` as options, validated individually and against each other. Their defaults and meaning are
//! documented in `http::Limits`.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use crate::cli::wrong_usage;
use crate::domain::error::Result;
use crate::http::{Limits, TransportLimits};

/// Connections, or in-flight requests: more than any machine can hold.
const FLAG_CONNECTIONS_MOST: u64 = 1_000_000;
/// Threads, and settings that take one thread each.
const FLAG_THREADS_MOST: u64 = 10_000;
/// Seconds of any timeout: a day. Longer ones make no sense.
pub const FLAG_SECONDS_MOST: u64 = 86_400;
/// KiB of a request's head, or of its path and query: 1 MiB.
const FLAG_HEAD_KIB_MOST: u64 = 1_024;
/// Header lines of a request.
const FLAG_HEAD_LINES_MOST: u64 = 10_000;
/// KiB of a JSON body: 1 MiB.
const FLAG_JSON_KIB_MOST: u64 = 1_024;
/// KiB of an unwanted body that are read: 1 GiB.
const FLAG_DRAIN_KIB_MOST: u64 = 1 << 20;
/// Minimum transfer rate of a body in KiB per second: about 1 GB/s.
const FLAG_BODY_KIB_PER_SECOND_MOST: u64 = 1_000_000;

const KIB: u64 = 1_024;

/// Limits, under their own heading in `--help`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Open connections in total; at the limit, the longest-idle one is closed to make room
    #[arg(long, value_name = "N", default_value_t = http().connections, value_parser = count(FLAG_CONNECTIONS_MOST))]
    max_connections: usize,
    /// Open connections per address; loopback and trusted proxies are exempt
    #[arg(long, value_name = "N", default_value_t = http().connections_per_address, value_parser = count(FLAG_CONNECTIONS_MOST))]
    max_connections_per_address: usize,
    /// In-flight requests; further ones get a 503
    #[arg(long, value_name = "N", default_value_t = http().requests_in_flight, value_parser = count(FLAG_CONNECTIONS_MOST))]
    max_requests: usize,
    /// Threads that handle requests; each upload holds one; lookups have four more
    #[arg(long, value_name = "N", default_value_t = own().threads, value_parser = count(FLAG_THREADS_MOST))]
    http_threads: usize,
    /// Node claims that may wait at the same time
    #[arg(long, value_name = "N", default_value_t = own().waiting_claims, value_parser = count(FLAG_CONNECTIONS_MOST))]
    max_waiting_claims: usize,
    /// Requests that may wait for a job to change at the same time; one account may use an eighth of them
    #[arg(long, value_name = "N", default_value_t = own().waiting_requests, value_parser = count(FLAG_CONNECTIONS_MOST))]
    max_waiting_requests: usize,
    /// Concurrent uploads of clients; one account may use an eighth of them
    #[arg(long, value_name = "N", default_value_t = http().uploads, value_parser = count(FLAG_THREADS_MOST))]
    max_uploads: usize,
    /// Concurrent uploads of render nodes; one node may use an eighth of them
    #[arg(long, value_name = "N", default_value_t = http().reserved_uploads, value_parser = count(FLAG_THREADS_MOST))]
    max_node_uploads: usize,
    /// Concurrent uploads per address; loopback and trusted proxies are exempt
    #[arg(long, value_name = "N", default_value_t = http().uploads_per_address, value_parser = count(FLAG_THREADS_MOST))]
    max_uploads_per_address: usize,
    /// Timeout of a TLS handshake in seconds
    #[arg(long, value_name = "N", default_value_t = http().tls_handshake_time.as_secs(), value_parser = seconds())]
    tls_handshake_seconds: u64,
    /// Timeout of a request's head in seconds, from its first byte
    #[arg(long, value_name = "N", default_value_t = http().head_time.as_secs(), value_parser = seconds())]
    head_seconds: u64,
    /// KiB of a request's head
    #[arg(long, value_name = "N", default_value_t = kib(http().head_bytes), value_parser = count(FLAG_HEAD_KIB_MOST))]
    max_head_kib: usize,
    /// Header lines of a request
    #[arg(long, value_name = "N", default_value_t = http().head_lines, value_parser = count(FLAG_HEAD_LINES_MOST))]
    max_head_lines: usize,
    /// Maximum size of a request's path and query in KiB
    #[arg(long, value_name = "N", default_value_t = kib(http().uri_bytes), value_parser = count(FLAG_HEAD_KIB_MOST))]
    max_uri_kib: usize,
    /// Seconds that a connection may be idle between two requests
    #[arg(long, value_name = "N", default_value_t = http().idle_time.as_secs(), value_parser = seconds())]
    idle_seconds: u64,
    /// KiB of a JSON body
    #[arg(long, value_name = "N", default_value_t = own().json_body_bytes / KIB, value_parser = clap::value_parser!(u64).range(1..=FLAG_JSON_KIB_MOST))]
    max_json_kib: u64,
    /// Seconds that a request body may stall
    #[arg(long, value_name = "N", default_value_t = http().body_idle_time.as_secs(), value_parser = seconds())]
    body_idle_seconds: u64,
    /// Minimum average rate of a request body in KiB per second over --body-window-seconds; 0 for none
    #[arg(long, value_name = "N", default_value_t = http().body_rate / KIB, value_parser = clap::value_parser!(u64).range(..=FLAG_BODY_KIB_PER_SECOND_MOST))]
    min_body_kib_per_second: u64,
    /// Seconds over which the rate of a request body is averaged
    #[arg(long, value_name = "N", default_value_t = http().body_rate_window.as_secs(), value_parser = seconds())]
    body_window_seconds: u64,
    /// Seconds that a response may stall on a client that takes less than 1 KiB of it per second
    #[arg(long, value_name = "N", default_value_t = http().answer_stall_time.as_secs(), value_parser = seconds())]
    answer_stall_seconds: u64,
    /// KiB of a rejected request's body that are read and discarded, so that the client can read the response
    #[arg(long, value_name = "N", default_value_t = kib(http().drain_bytes), value_parser = count(FLAG_DRAIN_KIB_MOST))]
    drain_kib: usize,
    /// Seconds for discarding such a body
    #[arg(long, value_name = "N", default_value_t = http().drain_time.as_secs(), value_parser = seconds())]
    drain_seconds: u64,
    /// Seconds that in-flight requests have to finish when the server shuts down
    #[arg(long, value_name = "N", default_value_t = own().stop_time.as_secs(), value_parser = clap::value_parser!(u64).range(..=FLAG_SECONDS_MOST))]
    stop_seconds: u64,
}

impl LimitArgs {
    /// The resulting limits, if they are consistent.
    pub fn limits(&self) -> Result<Limits> {
        self.check()?;
        let seconds = Duration::from_secs;
        let transport = TransportLimits {
            connections: self.max_connections,
            connections_per_address: self.max_connections_per_address,
            requests_in_flight: self.max_requests,
            uploads: self.max_uploads,
            reserved_uploads: self.max_node_uploads,
            uploads_per_address: self.max_uploads_per_address,
            tls_handshake_time: seconds(self.tls_handshake_seconds),
            head_time: seconds(self.head_seconds),
            head_bytes: bytes(self.max_head_kib),
            head_lines: self.max_head_lines,
            uri_bytes: bytes(self.max_uri_kib),
            idle_time: seconds(self.idle_seconds),
            body_idle_time: seconds(self.body_idle_seconds),
            body_rate: self.min_body_kib_per_second * KIB,
            body_rate_window: seconds(self.body_window_seconds),
            answer_stall_time: seconds(self.answer_stall_seconds),
            drain_bytes: bytes(self.drain_kib),
            drain_time: seconds(self.drain_seconds),
            ..TransportLimits::default()
        };
        Ok(Limits {
            transport,
            threads: self.http_threads,
            waiting_claims: self.max_waiting_claims,
            waiting_requests: self.max_waiting_requests,
            json_body_bytes: self.max_json_kib * KIB,
            stop_time: seconds(self.stop_seconds),
        })
    }

    fn check(&self) -> Result<()> {
        let holders = self.max_uploads + self.max_node_uploads;
        if holders >= self.http_threads {
            return Err(wrong_usage(format!(
                "--max-uploads {} and --max-node-uploads {} would use up to {holders} threads, and --http-threads {} would leave none for other requests: raise it above {holders}, or lower the others.",
                self.max_uploads, self.max_node_uploads, self.http_threads
            )));
        }
        if self.http_threads >= self.max_requests {
            return Err(wrong_usage(format!(
                "--http-threads {} could never all be used with --max-requests {}: raise --max-requests above it, or lower --http-threads.",
                self.http_threads, self.max_requests
            )));
        }
        if self.max_uri_kib > self.max_head_kib {
            return Err(wrong_usage(format!(
                "--max-uri-kib {} does not fit into --max-head-kib {}: a path is part of its request's head.",
                self.max_uri_kib, self.max_head_kib
            )));
        }
        Ok(())
    }
}

fn own() -> Limits {
    Limits::default()
}

fn http() -> TransportLimits {
    TransportLimits::default()
}

fn kib(bytes: usize) -> usize {
    bytes / KIB as usize
}

fn bytes(kib: usize) -> usize {
    kib * KIB as usize
}

fn count(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

fn seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=FLAG_SECONDS_MOST)
}
