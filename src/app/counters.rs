//! What has been counted since the start, for monitors. In memory only: a counter that begins again at 0 is one that
//! they know.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of jobs in this server; what `admin` did beside it is not among it.
#[derive(Default)]
pub struct Counters {
    /// Accepted.
    pub submitted: Counter,
    /// Completed, with a clip.
    pub done: Counter,
    /// Given up for good.
    pub failed: Counter,
    /// Cancelled by their clients.
    pub cancelled: Counter,
}
