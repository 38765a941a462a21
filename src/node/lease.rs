//! One lease on the node's side: its progress, when it expires, and why its work must stop.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::failure::{Failure, log_end};
use crate::domain::job::Stage;
use crate::domain::lease::Progress;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::stop::StopFlag;

/// Time that a node waits for its own stop after one of its children was ended from outside.
const INTERRUPTION: Duration = Duration::from_millis(2_000);

/// The time between heartbeats of a lease that the server has said nothing about yet.
const FIRST_BEATS: Duration = Duration::from_secs(5);

/// Why work on a job ended without a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It failed, which must be reported to the server.
    Failed(Failure),
    /// The node stopped working on it.
    Left(Leave),
}

/// Why a lease's work must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The job was cancelled or reassigned.
    Lost,
    /// It expired by the node's own clock, or the finished clip was kept for as long as clips are.
    Expired,
    /// The node is shutting down.
    Stopped,
    /// The work is done.
    Over,
}

impl From<Leave> for Ended {
    fn from(leave: Leave) -> Self {
        Self::Left(leave)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A lease held by this node, shared between the work and its heartbeat.
pub struct Hold<'a> {
    clock: Arc<dyn Clock>,
    stop: &'a StopFlag,
    state: Mutex<State>,
    bell: Doorbell,
}

struct State {
    progress: Progress,
    /// Stage starts not yet reported, so that even a short stage is. At most one per stage.
    unreported: VecDeque<Progress>,
    expires_in: Duration,
    expires_at: Duration,
    /// The time from one heartbeat to the next, if the server has said it.
    beats_every: Option<Duration>,
    left: Option<Leave>,
    /// The end of the renderer's log.
    log: Option<String>,
    /// Build of the game that recorded the demo, if this node's game does not play it.
    demo_build: Option<u32>,
}

impl<'a> Hold<'a> {
    /// A lease that was granted just now.
    pub fn new(clock: Arc<dyn Clock>, stop: &'a StopFlag, expires_in: Duration) -> Self {
        let expires_at = clock.monotonic() + safe_part(expires_in);
        let progress = Progress { stage: Stage::Fetching, fraction: 0.0 };
        let state = Mutex::new(State {
            progress,
            unreported: VecDeque::from([progress]),
            expires_in,
            expires_at,
            beats_every: None,
            left: None,
            log: None,
            demo_build: None,
        });
        Self { clock, stop, state, bell: Doorbell::default() }
    }

    /// The lease of a clip that an earlier run of the node has finished, which is delivered for at most `kept_for`.
    pub fn of_finished(clock: Arc<dyn Clock>, stop: &'a StopFlag, kept_for: Duration) -> Self {
        // How long the lease lives is not known until the server says it.
        let hold = Self::new(clock, stop, FIRST_BEATS * 3);
        let progress = Progress { stage: Stage::Uploading, fraction: share(Stage::Uploading).0 };
        let mut state = hold.lock();
        (state.progress, state.unreported) = (progress, VecDeque::from([progress]));
        state.expires_at = hold.now() + kept_for;
        drop(state);
        hold
    }

    /// Sets the progress of a stage, 0 to 1. The job's overall progress never decreases.
    pub fn report(&self, stage: Stage, part: f64) {
        let (from, to) = share(stage);
        let fraction = from + (to - from) * part.clamp(0.0, 1.0);
        let mut state = self.lock();
        let begins = stage != state.progress.stage;
        if begins || fraction >= state.progress.fraction + 0.01 {
            let progress = Progress { stage, fraction: fraction.max(state.progress.fraction) };
            state.progress = progress;
            if begins && state.unreported.len() < Stage::ALL.len() {
                state.unreported.push_back(progress);
            }
            drop(state);
            self.bell.ring();
        }
    }

    /// Keeps the end of a log, to be sent to the server if the attempt fails.
    pub fn keep_log(&self, log: &str) {
        self.lock().log = Some(log_end(log).to_owned()).filter(|end| !end.is_empty());
    }

    pub fn log(&self) -> Option<String> {
        self.lock().log.clone()
    }

    /// Keeps the build of the game that recorded the demo, to be sent to the server if the attempt fails for it.
    pub fn keep_demo_build(&self, build: Option<u32>) {
        self.lock().demo_build = build;
    }

    pub fn demo_build(&self) -> Option<u32> {
        self.lock().demo_build
    }

    pub fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// What to send in the next heartbeat (the oldest unreported start of a stage, else the current progress), and
    /// whether there are more to report.
    pub fn next_report(&self) -> (Progress, bool) {
        let mut state = self.lock();
        let next = state.unreported.pop_front().unwrap_or(state.progress);
        (next, !state.unreported.is_empty())
    }

    /// Fails once the work must stop.
    pub fn check(&self) -> Result<(), Leave> {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        if state.left.is_none() {
            state.left = if self.stop.stopped() {
                Some(Leave::Stopped)
            } else {
                (now >= state.expires_at).then_some(Leave::Expired)
            };
        }
        state.left.map_or(Ok(()), Err)
    }

    /// Extends the lease. The time counts from the request, not from the answer.
    pub fn extend(&self, asked_at: Duration, expires_in: Duration) {
        let mut state = self.lock();
        state.expires_in = expires_in;
        state.expires_at = state.expires_at.max(asked_at + safe_part(expires_in));
    }

