//! Runs a renderer under the command contract ([`crate::render::command`]), enforces its timeouts and interprets its exit.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use log::info;

use crate::domain::clip::CLIP_SECONDS;
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::job::Stage;
use crate::domain::text;
use crate::os::process::{Child, Event};
use crate::render::command::{CANCEL_FILE, JobFile, Line, Verdict, for_people, no_memory};

use crate::node::lease::{Ended, Hold};

/// Seconds until a renderer must produce its first output line.
const RENDER_START_SECONDS: u64 = 300;
/// Seconds that a renderer may go without progress and without its file growing.
const RENDER_STALL_SECONDS: u64 = 120;
/// Base timeout of a renderer in seconds, in addition to [`RENDER_SECONDS_PER_CLIP_SECOND`].
pub const RENDER_BASE_SECONDS: u64 = 300;
/// Additional seconds of a renderer's timeout per second of the clip.
const RENDER_SECONDS_PER_CLIP_SECOND: u64 = 10;
/// Seconds between writing the cancel file and killing the renderer.
const RENDER_CANCEL_SECONDS: u64 = 10;
/// Bytes kept of a renderer's log.
const RENDER_LOG_BYTES: usize = 256 * 1024;
/// Time that a node waits for a signal to itself after its renderer was killed by one: a scheduler that stops a node
/// signals the whole process group.
const INTERRUPTION: Duration = Duration::from_millis(2_000);

/// How often the lease is checked while the renderer prints nothing.
const TICK: Duration = Duration::from_millis(100);
/// Exit codes of a program that caught a signal, or whose own child was killed by one.
const BY_SIGNAL: RangeInclusive<i32> = 129..=159;

/// A renderer's timeouts.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until its first line of output.
    pub start: Duration,
    /// Without progress or a growing file.
    pub stall: Duration,
    /// For the whole run.
    pub total: Duration,
    /// Between being asked to stop and being killed.
    pub cancel: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        // Only the renderer knows the clip's length, so allow for the longest possible clip.
        let total = RENDER_BASE_SECONDS + RENDER_SECONDS_PER_CLIP_SECOND * u64::from(CLIP_SECONDS);
        Self {
            start: Duration::from_secs(RENDER_START_SECONDS),
            stall: Duration::from_secs(RENDER_STALL_SECONDS),
            total: Duration::from_secs(total),
            cancel: Duration::from_secs(RENDER_CANCEL_SECONDS),
        }
    }
}

/// Renders `job`, whose work directory must exist, with `program`. On success there is a nonempty file at the job's
/// output path; checking the video is up to the caller.
pub fn render(program: &Path, job: &JobFile, patience: Patience, hold: &Hold<'_>) -> Result<(), Ended> {
    let run = Run::start(program, job, patience, hold).map_err(|error| {
        info!("Cannot start the renderer: {error}");
        Failure::here(FailureCode::NodeFailed, "The render node could not start its renderer.")
    })?;
    run.watch()
}

/// One run of a renderer.
struct Run<'a> {
    child: Child,
    job: &'a JobFile,
    patience: Patience,
    hold: &'a Hold<'a>,
    began: Duration,
    /// When progress was last reported or a file last grew.
    moved: Duration,
    /// Bytes in the work directory at the last stall check.
    bytes: u64,
    said: Said,
}

/// What the renderer has printed so far.
#[derive(Default)]
struct Said {
    anything: bool,
    stage: Option<Stage>,
    percent: f64,
    sentence: Option<String>,
    error: Option<(FailureCode, Retry)>,
    /// It reported a failed allocation on standard error.
    no_memory: bool,
    log: String,
}

impl<'a> Run<'a> {
    fn start(program: &Path, job: &'a JobFile, patience: Patience, hold: &'a Hold<'a>) -> io::Result<Self> {
        let job_json = job.workdir.join("job.json");
        fs::write(&job_json, serde_json::to_vec_pretty(job)?)?;
        let args: [OsString; 3] = ["render".into(), "--job".into(), job_json.into()];
        let child = Child::spawn(program, &args, &job.workdir)?;
        let (now, bytes) = (hold.now(), bytes_in(&job.workdir));
        Ok(Self { child, job, patience, hold, began: now, moved: now, bytes, said: Said::default() })
    }

    fn watch(mut self) -> Result<(), Ended> {
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
                }
                Ok(Event::Silence) => {}
                Ok(Event::Ended(code)) => return self.ended(code),
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
        if self.said.hear(line) {
            self.moved = self.hold.now();
            let stage = self.said.stage.unwrap_or(Stage::Parsing);
            self.hold.report(stage, self.said.percent / 100.0);
        }
    }

    /// The message for the timeout that has passed, if any.
    fn overdue(&mut self) -> Option<&'static str> {
        let now = self.hold.now();
        if now.saturating_sub(self.began) > self.patience.total {
            return Some("Rendering took longer than the deadline allows.");
        }
        let still = now.saturating_sub(self.moved);
        if !self.said.anything && still > self.patience.start {
            return Some("The renderer did not start.");
        }
        if self.said.anything && still > self.patience.stall {
            let bytes = bytes_in(&self.job.workdir);
            if bytes <= self.bytes {
                return Some("The renderer made no progress for too long.");
            }
            (self.bytes, self.moved) = (bytes, now);
        }
        None
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
                    self.hold.pause(INTERRUPTION)?;
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
            let made = fs::metadata(&self.job.output).is_ok_and(|file| file.is_file() && file.len() > 0);
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

