//! Every limit of the transport, named once, with its unit. Nothing else in this crate makes up a number.

use std::time::Duration;

const KIB: usize = 1024;

/// What a server allows. The defaults suit an appliance on a studio's network; set fields before the server is made.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections in total. At the limit the oldest connection without a request makes room.
    pub connections: usize,
    /// Open connections of one address, unless [`Settings::uncapped`](crate::Settings::uncapped) excuses it.
    pub connections_per_address: usize,
    /// Connections the system may hold ready before they are accepted.
    pub backlog: i32,
    /// File descriptors kept back from connections, for the files and databases of the program above, besides one for
    /// each of `requests_in_flight`: the file it sends or receives.
    pub spare_descriptors: usize,
    /// How long accepting rests after the system refused a connection (out of descriptors, out of memory).
    pub accept_rest: Duration,

    /// From the accepted connection to the end of the TLS handshake.
    pub tls_handshake_time: Duration,
    /// From the first byte of a request (for a connection's first request: from the connection) to the end of its head.
    pub head_time: Duration,
    /// Bytes of a request's head: request line and header lines.
    pub head_bytes: usize,
    /// Header lines of a request.
    pub head_lines: usize,
    /// Bytes of a request's target.
    pub uri_bytes: usize,
    /// How long a connection may rest between two requests.
    pub idle_time: Duration,

    /// Bytes of a body of announced length that are received before a handler is woken. Memory for bodies that are
    /// still on their way is at most this times `connections`.
    pub small_body_bytes: usize,
    /// How long a body may pause.
    pub body_idle_time: Duration,
    /// Bytes per second that a body must bring on average over `body_rate_window`. Only time spent waiting counts.
    pub body_rate: u64,
    /// The window of `body_rate`.
    pub body_rate_window: Duration,
    /// Requests whose body is read by a handler while it arrives. Keep this below the handlers' threads: each holds one.
    pub uploads: usize,
    /// The same for the requests that [`Settings::is_reserved`](crate::Settings::is_reserved) picks out: places of their own,
    /// which the others cannot take.
    pub reserved_uploads: usize,
    /// Of those of one kind, for one address, unless [`Settings::uncapped`](crate::Settings::uncapped) excuses it.
    pub uploads_per_address: usize,

    /// Requests handed over and not yet answered to the last byte. More are answered 503.
    pub requests_in_flight: usize,
    /// How long an answer may move slower than `answer_rate` before the connection is reset.
    pub answer_stall_time: Duration,
    /// Bytes per second that a client must take of an answer that waits for it, over `answer_stall_time`.
    pub answer_rate: u64,
    /// Bytes of an unread body that are thrown away after an early answer, so that the client gets to read the answer.
    pub drain_bytes: usize,
    /// Time for the same.
    pub drain_time: Duration,

    /// Threads of the event loop.
    pub event_threads: usize,
    /// Threads that read streamed answers, made when needed. A slow client holds none.
    pub reader_threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 4_096,
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
            answer_stall_time: Duration::from_secs(30),
            answer_rate: KIB as u64,
            drain_bytes: 1_024 * KIB,
            drain_time: Duration::from_secs(2),
            event_threads: std::thread::available_parallelism().map_or(2, |n| n.get()).min(4),
            reader_threads: 64,
        }
    }
}

/// Longer than any wait that means something, and short enough to be added to a clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The same within what a server can run with: at least one of each thing, and waits that end.
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

/// Bytes of the first chunks of a streamed answer. Small, since a client that stops reading keeps what was read for it.
pub(crate) const FIRST_CHUNK_BYTES: usize = 64 * KIB;
/// Bytes of a chunk once the client has shown that it takes them: twice the speed of 64 KiB.
pub(crate) const CHUNK_BYTES: usize = 256 * KIB;
/// The part of what a client has taken that its next chunk may be: so a chunk is whole after 8 MiB.
pub(crate) const CHUNK_GROWTH: u64 = 32;
/// Bytes a client must have taken before the next chunk is read ahead of its need. More than the sockets' own buffers
/// hold on both sides, so that a client that never reads keeps one small chunk.
pub(crate) const READ_AHEAD_AFTER_BYTES: u64 = 8 * 1_024 * KIB as u64;
/// Bytes of an answer that hyper may hold while the socket is full, besides the chunk in hand.
pub(crate) const WRITE_BUFFER_BYTES: usize = 128 * KIB;
/// Bytes the system may hold for a socket beyond what the client's window takes. Without it a client that never reads has
/// megabytes copied for it.
#[cfg(target_os = "linux")]
pub(crate) const UNSENT_BYTES: u32 = 1_024 * KIB as u32;
/// Bytes asked of the socket at once while a head is awaited.
pub(crate) const HEAD_READ_BYTES: usize = 4 * KIB;
/// Bytes of empty lines that are passed over before a request: two lines, where one is usual.
pub(crate) const EMPTY_LINE_BYTES: usize = 4;
