//! Our own programs under the command contract, `dinkem-appliance render --job job.json`: the built-in renderer, and the
//! presets for the game.

use std::fmt::Display;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::{
    CANCEL_FILE, CONTRACT, EXIT_BAD_JOB, EXIT_CANCELLED, EXIT_DONE, EXIT_NOT_READY, EXIT_TRANSIENT, JobFile, Line,
    MAPS_DIR, PREVIEW_FILE, RADARS_DIR,
};
use crate::domain::clip::VIDEO_BYTES;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::{FailureCode, Retry};
use crate::domain::job::Stage;
use crate::domain::text;
use crate::os::clock::{Clock, SystemClock};
use crate::os::sandbox::{self, Policy, ResourceLimits, child_memory_bytes};
use crate::render::clip::{self, ClipRequest};
use crate::render::draw::Look;
use crate::render::game;
use crate::render::preview::Preview;

/// CPU seconds that rendering may take per second of its timeout: two threads draw, two others do little.
const RENDER_CPU_PER_SECOND: u64 = 4;

/// Time from one preview to the next.
const PREVIEW_EVERY: Duration = Duration::from_millis(2_000);

/// Overall progress in percent once the demo is parsed.
const PARSING_PERCENT: f64 = 5.0;

/// Renders the job in a job file and reports on standard output. Returns the exit code. The whole process serves this
/// job. The built-in renderer enters the sandbox before opening the demo; a preset opens no demo, and the game cannot
/// run in a sandbox.
pub fn run_child(job_json: &Path) -> u8 {
    let out = &mut std::io::stdout().lock();
    let job = match read_job(job_json) {
        Ok(job) => job,
        Err(error) => return fail(&error, out),
    };
    if let Some(setup) = &job.game {
        return game::run(&job, setup, &SystemClock::new(), out);
    }
    match enter_sandbox(&job.demo.path, &job.workdir, resource_limits(&job), out) {
        Ok(()) => run(&job, &SystemClock::new(), out),
        Err(exit) => exit,
    }
}

/// Resource limits of a job.
fn resource_limits(job: &JobFile) -> ResourceLimits {
    ResourceLimits {
        memory_bytes: child_memory_bytes(),
        cpu_seconds: job.deadline_s.saturating_mul(RENDER_CPU_PER_SECOND),
        file_bytes: VIDEO_BYTES,
    }
}

/// Sandboxes this process, with one demo to read and one directory to write. On failure reports it and returns the
/// exit code.
pub(super) fn enter_sandbox(
    demo: &Path,
    workdir: &Path,
    limits: ResourceLimits,
    out: &mut dyn Write,
) -> Result<(), u8> {
    sandbox::enter(&Policy { reads: demo, writes: workdir, limits }).map_err(|error| {
        fail(&failure(FailureCode::NodeFailed, "Could not sandbox the renderer process.").because(error), out);
        EXIT_NOT_READY
    })
}

fn run(job: &JobFile, clock: &dyn Clock, out: &mut dyn Write) -> u8 {
    match render(job, clock, out) {
        Ok(()) => EXIT_DONE,
        Err(error) if error.code == ErrorCode::Cancelled => EXIT_CANCELLED,
        Err(error) => fail(&error, out),
    }
}

fn read_job(job_json: &Path) -> Result<JobFile> {
    let unreadable =
        |detail: &dyn Display| failure(FailureCode::RenderFailed, "Cannot read the job file.").because(detail);
    let text = std::fs::read_to_string(job_json).map_err(|error| unreadable(&error))?;
    let job: JobFile = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    if job.contract != CONTRACT {
        return Err(failure(
            FailureCode::RenderFailed,
            format!("Only version {CONTRACT} of the contract is supported."),
        ));
    }
    Ok(job)
}

