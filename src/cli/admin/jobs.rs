//! `admin jobs`: list, show, cancel, retry and log, for the jobs of all accounts.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::jobs::operator::{self, AnyJob, Attempt, Filter, Named};
use crate::appliance::server_url;
use crate::cli::admin::{Call, output};
use crate::cli::job_args;
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::failure::Failure;
use crate::domain::id::KeyId;
use crate::domain::job::JobStatus;
use crate::domain::list::{LIST_ROWS, PAGE_DEFAULT};
use crate::wire;
use crate::wire::base::Base;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Manage the render jobs of all accounts: list, show, cancel, retry, log
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: jobs submitted with a leaked key\n  dinkem-appliance admin jobs list --key 7")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List jobs, newest first, with the reason why a job is waiting
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs list --account studio-a --status queued")]
    List {
        /// Only jobs submitted with this key: a number from `admin keys list` or `identify`
        #[arg(long, value_name = "KEY-ID", value_parser = clap::value_parser!(i64).range(1..))]
        key: Option<i64>,
        /// Only jobs that this node holds or held; its name or id
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
        /// Only jobs of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only jobs that are queued, rendering, done, failed or cancelled
        #[arg(long, value_name = "STATUS", value_parser = job_args::job_status)]
        status: Option<JobStatus>,
        /// Maximum number of jobs
        #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIST_ROWS)))]
        limit: u32,
    },
    /// Show one job and its clip
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs show 8a2b6c1d")]
    Show {
        /// The job's id, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
    },
    /// Cancel an unfinished job; its node stops at the next heartbeat
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs cancel 8a2b6c1d")]
    Cancel {
        /// The job's id, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
    },
    /// Return a failed or cancelled job to its place in the queue
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs retry 8a2b6c1d")]
    Retry {
        /// The job's id, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
    },
    /// Show each attempt at a job, latest first, with its renderer's output
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs log 8a2b6c1d")]
    Log {
        /// The job's id, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let server = server_url::recorded(data_dir).map(|server| server.url).unwrap_or_default();
    let view = View { base: Base::public(&server), json: call.json, now_ms: app.clock.now_ms() };
    let operator = config::operator();
    match args.command {
        Command::List { key, node, account, status, limit } => {
            let filter = Filter { account, key: key.map(KeyId), node, status };
            view.list(&operator::list(app, &filter, limit)?)
        }
        Command::Show { id } => view.show(&operator::show(app, operator::id_of(app, id)?)?),
        Command::Cancel { id } => view.changed(&operator::cancel(app, &operator, operator::id_of(app, id)?)?),
        Command::Retry { id } => view.changed(&operator::retry(app, &operator, operator::id_of(app, id)?)?),
        Command::Log { id } => {
            let (job, attempts) = operator::log(app, operator::id_of(app, id)?)?;
            view.log(&job, &attempts)
        }
    }
}

/// Context for printing jobs.
struct View {
    /// Base of clip URLs.
    base: Base,
    json: bool,
    now_ms: i64,
}

impl View {
    fn list(&self, jobs: &[AnyJob]) -> Result<()> {
        if self.json {
            let jobs: Vec<_> = jobs.iter().map(|job| self.value(job)).collect::<Result<_>>()?;
            output::json(&json!({ "jobs": jobs }));
            return Ok(());
        }
        let rows: Vec<_> = jobs
            .iter()
            .map(|any| {
                let job = &any.info.job;
                [
                    human::short(job.public_id),
                    job.status.as_str().to_owned(),
                    job.class.as_str().to_owned(),
                    any.account.clone(),
                    any.node.clone().unwrap_or_else(|| "-".to_owned()),
                    human::when(self.now_ms, job.created_at_ms),
                    short_reason(any),
                ]
            })
            .collect();
        let headings = ["JOB", "STATUS", "CLASS", "ACCOUNT", "NODE", "CREATED", "REASON"];
        output::line(&output::table_to_fit(headings, &rows));
        Ok(())
    }

