//! `admin clips`: list, pin and delete finished clips.

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use crate::app::App;
use crate::app::clips::operator::{self, StoredClip};
use crate::app::jobs::operator::{Named, id_of};
use crate::appliance::server_url;
use crate::cli::admin::{Call, account_name, output};
use crate::cli::job_args;
use crate::config;
use crate::domain::error::Result;
use crate::domain::list::LIST_ROWS;
use crate::wire::base::Base;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Manage finished clips: list, pin, delete
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin clips list --account studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List clips, newest first
    #[command(after_help = "Example:\n  dinkem-appliance admin clips list --pinned")]
    List {
        /// Only clips of this account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
        /// Only pinned clips
        #[arg(long)]
        pinned: bool,
        /// Maximum number of clips
        #[arg(long, value_name = "N", default_value_t = LIST_ROWS, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIST_ROWS)))]
        limit: u32,
    },
    /// Pin a clip, so that no retention rule deletes it
    #[command(after_help = "\
Example: with an id that `admin clips list` shows
  dinkem-appliance admin clips pin 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d
  dinkem-appliance admin clips pin 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d --unpin")]
    Pin {
        /// The id of the clip's job, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
        /// Unpin it instead: retention rules apply to it again
        #[arg(long)]
        unpin: bool,
    },
    /// Delete a clip, pinned or not: its job stays done and billed, its address stops working
    #[command(after_help = "\
Example: with an id that `admin clips list` shows
  dinkem-appliance admin clips delete 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d")]
    Delete {
        /// The id of the clip's job, or the last 8 characters of it
        #[arg(value_parser = job_args::job_id)]
        id: Named,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    match args.command {
        Command::List { account, pinned, limit } => {
            list(&operator::list(app, account.as_deref(), pinned, limit)?, app.clock.now_ms(), data_dir, call);
        }
        Command::Pin { id, unpin } => {
            let id = id_of(app, id)?;
            operator::pin(app, &config::operator(), id, !unpin)?;
            let id = id.to_string();
            if call.json {
                output::json(&json!({ "clip": { "id": id, "pinned": !unpin } }));
            } else {
                output::line(&format!("{id}: {}", if unpin { "unpinned" } else { "pinned" }));
            }
        }
        Command::Delete { id } => {
            let id = id_of(app, id)?;
            operator::delete(app, &config::operator(), id)?;
            let id = id.to_string();
            if call.json {
                output::json(&json!({ "deleted": { "id": id } }));
            } else {
                output::line(&format!("{id}: clip deleted"));
            }
        }
    }
    Ok(())
}

fn list(clips: &[StoredClip], now_ms: i64, data_dir: &Path, call: &Call) {
    let base = Base::public(&server_url::recorded(data_dir).map(|server| server.url).unwrap_or_default());
    if call.json {
        let view = |stored: &StoredClip| {
            let job = &stored.job;
            job.clip.as_ref().map(|clip| {
                json!({
                    "id": job.public_id.to_string(),
                    "account": stored.account,
                    "url": base.url(&format!("/clips/{}.mp4", clip.token.reveal())),
                    "bytes": clip.bytes,
                    "duration_seconds": clip.video.duration_ms as f64 / 1_000.0,
                    "finished_at": job.finished_at_ms.map(rfc3339),
                    "pinned": stored.is_pinned,
                })
            })
        };
        return output::json(&json!({ "clips": clips.iter().filter_map(view).collect::<Vec<_>>() }));
    }
    let row = |stored: &StoredClip| {
        let job = &stored.job;
        job.clip.as_ref().map(|clip| {
            [
                job.public_id.to_string(),
                human::size(clip.bytes),
                human::when_any(now_ms, job.finished_at_ms),
                if stored.is_pinned { "yes" } else { "-" }.to_owned(),
                stored.account.clone(),
            ]
        })
    };
    let rows: Vec<_> = clips.iter().filter_map(row).collect();
    output::line(&output::table_to_fit(["ID", "SIZE", "FINISHED", "PINNED", "ACCOUNT"], &rows));
}
