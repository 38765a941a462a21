//! `admin demos`: list and delete uploaded demos.

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
use crate::domain::error_code::ErrorCode;
use crate::domain::sha256::Sha256;
use crate::wire::human;
use crate::wire::{self, base::Base};

/// Manage uploaded demos: list, delete
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin demos list --account studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List uploaded demos, newest first within each account
    #[command(after_help = "Example:\n  dinkem-appliance admin demos list --account studio-a")]
    List {
        /// Only demos of this account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: Option<String>,
    },
    /// Delete an account's upload; refused while an unfinished job needs it
    #[command(after_help = "\
Example: with a hash that `admin demos list` shows
  dinkem-appliance admin demos delete SHA256 --account studio-a")]
    Delete {
        /// The demo's SHA-256, or at least the first 12 digits of it
        #[arg(value_name = "SHA256", value_parser = hash)]
        sha256: Hash,
        /// Account that uploaded it
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
}

/// A demo's hash or a prefix of it.
#[derive(Clone, Debug)]
enum Hash {
    Whole(Sha256),
    /// Lowercase hex digits.
    Start(String),
}

/// Hash digits shown in tables.
const SHORT_HASH: usize = 12;

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    match args.command {
        Command::List { account } => {
            list(&owner::list_all(app, account.as_deref())?, app.clock.now_ms(), data_dir, call)
        }
        Command::Delete { sha256, account } => {
            let sha256 = match sha256 {
                Hash::Whole(sha256) => sha256,
                Hash::Start(start) => starting_with(app, &account, &start)?,
            };
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

/// Parses a hash or prefix.
fn hash(text: &str) -> Result<Hash> {
    let is_start = text.len() >= SHORT_HASH && text.len() < 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_start {
        return Ok(Hash::Start(text.to_ascii_lowercase()));
    }
    let wrong = || {
        let message = "a demo's SHA-256 has 64 hexadecimal digits, of which the first 12 suffice; see admin demos list";
        Error::invalid("SHA256", message)
    };
    Sha256::parse_any_case(text).map(Hash::Whole).ok_or_else(wrong)
}

/// The account's only upload whose hash has this prefix.
fn starting_with(app: &App, account: &str, start: &str) -> Result<Sha256> {
    let all = owner::list_all(app, Some(account))?.into_iter().map(|(_, info)| info.demo.sha256);
    let found: Vec<_> = all.filter(|sha256| sha256.to_string().starts_with(start)).collect();
    match found[..] {
        [only] => Ok(only),
        [] => Err(Error::not_found(format!(
            "No demo of this account has a SHA-256 starting with {start}. See `admin demos list`."
        ))),
        _ => {
            let message =
                format!("Several demos of this account have a SHA-256 starting with {start}. Use the full hash.");
            Err(Error::conflict(ErrorCode::AmbiguousSha256, message))
        }
    }
}

fn list(demos: &[(String, DemoInfo)], now_ms: i64, data_dir: &Path, call: &Call) -> Result<()> {
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
    let rows: Vec<_> = demos
        .iter()
        .zip(views)
        .map(|((_, info), (account, mut view))| {
            view.sha256.truncate(SHORT_HASH);
            [
                account.clone(),
                view.sha256,
                human::size(view.bytes),
                human::when(now_ms, info.demo.uploaded_at_ms),
                info.demo.used_at_ms.map_or_else(|| "never".to_owned(), |at_ms| human::when(now_ms, at_ms)),
                view.unfinished_jobs.to_string(),
                view.map.unwrap_or(view.status),
            ]
        })
        .collect();
    let headings = ["ACCOUNT", "SHA-256", "SIZE", "UPLOADED", "LAST USED", "NEEDED BY", "MAP"];
    output::line(&output::table_to_fit(headings, &rows));
    Ok(())
}
