//! `clips`: list, show, wait for, download and cancel the account's jobs, over HTTP.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::app::jobs::operator::Named;
use crate::cli::client::{Api, check_done, is_unfinished, stage};
use crate::cli::progress::Progress;
use crate::cli::server_args::ServerArgs;
use crate::cli::{Call, job_args, job_output, output, stop_on_signals, target};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::JobStatus;
use crate::domain::list::{LIST_ROWS, PAGE_DEFAULT, PAGE_MAX};
use crate::os::clock::{Clock, SystemClock};
use crate::wire::human;
use crate::wire::job::{JobList, JobView};
use crate::wire::time::parse_moment;

/// List, show, wait for, download or cancel the account's clips
///
/// The API key is read from the environment variable DINKEM_API_KEY or from --key-file, never from the command line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: the newest jobs, then the clip of one of them:
  export DINKEM_API_KEY=3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234 DINKEM_SERVER=https://appliance:8443
  dinkem-appliance clips list
  dinkem-appliance clips download 8a2b6c1d")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List jobs, newest first
    #[command(after_help = "Example:\n  dinkem-appliance clips list --status done --server https://appliance:8443")]
    List {
        /// Only jobs that are queued, rendering, done, failed or cancelled
        #[arg(long, value_name = "STATUS", value_parser = job_args::job_status)]
        status: Option<JobStatus>,
        /// Maximum number of jobs
        #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIST_ROWS)))]
        limit: u32,
        /// Continue a list: its next_cursor
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one job and its clip
    #[command(after_help = "Example:\n  dinkem-appliance clips show 8a2b6c1d --server https://appliance:8443")]
    Show(JobArgs),
    /// Wait until a job has ended, and exit with an error if it fails
    #[command(after_help = "Example:\n  dinkem-appliance clips wait 8a2b6c1d --server https://appliance:8443")]
    Wait(JobArgs),
    /// Download a finished clip
    #[command(
        after_help = "Example:\n  dinkem-appliance clips download 8a2b6c1d -o ace.mp4 --server https://appliance:8443"
    )]
    Download {
        #[command(flatten)]
        job: JobArgs,
        /// Output file; an existing one is replaced [default: the name that the server suggests, unless such a file
        /// exists]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Cancel an unfinished job
    #[command(after_help = "Example:\n  dinkem-appliance clips cancel 8a2b6c1d --server https://appliance:8443")]
    Cancel(JobArgs),
}

/// One job.
#[derive(Debug, clap::Args)]
struct JobArgs {
    /// The job's id, or the last 8 characters of it
    #[arg(value_parser = job_args::job_id)]
    id: Named,
    #[command(flatten)]
    server: ServerArgs,
}

impl JobArgs {
    /// A client and the full id.
    fn find(self, call: &Call) -> Result<(Api, String)> {
        let api = self.server.api(call)?;
        let id = api.id_of(self.id)?;
        Ok((api, id))
    }
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    match args.command {
        Command::List { status, limit, cursor, server } => list(&server.api(call)?, status, limit, cursor, call),
        Command::Show(args) => {
            let (api, id) = args.find(call)?;
            show(&api.job(&id)?, call);
            Ok(())
        }
        Command::Wait(args) => wait(args, call),
        Command::Download { job, output } => download(job, output, call),
        Command::Cancel(args) => cancel(args, call),
    }
}

fn list(api: &Api, status: Option<JobStatus>, limit: u32, cursor: Option<String>, call: &Call) -> Result<()> {
    let mut found = JobList { clips: Vec::new(), next_cursor: cursor };
    loop {
        let missing = limit.saturating_sub(u32::try_from(found.clips.len()).unwrap_or(u32::MAX));
        let page = api.list(status.map(JobStatus::as_str), missing.min(PAGE_MAX), found.next_cursor.as_deref())?;
        found.clips.extend(page.clips);
        found.next_cursor = page.next_cursor;
        if found.next_cursor.is_none() || found.clips.len() >= limit as usize {
            break;
        }
    }
    if call.json {
        output::json(&found);
        return Ok(());
    }
    let now_ms = SystemClock::new().now_ms();
    let row = |job: &JobView| {
        [
            short(&job.id),
            job.status.clone(),
            job.steam64_id.clone(),
            job.round.to_string(),
            human::when_any(now_ms, parse_moment(&job.created_at)),
            detail(job),
        ]
    };
    let rows: Vec<_> = found.clips.iter().map(row).collect();
    output::line(&output::table_to_fit(["JOB", "STATUS", "PLAYER", "ROUND", "CREATED", "DETAIL"], &rows));
    if let Some(cursor) = found.next_cursor {
        output::say(&format!(
            "There are more jobs: raise --limit, or continue with --cursor {}.",
            output::plain(&cursor)
        ));
    }
    Ok(())
}

/// The end of an id from a server.
fn short(id: &str) -> String {
    uuid::Uuid::parse_str(id).map_or_else(|_| id.to_owned(), human::short)
}

