//! One run of a preset: its job, its clock, its output, and what must be looked at all the time whatever the tool does.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::ending::{Fault, Step, Stop};
use super::files::Files;
use super::patience::Patience;
use super::pov::PovLine;
use super::report::Report;
use super::setup::GameSetup;
use super::stage::{Stage, Watch};
use crate::os::clock::Clock;
use crate::os::disk_usage::Usage;
use crate::os::{files as os_files, programs};
use crate::render::command::contract::{CANCEL_FILE, JobFile};

/// Demo ticks per second of CS2.
pub const TICKS_PER_SECOND: i32 = 64;
/// How often the process list, the disks and the recorded files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(1_000);
/// Progress in percent when the demo plays.
const PLAYING_PERCENT: u32 = 5;
/// Progress in percent when recording begins…
const RECORDING_PERCENT: u32 = 10;
/// …and when it is complete.
const RECORDED_PERCENT: u32 = 90;

/// One run of a preset.
pub struct Session<'a> {
    /// What to render.
    pub job: &'a JobFile,
    /// Where the game and its tools are.
    pub setup: &'a GameSetup,
    /// The paths of the attempt.
    pub files: &'a Files,
    /// Its limits.
    pub patience: Patience,
    clock: &'a dyn Clock,
    report: Report<'a>,
    watch: Watch,
    /// When the run or, after a tool has read the demo, the game began to start.
    began: Duration,
    looked: Option<Duration>,
    is_running: bool,
    was_running: bool,
}

impl<'a> Session<'a> {
    /// Begins a run and says so.
    pub fn begin(
        job: &'a JobFile,
        setup: &'a GameSetup,
        files: &'a Files,
        patience: Patience,
        clock: &'a dyn Clock,
        out: &'a mut dyn Write,
    ) -> Step<Self> {
        let now = clock.monotonic();
        let mut report = Report::new(out, token(job), now);
        report.status("rendering", now)?;
        report.progress(0, now)?;
        Ok(Self {
            job,
            setup,
            files,
            patience,
            clock,
            report,
            watch: Watch::new(patience, now),
            began: now,
            looked: None,
            is_running: false,
            was_running: false,
        })
    }

    /// Time since an arbitrary point.
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Time since the game began to start.
    pub fn age(&self) -> Duration {
        self.now().saturating_sub(self.began)
    }

    /// The current stage.
    pub fn stage(&self) -> Stage {
        self.watch.stage()
    }

    /// Begins a stage and reports it.
    pub fn enter(&mut self, stage: Stage) -> Step<()> {
        let now = self.now();
        if !self.watch.enter(stage, now) {
            return Ok(());
        }
        if stage == Stage::Starting {
            self.began = now;
        }
        self.report.status(stage.as_str(), now)?;
        let percent = match stage {
            Stage::Analyzing | Stage::Starting | Stage::Loading => 0,
            Stage::Seeking => PLAYING_PERCENT,
            Stage::Recording => RECORDING_PERCENT,
            Stage::Quitting | Stage::Encoding => RECORDED_PERCENT,
        };
        self.report.progress(percent, now)
    }

    /// Passes on a line of the log of another program.
    pub fn pass_on(&mut self, line: &str) -> Step<()> {
        self.report.pass_on(line, self.clock.monotonic())
    }

    /// Takes a line of the game's log: passes it on, and follows the script's reports.
    pub fn hear(&mut self, line: &str) -> Step<()> {
        self.pass_on(line)?;
        match PovLine::parse(line, token(self.job)) {
            Some(PovLine::Loaded | PovLine::Found(_)) if self.stage_is(&[Stage::Starting, Stage::Loading]) => {
                self.enter(Stage::Seeking)
            }
            Some(PovLine::RecordStart(_)) => self.enter(Stage::Recording),
            Some(PovLine::Shows(tick)) => self.recorded_up_to(tick),
            Some(PovLine::RecordEnd(..)) if self.stage() == Stage::Recording => self.enter(Stage::Quitting),
            _ => Ok(()),
        }
    }

    fn stage_is(&self, stages: &[Stage]) -> bool {
        stages.contains(&self.stage())
    }

