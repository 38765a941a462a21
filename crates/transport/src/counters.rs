//! A server's counters, for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A snapshot of a server's counters. All but the first four are monotonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Open connections.
    pub open: u64,
    /// In-flight requests: handed over and not yet answered to the last byte.
    pub in_flight: u64,
    /// In-flight requests whose body a handler reads while it arrives.
    pub uploads: u64,
    /// Requests that wait without a thread, from the time their place is reserved until they are handled again.
    pub parked: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused at a limit because every other connection had a request.
    pub refused: u64,
    /// Idle connections that were closed to make room.
    pub made_room: u64,
    /// Failed calls to `accept`.
    pub accept_errors: u64,
    /// TLS handshakes that failed or timed out, and plaintext on a TLS port.
    pub handshake_failures: u64,
    /// Requests received, including refused ones.
    pub requests: u64,
    /// Parked requests that were handed over again: woken, or because their wait was over.
    pub resumed: u64,
    /// Requests refused by the transport as invalid (4xx, 501, 505), before a handler saw them.
    pub rejected: u64,
    /// Requests answered 503 by the transport because a limit was reached.
    pub overloaded: u64,
    /// Timeouts: heads, idle connections, bodies, answers.
    pub timeouts: u64,
    /// Answers that were cut short because their reader failed.
    pub broken_answers: u64,
}

/// The monotonic counters.
#[derive(Default)]
pub(crate) struct Tally {
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub made_room: AtomicU64,
    pub accept_errors: AtomicU64,
    pub handshake_failures: AtomicU64,
    pub requests: AtomicU64,
    pub resumed: AtomicU64,
    pub rejected: AtomicU64,
    pub overloaded: AtomicU64,
    pub timeouts: AtomicU64,
    pub broken_answers: AtomicU64,
}

impl Tally {
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    pub fn read(&self, open: usize, in_flight: usize, uploads: usize, parked: usize) -> Counters {
        Counters {
            open: open as u64,
            in_flight: in_flight as u64,
            uploads: uploads as u64,
            parked: parked as u64,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            made_room: self.made_room.load(Relaxed),
            accept_errors: self.accept_errors.load(Relaxed),
            handshake_failures: self.handshake_failures.load(Relaxed),
            requests: self.requests.load(Relaxed),
            resumed: self.resumed.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            broken_answers: self.broken_answers.load(Relaxed),
        }
    }
}
