//! `admin demos`: what accounts have uploaded, and how the operator deletes it.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::demos::owner;
use crate::appliance::server_url;
use crate::cli::admin::{Call, account_name, output};
use crate::config;
use crate::domain::demo::DemoInfo;
use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::wire::{self, base::Base};

/// Uploaded demos: list, delete
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin demos list --account studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Uploaded demos, newest first within each account
    #[command(after_help = "Example:\n  dinkem-appliance admin demos list --account studio-a")]
    List {
        /// Only this account's
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
    },
    /// Deletes an account's upload; refused while a job that has not ended needs it
    #[command(after_help = "\
Example: with a hash that `admin demos list` shows
  dinkem-appliance admin demos delete SHA256 --account studio-a")]
    Delete {
        /// The demo's SHA-256
        #[arg(value_name = "SHA256", value_parser = sha256)]
        sha256: Sha256,
        /// Whose upload
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    match args.command {
        Command::List { account } => list(&owner::list_all(app, account.as_deref())?, data_dir, call),
        Command::Delete { sha256, account } => {
            owner::delete_of(app, &config::operator(), &account, sha256)?;
            let sha256 = sha256.to_string();
            if call.json {
                output::json(&json!({ "deleted": { "account": account, "sha256": sha256 } }));
            } else {
                output::line(&format!("{sha256}: deleted from {}", output::plain(&account)));
            }
            Ok(())
        }
    }
}

/// Reads a hash.
fn sha256(text: &str) -> Result<Sha256> {
    let wrong = || Error::invalid("SHA256", "a demo's SHA-256 has 64 hexadecimal digits, see admin demos list");
    Sha256::parse_any_case(text).ok_or_else(wrong)
}

fn list(demos: &[(String, DemoInfo)], data_dir: &Path, call: &Call) -> Result<()> {
    let base = Base::public(&server_url::recorded(data_dir).map(|server| server.url).unwrap_or_default());
    let views = demos.iter().map(|(account, info)| (account, wire::demo::listed(info, &base)));
    if call.json {
        let view = |(account, view): (&String, _)| -> Result<Value> {
            let mut value = serde_json::to_value(view)
                .map_err(|error| Error::internal("The list could not be written as JSON.", error))?;
            value["account"] = json!(account);
            Ok(value)
        };
        output::json(&json!({ "demos": views.map(view).collect::<Result<Vec<_>>>()? }));
        return Ok(());
    }
    let rows: Vec<_> = views
        .map(|(account, demo)| {
            [
                account.clone(),
                demo.sha256,
                format!("{:.1} MB", demo.bytes as f64 / 1e6),
                demo.uploaded_at,
                demo.last_used_at.unwrap_or_else(|| "never".to_owned()),
                demo.map.unwrap_or(demo.status),
                demo.unfinished_jobs.to_string(),
            ]
        })
        .collect();
    output::line(&output::table(
        ["ACCOUNT", "SHA-256", "SIZE", "UPLOADED", "LAST USED", "MAP", "UNFINISHED JOBS"],
        &rows,
    ));
    Ok(())
}