    fn recorded_up_to(&mut self, tick: i32) -> Step<()> {
        let now = self.now();
        self.watch.progressed(now);
        let (Some(start), Some(end)) = (self.job.start_tick, self.job.end_tick) else { return Ok(()) };
        if self.stage() != Stage::Recording || end <= start {
            return Ok(());
        }
        let part = f64::from(tick.saturating_sub(start)) / f64::from(end.saturating_sub(start));
        let span = f64::from(RECORDED_PERCENT - RECORDING_PERCENT);
        self.report.progress(RECORDING_PERCENT + (span * part.clamp(0.0, 1.0)) as u32, now)
    }

    /// Reports the end of the run.
    pub fn finished(&mut self) -> Step<()> {
        self.report.progress(100, self.clock.monotonic())
    }

    /// Looks at everything that can end the run from outside. `true` about once a second: the process list and the
    /// recorded files were looked at, too.
    pub fn look(&mut self, recorded: &dyn Fn() -> u64) -> Step<bool> {
        let now = self.now();
        if self.job.workdir.join(CANCEL_FILE).exists() {
            return Err(Stop::Cancelled);
        }
        self.report.keep_alive(self.watch.stage().as_str(), self.patience.silence, now)?;
        let is_due = self.looked.is_none_or(|looked| now.saturating_sub(looked) >= LOOK_INTERVAL);
        if is_due {
            self.looked = Some(now);
            self.is_running = !programs::running(&self.files.game).is_empty();
            self.was_running |= self.is_running;
            self.watch.measured(recorded(), now);
            self.check_disks()?;
        }
        match self.watch.overdue(now) {
            Some(sentence) => Err(Fault::overdue(sentence).into()),
            None => Ok(is_due),
        }
    }

    /// Whether the game ran at the last look.
    pub fn game_runs(&self) -> bool {
        self.is_running
    }

    /// Whether the game was ever seen, by its process or by what it has logged.
    pub fn game_was_seen(&self) -> bool {
        self.was_running || self.stage() != Stage::Starting
    }

    fn check_disks(&self) -> Step<()> {
        for path in [&self.job.workdir, &self.files.csgo] {
            if os_files::free_bytes(path).is_some_and(|free| free < self.patience.free_bytes) {
                let mib = self.patience.free_bytes >> 20;
                let sentence = format!("The render node's disk is full: recording needs {mib} MiB of free space.");
                return Err(Fault::not_ready(sentence).into());
            }
        }
        Ok(())
    }

    /// What it means that the game is gone, at the current stage.
    pub fn game_is_gone(&self) -> Fault {
        let attempt = self.job.attempt;
        match self.stage() {
            Stage::Starting | Stage::Loading if self.age() <= self.patience.fast_crash || !self.was_running => {
                Fault::not_ready(
                    "Failed to start Counter-Strike: the game closed at once. An update may have broken it or its \
                     tools; check Steam on the render node.",
                )
            }
            Stage::Analyzing | Stage::Starting | Stage::Loading => {
                Fault::once(attempt, "The game closed while loading the demo.")
            }
            Stage::Seeking => Fault::once(attempt, "The game closed on its way to the round."),
            Stage::Recording => Fault::once(attempt, "The game closed while recording."),
            Stage::Quitting | Stage::Encoding => {
                Fault::once(attempt, "The game closed before its recording was complete.")
            }
        }
    }

    /// Length of the clip.
    pub fn length(&self) -> Duration {
        let ticks = self.job.end_tick.unwrap_or_default().saturating_sub(self.job.start_tick.unwrap_or_default());
        let by_ticks = Duration::from_secs_f64(f64::from(ticks.max(0)) / f64::from(TICKS_PER_SECOND));
        self.job.length_ms.map_or(by_ticks, Duration::from_millis)
    }
}

/// The attempt's token. Without one, the script cannot be filled in.
pub fn token(job: &JobFile) -> &str {
    job.pov_token.as_deref().unwrap_or_default()
}

/// Bytes below a folder; 0 if it cannot be read at the moment.
pub fn bytes_below(folder: &Path) -> u64 {
    Usage::of(folder).map_or(0, |usage| usage.bytes)
}
