//! Requests on their way from the event loop to rouille. Bounded by the requests that may be in flight.

use crate::request::Request;
use crate::seats::lock;
use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Takes what has come, where that is not a thread's that waits for it.
    taker: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Queue {
    /// False, and the request dropped, when the server has stopped.
    pub fn push(&self, request: Request) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return false;
        }
        waiting.requests.push_back(request);
        drop(waiting);
        match self.taker.get() {
            Some(take) => take(),
            None => self.changed.notify_one(),
        }
        true
    }

    /// Has `take` called for each request that comes, and now for those that are here. A second one is not heard of.
    pub fn taken_by(&self, take: impl Fn() + Send + Sync + 'static) {
        self.taker.get_or_init(|| Box::new(take))();
    }

    /// The next request, `None` when there was none until `until`, an error when the server has stopped.
    pub fn pop(&self, until: Option<Instant>) -> io::Result<Option<Request>> {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(request) = waiting.requests.pop_front() {
                return Ok(Some(request));
            }
            if waiting.closed {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the server has stopped"));
            }
            waiting = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Ok(None),
                Some(left) => self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Ends every wait. Requests nobody has taken are dropped, outside the lock: each gives back its seats.
    pub fn close(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        let left = std::mem::take(&mut waiting.requests);
        drop(waiting);
        drop(left);
        self.changed.notify_all();
    }
}
