//! `admin status`: nodes, queue, recent failures, disk and certificate on one screen.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::App;
use crate::app::jobs::operator::{self, AnyJob, Filter};
use crate::app::nodes::{self, NodeInfo};
use crate::app::tls::{self, Shown};
use crate::app::upkeep::health::{self, Figures, Waiting};
use crate::app::webhooks::operator as webhooks;
use crate::appliance::server_url;
use crate::cli::admin::{Call, hints, output};
use crate::domain::error::Result;
use crate::domain::job::JobStatus;
use crate::domain::list::LIST_ROWS;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Number of failures shown.
const FAILURES: u32 = 5;

/// Show nodes, queue, recent failures, disk and certificate on one screen
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: refreshed every five seconds\n  watch -n 5 dinkem-appliance admin status")]
pub struct Args {}

struct Status {
    now_ms: i64,
    server: Option<String>,
    nodes: Vec<NodeInfo>,
    rendering: Vec<AnyJob>,
    figures: Figures,
    /// Why the first job of each class is waiting.
    reasons: Vec<Option<String>>,
    failed: Vec<AnyJob>,
    /// Accounts whose webhook is disabled, and why.
    disabled_webhooks: Vec<(String, String)>,
    /// The appliance's own certificate; `None` with another certificate, over plain HTTP, or before one exists.
    certificate: Option<Shown>,
}

pub fn run(_: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let server = server_url::recorded(data_dir);
    let jobs = |status, limit| operator::list(app, &Filter { status: Some(status), ..Filter::default() }, limit);
    let figures = health::figures(app)?;
    let reason = |waiting: &Waiting| match waiting.first {
        Some(id) => operator::show(app, id).map(|first| first.info.waiting_because),
        None => Ok(None),
    };
    let is_own = server.as_ref().is_none_or(|server| server.ca.is_some());
    let status = Status {
        now_ms: app.clock.now_ms(),
        server: server.map(|server| server.url),
        nodes: nodes::list(app)?,
        rendering: jobs(JobStatus::Rendering, LIST_ROWS)?,
        reasons: figures.waiting.iter().map(reason).collect::<Result<_>>()?,
        figures,
        failed: jobs(JobStatus::Failed, FAILURES)?,
        disabled_webhooks: webhooks::disabled(app)?,
        certificate: if is_own { tls::shown(data_dir)? } else { None },
    };
    if call.json {
        output::json(&status.json())
    } else {
        status.print(call)
    }
    Ok(())
}

impl Status {
    /// Jobs leased to a node.
    fn held<'a>(&'a self, node: &'a NodeInfo) -> impl Iterator<Item = &'a AnyJob> {
        self.rendering.iter().filter(|job| job.node.as_ref() == Some(&node.node.name))
    }

    fn json(&self) -> Value {
        let node = |info: &NodeInfo| {
            json!({
                "name": info.node.name,
                "state": info.state.as_str(),
                "slots": info.node.offer.slots,
                "jobs": self.held(info).map(|any| any.info.job.public_id.to_string()).collect::<Vec<_>>(),
                "seen_at": rfc3339(info.node.seen_at_ms),
            })
        };
        let class = |(waiting, reason): (&Waiting, &Option<String>)| {
            json!({
                "job_type": waiting.class.as_str(),
                "jobs": waiting.jobs,
                "oldest_seconds": waiting.oldest_seconds,
                "waiting_because": reason,
            })
        };
        let failure = |any: &AnyJob| {
            let job = &any.info.job;
            let error = job
                .failure
                .as_ref()
                .map(|failure| json!({ "code": failure.code.as_str(), "message": failure.message }));
            json!({
                "id": job.public_id.to_string(),
                "account": any.account,
                "node": any.node,
                "finished_at": job.finished_at_ms.map(rfc3339),
                "error": error,
            })
        };
        let webhook =
            |(account, because): &(String, String)| json!({ "account": account, "disabled_because": because });
        let certificate = self.certificate.as_ref().map(|shown| {
            json!({
                "fingerprint": shown.fingerprint,
                "valid_until": rfc3339(shown.valid_until_ms),
                "server_valid_until": shown.server.as_ref().map(|server| rfc3339(server.valid_until_ms)),
            })
        });
        json!({
            "server": self.server,
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "queue": self.figures.waiting.iter().zip(&self.reasons).map(class).collect::<Vec<_>>(),
            "failures": self.failed.iter().map(failure).collect::<Vec<_>>(),
            "disabled_webhooks": self.disabled_webhooks.iter().map(webhook).collect::<Vec<_>>(),
            "disk": {
                "free_bytes": self.figures.disk_free,
                "reserve_bytes": DISK_RESERVE_BYTES,
                "store_bytes": self.figures.store + self.figures.log,
            },
            "certificate": certificate,
        })
    }

