//! `admin account`: create, list, show, quota, rename, deactivate.

use clap::Subcommand;
use serde_json::json;

use crate::app::{App, accounts};
use crate::cli::admin::{Call, account_json, account_name, hints, output, show_new_keys};
use crate::config;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::Result;
use crate::domain::quota::QUOTA_MOST;
use crate::domain::wording::counted;
use crate::wire::{amounts, human};

/// Manage accounts: create, list, show, quota, rename, deactivate
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin account create studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an account, inactive until activated; prints both its keys, which are shown only once
    #[command(after_help = "Example:\n  dinkem-appliance admin account create studio-a --json")]
    Create {
        /// Name of the account, up to 64 characters
        #[arg(value_parser = account_name)]
        name: String,
        /// Create no keys; `admin keys mint` creates them later
        #[arg(long)]
        no_keys: bool,
    },
    /// List all accounts
    #[command(after_help = "Example:\n  dinkem-appliance admin account list")]
    List,
    /// Show an account and its job counts
    #[command(after_help = "Example:\n  dinkem-appliance admin account show studio-a")]
    Show {
        /// Its name
        name: String,
    },
    /// Set how many bytes of demos an account may store, from its next upload on
    #[command(after_help = "\
Example: more room for one account, then the server's default again
  dinkem-appliance admin account quota studio-a --max-demos 100GB
  dinkem-appliance admin account quota studio-a --max-demos default")]
    Quota {
        /// Its name
        #[arg(value_parser = account_name)]
        name: String,
        /// Size of all its demos together: 100GB, 20GiB; or `default`, see `serve --max-demos-mib`
        #[arg(long, value_name = "SIZE", value_parser = quota, allow_hyphen_values = true)]
        max_demos: Quota,
    },
    /// Rename an account; its keys, jobs, clips and bills stay its own
    #[command(after_help = "Example:\n  dinkem-appliance admin account rename studio-a north-studio")]
    Rename {
        /// Its name
        #[arg(value_parser = account_name)]
        name: String,
        /// The new name, up to 64 characters
        #[arg(value_parser = account_name)]
        new_name: String,
    },
    /// Deactivate an account: its next request is refused; its queued jobs and its clips are kept
    #[command(after_help = "Example:\n  dinkem-appliance admin account deactivate studio-a")]
    Deactivate {
        /// Its name
        name: String,
    },
}

/// A quota of an account.
#[derive(Clone, Copy, Debug)]
struct Quota(
    /// Bytes; `None`: the server's default.
    Option<u64>,
);

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    match args.command {
        Command::Create { name, no_keys } => {
            let (account, keys) = accounts::create(app, &config::operator(), &name, !no_keys)?;
            show_new_keys(&account, &keys, call);
            if !call.json {
                let activate = hints::admin(call, &["activate", &name]);
                output::say(&format!(
                    "The keys are refused until the account is activated: {}",
                    output::plain(&activate)
                ));
            }
        }
        Command::List => list(&accounts::list(app)?, app.clock.now_ms(), call),
        Command::Quota { name, max_demos: Quota(bytes) } => {
            accounts::set_demo_bytes(app, &config::operator(), &name, bytes)?;
            if call.json {
                output::json(&json!({ "account": { "name": name, "max_demo_bytes": bytes } }));
            } else {
                let most = bytes.map_or_else(|| "the server's default".to_owned(), human::size);
                output::line(&format!("{}: demos: at most {most}", output::plain(&name)));
            }
        }
        Command::Rename { name, new_name } => {
            changed(&accounts::rename(app, &config::operator(), &name, &new_name)?, call);
        }
        Command::Show { name } => show(&accounts::show(app, &name)?, app.clock.now_ms(), call),
        Command::Deactivate { name } => changed(&accounts::deactivate(app, &config::operator(), &name)?, call),
    }
    Ok(())
}

/// Parses `--max-demos`.
fn quota(text: &str) -> Result<Quota, String> {
    match (text, amounts::size(text)) {
        ("default", _) => Ok(Quota(None)),
        (_, Some(bytes @ ..=QUOTA_MOST)) => Ok(Quota(Some(bytes))),
        _ => Err("it must be a number with a unit, like 100GB or 20GiB, at most 999TB, or default".to_owned()),
    }
}

fn list(accounts: &[Account], now_ms: i64, call: &Call) {
    if call.json {
        return output::json(&json!({ "accounts": accounts.iter().map(account_json).collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = accounts
        .iter()
        .map(|account| {
            let created = human::when(now_ms, account.created_at_ms);
            [account.name.clone(), account.status.as_str().to_owned(), account.dinks.to_string(), created]
        })
        .collect();
    output::line(&output::table(["NAME", "STATUS", "DINKS", "CREATED"], &rows));
}

fn show(summary: &accounts::Summary, now_ms: i64, call: &Call) {
    let account = &summary.account;
    if call.json {
        return output::json(&json!({
            "account": account_json(account),
            "dinks_in_use": summary.dinks_in_use,
            "queued": summary.queued,
            "rendering": summary.rendering,
        }));
    }
    output::line(&format!("name:      {}", output::plain(&account.name)));
    output::line(&format!("id:        {}", account.public_id));
    output::line(&format!("status:    {}", account.status.as_str()));
    output::line(&format!("created:   {}", human::when(now_ms, account.created_at_ms)));
    output::line(&format!("dinks:     {}, in use {}", account.dinks, summary.dinks_in_use));
    output::line(&format!("queued:    {}", summary.queued));
    output::line(&format!("rendering: {}", summary.rendering));
}

/// Reports an account's state after a change.
pub fn changed(account: &Account, call: &Call) {
    if call.json {
        return output::json(&json!({ "account": account_json(account) }));
    }
    let dinks = match account.status {
        AccountStatus::Active if account.dinks > 0 => format!(", {}", counted(account.dinks, "dink")),
        _ => String::new(),
    };
    output::line(&format!("{}: {}{dinks}", output::plain(&account.name), account.status.as_str()));
}
