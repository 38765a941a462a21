//! Several jobs of one demo: submits them within the account's limits, watches them side by side and downloads their
//! clips into a directory. A failure of one does not stop the others.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::client::{Api, FAILED_POLLS, Order, POLL, Submitted, check_done, is_unfinished, stage};
use crate::cli::clip_args::LookArgs;
use crate::cli::moment::Moment;
use crate::cli::progress::{Board, Progress};
use crate::cli::{Call, interrupted, output, target};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Renderer;
use crate::domain::wording::counted;
use crate::os::clock::{Clock, SystemClock};
use crate::os::random::{Random, SystemRandom};
use crate::os::stop::StopFlag;
use crate::wire::job::JobView;

/// What the jobs have in common.
pub struct Batch<'a> {
    /// URL of the demo.
    pub demo_url: &'a str,
    /// Video settings.
    pub look: &'a LookArgs,
    /// The renderer; `None`: the operator's default.
    pub renderer: Option<Renderer>,
    /// Whether to wait for the jobs to end.
    pub waits: bool,
    /// Directory for the clips.
    pub dir: Option<&'a Path>,
}

/// One of the jobs.
struct Item {
    moment: Moment,
    label: String,
    /// Lets its submission be repeated after a lost response without a second job.
    key: String,
    job: Option<JobView>,
    /// The downloaded clip.
    file: Option<PathBuf>,
    error: Option<String>,
    /// Whether the server asked to submit it later.
    is_postponed: bool,
    /// Whether nothing is left to do.
    is_over: bool,
}

/// Submits a job for each moment with its label, and prints the outcomes. An error if one of them failed.
pub fn run(
    api: &Api,
    batch: &Batch<'_>,
    moments: impl Iterator<Item = (Moment, String)>,
    stop: &StopFlag,
    call: &Call,
) -> Result<()> {
    let item = |(moment, label)| {
        let key = format!("{:032x}", SystemRandom.bits()?);
        Ok(Item { moment, label, key, job: None, file: None, error: None, is_postponed: false, is_over: false })
    };
    let items: Vec<_> = moments.map(item).collect::<Result<_>>()?;
    let board = Board::new(items.iter().map(|item| item.label.clone()));
    let mut work = Work {
        api,
        batch,
        stop,
        board,
        clock: SystemClock::new(),
        items,
        not_before: Duration::ZERO,
        failed_passes: 0,
        answers: 0,
        failures: 0,
    };
    let done = work.run();
    let Work { items, board, .. } = work;
    drop(board);
    done?;
    show(&items, call);
    let failed = items.iter().filter(|item| item.error.is_some()).count();
    if failed > 0 {
        let message = format!("{failed} of {} failed; the others are unaffected.", counted(items.len(), "clip"));
        return Err(Error::new(Kind::Conflict, ErrorCode::JobFailed, message));
    }
    Ok(())
}

struct Work<'a> {
    api: &'a Api,
    batch: &'a Batch<'a>,
    stop: &'a StopFlag,
    board: Board,
    clock: SystemClock,
    items: Vec<Item>,
    /// Monotonic time before which nothing is submitted.
    not_before: Duration,
    /// Consecutive passes in which the server answered nothing.
    failed_passes: u32,
    /// Requests of this pass that were answered, and that were not.
    answers: u32,
    failures: u32,
}

