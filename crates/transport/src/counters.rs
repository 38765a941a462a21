//! What a server has done so far, for a status page and for tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of a server's counters. All but the first three only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that are open now.
    pub open: u64,
    /// Requests handed over and not yet answered to the last byte.
    pub in_flight: u64,
    /// Of those, bodies that a handler reads while they arrive.
    pub uploads: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections turned away at a cap because every other one had a request.
    pub refused: u64,
    /// Connections without a request that were closed to make room.
    pub made_room: u64,
    /// Times the system would not give a connection.
    pub accept_errors: u64,
    /// TLS handshakes that failed or took too long, and plaintext on a TLS port.
    pub handshake_failures: u64,
    /// Requests that came in, refused ones included.
    pub requests: u64,
    /// Requests refused here for what they are (4xx, 501, 505), before a handler saw them.
    pub rejected: u64,
    /// Requests answered 503 here because a limit was reached.
    pub overloaded: u64,
    /// Waits that took too long: heads, rests, bodies, answers.
    pub timeouts: u64,
    /// Answers that broke off: their reader failed.
    pub broken_answers: u64,
}

/// The counters that only grow.
#[derive(Default)]
pub(crate) struct Tally {
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub made_room: AtomicU64,
    pub accept_errors: AtomicU64,
    pub handshake_failures: AtomicU64,
    pub requests: AtomicU64,
    pub rejected: AtomicU64,
    pub overloaded: AtomicU64,
    pub timeouts: AtomicU64,
    pub broken_answers: AtomicU64,
}

impl Tally {
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    pub fn read(&self, open: usize, in_flight: usize, uploads: usize) -> Counters {
        Counters {
            open: open as u64,
            in_flight: in_flight as u64,
            uploads: uploads as u64,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            made_room: self.made_room.load(Relaxed),
            accept_errors: self.accept_errors.load(Relaxed),
            handshake_failures: self.handshake_failures.load(Relaxed),
            requests: self.requests.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            broken_answers: self.broken_answers.load(Relaxed),
        }
    }
}
