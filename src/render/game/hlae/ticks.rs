//! At which ticks of the demo what happens.

use crate::render::command::contract::JobFile;
use crate::render::game::ending::Fault;
use crate::render::game::session::TICKS_PER_SECOND;

/// The first tick at which commands are run for certain.
const FIRST_TICK: i32 = 96;
/// Ticks at the demo's end that may never be reached.
const LAST_TICKS: i32 = 128;

/// The ticks of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// The script is loaded, and the game jumps to the round.
    pub first: i32,
    /// Where it jumps to, just before [`Self::setup`]. `None`: the round begins so early that there is no jump.
    pub jump: Option<i32>,
    /// The view is set up, a second before recording.
    pub setup: i32,
    /// Recording begins.
    pub start: i32,
    /// Recording ends.
    pub end: i32,
    /// The game quits, a second later.
    pub quit: i32,
}

impl Ticks {
    /// Of a job.
    pub fn of(job: &JobFile) -> Result<Self, Fault> {
        let (Some(start), Some(end)) = (job.start_tick, job.end_tick) else {
            return Err(Fault::transient("The job file names no ticks."));
        };
        let start = start.max(FIRST_TICK);
        let end = job.demo.last_tick.map_or(end, |last| end.min(last.saturating_sub(LAST_TICKS)));
        if end <= start {
            return Err(Fault::bad_demo("The round is too close to the demo's end to be recorded."));
        }
        let setup = start.saturating_sub(TICKS_PER_SECOND).max(FIRST_TICK);
        let quit = end.saturating_add(TICKS_PER_SECOND);
        // A command at the very tick of the jump's end might not run.
        let jump = Some(setup - 1).filter(|jump| *jump > FIRST_TICK);
        Ok(Self { first: FIRST_TICK, jump, setup, start, end, quit })
    }
}
