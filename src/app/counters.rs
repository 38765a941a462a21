//! Counters since start, for monitoring. In memory only: monitoring systems handle counter resets.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The current count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Outcomes of jobs and webhook calls in this server process; changes made by `admin` are not counted.
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
    /// Calls of webhooks that were accepted.
    pub webhooks_accepted: Counter,
    /// Calls of webhooks that failed, also those that will be repeated.
    pub webhooks_failed: Counter,
}
