//! A queue of requests, from the event loop to rouille. Bounded by the limit on in-flight requests.

use crate::request::Request;
use crate::sync::lock;
use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Called for each request, if there is one, instead of waking a thread that waits in `pop`.
    on_arrival: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Queue {
    /// Returns false and drops the request if the server has stopped.
    pub fn push(&self, request: Request) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return false;
        }
        waiting.requests.push_back(request);
        drop(waiting);
        match self.on_arrival.get() {
            Some(notify) => notify(),
            None => self.changed.notify_one(),
        }
        true
    }

    /// Calls `notify` now, for the requests that are already here, and then for each new one. Only the first call sets
    /// it.
    pub fn on_arrival(&self, notify: impl Fn() + Send + Sync + 'static) {
        self.on_arrival.get_or_init(|| Box::new(notify))();
    }

    /// The next request; `None` if there was none by `until`; an error if the server has stopped.
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

    /// Ends every wait. Requests that nobody has taken are dropped outside the lock, since each returns its permits.
    pub fn close(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        let left = std::mem::take(&mut waiting.requests);
        drop(waiting);
        drop(left);
        self.changed.notify_all();
    }
}
