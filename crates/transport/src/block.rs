//! Blocks a handler's thread on a future, without entering the event loop.
//!
//! tokio's `block_on` panics once the runtime's timers are gone, which happens when a handler still reads while the
//! server is shut down by force.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park, park_timeout};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until ready. `None` at the deadline.
pub(crate) fn until<T>(deadline: Option<Instant>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(ready) = poll(&mut cx) {
            return Some(ready);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => park(),
            Some(left) if left.is_zero() => return None,
            // May wake spuriously, which only costs a poll.
            Some(left) => park_timeout(left),
        }
    }
}
