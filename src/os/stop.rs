//! A stop flag that wakes the threads waiting for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::doorbell::Doorbell;

/// Once set, it stays set.
#[derive(Debug, Default)]
pub struct StopFlag {
    raised: AtomicBool,
    bell: Doorbell,
}

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets it. Repeated calls have no effect.
    pub fn stop(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Whether it is set.
    pub fn stopped(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Waits until it is set or the timeout expires. Returns whether it is set.
    pub fn wait(&self, at_most: Duration) -> bool {
        let seen = self.bell.rings();
        self.stopped() || self.bell.wait_past(seen, at_most) || self.stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_wakes_waiting_threads_and_later_waits_return_at_once() {
        let flag = StopFlag::new();
        assert!(!flag.wait(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| flag.wait(Duration::from_secs(60)));
            flag.stop();
            assert!(waiting.join().unwrap());
        });
        assert!(flag.wait(Duration::from_secs(60)));
    }
}
