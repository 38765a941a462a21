//! The clocks of one connection: how long a head may take, how long a connection may rest, how slowly bytes may move.

use crate::limits::Limits;
use crate::state::{ConnState, Phase};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};
use tokio::time::{Instant, Sleep, sleep_until};

/// An alarm that may be moved at no cost: it wakes at the earlier time, sees that it is early, and sleeps on. Moving a
/// timer of the event loop with every request would be a lock for each.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
        Poll::Pending
    }
}

/// Alarms that never ring, for hyper: the real ones are here, and each of its own would be a lock of the event loop for
/// each request.
pub(crate) struct NoTimer;

struct Never;

impl hyper::rt::Timer for NoTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Never)
    }

    fn sleep_until(&self, _: StdInstant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Never)
    }
}

impl hyper::rt::Sleep for Never {}

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Bounds the wait for a request: the rest before its first byte, and its head from the first byte on.
pub(crate) struct HeadTimer {
    alarm: Alarm,
    opened: Instant,
    /// The wait that `until` belongs to: requests served before, and the phase.
    wait: Option<(u32, Phase)>,
    until: Instant,
}

impl HeadTimer {
    pub fn new() -> HeadTimer {
        let now = Instant::now();
        HeadTimer { alarm: Alarm::default(), opened: now, wait: None, until: now }
    }

    /// Ready when the client has had its time.
    pub fn poll(&mut self, cx: &mut Context<'_>, state: &ConnState, limits: &Limits) -> Poll<()> {
        let wait = (state.served(), state.phase());
        if self.wait != Some(wait) {
            self.wait = Some(wait);
            self.until = match wait {
                // A first request's time runs from the connection, or a silent client would have two.
                (0, _) => self.opened + limits.head_time,
                (_, Phase::Head) => Instant::now() + limits.head_time,
                _ => Instant::now() + limits.idle_time,
            };
        }
        self.alarm.poll(cx, self.until)
    }

    /// Begins the running wait anew.
    pub fn restart(&mut self) {
        self.wait = None;
        self.opened = Instant::now();
    }
}

/// Bounds the time an answer waits for a client that doesn't take it.
#[derive(Default)]
pub(crate) struct StallTimer {
    alarm: Alarm,
    /// The end of the running window, while bytes wait.
    until: Option<Instant>,
    moved: u64,
}

impl StallTimer {
    /// Ready when too little has moved within a window.
    pub fn poll(&mut self, cx: &mut Context<'_>, limits: &Limits) -> Poll<()> {
        let window = limits.answer_stall_time;
        let mut until = *self.until.get_or_insert_with(|| Instant::now() + window);
        while self.alarm.poll(cx, until).is_ready() {
            if self.moved < at_rate(limits.answer_rate, window).max(1) {
                return Poll::Ready(());
            }
            self.moved = 0;
            until = Instant::now() + window;
            self.until = Some(until);
        }
        Poll::Pending
    }

    pub fn moved(&mut self, bytes: usize) {
        self.moved += bytes as u64;
    }

    /// Everything has been taken.
    pub fn flushed(&mut self) {
        self.until = None;
        self.moved = 0;
    }

    pub fn is_waiting(&self) -> bool {
        self.until.is_some()
    }
}

/// Bounds the slowness of a body that arrives: an average over windows of time spent waiting for it. A handler that
/// takes its time between two reads is not the client's fault.
#[derive(Default)]
pub(crate) struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Counts a wait and what it brought. False when the body is too slow.
    pub fn keeps(&mut self, waited: Duration, bytes: usize, limits: &Limits) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < limits.body_rate_window {
            return true;
        }
        let keeps = self.bytes >= at_rate(limits.body_rate, self.waited);
        *self = Pace::default();
        keeps
    }
}

fn at_rate(bytes_per_second: u64, time: Duration) -> u64 {
    let bytes = u128::from(bytes_per_second) * time.as_millis() / 1_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_judged_over_windows_of_waiting() {
        let limits = Limits { body_rate: 1_000, body_rate_window: Duration::from_secs(10), ..Limits::default() };
        let seconds = Duration::from_secs;
        let mut pace = Pace::default();
        assert!(pace.keeps(seconds(9), 0, &limits), "a pause inside a window is allowed");
        assert!(pace.keeps(seconds(1), 10_000, &limits), "what came after it makes up for it");
        assert!(pace.keeps(seconds(9), 9_998, &limits));
        assert!(!pace.keeps(seconds(1), 1, &limits), "a byte too few");
        let mut pace = Pace::default();
        assert!((0..1_000_000).all(|_| pace.keeps(Duration::ZERO, 1, &limits)), "a handler's own time never counts");
    }
}
