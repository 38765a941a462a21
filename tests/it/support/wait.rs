//! Polling for a condition, with a timeout. Tests never just sleep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung. Generous, because the machine may be busy.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// Polls until `poll` returns something; panics with `what` on timeout.
pub fn until<T>(what: &str, poll: impl FnMut() -> Option<T>) -> T {
    until_within(TIMEOUT, poll).unwrap_or_else(|| panic!("timed out waiting for {what}"))
}

/// Polls until `poll` returns something; `None` when the time is up.
pub fn until_within<T>(time: Duration, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    let (_keep, never) = channel::<()>();
    loop {
        let found = poll();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        // Leaves the CPU to what is being waited for.
        assert_eq!(never.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout));
    }
}

/// Sets a flag when dropped, so that other threads stop even when the test fails.
pub struct SetOnDrop<'a>(pub &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
