//! Every limit of the transport, in one place, with its unit.

use std::time::Duration;

const KIB: usize = 1024;

/// A server's limits. The defaults suit an appliance on a studio's network. Set fields before creating the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections in total. At the limit, the connection that has been idle longest is closed to make room.
    pub connections: usize,
    /// Open connections per address, unless it is exempt by [`Settings::uncapped`](crate::Settings::uncapped).
    pub connections_per_address: usize,
    /// The listen backlog: connections that the system queues until they are accepted.
    pub backlog: i32,
    /// File descriptors reserved for the embedding program's files and databases, in addition to one for each of
    /// `requests_in_flight`, for the file it sends or receives.
    pub spare_descriptors: usize,
    /// Pause after `accept` failed because the system is out of descriptors or memory.
    pub accept_rest: Duration,

    /// Time for the TLS handshake, from accepting the connection.
    pub tls_handshake_time: Duration,
    /// Time for a request's head, from its first byte (for a connection's first request: from accepting the
    /// connection).
    pub head_time: Duration,
    /// Bytes in a request's head: request line and header lines.
    pub head_bytes: usize,
    /// Header lines in a request.
    pub head_lines: usize,
    /// Bytes in a request's target.
    pub uri_bytes: usize,
    /// How long a connection may be idle between two requests.
    pub idle_time: Duration,

    /// Bytes up to which a body of known length is received before a handler is woken. Memory for arriving bodies is at
    /// most this times `connections`.
    pub small_body_bytes: usize,
    /// How long a body may stall.
    pub body_idle_time: Duration,
    /// Minimum average rate of a body in bytes per second, over `body_rate_window`. Only time spent waiting counts.
    pub body_rate: u64,
    /// The window of `body_rate`.
    pub body_rate_window: Duration,
    /// Requests whose body a handler reads while it arrives. Keep this below the number of handler threads: each holds
    /// one.
    pub uploads: usize,
    /// A separate limit for the requests selected by [`Settings::is_reserved`](crate::Settings::is_reserved), so that
    /// other uploads cannot crowd them out.
    pub reserved_uploads: usize,
    /// Uploads per address, separately for both kinds, unless exempt by
    /// [`Settings::uncapped`](crate::Settings::uncapped).
    pub uploads_per_address: usize,

    /// Requests handed over and not yet answered to the last byte. Any more are answered 503.
    pub requests_in_flight: usize,
    /// Requests that wait without a thread (see [`Parkings`](crate::Parkings)): at most seven eighths of `connections`,
    /// so that others can connect.
    pub parked: usize,
    /// How long a client may take an answer slower than `answer_rate` before the connection is reset.
    pub answer_stall_time: Duration,
    /// Minimum rate at which a client must take an answer, in bytes per second, over `answer_stall_time`.
    pub answer_rate: u64,
    /// Bytes of an unread body that are discarded after an early answer, so that the client can read the answer.
    pub drain_bytes: usize,
    /// Time for discarding them.
    pub drain_time: Duration,

    /// Threads of the event loop.
    pub event_threads: usize,
    /// Threads that read streamed answers, created on demand. A slow client holds none.
    pub reader_threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 16_384,
            connections_per_address: 512,
            backlog: 1_024,
            spare_descriptors: 256,
            accept_rest: Duration::from_millis(50),
            tls_handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(10),
            head_bytes: 32 * KIB,
            head_lines: 100,
            uri_bytes: 8 * KIB,
            idle_time: Duration::from_secs(60),
            small_body_bytes: 64 * KIB,
            body_idle_time: Duration::from_secs(30),
            body_rate: 8 * KIB as u64,
            body_rate_window: Duration::from_secs(30),
            uploads: 64,
            reserved_uploads: 32,
            uploads_per_address: 8,
            requests_in_flight: 1_024,
            parked: 14_336,
            answer_stall_time: Duration::from_secs(30),
            answer_rate: KIB as u64,
            drain_bytes: 1_024 * KIB,
            drain_time: Duration::from_secs(2),
            event_threads: std::thread::available_parallelism().map_or(2, |n| n.get()).min(4),
            reader_threads: 64,
        }
    }
}

/// Longer than any sensible timeout, and short enough to be added to an `Instant`.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// Clamps the limits to what a server can run with: at least one of everything, and finite timeouts.
    pub(crate) fn within_reason(mut self) -> Limits {
        for time in [
            &mut self.accept_rest,
            &mut self.tls_handshake_time,
            &mut self.head_time,
            &mut self.idle_time,
            &mut self.body_idle_time,
            &mut self.body_rate_window,
            &mut self.answer_stall_time,
            &mut self.drain_time,
        ] {
            *time = LONGEST.min(*time);
        }
        for count in [
            &mut self.connections,
            &mut self.connections_per_address,
            &mut self.requests_in_flight,
            &mut self.event_threads,
            &mut self.reader_threads,
        ] {
            *count = 1.max(*count);
        }
        self
    }
}

/// Size of the first chunks of a streamed answer. Small, since a chunk stays in memory if the client stops reading.
pub(crate) const FIRST_CHUNK_BYTES: usize = 64 * KIB;
/// Size of a chunk once the client has proved to read: twice as fast as 64 KiB.
pub(crate) const CHUNK_BYTES: usize = 256 * KIB;
/// A chunk is at most the bytes taken so far divided by this, so chunks reach full size after 8 MiB.
pub(crate) const CHUNK_GROWTH: u64 = 32;
/// Bytes a client must have taken before chunks are read ahead. More than the socket buffers of both sides hold, so
/// that a client that never reads costs one small chunk.
pub(crate) const READ_AHEAD_AFTER_BYTES: u64 = 8 * 1_024 * KIB as u64;
/// Bytes of an answer that hyper may buffer while the socket is full, in addition to the current chunk.
pub(crate) const WRITE_BUFFER_BYTES: usize = 128 * KIB;
/// Unsent bytes that the kernel may buffer per socket. Without a limit, megabytes pile up for a client that never
/// reads.
#[cfg(target_os = "linux")]
pub(crate) const UNSENT_BYTES: u32 = 1_024 * KIB as u32;
/// Size of a read while waiting for a head.
pub(crate) const HEAD_READ_BYTES: usize = 4 * KIB;
/// Bytes in empty lines that are skipped before a request: two lines, where one is usual.
pub(crate) const EMPTY_LINE_BYTES: usize = 4;
