//! Runs a renderer under the command contract ([`crate::render::command`]), enforces its timeouts and interprets its exit.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use log::info;

use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::job::Stage;
use crate::domain::node::RendererKind;
use crate::domain::wording::counted;
use crate::os::process::{Child, Event, Surroundings};
use crate::os::programs;
use crate::render::command::{CANCEL_FILE, JobFile, Verdict, no_memory};
use crate::render::game::pov::{PovLine, PovReport, Proof};
use crate::render::game::{GameSetup, Launch, StateIntegration};

use crate::node::lease::{Ended, Hold};
use crate::node::patience::Patience;
use crate::node::said::Said;

/// Files looked at in a work directory to see whether one grows, and how deep.
const GROWING_FILES: usize = 10_000;
const GROWING_DEPTH: usize = 8;

/// How often the lease is checked while the renderer prints nothing.
const TICK: Duration = Duration::from_millis(100);
/// Exit codes of a program that caught a signal, or whose own child was killed by one.
const BY_SIGNAL: RangeInclusive<i32> = 129..=159;

/// Renders `job`, whose work directory must exist, with the built-in renderer of `program`, which is this one. On success
/// there is a nonempty file at the job's output path; checking the video is up to the caller.
pub fn render(program: &Path, job: &JobFile, patience: Patience, hold: &Hold<'_>) -> Result<(), Ended> {
    run(program, None, job, patience, hold).map(drop)
}

/// The same with the game. Returns what the renderer said that the picture shows.
pub fn render_game(
    program: &Path,
    setup: &GameSetup,
    job: &JobFile,
    patience: Patience,
    hold: &Hold<'_>,
) -> Result<PovReport, Ended> {
    run(program, Some(setup), job, patience, hold)
}

fn run(
    program: &Path,
    setup: Option<&GameSetup>,
    job: &JobFile,
    patience: Patience,
    hold: &Hold<'_>,
) -> Result<PovReport, Ended> {
    let run = Run::start(program, setup, job, patience, hold).map_err(|error| {
        info!("Cannot start the renderer: {error}");
        match setup {
            // The studio's own program: another node may have it.
            Some(_) => Failure::here(
                FailureCode::NodeNotReady,
                "The render node could not start its renderer: the program is missing or may not be run.",
            ),
            None => Failure::here(FailureCode::NodeFailed, "The render node could not start its renderer."),
        }
    })?;
    let watched = run.watch();
    if setup.is_some() {
        // The built-in renderer cannot start anything.
        let left = programs::kill_in(&job.workdir);
        if left > 0 {
            info!("Job {}: killed what the renderer had left running: {}.", job.job_id, counted(left, "process"));
        }
    }
    watched
}

/// One run of a renderer.
struct Run<'a> {
    child: Child,
    job: &'a JobFile,
    patience: Patience,
    hold: &'a Hold<'a>,
    began: Duration,
    phase: Phase,
    /// The game's own reports of what it shows, where no script says it.
    reports: Option<StateIntegration>,
    /// When progress was last reported or a file last grew.
    moved: Duration,
    /// Bytes in the work directory at the last stall check.
    bytes: u64,
    said: Said,
}

/// How far a run is, as far as it determines how long silence is normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was heard yet.
    Starting,
    /// It runs, but there is no progress yet.
    Seeking,
    /// It said that it is seeking: progress does not end that.
    SaysSeeking,
    /// It records.
    Recording,
}

impl<'a> Run<'a> {
    fn start(
        program: &Path,
        setup: Option<&GameSetup>,
        job: &'a JobFile,
        patience: Patience,
        hold: &'a Hold<'a>,
    ) -> io::Result<Self> {
        let job_json = job.workdir.join("job.json");
        fs::write(&job_json, serde_json::to_vec_pretty(job)?)?;
        let (launch, surroundings) = match setup {
            Some(setup) => (Launch::game(program, setup, job, &job_json)?, Surroundings::Desktop),
            None => (Launch::own(program, &job_json), Surroundings::Bare),
        };
        let reports = setup.and_then(|setup| listen(setup, job, hold)).transpose()?;
        let child = Child::spawn_in(surroundings, &launch.program, &launch.args, &job.workdir, &[])?;
        let (now, bytes) = (hold.now(), bytes_in(&job.workdir));
        let (said, phase) = (Said::default(), Phase::Starting);
        Ok(Self { child, job, patience, hold, began: now, phase, reports, moved: now, bytes, said })
    }

    fn watch(mut self) -> Result<PovReport, Ended> {
        loop {
            if let Err(leave) = self.hold.check() {
                self.cancel();
                return Err(leave.into());
            }
            match self.child.next(TICK) {
                Ok(Event::Out(line)) => self.hear(&line),
                Ok(Event::Err(line)) => {
                    self.said.no_memory |= no_memory(&line);
                    self.said.note(&line);
                    if self.phase == Phase::Starting {
                        (self.phase, self.moved) = (Phase::Seeking, self.hold.now());
                    }
                }
                Ok(Event::Silence) => {}
                Ok(Event::Ended(code)) => {
                    let proof = self.seen();
                    return self.ended(code).map(|()| proof);
                }
                Err(error) => {
                    info!("Cannot read the renderer's output: {error}");
                    let message = "The render node lost contact with its renderer.";
                    return Err(Failure::here(FailureCode::NodeFailed, message).into());
                }
            }
            if let Some(message) = self.overdue() {
                info!("Job {}: stopping the renderer: {message}\n{}", self.job.job_id, self.said.log);
                self.hold.keep_log(&self.said.log);
                return Err(Failure::here(FailureCode::RenderTimeout, message).into());
            }
        }
    }