/// What there is to say about a job in one line.
fn detail(job: &JobView) -> String {
    match (&job.clip, &job.error) {
        (Some(clip), _) => length(clip.duration_seconds, clip.bytes),
        (None, Some(failure)) => failure.code.clone(),
        (None, None) if is_unfinished(job) => progress(job),
        (None, None) => "-".to_owned(),
    }
}

fn length(seconds: f64, bytes: u64) -> String {
    format!("{}, {}", human::footage((seconds * 1_000.0) as u64), human::size(bytes))
}

fn progress(job: &JobView) -> String {
    match job.status.as_str() {
        "rendering" => format!("{}, {:.0} %", stage(job), job.progress * 100.0),
        _ => job.waiting_because.clone().unwrap_or_else(|| "-".to_owned()),
    }
}

fn show(job: &JobView, call: &Call) {
    if call.json {
        return output::json(job);
    }
    let now_ms = SystemClock::new().now_ms();
    let time = |text: Option<&String>| human::when_any(now_ms, text.and_then(|text| parse_moment(text)));
    let mut lines = vec![("job", job.id.clone()), ("status", job.status.clone())];
    lines.extend(is_unfinished(job).then(|| ("progress", progress(job))));
    lines.extend(job.queue_position.map(|position| ("position", format!("{position} in the account's queue"))));
    lines.extend(job.estimated_wait_seconds.map(|seconds| ("starts", human::estimate(seconds))));
    lines.extend(job.error.as_ref().map(|failure| ("error", format!("{} ({})", failure.message, failure.code))));
    lines.extend([
        ("demo", job.demo_url.clone()),
        ("player", job.steam64_id.clone()),
        ("round", job.round.to_string()),
        ("picture", format!("{}p, {} fps, {} renderer", job.resolution, job.fps, job.renderer)),
        ("created", time(Some(&job.created_at))),
        ("started", time(job.started_at.as_ref())),
        ("finished", time(job.finished_at.as_ref())),
    ]);
    if let Some(clip) = &job.clip {
        let length = length(clip.duration_seconds, clip.bytes);
        lines.extend([("clip", clip.url.clone()), ("page", clip.embed_url.clone()), ("length", length)]);
    }
    for (label, value) in lines {
        output::line(&format!("{:<10}{}", format!("{label}:"), output::plain(&value)));
    }
}

fn wait(args: JobArgs, call: &Call) -> Result<()> {
    let stop = stop_on_signals()?;
    let (api, id) = args.find(call)?;
    let mut progress = Progress::new();
    let job = api.watch(&id, &mut progress, &stop)?;
    drop(progress);
    job_output::show(&job, &api, None, call);
    check_done(&job)
}

fn download(args: JobArgs, to: Option<PathBuf>, call: &Call) -> Result<()> {
    if let Some(to) = &to {
        target::check(to)?;
    }
    let stop = stop_on_signals()?;
    let (api, id) = args.find(call)?;
    let job = api.job(&id)?;
    if is_unfinished(&job) {
        let message =
            format!("Job {id} is {}, so it has no clip yet. Wait for it with `clips wait {}`.", job.status, short(&id));
        return Err(Error::conflict(ErrorCode::NoClip, message));
    }
    check_done(&job)?;
    let place = |name: &str| match to {
        Some(to) => Ok(to),
        None => unused(name),
    };
    let mut progress = Progress::new();
    let file = api.download(&job, place, &mut progress, &stop)?;
    drop(progress);
    if call.json {
        output::json(&json!({ "clip": file, "job": job }));
    } else {
        output::line(&format!("clip: {}", file.display()));
    }
    Ok(())
}

/// A file in the working directory with a name that the server chose, which must not replace anything.
fn unused(name: &str) -> Result<PathBuf> {
    let path = std::path::absolute(name).map_err(|error| target::unwritable(name.as_ref(), &error))?;
    if path.symlink_metadata().is_ok() {
        let message =
            format!("{} already exists. To replace it, or for another name, name the file with -o.", path.display());
        return Err(Error::new(Kind::Invalid, ErrorCode::UnwritableFile, message));
    }
    target::check(&path)?;
    Ok(path)
}

/// Cancels an unfinished job. A finished one is refused here, because the API deletes its clip.
fn cancel(args: JobArgs, call: &Call) -> Result<()> {
    let (api, id) = args.find(call)?;
    let mut job = api.job(&id)?;
    if is_unfinished(&job) {
        job = api.remove(&id)?;
    } else if job.status != "cancelled" {
        let message = format!("Job {id} cannot be cancelled: it is {}.", job.status);
        return Err(Error::conflict(ErrorCode::JobEnded, message));
    }
    if call.json {
        output::json(&job);
    } else {
        output::line(&format!("job {id}: {}", output::plain(&job.status)));
    }
    Ok(())
}
