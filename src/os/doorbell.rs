//! A doorbell: wakes waiting threads when something has changed, without lost wakeups.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts rings. Read [`Self::rings`] first, then check the state, then wait for a later ring.
#[derive(Debug, Default)]
pub struct Doorbell {
    rings: Mutex<u64>,
    woken: Condvar,
}

impl Doorbell {
    /// How many times it has rung.
    pub fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all waiting threads.
    pub fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.woken.notify_all();
    }

    /// Waits until it has rung more than `seen` times or the timeout expires. Returns whether it rang.
    pub fn wait_past(&self, seen: u64, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        while *rings <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            rings = self.woken.wait_timeout(rings, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
