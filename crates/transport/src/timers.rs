//! The timers of one connection: for heads, for idle connections, and for the rates of bodies and answers.

use crate::limits::Limits;
use crate::state::{ConnState, Phase};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is cheap to postpone: it wakes at the earlier time, notices that it is early, and goes back to sleep.
/// Resetting a timer of the event loop takes a lock, which would be one for every request.
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

/// Timers that never fire, for hyper: the real ones are here, and each of hyper's would take a lock of the event loop
/// for every request.
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

/// Limits the wait for a request: the idle time before its first byte, and the time for its head from then on.
pub(crate) struct HeadTimer {
    alarm: Alarm,
    opened: Instant,
    /// What `until` belongs to: the number of requests served before, and the phase.
    wait: Option<(u32, Phase)>,
    until: Instant,
}

impl HeadTimer {
    pub fn new() -> HeadTimer {
        let now = Instant::now();
        HeadTimer { alarm: Alarm::default(), opened: now, wait: None, until: now }
    }

    /// Ready when the time is up.
    pub fn poll(&mut self, cx: &mut Context<'_>, state: &ConnState, limits: &Limits) -> Poll<()> {
        let wait = (state.served(), state.phase());
        if self.wait != Some(wait) {
            self.wait = Some(wait);
            self.until = match wait {
                // The first request's time starts with the connection; otherwise a silent client would get two
                // timeouts.
                (0, _) => self.opened + limits.head_time,
                (_, Phase::Head) => Instant::now() + limits.head_time,
                _ => Instant::now() + limits.idle_time,
            };
        }
        self.alarm.poll(cx, self.until)
    }

    /// Restarts the current wait.
    pub fn restart(&mut self) {
        self.wait = None;
        self.opened = Instant::now();
    }
}

/// Limits how long an answer waits for a client that doesn't read.
#[derive(Default)]
pub(crate) struct StallTimer {
    alarm: Alarm,
    /// The end of the current window, while bytes are waiting.
    until: Option<Instant>,
    moved: u64,
}

impl StallTimer {
    /// Ready when too little was sent within a window.
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

    /// Everything has been sent.
    pub fn flushed(&mut self) {
        self.until = None;
        self.moved = 0;
    }

    pub fn is_waiting(&self) -> bool {
        self.until.is_some()
    }
}

/// Enforces a body's minimum rate, averaged over windows of time spent waiting for it. The time a handler takes between
/// two reads is not the client's fault.
#[derive(Default)]
pub(crate) struct MinRate {
    waited: Duration,
    bytes: u64,
}

impl MinRate {
    /// Records a wait and the bytes it yielded. False if the body is too slow.
    pub fn allows(&mut self, waited: Duration, bytes: usize, limits: &Limits) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < limits.body_rate_window {
            return true;
        }
        let allowed = self.bytes >= at_rate(limits.body_rate, self.waited);
        *self = MinRate::default();
        allowed
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
    fn rate_is_averaged_over_windows_of_waiting() {
        let limits = Limits { body_rate: 1_000, body_rate_window: Duration::from_secs(10), ..Limits::default() };
        let seconds = Duration::from_secs;
        let mut rate = MinRate::default();
        assert!(rate.allows(seconds(9), 0, &limits), "a pause within a window is allowed");
        assert!(rate.allows(seconds(1), 10_000, &limits), "the bytes after it make up for it");
        assert!(rate.allows(seconds(9), 9_998, &limits));
        assert!(!rate.allows(seconds(1), 1, &limits), "one byte too few");
        let mut rate = MinRate::default();
        assert!((0..1_000_000).all(|_| rate.allows(Duration::ZERO, 1, &limits)), "a handler's own time does not count");
    }
}