    fn show(&self, any: &AnyJob) -> Result<()> {
        if self.json {
            output::json(&json!({ "job": self.value(any)? }));
            return Ok(());
        }
        let job = &any.info.job;
        let time = |at| human::moment_any(self.now_ms, at);
        let picture =
            format!("{}p, {} fps, {} renderer", job.spec.resolution, job.spec.fps, job.spec.renderer.as_str());
        let mut lines = vec![("job", job.public_id.to_string()), ("status", job.status.as_str().to_owned())];
        lines
            .extend(any.info.queue_position.map(|position| ("position", format!("{position} in the account's queue"))));
        lines.extend(reason(any).map(|reason| ("reason", reason)));
        lines.extend(any.info.estimated_wait_seconds.map(|seconds| ("starts", human::estimate(seconds))));
        lines.extend([
            ("account", any.account.clone()),
            ("key", format!("{} ({})", job.key, job.class.as_str())),
            ("demo", job.spec.demo_url.clone()),
            ("player", job.spec.steam64_id.to_string()),
            ("round", job.spec.round.to_string()),
            ("picture", picture),
            ("failed attempts", job.attempts.to_string()),
            ("node", any.node.clone().unwrap_or_else(|| "-".to_owned())),
            ("created", time(Some(job.created_at_ms))),
            ("started", time(job.started_at_ms)),
            ("finished", time(job.finished_at_ms)),
        ]);
        if let (Some(clip), Some(view)) = (&job.clip, wire::job::view(&any.info, &self.base)?.clip) {
            let length = human::footage(clip.video.duration_ms);
            lines.extend([("clip", view.url), ("", format!("{length}, {}", human::size(clip.bytes)))]);
        }
        for (label, value) in lines {
            let label = if label.is_empty() { String::new() } else { format!("{label}:") };
            output::line(&format!("{label:<17}{}", output::plain(&value)));
        }
        Ok(())
    }

    fn changed(&self, any: &AnyJob) -> Result<()> {
        if self.json {
            return self.show(any);
        }
        output::line(&format!("job {}: {}", any.info.job.public_id, any.info.job.status.as_str()));
        Ok(())
    }

    fn log(&self, any: &AnyJob, attempts: &[Attempt]) -> Result<()> {
        if self.json {
            let attempts: Vec<_> = attempts.iter().map(attempt_json).collect();
            output::json(&json!({ "job": self.value(any)?, "attempts": attempts }));
            return Ok(());
        }
        let status = any.info.job.status.as_str();
        let reason = reason(any).map_or_else(String::new, |reason| format!(", {reason}"));
        output::line(&format!("job {}: {status}{}", any.info.job.public_id, output::plain(&reason)));
        for attempt in attempts {
            let started = human::moment(self.now_ms, attempt.started_at_ms);
            let took = human::span(attempt.ended_at_ms.unwrap_or(self.now_ms).saturating_sub(attempt.started_at_ms));
            let failure = attempt.failure.as_ref().map(|(code, message)| format!(": {message} ({})", code.as_str()));
            output::line(&format!(
                "\nlease {} on {}, started {started}, took {took}: {}{}",
                attempt.lease,
                output::plain(&attempt.node),
                attempt.state.as_str(),
                output::plain(&failure.unwrap_or_default()),
            ));
            for line in attempt.log.iter().flat_map(|log| log.lines()) {
                output::line(&format!("  {}", output::plain(line)));
            }
        }
        Ok(())
    }

    /// The job as its owner sees it, plus the account.
    fn value(&self, any: &AnyJob) -> Result<Value> {
        let unreadable = |error| Error::internal("A job could not be written as JSON.", error);
        let mut value = serde_json::to_value(wire::job::view(&any.info, &self.base)?).map_err(unreadable)?;
        value["account"] = json!(any.account);
        value["key_id"] = json!(any.info.job.key.0);
        value["node"] = json!(any.node);
        Ok(value)
    }
}

/// Why a job is waiting or failed.
fn reason(any: &AnyJob) -> Option<String> {
    let failure = failure(any).map(|failure| format!("{} ({})", failure.message, failure.code.as_str()));
    any.info.waiting_because.clone().or(failure)
}

/// The same for a narrow column: only the code of a failure.
fn short_reason(any: &AnyJob) -> String {
    let failure = || failure(any).map(|failure| failure.code.as_str().to_owned());
    any.info.waiting_because.clone().or_else(failure).unwrap_or_else(|| "-".to_owned())
}

/// Why a job failed. A failed attempt that is being retried also keeps its failure, hence the status check.
fn failure(any: &AnyJob) -> Option<&Failure> {
    any.info.job.failure.as_ref().filter(|_| any.info.job.status == JobStatus::Failed)
}

fn attempt_json(attempt: &Attempt) -> Value {
    let error = attempt.failure.as_ref().map(|(code, message)| json!({ "code": code.as_str(), "message": message }));
    json!({
        "lease": attempt.lease.0,
        "node": attempt.node,
        "started_at": rfc3339(attempt.started_at_ms),
        "ended_at": attempt.ended_at_ms.map(rfc3339),
        "outcome": attempt.state.as_str(),
        "error": error,
        "log": attempt.log,
    })
}
