//! The clock, injected so that tests can control time.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Source of time. Tests use [`FakeClock`].
pub trait Clock: Send + Sync {
    /// Unix time in milliseconds, for timestamps.
    fn now_ms(&self) -> i64;
    /// Time since an arbitrary fixed point; never goes backwards. For timeouts.
    fn monotonic(&self) -> Duration;
}

/// The system clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[allow(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // A clock before 1970 is misconfigured; 0 keeps the product running until it is set.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Sleeps. Only for backoff: to wait for an event, use a [`super::doorbell::Doorbell`].
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct FakeClock {
    now: Mutex<(i64, Duration)>,
}

impl FakeClock {
    /// Starts at a Unix time in milliseconds.
    pub fn at(now_ms: i64) -> Self {
        Self { now: Mutex::new((now_ms, Duration::ZERO)) }
    }

    /// Sets only the wall clock, like a manual correction. Unix time in milliseconds.
    pub fn set(&self, now_ms: i64) {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0 = now_ms;
    }

    /// Advances both the wall clock and the monotonic clock.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        now.0 += by.as_millis() as i64;
        now.1 += by;
    }
}

impl Clock for FakeClock {
    fn now_ms(&self) -> i64 {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }

    fn monotonic(&self) -> Duration {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1
    }
}