impl Said {
    /// Handles one line of output; true if it means progress.
    fn hear(&mut self, line: &str) -> bool {
        self.anything = true;
        match Line::parse(line) {
            Line::Progress(percent) if percent > self.percent => {
                self.percent = percent;
                return true;
            }
            Line::Progress(_) => {}
            Line::Status(word) => {
                let stage = Stage::parse(&word).filter(|stage| [Stage::Parsing, Stage::Rendering].contains(stage));
                if stage.is_some() && stage != self.stage {
                    self.stage = stage;
                    return true;
                }
            }
            Line::Fail(sentence) => self.sentence = Some(for_people(&sentence)).filter(|text| !text.is_empty()),
            Line::Error { code, retry } => self.error = Some((code, retry)),
            Line::Log(text) => self.note(&text),
        }
        false
    }

    fn note(&mut self, line: &str) {
        self.anything = true;
        if self.log.len() + line.len() < RENDER_LOG_BYTES {
            self.log.push_str(&line.replace(text::is_unclean, " "));
            self.log.push('\n');
        }
    }

    /// The failure for an unsuccessful exit. The renderer's own code and retry hint apply only within what the exit code
    /// allows: only exit 10 fails a job for good. A demo that exhausted this machine may succeed on a larger one.
    fn failure(&self, verdict: Verdict) -> Failure {
        // A renderer may not report codes that are about the node.
        let of_nodes = [FailureCode::NodeFailed, FailureCode::NodeLost, FailureCode::NodeNotReady];
        let said_code = self.error.map(|(code, _)| code).filter(|code| !of_nodes.contains(code));
        let (code, retry, words) = match verdict {
            Verdict::BadJob => {
                (said_code.unwrap_or(FailureCode::RenderFailed), Retry::Never, "The renderer cannot do this job.")
            }
            Verdict::WrongBuild => (
                said_code.unwrap_or(FailureCode::DemoUnsupported),
                Retry::Elsewhere,
                "The game version on the render node cannot play this demo.",
            ),
            Verdict::NotReady => {
                (FailureCode::NodeNotReady, Retry::Elsewhere, "The render node was not ready to render.")
            }
            Verdict::Transient => {
                let retry = self.error.map(|(_, retry)| retry).filter(|&retry| retry != Retry::Never);
                let code = said_code.unwrap_or(FailureCode::RenderFailed);
                (code, retry.unwrap_or(Retry::Anywhere), "The renderer failed on the render node.")
            }
            Verdict::Exhausted(what) => (FailureCode::DemoTooLarge, Retry::Elsewhere, what.sentence()),
            Verdict::Done | Verdict::Cancelled | Verdict::Killed | Verdict::Crashed => {
                (FailureCode::RenderFailed, Retry::Elsewhere, "The renderer crashed on the render node.")
            }
        };
        let message = self.sentence.clone().unwrap_or_else(|| words.to_owned());
        Failure { code, message, retry }
    }
}

/// Total size of the files directly in a directory; files that cannot be read do not count.
fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_map_to_failures_as_in_the_contract() {
        let silent = Said::default();
        let cases = [
            (Some(10), "render_failed", "never"),
            (Some(11), "demo_unsupported", "elsewhere"),
            (Some(20), "render_failed", "anywhere"),
            (Some(21), "node_not_ready", "elsewhere"),
            (Some(130), "render_failed", "elsewhere"),
            (Some(1), "render_failed", "elsewhere"),
            (Some(101), "render_failed", "elsewhere"),
            (None, "render_failed", "elsewhere"),
        ];
        for (exit, code, retry) in cases {
            let failure = silent.failure(Verdict::of(exit, None, false));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{exit:?}");
            assert!(failure.message.ends_with('.'), "{exit:?}");
        }
    }

    #[test]
    fn exhausted_resources_fail_as_demo_too_large_and_retry_elsewhere() {
        for signal in [6, 24, 25] {
            let failure = Said::default().failure(Verdict::of(None, Some(signal), true));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), ("demo_too_large", "elsewhere"), "{signal}");
        }
    }

    #[test]
    fn exit_code_limits_what_the_reported_error_can_claim() {
        let mut said = Said::default();
        assert!(!said.hear("openjd_fail: The demo has no round 99."));
        assert!(!said.hear("dinkem_error: code=round_not_in_demo retry=never"));
        let cases = [
            (Some(10), "round_not_in_demo", "never"),
            (Some(20), "round_not_in_demo", "anywhere"),
            (Some(21), "node_not_ready", "elsewhere"),
            (None, "render_failed", "elsewhere"),
        ];
        for (exit, code, retry) in cases {
            let failure = said.failure(Verdict::of(exit, None, false));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{exit:?}");
            assert_eq!(failure.message, "The demo has no round 99.");
        }
    }

    #[test]
    fn only_increasing_percentages_and_new_stages_count_as_progress() {
        let mut said = Said::default();
        let lines = [
            ("openjd_status: parsing", true),
            ("openjd_status: parsing", false),
            ("openjd_progress: 5", true),
            ("openjd_progress: 5", false),
            ("openjd_progress: 3", false),
            ("openjd_status: uploading", false),
            ("openjd_status: rendering", true),
            ("openjd_progress: NaN", false),
            ("frame 3 of 9", false),
            ("openjd_progress: 100", true),
        ];
        for (line, progress) in lines {
            assert_eq!(said.hear(line), progress, "{line}");
        }
        assert_eq!(said.log, "openjd_progress: NaN\nframe 3 of 9\n");
    }

    #[test]
    fn log_and_failure_message_are_truncated() {
        let mut said = Said::default();
        for _ in 0..10_000 {
            said.note(&"x".repeat(1_000));
        }
        assert!(said.log.len() <= RENDER_LOG_BYTES);
        said.hear(&format!("openjd_fail: a\tb{}", "é".repeat(4_000)));
        let sentence = said.failure(Verdict::Transient).message;
        assert!(sentence.starts_with("a b") && sentence.chars().count() == 300);
    }
}
