//! Waiting for the event loop on a handler's thread, without being part of the event loop.
//!
//! A runtime's own `block_on` panics where its timers are gone, which is when a handler still reads while the server
//! is cut at its deadline.

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

/// Polls until ready, or until the deadline: then `None`.
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
            // May wake for nothing, which costs a poll.
            Some(left) => park_timeout(left),
        }
    }
}
