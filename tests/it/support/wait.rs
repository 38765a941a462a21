//! Polling for a condition, with a timeout. Tests never just sleep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung. Generous, because the machine may be busy.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// Polls until `poll` returns something; panics with `what` on timeout.
pub fn until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    let (_keep, never) = channel::<()>();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
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
