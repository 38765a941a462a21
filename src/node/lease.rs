//! One lease as the node holds it: what is said of the work, until when it may go on, and why it must stop.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::failure::{Failure, log_end};
use crate::domain::job::Stage;
use crate::domain::lease::Progress;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::stop::StopFlag;

/// Why work on a job ended without a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It failed, and the server is to be told.
    Failed(Failure),
    /// It is somebody else's now, or nobody's: there is nobody to tell.
    Left(Leave),
}

/// Why a lease's work must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The server said so: cancelled, or given to another node.
    Lost,
    /// It ran out by the node's own clock.
    Expired,
    /// The node was told to stop.
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

/// A lease in a node's hands. Shared between the work and its heartbeat.
pub struct Hold<'a> {
    clock: Arc<dyn Clock>,
    stop: &'a StopFlag,
    state: Mutex<State>,
    bell: Doorbell,
}

struct State {
    progress: Progress,
    /// Beginnings of stages that the server has not been told of: a short stage is told too. At most one a stage.
    untold: VecDeque<Progress>,
    expires_in: Duration,
    expires_at: Duration,
    left: Option<Leave>,
    /// The end of what the renderer said.
    log: Option<String>,
}

impl<'a> Hold<'a> {
    /// A lease that was given just now, for so long.
    pub fn new(clock: Arc<dyn Clock>, stop: &'a StopFlag, expires_in: Duration) -> Self {
        let expires_at = clock.monotonic() + safe_part(expires_in);
        let progress = Progress { stage: Stage::Fetching, fraction: 0.0 };
        let state = Mutex::new(State {
            progress,
            untold: VecDeque::from([progress]),
            expires_in,
            expires_at,
            left: None,
            log: None,
        });
        Self { clock, stop, state, bell: Doorbell::default() }
    }

    /// Says how far a stage is, 0 to 1. What is told to the server never falls.
    pub fn report(&self, stage: Stage, part: f64) {
        let (from, to) = share(stage);
        let fraction = from + (to - from) * part.clamp(0.0, 1.0);
        let mut state = self.lock();
        let begins = stage != state.progress.stage;
        if begins || fraction >= state.progress.fraction + 0.01 {
            let progress = Progress { stage, fraction: fraction.max(state.progress.fraction) };
            state.progress = progress;
            if begins && state.untold.len() < Stage::ALL.len() {
                state.untold.push_back(progress);
            }
            drop(state);
            self.bell.ring();
        }
    }

    /// Keeps the end of a renderer's log for the server, which is told that the attempt failed.
    pub fn keep_log(&self, log: &str) {
        self.lock().log = Some(log_end(log).to_owned()).filter(|end| !end.is_empty());
    }

    /// What was kept of the renderer's log.
    pub fn log(&self) -> Option<String> {
        self.lock().log.clone()
    }

    /// What was said last.
    pub fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// What the next heartbeat tells: the oldest beginning of a stage that was not told yet, else how far the work is;
    /// and whether there is more to tell behind it.
    pub fn next_to_tell(&self) -> (Progress, bool) {
        let mut state = self.lock();
        let told = state.untold.pop_front().unwrap_or(state.progress);
        (told, !state.untold.is_empty())
    }

    /// Whether the work may go on.
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

    /// The server lets it live for so long, counted from when it was asked.
    pub fn extend(&self, asked_at: Duration, expires_in: Duration) {
        let mut state = self.lock();
        state.expires_in = expires_in;
        state.expires_at = state.expires_at.max(asked_at + safe_part(expires_in));
    }

    /// Ends it. The first reason stays.
    pub fn leave(&self, why: Leave) {
        self.lock().left.get_or_insert(why);
        self.bell.ring();
    }

    /// How often there must be a heartbeat.
    pub fn period(&self) -> Duration {
        self.lock().expires_in / 3
    }

    /// The node's time.
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Rings when there is news to tell, or the end of the work.
    pub fn bell(&self) -> &Doorbell {
        &self.bell
    }

    /// Waits, but not beyond the end of the work: for trying again.
    pub fn pause(&self, at_most: Duration) -> Result<(), Leave> {
        self.wait(at_most, |_| false)
    }

    /// Waits between two heartbeats: not beyond the end of the work, nor where a stage begins.
    pub fn rest(&self, at_most: Duration) -> Result<(), Leave> {
        self.wait(at_most, |state| !state.untold.is_empty())
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
            // The node's own stop flag has another bell: look at it now and then.
            self.bell.wait_past(seen, left.min(Duration::from_millis(200)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a lease's time in which the node works. The answer took its time to arrive, so the server's count began
/// earlier: the node must have stopped when the server gives the job away.
fn safe_part(expires_in: Duration) -> Duration {
    expires_in * 9 / 10
}

/// Where a stage begins and ends on the way from 0 to 1. A renderer tells one number for parsing and rendering.
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
    fn progress_is_over_the_whole_job_and_never_falls() {
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
            let told = hold.progress();
            assert_eq!(told.stage, stage);
            assert!((told.fraction - expected).abs() < 1e-9, "{stage:?} {part}: {told:?}");
        }
    }

    #[test]
    fn every_stage_is_told_however_short_it_was() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock, &stop, LEASE);
        for stage in [Stage::Parsing, Stage::Rendering, Stage::Uploading] {
            hold.report(stage, 0.0);
        }
        hold.report(Stage::Uploading, 1.0);
        let told: Vec<_> = (0..5).map(|_| hold.next_to_tell()).map(|(told, more)| (told.stage, more)).collect();
        let expected = [
            (Stage::Fetching, true),
            (Stage::Parsing, true),
            (Stage::Rendering, true),
            (Stage::Uploading, false),
            (Stage::Uploading, false),
        ];
        assert_eq!(told, expected);
        assert_eq!(hold.next_to_tell().0, hold.progress());
    }

    #[test]
    fn a_lease_runs_out_by_the_nodes_own_clock_before_the_server_gives_it_away() {
        let (clock, stop) = (Arc::new(FakeClock::at(0)), StopFlag::new());
        let hold = Hold::new(clock.clone(), &stop, LEASE);
        clock.advance(Duration::from_secs(26));
        assert_eq!(hold.check(), Ok(()));
        hold.extend(hold.now(), LEASE);
        clock.advance(Duration::from_secs(26));
        assert_eq!(hold.check(), Ok(()));
        // An answer that comes late counts from when it was asked for, and never shortens.
        hold.extend(Duration::from_secs(26), LEASE);
        clock.advance(Duration::from_secs(1));
        assert_eq!(hold.check(), Err(Leave::Expired));
        hold.extend(hold.now(), LEASE);
        assert_eq!(hold.check(), Err(Leave::Expired), "what has run out stays so");
    }

    #[test]
    fn the_first_reason_to_leave_stays_and_ends_a_pause() {
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