    /// The clip is finished. From now on it is the server, not the node's own clock, that decides whether the lease is
    /// over: a server that is away ends none. The clip is delivered for at most `kept_for`.
    pub fn finish(&self, kept_for: Duration) {
        let until = self.now() + kept_for;
        let mut state = self.lock();
        state.expires_at = state.expires_at.max(until);
    }

    /// Sets the time from one heartbeat to the next; servers of older versions do not say it.
    pub fn set_beats(&self, every: Option<Duration>) {
        self.lock().beats_every = every;
    }

    /// How long the lease lives without a heartbeat, and the time from one to the next if the server has said it.
    pub fn terms(&self) -> (Duration, Option<Duration>) {
        let state = self.lock();
        (state.expires_in, state.beats_every)
    }

    /// Ends the work; the first reason is kept.
    pub fn leave(&self, why: Leave) {
        self.lock().left.get_or_insert(why);
        self.bell.ring();
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Rings when there is something to report, or when the work ends.
    pub fn bell(&self) -> &Doorbell {
        &self.bell
    }

    /// Waits before a retry, at most until the work must stop.
    pub fn pause(&self, at_most: Duration) -> Result<(), Leave> {
        self.wait(at_most, |_| false)
    }

    /// Waits for the node's own stop after a child was ended from outside: a scheduler that stops a node signals all its
    /// processes, and such an end is an interruption, not a failure.
    pub fn await_stop(&self) -> Result<(), Leave> {
        self.pause(INTERRUPTION)?;
        self.check()
    }

    /// Waits between two heartbeats, at most until a stage begins or the work must stop.
    pub fn rest(&self, at_most: Duration) -> Result<(), Leave> {
        self.wait(at_most, |state| !state.unreported.is_empty())
    }

    fn wait(&self, at_most: Duration, enough: impl Fn(&State) -> bool) -> Result<(), Leave> {
        let until = self.now() + at_most;
        loop {
            let seen = self.bell.rings();
            self.check()?;
            let left = until.saturating_sub(self.now());
            if left.is_zero() || enough(&self.lock()) {
                return Ok(());
            }
            // The node's stop flag does not ring this bell, so poll it.
            self.bell.wait_past(seen, left.min(Duration::from_millis(200)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a lease in which the node works. The server's clock started before its answer arrived, and the node must
/// have stopped by the time the server reassigns the job.
fn safe_part(expires_in: Duration) -> Duration {
    expires_in * 9 / 10
}

/// Where a stage starts and ends in the overall progress. A renderer reports a single percentage for parsing and
/// rendering.
fn share(stage: Stage) -> (f64, f64) {
    match stage {
        Stage::Fetching => (0.0, 0.1),
        Stage::Parsing | Stage::Rendering => (0.1, 0.9),
        Stage::Uploading => (0.9, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::FakeClock;

    const LEASE: Duration = Duration::from_secs(30);

    #[test]
    fn progress_covers_the_whole_job_and_never_decreases() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock, &stop, LEASE);
        let steps = [
            (Stage::Fetching, 0.5, 0.05),
            (Stage::Parsing, 0.0, 0.1),
            (Stage::Rendering, 0.5, 0.5),
            (Stage::Rendering, 0.1, 0.5),
            (Stage::Rendering, 7.0, 0.9),
            (Stage::Uploading, 1.0, 1.0),
        ];
        for (stage, part, expected) in steps {
            hold.report(stage, part);
            let progress = hold.progress();
            assert_eq!(progress.stage, stage);
            assert!((progress.fraction - expected).abs() < 1e-9, "{stage:?} {part}: {progress:?}");
        }
    }

    #[test]
    fn every_stage_is_reported_however_short() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock, &stop, LEASE);
        for stage in [Stage::Parsing, Stage::Rendering, Stage::Uploading] {
            hold.report(stage, 0.0);
        }
        hold.report(Stage::Uploading, 1.0);
        let reports: Vec<_> = (0..5).map(|_| hold.next_report()).map(|(next, more)| (next.stage, more)).collect();
        let expected = [
            (Stage::Fetching, true),
            (Stage::Parsing, true),
            (Stage::Rendering, true),
            (Stage::Uploading, false),
            (Stage::Uploading, false),
        ];
        assert_eq!(reports, expected);
        assert_eq!(hold.next_report().0, hold.progress());
    }

    #[test]
    fn lease_expires_on_the_node_before_the_server_reassigns_it() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock.clone(), &stop, LEASE);
        clock.advance(Duration::from_secs(26));
        assert_eq!(hold.check(), Ok(()));
        hold.extend(hold.now(), LEASE);
        clock.advance(Duration::from_secs(26));
        assert_eq!(hold.check(), Ok(()));
        // A late answer counts from its request, and never shortens the lease.
        hold.extend(Duration::from_secs(26), LEASE);
        clock.advance(Duration::from_secs(1));
        assert_eq!(hold.check(), Err(Leave::Expired));
        hold.extend(hold.now(), LEASE);
        assert_eq!(hold.check(), Err(Leave::Expired), "an expired lease stays expired");
    }

    #[test]
    fn first_reason_to_leave_is_kept_and_ends_a_pause() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock.clone(), &stop, LEASE);
        hold.leave(Leave::Lost);
        hold.leave(Leave::Over);
        stop.stop();
        assert_eq!(hold.check(), Err(Leave::Lost));
        assert_eq!(hold.pause(Duration::from_secs(600)), Err(Leave::Lost));
        let other = Hold::new(clock, &stop, LEASE);
        assert_eq!(other.pause(Duration::from_secs(600)), Err(Leave::Stopped));
    }
}
