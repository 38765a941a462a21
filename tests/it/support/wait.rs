//! Waiting for something to become true, with a limit: never for a time to pass.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything in these tests may take before it counts as hung. Generous: the machine may be busy.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// Looks again and again until `look` gives something; panics with `what` when patience runs out.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    let (_keep, never) = channel::<()>();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        // Between two looks the processors belong to what is waited for.
        assert_eq!(never.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout));
    }
}