    fn print(&self, call: &Call) {
        let server = self.server.as_deref().unwrap_or("has not been started on this data directory yet");
        output::line(&format!("Server: {}\n", output::plain(server)));
        self.print_nodes(call);
        self.print_queue();
        self.print_failures();
        for (account, because) in &self.disabled_webhooks {
            output::line(&format!("The webhook of {} is disabled. {because}\n", output::plain(account)));
        }
        let free = self.figures.disk_free.map_or_else(|| "unknown".to_owned(), human::size);
        output::line(&format!(
            "Disk: {free} free (reserve {}), database {}",
            human::size(DISK_RESERVE_BYTES),
            human::size(self.figures.store + self.figures.log)
        ));
        match &self.certificate {
            Some(shown) => {
                let until = |at_ms| human::when(self.now_ms, at_ms);
                let server = shown.server.as_ref().map(|server| format!("expires {}", until(server.valid_until_ms)));
                let server = server.unwrap_or_else(|| "damaged; a restart of the server issues a new one".to_owned());
                output::line(&format!("Certificate: {server}, its CA {}", until(shown.valid_until_ms)));
                output::line(&format!("CA SHA-256: {}", shown.fingerprint));
            }
            None => output::line("Certificate: not the appliance's own, or plain HTTP"),
        }
    }

    fn print_nodes(&self, call: &Call) {
        if self.nodes.is_empty() {
            let message = hints::complete("Nodes: none. Create a join token with `admin nodes token`.", call);
            return output::line(&format!("{message}\n"));
        }
        let row = |info: &NodeInfo| {
            let held: Vec<_> = self.held(info).map(|any| human::short(any.info.job.public_id)).collect();
            [
                info.node.name.clone(),
                info.state.as_str().to_owned(),
                human::when(self.now_ms, info.node.seen_at_ms),
                format!("{}/{}", info.leases, info.node.offer.slots),
                if held.is_empty() { "-".to_owned() } else { held.join(" ") },
            ]
        };
        let rows: Vec<_> = self.nodes.iter().map(row).collect();
        output::line(&output::table_to_fit(["NODE", "STATE", "LAST SEEN", "BUSY", "JOBS"], &rows));
        output::line("");
    }

    fn print_queue(&self) {
        let row = |(waiting, reason): (&Waiting, &Option<String>)| {
            let oldest = (waiting.oldest_seconds * 1_000.0) as i64;
            [
                waiting.class.as_str().to_owned(),
                waiting.jobs.to_string(),
                if waiting.jobs == 0 { "-".to_owned() } else { human::span(oldest) },
                reason.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        let rows: Vec<_> = self.figures.waiting.iter().zip(&self.reasons).map(row).collect();
        output::line(&output::table_to_fit(["QUEUE", "JOBS", "OLDEST", "FIRST JOB WAITS BECAUSE"], &rows));
        output::line("");
    }

    fn print_failures(&self) {
        if self.failed.is_empty() {
            return output::line("Failed jobs: none\n");
        }
        let row = |any: &AnyJob| {
            let job = &any.info.job;
            let failure = job.failure.as_ref();
            [
                human::short(job.public_id),
                any.account.clone(),
                human::when_any(self.now_ms, job.finished_at_ms),
                failure.map_or_else(|| "-".to_owned(), |failure| failure.code.as_str().to_owned()),
                failure.map_or_else(|| "-".to_owned(), |failure| failure.message.clone()),
            ]
        };
        let rows: Vec<_> = self.failed.iter().map(row).collect();
        output::line(&output::table_to_fit(["FAILED JOB", "ACCOUNT", "WHEN", "CODE", "MESSAGE"], &rows));
        output::line("");
    }
}