impl Work<'_> {
    fn run(&mut self) -> Result<()> {
        loop {
            for row in 0..self.items.len() {
                if self.stop.stopped() {
                    return Err(self.interrupted());
                }
                let item = &self.items[row];
                match &item.job {
                    _ if item.is_over => {}
                    None if self.clock.monotonic() >= self.not_before => self.submit(row),
                    None => {}
                    Some(job) => self.watch(row, &job.id.clone()),
                }
            }
            if self.items.iter().all(|item| item.is_over) {
                return Ok(());
            }
            let (answers, failures) = (std::mem::take(&mut self.answers), std::mem::take(&mut self.failures));
            self.failed_passes = if answers == 0 && failures > 0 { self.failed_passes + 1 } else { 0 };
            if self.stop.wait(POLL) {
                return Err(self.interrupted());
            }
        }
    }

    fn submit(&mut self, row: usize) {
        let (player, round) = self.items[row].moment;
        let Batch { demo_url, look, renderer, .. } = *self.batch;
        let order = Order { demo_url, player, round, look: Some(look), renderer };
        let key = self.items[row].key.clone();
        match self.api.try_submit(&order, &key) {
            Ok(Submitted::Job(job)) => {
                self.answers += 1;
                self.board.set_state(row, "submitted");
                self.items[row].job = Some(*job);
                self.items[row].is_over = !self.batch.waits;
            }
            Ok(Submitted::Later(time)) => {
                self.answers += 1;
                if !std::mem::replace(&mut self.items[row].is_postponed, true) {
                    self.board.set_state(row, "waiting: the server accepts no more jobs for now");
                }
                self.not_before = self.clock.monotonic() + time;
            }
            Err(error) if self.is_passing(&error) => {}
            Err(error) => self.fail(row, &error),
        }
    }

    /// Whether to try again, because the server may be restarting.
    fn is_passing(&mut self, error: &Error) -> bool {
        let is_passing = error.kind == Kind::Unavailable && self.failed_passes < FAILED_POLLS;
        if is_passing {
            log::debug!("{error}; trying again");
            self.failures += 1;
        }
        is_passing
    }

    fn watch(&mut self, row: usize, id: &str) {
        match self.api.job(id) {
            Ok(job) => {
                self.answers += 1;
                self.board.show(row, &stage(&job), job.progress);
                let has_ended = !is_unfinished(&job);
                self.items[row].job = Some(job);
                if has_ended {
                    self.end(row);
                }
            }
            Err(error) if self.is_passing(&error) => {}
            Err(error) => self.fail(row, &error),
        }
    }

    /// The job has ended: downloads its clip.
    fn end(&mut self, row: usize) {
        match self.clip(row) {
            Ok(file) => {
                let place = file.as_ref().map_or(String::new(), |file| format!(": {}", file.display()));
                self.board.set_state(row, &format!("done{place}"));
                self.items[row].file = file;
                self.items[row].is_over = true;
            }
            Err(error) => self.fail(row, &error),
        }
    }

    fn clip(&self, row: usize) -> Result<Option<PathBuf>> {
        let Some(job) = &self.items[row].job else { return Ok(None) };
        check_done(job)?;
        let Some(dir) = self.batch.dir else { return Ok(None) };
        let taken: HashSet<_> = self.items.iter().filter_map(|item| item.file.as_deref()).collect();
        let place = |name: &str| {
            let path = free_path(dir, name, &taken);
            target::check(&path)?;
            Ok(path)
        };
        self.api.download(job, place, &mut Progress::hidden(), self.stop).map(Some)
    }

    fn fail(&mut self, row: usize, error: &Error) {
        self.board.set_state(row, &format!("failed: {error}"));
        self.items[row].error = Some(error.to_string());
        self.items[row].is_over = true;
    }

    fn interrupted(&self) -> Error {
        let submitted = self.items.iter().filter(|item| item.job.is_some()).count();
        let jobs = counted(self.items.len(), "job");
        interrupted(format!("Stopped; {submitted} of {jobs} were submitted and continue: see `clips list`."))
    }
}

/// A path in a directory that no other clip of the batch has; two players may have the same name.
fn free_path(dir: &Path, name: &str, taken: &HashSet<&Path>) -> PathBuf {
    let stem = name.strip_suffix(".mp4").unwrap_or(name);
    let numbered = (2..).map(|number| dir.join(format!("{stem}-{number}.mp4")));
    let mut paths = std::iter::once(dir.join(name)).chain(numbered);
    paths.find(|path| !taken.contains(path.as_path())).unwrap_or_else(|| dir.join(name))
}

fn show(items: &[Item], call: &Call) {
    if call.json {
        return output::json(&json!({ "clips": items.iter().map(item_json).collect::<Vec<_>>() }));
    }
    let row = |item: &Item| {
        let job = item.job.as_ref();
        let status = match &item.error {
            Some(_) => "failed",
            None => job.map_or("-", |job| &job.status),
        };
        let address = || job.and_then(|job| job.clip.as_ref()).map(|clip| clip.url.clone());
        let file = item.file.as_ref().map(|file| file.display().to_string());
        [
            item.label.clone(),
            status.to_owned(),
            job.map_or("-", |job| &job.id).to_owned(),
            item.error.clone().or(file).or_else(address).unwrap_or_else(|| "-".to_owned()),
        ]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    output::line(&output::table(["ROUND", "STATUS", "JOB", "CLIP"], &rows));
}

fn item_json(item: &Item) -> Value {
    let (player, round) = item.moment;
    json!({
        "steam64_id": player.to_string(),
        "round": round,
        "job": item.job,
        "file": item.file,
        "error": item.error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_of_a_batch_never_share_a_path() {
        let dir = Path::new("clips");
        let mut taken = HashSet::new();
        let paths: Vec<_> = (0..3).map(|number| dir.join(["a.mp4", "a-2.mp4", "a-3.mp4"][number])).collect();
        for path in &paths {
            assert_eq!(free_path(dir, "a.mp4", &taken), *path);
            taken.insert(path.as_path());
        }
        assert_eq!(free_path(dir, "b.mp4", &taken), dir.join("b.mp4"));
    }
}
