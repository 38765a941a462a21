//! A running server, seen from the embedding program: graceful shutdown, counters, and how its requests are taken.

use crate::counters::Counters;
use crate::parking::Parkings;
use crate::peers::Presence;
use crate::queues::Queues;
use crate::settings::Lane;
use crate::shared::{Shared, Stage};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Stops a server and reads its counters, from any thread. Doesn't keep the server alive.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queues: Arc<Queues>,
}

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Requests that were not answered to the last byte by the deadline.
    pub cut_requests: usize,
    /// Connections that were still open at the deadline.
    pub cut_connections: usize,
    /// How long the call took.
    pub took: Duration,
}

impl Stopped {
    /// True if nothing was cut off.
    pub fn is_clean(&self) -> bool {
        self.cut_requests == 0 && self.cut_connections == 0
    }
}

impl Handle {
    /// Shuts down gracefully: stops accepting, closes idle connections, lets in-flight requests finish, and after
    /// `deadline` cuts off the rest. Then rouille's loop ends. Blocks until then. Parked requests are handed over at once.
    /// The caller must first wake handlers that wait. A second call waits like the first.
    pub fn stop(&self, deadline: Duration) -> Stopped {
        let shared = &self.shared;
        let begin = Instant::now();
        let until = begin + deadline;
        shared.advance(Stage::Finishing);
        // Connections first: a request may still begin on an open connection, and may outlive it.
        if shared.connections.wait_empty(until) {
            shared.in_flight.wait_empty(until);
            shared.resumed.wait_empty(until);
        }
        let (cut_requests, cut_connections) = (shared.requests_in_flight(), shared.connections.count());
        self.close();
        Stopped { cut_requests, cut_connections, took: begin.elapsed() }
    }

    /// Cuts off everything that is left.
    pub(crate) fn close(&self) {
        self.shared.advance(Stage::Gone);
        self.queues.close();
    }

    /// Calls `take` on the event loop for each request of the lane, so that no thread has to wait for them: with
    /// rouille's `Server::poll` requests reach its pool one thread switch sooner than with its `run`. `take` must not
    /// block, and should hold rouille's server weakly, or the two keep each other alive. Only the first call counts.
    pub fn on_arrival(&self, lane: Lane, take: impl Fn() + Send + Sync + 'static) {
        self.queues.of(lane).on_arrival(take);
    }

    /// Where requests can wait without a thread.
    pub fn parkings(&self) -> Parkings {
        Parkings(self.shared.lot.clone())
    }

    /// Who is connected.
    pub fn presence(&self) -> Presence {
        Presence(self.shared.peers.clone())
    }

    /// The current counters.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Whether the event loop runs a task within this time: a liveness check that works at the limits and under load.
    pub fn is_responsive(&self, within: Duration) -> bool {
        let (done, seen) = mpsc::channel();
        self.shared.runtime.spawn(async move { done.send(()) });
        seen.recv_timeout(within).is_ok()
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }
}
