//! A doorbell: whoever waits is woken when there is news, and never misses a ring between looking and waiting.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts rings. Look at [`Self::rings`] first, then at the world, then wait for a later ring.
#[derive(Debug, Default)]
pub struct Doorbell {
    rings: Mutex<u64>,
    woken: Condvar,
}

impl Doorbell {
    /// How often it has rung.
    pub fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everybody who waits.
    pub fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.woken.notify_all();
    }

    /// Waits until it has rung more often than `seen`, or the time is up. True when it rang.
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