    fn hear(&mut self, line: &str) {
        if let Some(seen) = self.job.pov_token.as_deref().and_then(|token| PovLine::parse(line, token)) {
            self.said.pov.hear(seen);
        }
        let has_moved = self.said.hear(line);
        let phase = match (self.said.status.as_deref(), self.phase) {
            (Some("seeking"), _) => Phase::SaysSeeking,
            (Some("recording" | "encoding"), _) => Phase::Recording,
            (_, Phase::Starting) => Phase::Seeking,
            (_, Phase::Seeking) if self.said.percent > 0.0 => Phase::Recording,
            (_, phase) => phase,
        };
        if let Some(reports) = &self.reports {
            reports.set_recording(self.said.status.as_deref() == Some("recording"));
        }
        if phase != self.phase || has_moved {
            (self.phase, self.moved) = (phase, self.hold.now());
        }
        if has_moved {
            let stage = self.said.stage.unwrap_or(Stage::Parsing);
            self.hold.report(stage, self.said.percent / 100.0);
        }
    }

    /// The message for the timeout that has passed, if any.
    fn overdue(&mut self) -> Option<&'static str> {
        let now = self.hold.now();
        if now.saturating_sub(self.began) > self.patience.total_for(self.job.length_ms) {
            return Some("Rendering took longer than the deadline allows.");
        }
        let (limit, message) = match self.phase {
            Phase::Starting => (self.patience.start, "The renderer did not start."),
            Phase::Seeking | Phase::SaysSeeking => {
                (self.patience.seek, "The renderer did not reach the round in time.")
            }
            Phase::Recording => (self.patience.stall, "The renderer made no progress for too long."),
        };
        if now.saturating_sub(self.moved) > limit {
            let bytes = bytes_in(&self.job.workdir);
            if bytes <= self.bytes {
                return Some(message);
            }
            // It writes, so it runs: from now on, it has to go on doing so.
            (self.bytes, self.moved, self.phase) = (bytes, now, Phase::Recording);
        }
        None
    }

    /// What the picture shows: by the script's lines, else by the game's own reports.
    fn seen(&self) -> PovReport {
        let mut report = self.said.pov.clone();
        let seen = self.reports.as_ref().map(StateIntegration::seen).filter(|seen| seen.frames > 0);
        if let (Proof::Missing, Some(seen)) = (report.proof(), seen) {
            report.hear(PovLine::RecordEnd(self.job.end_tick.unwrap_or(0), seen));
        }
        report
    }

    /// Asks the renderer to stop, and kills it if it does not do so in time.
    fn cancel(&mut self) {
        let asked = fs::write(self.job.workdir.join(CANCEL_FILE), "");
        let until = self.hold.now() + self.patience.cancel;
        while asked.is_ok() && self.hold.now() < until {
            if matches!(self.child.next(TICK), Ok(Event::Ended(_)) | Err(_)) {
                break;
            }
        }
        self.child.kill();
    }

    /// The result of the run. Stopping a node may signal all its processes at once, so a renderer that ended before the
    /// node noticed its own stop has not failed.
    fn ended(&self, exit: Option<i32>) -> Result<(), Ended> {
        match self.verdict(exit) {
            Ok(()) => Ok(()),
            Err(failure) if failure.retry == Retry::Never => Err(failure.into()),
            Err(failure) => {
                if exit.is_none_or(|code| BY_SIGNAL.contains(&code)) {
                    self.hold.await_stop()?;
                }
                self.hold.check()?;
                Err(failure.into())
            }
        }
    }

    /// What the exit code means ([`crate::render::command`]).
    fn verdict(&self, exit: Option<i32>) -> Result<(), Failure> {
        // Keep the log on success too: the video has not been checked yet.
        self.hold.keep_log(&self.said.log);
        let verdict = Verdict::of(exit, self.child.signal(), self.said.no_memory);
        if verdict == Verdict::Done {
            let made = fs::symlink_metadata(&self.job.output).is_ok_and(|file| file.is_file() && file.len() > 0);
            return if made {
                Ok(())
            } else {
                Err(Failure::here(FailureCode::RenderFailed, "The renderer reported success but left no video."))
            };
        }
        let failure = self.said.failure(verdict);
        let code = match (exit, self.child.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit code".to_owned(),
        };
        info!("Job {}: the renderer ended with {code}: {}\n{}", self.job.job_id, failure.message, self.said.log);
        Err(failure)
    }
}

/// Has the game report what it shows, where no script does: CS Demo Manager records without HLAE on Linux, and a program
/// of the studio's may do so as well. Not possible for a game whose directory is unknown.
fn listen(setup: &GameSetup, job: &JobFile, hold: &Hold<'_>) -> Option<io::Result<StateIntegration>> {
    if setup.kind == RendererKind::Hlae || setup.hlae.is_some() {
        return None;
    }
    let token = job.pov_token.as_deref()?;
    Some(StateIntegration::start(setup.game_dir.as_deref()?, job.player.steam64, token, hold.clock()))
}

/// Total size of the files in a directory and below; what cannot be read does not count.
fn bytes_in(dir: &Path) -> u64 {
    let mut left = GROWING_FILES;
    bytes_below(dir, GROWING_DEPTH, &mut left)
}

fn bytes_below(dir: &Path, depth: usize, left: &mut usize) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        // Not followed: a link may lead anywhere.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            bytes += bytes_below(&entry.path(), depth - 1, left);
        } else if kind.is_file() {
            bytes += entry.metadata().map_or(0, |file| file.len());
        }
    }
    bytes
}
