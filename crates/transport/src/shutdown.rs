//! Stopping a server: no new connections, what is in flight is finished, at the deadline the rest is cut.

use crate::counters::Counters;
use crate::peers::Presence;
use crate::settings::{Lane, make_quick};
use crate::shared::{Shared, Stage};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Stops a server and reads its counters, from any thread. It doesn't keep the server alive.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Requests that were not answered to the last byte at the deadline.
    pub cut_requests: usize,
    /// Connections that were open at the deadline.
    pub cut_connections: usize,
    /// From the call to the end.
    pub took: Duration,
}

impl Stopped {
    /// True when nothing was cut.
    pub fn is_clean(&self) -> bool {
        self.cut_requests == 0 && self.cut_connections == 0
    }
}

impl Handle {
    /// Stops accepting, closes connections without a request, lets requests in flight finish, and at `deadline` cuts
    /// what is left. Then rouille's loop ends. Blocks until then. Handlers that wait (long polls) are the caller's to
    /// wake first. A second call waits like the first.
    pub fn stop(&self, deadline: Duration) -> Stopped {
        let shared = &self.0;
        let begin = Instant::now();
        let until = begin + deadline;
        shared.advance(Stage::Finishing);
        // Connections first: while one is open, a request may still begin on it. A request may outlive its connection.
        if shared.seats.wait_empty(until) {
            shared.in_flight.wait_empty(until);
        }
        let (cut_requests, cut_connections) = (shared.in_flight.taken(), shared.seats.taken());
        shared.advance(Stage::Gone);
        shared.close_queues();
        Stopped { cut_requests, cut_connections, took: begin.elapsed() }
    }

    /// Runs `make`, and the first server it makes on this thread is no server of its own: it takes the requests of this
    /// one that [`Settings::is_quick`](crate::Settings::is_quick) picks out, so that they have threads which nothing
    /// slow ever holds, and few.
    pub fn quick<R>(&self, make: impl FnOnce() -> R) -> R {
        make_quick(&self.0, make)
    }

    /// Has `take` called on the event loop for each request of the lane, instead of a thread that waits for them:
    /// rouille's `Server::poll` hands what is there to its pool, one change of threads sooner than its `run`. `take`
    /// must not block, and holds rouille's server weakly, or the two keep each other for ever. The first one stays.
    pub fn on_arrival(&self, lane: Lane, take: impl Fn() + Send + Sync + 'static) {
        self.0.queue(lane).taken_by(take);
    }

    /// Who is connected.
    pub fn presence(&self) -> Presence {
        Presence(self.0.peers.clone())
    }

    /// What the server has done so far.
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }

    /// Whether the event loop takes a task and does it within this time: a sign of life that neither limits nor load
    /// stand in the way of.
    pub fn turns(&self, within: Duration) -> bool {
        let (done, seen) = mpsc::channel();
        self.0.runtime.spawn(async move { done.send(()) });
        seen.recv_timeout(within).is_ok()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}