fn render(job: &JobFile, clock: &dyn Clock, out: &mut dyn Write) -> Result<()> {
    let poster = job.output.with_extension("jpg");
    let preview = Preview::at(job.workdir.join(PREVIEW_FILE));
    let (maps, radars) = (job.workdir.join(MAPS_DIR), job.workdir.join(RADARS_DIR));
    let request = ClipRequest {
        demo: &job.demo.path,
        steam64: job.player.steam64,
        round: job.round,
        look: Look {
            fps: job.fps,
            width: job.width,
            height: job.height,
            xray: job.spec_show_xray,
            deathnotices_only: job.cl_draw_only_deathnotices,
            camera: job.camera,
        },
        maps: maps.is_dir().then_some(maps.as_path()),
        radars: radars.is_dir().then_some(radars.as_path()),
        video: &job.output,
        poster: &poster,
        preview: Some(&preview),
    };
    let cancel = job.workdir.join(CANCEL_FILE);
    let started = clock.monotonic();
    let deadline = started + Duration::from_secs(job.deadline_s);
    let mut next_preview = started + PREVIEW_EVERY;
    let mut reporter = Reporter::default();
    // The reason for stopping is kept here: the pipeline only knows that it was told to stop.
    let mut reason = None;
    let rendered = clip::render(&request, &mut |stage, part| {
        let now = clock.monotonic();
        if now >= next_preview {
            preview.ask();
            next_preview = now + PREVIEW_EVERY;
        }
        // If the parent no longer reads our output, it does not want the clip.
        if cancel.exists() || reporter.report(stage, part, out).is_err() {
            reason = Some(Error::new(Kind::Conflict, ErrorCode::Cancelled, "Cancelled."));
        } else if now > deadline {
            reason = Some(failure(FailureCode::RenderTimeout, "Rendering took longer than the deadline allows."));
        }
        if reason.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match reason {
        Some(reason) => Err(reason),
        None => rendered.map(|_| ()),
    }
}

/// What was last reported, to print only changes.
#[derive(Default)]
struct Reporter {
    stage: Option<Stage>,
    percent: Option<u32>,
}

impl Reporter {
    fn report(&mut self, stage: Stage, part: f64, out: &mut dyn Write) -> std::io::Result<()> {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            print(&Line::Status(stage.as_str().to_owned()), out)?;
        }
        let (from, to) = if stage == Stage::Parsing { (0.0, PARSING_PERCENT) } else { (PARSING_PERCENT, 100.0) };
        let percent = (from + (to - from) * part.clamp(0.0, 1.0)) as u32;
        if self.percent != Some(percent) {
            self.percent = Some(percent);
            print(&Line::Progress(f64::from(percent)), out)?;
        }
        Ok(())
    }
}

/// Reports a failure for people and for the node, and returns the exit code.
pub(super) fn fail(error: &Error, out: &mut dyn Write) -> u8 {
    let code = match error.code {
        ErrorCode::NoRoom => FailureCode::DemoTooLarge,
        ErrorCode::Failure(failure) => failure,
        _ => FailureCode::RenderFailed,
    };
    let (retry, exit) = match code {
        // Too large for this disk at the moment.
        FailureCode::DemoTooLarge if error.code == ErrorCode::NoRoom => (Retry::Elsewhere, EXIT_TRANSIENT),
        FailureCode::DemoTooLarge
        | FailureCode::DemoUnreadable
        | FailureCode::DemoUnsupported
        | FailureCode::PlayerNotInDemo
        | FailureCode::RoundNotInDemo => (Retry::Never, EXIT_BAD_JOB),
        _ => (Retry::Elsewhere, EXIT_TRANSIENT),
    };
    // The parent may be gone; the exit code says the same.
    let printed = error.detail.iter().try_for_each(|detail| print(&Line::Log(one_line(detail)), out));
    let _ = printed
        .and_then(|()| print(&Line::Fail(one_line(&error.message)), out))
        .and_then(|()| print(&Line::Error { code, retry }, out));
    exit
}

fn failure(code: FailureCode, message: impl Into<String>) -> Error {
    Error::of_failure(Kind::Internal, code, message)
}

/// Details come from libraries and may span lines.
fn one_line(text: &str) -> String {
    text::lines(text).replace('\n', " ")
}

/// Prints and flushes one line: the node's watchdog depends on it.
fn print(line: &Line, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::camera::CameraMode;
    use crate::os::clock::FakeClock;
    use crate::render::command::{JobDemo, JobPlayer};
    use crate::render::{forge, video};

    fn said_by(error: &Error) -> (u8, Vec<String>) {
        let mut out = Vec::new();
        let exit = fail(error, &mut out);
        (exit, String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn bad_job_is_never_retried_and_other_failures_are_retried_elsewhere() {
        for &code in FailureCode::ALL {
            let error = Error::of_failure(Kind::Invalid, code, "Because.");
            let (exit, lines) = said_by(&error);
            let word = code.as_str();
            let for_good = word.starts_with("demo_") || word.ends_with("_not_in_demo");
            assert_eq!(exit, if for_good { 10 } else { 20 }, "{word}");
            let retry = if for_good { "never" } else { "elsewhere" };
            assert_eq!(lines, ["openjd_fail: Because.".to_owned(), format!("dinkem_error: code={word} retry={retry}")]);
        }
    }

    #[test]
    fn error_detail_cannot_forge_a_contract_line() {
        let error = Error::new(Kind::Internal, ErrorCode::Internal, "No.").because("x\nopenjd_progress: 100");
        let (exit, lines) = said_by(&error);
        assert_eq!(exit, 20);
        assert_eq!(lines[0], "x openjd_progress: 100");
        assert_eq!(lines[2], "dinkem_error: code=render_failed retry=elsewhere");
    }

    #[test]
    fn invalid_job_file_is_reported_in_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.json");
        for content in [None, Some("{"), Some("{\"contract\": 2}")] {
            content.inspect(|content| std::fs::write(&path, content).unwrap());
            let (exit, lines) = said_by(&read_job(&path).unwrap_err());
            assert_eq!(exit, 20, "{content:?}");
            assert!(lines.contains(&"openjd_fail: Cannot read the job file.".to_owned()), "{lines:?}");
        }
    }

    #[test]
    fn progress_is_reported_once_per_percent_and_never_decreases() {
        let (mut reporter, mut out) = (Reporter::default(), Vec::new());
        for (stage, part) in [
            (Stage::Parsing, 0.0),
            (Stage::Parsing, 1.0),
            (Stage::Rendering, 0.0),
            (Stage::Rendering, 0.001),
            (Stage::Rendering, 1.0),
        ] {
            reporter.report(stage, part, &mut out).unwrap();
        }
        let lines = String::from_utf8(out).unwrap();
        let expected = [
            "openjd_status: parsing",
            "openjd_progress: 0",
            "openjd_progress: 5",
            "openjd_status: rendering",
            "openjd_progress: 100",
        ];
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    }

    /// A small, fast job for the sample demo, in its own directory.
    fn sample_job(dir: &Path) -> JobFile {
        let demo = dir.join("demo.dem");
        std::fs::write(&demo, forge::sample()).unwrap();
        JobFile {
            contract: CONTRACT,
            job_id: "job".to_owned(),
            attempt: 1,
            demo: JobDemo { path: demo, sha256: None, build: None, last_tick: None },
            player: JobPlayer { steam64: forge::SAMPLE_PLAYER, slot: None },
            round: forge::SAMPLE_ROUND,
            start_tick: None,
            end_tick: None,
            fps: 30,
            width: 320,
            height: 180,
            spec_show_xray: false,
            cl_draw_only_deathnotices: false,
            camera: CameraMode::default(),
            output: dir.join("out.mp4"),
            workdir: dir.to_owned(),
            deadline_s: 600,
            length_ms: None,
            pov_token: None,
            game: None,
        }
    }

    fn run_job(job: &JobFile, clock: &dyn Clock) -> (u8, Vec<Line>) {
        let path = job.workdir.join("job.json");
        std::fs::write(&path, serde_json::to_vec(job).unwrap()).unwrap();
        let mut out = Vec::new();
        let exit = run(&read_job(&path).unwrap(), clock, &mut out);
        (exit, String::from_utf8(out).unwrap().lines().map(Line::parse).collect())
    }

    fn files(job: &JobFile) -> Vec<String> {
        let entries = std::fs::read_dir(&job.workdir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.starts_with("out"));
        names.sort();
        names
    }

    #[test]
    fn job_produces_the_video_and_a_poster() {
        let dir = tempfile::tempdir().unwrap();
        let job = sample_job(dir.path());
        let (exit, lines) = run_job(&job, &SystemClock::new());
        assert_eq!(exit, 0, "{lines:?}");
        assert_eq!(files(&job), ["out.jpg", "out.mp4"]);
        video::check(&job.output, 320, 180, 30).unwrap();
        assert!(std::fs::read(job.output.with_extension("jpg")).unwrap().starts_with(&[0xff, 0xd8, 0xff]));
        assert_eq!(lines.first(), Some(&Line::Status("parsing".to_owned())));
        assert_eq!(lines.last(), Some(&Line::Progress(100.0)));
    }

    #[test]
    fn cancel_file_and_deadline_stop_the_job_and_leave_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let job = JobFile { deadline_s: 0, ..sample_job(dir.path()) };
        // Advances by a second on each reading.
        struct Rushing(FakeClock);
        impl Clock for Rushing {
            fn now_ms(&self) -> i64 {
                self.0.now_ms()
            }
            fn monotonic(&self) -> Duration {
                self.0.advance(Duration::from_secs(1));
                self.0.monotonic()
            }
        }
        let (exit, lines) = run_job(&job, &Rushing(FakeClock::at(0)));
        let error = Line::Error { code: FailureCode::RenderTimeout, retry: Retry::Elsewhere };
        assert_eq!((exit, lines.last()), (20, Some(&error)));
        std::fs::write(dir.path().join(CANCEL_FILE), "").unwrap();
        let (exit, lines) = run_job(&job, &FakeClock::at(0));
        assert_eq!((exit, lines), (130, vec![]));
        assert!(files(&job).is_empty());
    }

    #[test]
    fn impossible_job_fails_permanently_with_its_own_code() {
        let dir = tempfile::tempdir().unwrap();
        let job = sample_job(dir.path());
        let stranger = JobPlayer { steam64: 76_561_197_960_265_728, slot: None };
        for (job, code) in [
            (JobFile { round: 99, ..job.clone() }, FailureCode::RoundNotInDemo),
            (JobFile { player: stranger, ..job.clone() }, FailureCode::PlayerNotInDemo),
        ] {
            let (exit, lines) = run_job(&job, &SystemClock::new());
            assert_eq!((exit, lines.last()), (10, Some(&Line::Error { code, retry: Retry::Never })));
            assert!(files(&job).is_empty());
        }
    }
}
