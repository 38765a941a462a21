//! State shared by the socket, the service and the answer of one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use tokio::sync::Notify;

/// What a connection is doing. Only a connection in `Waiting` or `Head` may be evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// No byte of a request has arrived: a new connection, a TLS handshake, or idle between two requests.
    Waiting = 0,
    /// Part of a request's head has arrived.
    Head = 1,
    /// A request is being received, handled or answered.
    Busy = 2,
    /// Closed to make room for another connection.
    Evicted = 3,
}

/// Shared by the parts of one connection.
pub(crate) struct ConnState {
    phase: AtomicU8,
    /// Requests begun so far.
    served: AtomicU32,
    /// When the connection last became idle, in microseconds since `epoch`.
    waiting_since: AtomicU64,
    epoch: Instant,
    /// The status to answer instead of handling the request; 0 for none.
    refusal: AtomicU16,
    /// The client may still be sending: drain before closing, so that it can read the answer.
    linger: AtomicBool,
    /// The answer was cut short: reset the connection, which cannot be mistaken for its end.
    reset: AtomicBool,
    /// The connection was upgraded: its bytes are no longer HTTP.
    raw: AtomicBool,
    /// The client has sent more while its request is handled.
    has_more: AtomicBool,
    more_came: Notify,
    /// Wakes the connection's task when it is evicted.
    pub evicted: Notify,
}

impl ConnState {
    pub fn new(epoch: Instant) -> Arc<ConnState> {
        let state = ConnState {
            phase: AtomicU8::new(Phase::Waiting as u8),
            served: AtomicU32::new(0),
            waiting_since: AtomicU64::new(0),
            epoch,
            refusal: AtomicU16::new(0),
            linger: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            raw: AtomicBool::new(false),
            has_more: AtomicBool::new(false),
            more_came: Notify::new(),
            evicted: Notify::new(),
        };
        state.touch();
        Arc::new(state)
    }

    pub fn phase(&self) -> Phase {
        match self.phase.load(SeqCst) {
            0 => Phase::Waiting,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Evicted,
        }
    }

    fn step(&self, from: Phase, to: Phase) -> bool {
        self.phase.compare_exchange(from as u8, to as u8, SeqCst, SeqCst).is_ok()
    }

    fn touch(&self) {
        let micros = Instant::now().saturating_duration_since(self.epoch).as_micros();
        self.waiting_since.store(u64::try_from(micros).unwrap_or(u64::MAX), SeqCst);
    }

    /// The first byte of a request has arrived.
    pub fn head_began(&self) {
        self.step(Phase::Waiting, Phase::Head);
    }

    /// Marks the connection for closing, unless a request has begun on it in the meantime.
    pub fn evict(&self) -> bool {
        let taken = self.step(Phase::Waiting, Phase::Evicted) || self.step(Phase::Head, Phase::Evicted);
        if taken {
            self.evicted.notify_one();
        }
        taken
    }

    pub fn is_evictable(&self) -> bool {
        matches!(self.phase(), Phase::Waiting | Phase::Head)
    }

    pub fn waiting_since(&self) -> u64 {
        self.waiting_since.load(SeqCst)
    }

    pub fn served(&self) -> u32 {
        self.served.load(SeqCst)
    }

    /// Answers `status` instead of handling the request that is being read.
    pub fn refuse(&self, status: u16) {
        self.refusal.store(status, SeqCst);
    }

    pub fn refusal(&self) -> Option<u16> {
        Some(self.refusal.load(SeqCst)).filter(|status| *status != 0)
    }

    pub fn set_linger(&self) {
        self.linger.store(true, SeqCst);
    }

    pub fn lingers(&self) -> bool {
        self.linger.load(SeqCst)
    }

    pub fn set_reset(&self) {
        self.reset.store(true, SeqCst);
    }

    pub fn resets(&self) -> bool {
        self.reset.load(SeqCst)
    }

    /// The client has sent more while its request is handled, which keeps its hang-up from being noticed.
    pub fn more_came(&self) {
        if !self.has_more.swap(true, SeqCst) {
            self.more_came.notify_one();
        }
    }

    /// Waits until the client sends more than the request that is being handled.
    pub async fn more(&self) {
        while !self.has_more.load(SeqCst) {
            self.more_came.notified().await;
        }
    }

    pub fn set_raw(&self) {
        self.raw.store(true, SeqCst);
    }

    pub fn is_raw(&self) -> bool {
        self.raw.load(SeqCst)
    }
}

/// Marks a connection as busy, from the parsed head to the last byte of the answer.
pub(crate) struct Busy(pub Arc<ConnState>);

impl Busy {
    /// `None` if the connection was evicted.
    pub fn begin(state: &Arc<ConnState>) -> Option<Busy> {
        if !state.step(Phase::Head, Phase::Busy) && !state.step(Phase::Waiting, Phase::Busy) {
            return None;
        }
        state.served.fetch_add(1, SeqCst);
        state.has_more.store(false, SeqCst);
        Some(Busy(state.clone()))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.step(Phase::Busy, Phase::Waiting);
    }
}
