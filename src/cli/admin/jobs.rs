//! `admin jobs`: list, show, cancel, retry, log; of all accounts, with the reason why one waits.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::app::jobs::operator::{self, AnyJob, Attempt, Filter};
use crate::appliance::server_url;
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::id::KeyId;
use crate::domain::job::JobStatus;
use crate::domain::limits;
use crate::wire::time::rfc3339;
use crate::wire::{self, base::Base};

/// Render jobs of all accounts: list, show, cancel, retry, log
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: what was submitted with a key that has leaked\n  dinkem-appliance admin jobs list --key 7"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Jobs, the newest first, with the reason why one waits
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs list --account studio-a --status queued")]
    List {
        /// Only those submitted with this key: its number, from `admin keys list` or `identify`
        #[arg(long, value_name = "KEY-ID", value_parser = clap::value_parser!(i64).range(1..))]
        key: Option<i64>,
        /// Only those that this node has or had: its name or id
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
        /// Only this account's
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only those that are queued, rendering, done, failed or cancelled
        #[arg(long, value_name = "STATUS", value_parser = job_status)]
        status: Option<JobStatus>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = limits::PAGE_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LIST_ROWS)))]
        limit: u32,
    },
    /// One job
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs show 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d")]
    Show {
        /// The job's id
        id: Uuid,
    },
    /// Cancels a job that has not ended; its node stops with its next heartbeat
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs cancel 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d")]
    Cancel {
        /// The job's id
        id: Uuid,
    },
    /// Puts a job that failed or was cancelled back in its place in the queue
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs retry 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d")]
    Retry {
        /// The job's id
        id: Uuid,
    },
    /// What became of each attempt at a job, the latest first, with what its renderer said
    #[command(after_help = "Example:\n  dinkem-appliance admin jobs log 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d")]
    Log {
        /// The job's id
        id: Uuid,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let server = server_url::recorded(data_dir).map(|server| server.url).unwrap_or_default();
    let view = View { base: Base::public(&server), json: call.json };
    match args.command {
        Command::List { key, node, account, status, limit } => {
            let filter = Filter { account, key: key.map(KeyId), node, status };
            view.list(&operator::list(app, &filter, limit)?)
        }
        Command::Show { id } => view.show(&operator::show(app, id)?),
        Command::Cancel { id } => view.changed(&operator::cancel(app, &config::operator(), id)?),
        Command::Retry { id } => view.changed(&operator::retry(app, &config::operator(), id)?),
        Command::Log { id } => {
            let (job, attempts) = operator::log(app, id)?;
            view.log(&job, &attempts)
        }
    }
}

/// Reads `--status`.
fn job_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::parse(text).ok_or_else(|| "it is queued, rendering, done, failed or cancelled".to_owned())
}

/// How jobs are printed.
struct View {
    /// What a clip's URLs begin with.
    base: Base,
    json: bool,
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
                    job.public_id.to_string(),
                    job.status.as_str().to_owned(),
                    job.class.as_str().to_owned(),
                    any.account.clone(),
                    job.key.to_string(),
                    any.node.clone().unwrap_or_else(|| "-".to_owned()),
                    rfc3339(job.created_at_ms),
                    why(any),
                ]
            })
            .collect();
        let headings = ["JOB", "STATUS", "CLASS", "ACCOUNT", "KEY-ID", "NODE", "CREATED", "WHY"];
        output::line(&output::table(headings, &rows));
        Ok(())
    }

    fn show(&self, any: &AnyJob) -> Result<()> {
        if self.json {
            output::json(&json!({ "job": self.value(any)? }));
            return Ok(());
        }
        let job = &any.info.job;
        let time = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), rfc3339);
        let lines = [
            ("job", job.public_id.to_string()),
            ("status", job.status.as_str().to_owned()),
            ("why", why(any)),
            ("account", any.account.clone()),
            ("key", format!("{} ({})", job.key, job.class.as_str())),
            ("demo", job.spec.demo_url.clone()),
            ("player", job.spec.steam64_id.to_string()),
            ("round", job.spec.round.to_string()),
            ("picture", format!("{} lines, {} fps, {}", job.spec.resolution, job.spec.fps, job.spec.renderer.as_str())),
            ("attempts", job.attempts.to_string()),
            ("node", any.node.clone().unwrap_or_else(|| "-".to_owned())),
            ("created", rfc3339(job.created_at_ms)),
            ("started", time(job.started_at_ms)),
            ("finished", time(job.finished_at_ms)),
        ];
        for (label, value) in lines {
            output::line(&format!("{:<10}{}", format!("{label}:"), output::plain(&value)));
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
        let reason = Some(why(any)).filter(|why| why != "-").map_or_else(String::new, |why| format!(", {why}"));
        output::line(&format!("job {}: {status}{}", any.info.job.public_id, output::plain(&reason)));
        for attempt in attempts {
            let until = attempt.ended_at_ms.map_or_else(|| "now".to_owned(), rfc3339);
            let failure = attempt.failure.as_ref().map(|(code, message)| format!(": {message} ({})", code.as_str()));
            output::line(&format!(
                "\nlease {} on {}, {} to {until}: {}{}",
                attempt.lease,
                output::plain(&attempt.node),
                rfc3339(attempt.started_at_ms),
                attempt.state.as_str(),
                output::plain(&failure.unwrap_or_default()),
            ));
            for line in attempt.log.iter().flat_map(|log| log.lines()) {
                output::line(&format!("  {}", output::plain(line)));
            }
        }
        Ok(())
    }

    /// The job as its owner sees it, and whose it is.
    fn value(&self, any: &AnyJob) -> Result<Value> {
        let unreadable = |error| Error::internal("A job could not be written as JSON.", error);
        let mut value = serde_json::to_value(wire::job::view(&any.info, &self.base)?).map_err(unreadable)?;
        value["account"] = json!(any.account);
        value["key_id"] = json!(any.info.job.key.0);
        value["node"] = json!(any.node);
        Ok(value)
    }
}

/// Why a job waits or failed.
fn why(any: &AnyJob) -> String {
    let failure = any.info.job.failure.as_ref().filter(|_| any.info.job.status == JobStatus::Failed);
    let failure = failure.map(|failure| format!("{} ({})", failure.message, failure.code.as_str()));
    any.info.waiting_because.clone().or(failure).unwrap_or_else(|| "-".to_owned())
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
