//! A flag that says stop, once and for all, and wakes whoever waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::doorbell::Doorbell;

/// Raised once, never lowered.
#[derive(Debug, Default)]
pub struct StopFlag {
    raised: AtomicBool,
    bell: Doorbell,
}

impl StopFlag {
    /// A flag that is down.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it. Again: nothing happens.
    pub fn stop(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Whether it is raised.
    pub fn stopped(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Waits until it is raised or the time is up. True when it is raised.
    pub fn wait(&self, at_most: Duration) -> bool {
        let seen = self.bell.rings();
        self.stopped() || self.bell.wait_past(seen, at_most) || self.stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_the_flag_is_woken_and_later_waits_end_at_once() {
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
