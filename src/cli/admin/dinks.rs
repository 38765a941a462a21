//! `admin dinks`: reserved render nodes per account, compared with the live render slots.

use clap::Subcommand;
use serde_json::json;

use crate::app::accounts::dinks::{self, ACCOUNT_DINKS, Dinks, Undone};
use crate::app::{App, accounts};
use crate::cli::admin::account::changed;
use crate::cli::admin::{Call, account_json, account_name, output};
use crate::cli::{hints, prompt, wrong_usage};
use crate::config;
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::wording::counted;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Manage dinks (reserved render nodes): set, undo, show
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin dinks set studio-a 2")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set an account's number of dinks from now on; a month is billed by its highest number
    #[command(after_help = "Example:\n  dinkem-appliance admin dinks set studio-a 2")]
    Set {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
        /// Number of dinks
        #[arg(value_parser = clap::value_parser!(u32).range(0..=i64::from(ACCOUNT_DINKS)))]
        dinks: u32,
        /// Skip the confirmation for more than ten times the live render slots
        #[arg(long)]
        yes: bool,
    },
    /// Undo the last change of an account's dinks, which is then not billed; repeat to undo the one before
    #[command(after_help = "\
Example: correct a mistaken 200 to 20
  dinkem-appliance admin dinks set studio-a 200 --yes
  dinkem-appliance admin dinks undo studio-a
  dinkem-appliance admin dinks set studio-a 20 --yes")]
    Undo {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
    /// Show all accounts' dinks, their history, and the live render slots
    #[command(after_help = "Example:\n  dinkem-appliance admin dinks show")]
    Show,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    match args.command {
        Command::Set { name, dinks, yes } => {
            if !yes {
                confirm(app, &name, dinks, call)?;
            }
            now_has(&dinks::set(app, &config::operator(), &name, dinks)?, call);
            warn_of_overselling(&dinks::show(app)?);
        }
        Command::Undo { name } => {
            undone(&dinks::undo(app, &config::operator(), &name)?, app.clock.now_ms(), call);
            warn_of_overselling(&dinks::show(app)?);
        }
        Command::Show => {
            let dinks = dinks::show(app)?;
            show(&dinks, app.clock.now_ms(), call);
            warn_of_overselling(&dinks);
        }
    }
    Ok(())
}

/// Asks for confirmation before setting far more dinks than there are slots, because a month is billed for its peak.
/// Lowering the number needs no confirmation.
fn confirm(app: &App, name: &str, dinks: u32, call: &Call) -> Result<()> {
    let (held, live_slots) = (accounts::show(app, name)?.account.dinks, dinks::show(app)?.live_slots);
    if dinks <= held || !dinks::are_unlikely(dinks, live_slots) {
        return Ok(());
    }
    let fact = format!(
        "{} for {}, but only {}",
        counted(dinks, "dink"),
        output::plain(name),
        counted(live_slots, "live render slot")
    );
    if call.json || !prompt::is_possible() {
        return Err(wrong_usage(format!(
            "{fact}. Is that intended? A month is billed for the most dinks held in it. If so, add --yes: {}",
            hints::admin(call, &["dinks", "set", name, &dinks.to_string(), "--yes"])
        )));
    }
    if prompt::agrees(&format!("{fact}. A month is billed for the most dinks held in it. Set them anyway?"))? {
        return Ok(());
    }
    Err(Error::conflict(ErrorCode::NotConfirmed, "Nothing was changed."))
}

/// An account and its dinks, including accounts with none.
fn now_has(account: &Account, call: &Call) {
    if call.json {
        return changed(account, call);
    }
    let (name, status) = (output::plain(&account.name), account.status.as_str());
    output::line(&format!("{name}: {status}, {}", counted(account.dinks, "dink")));
}

fn undone(undone: &Undone, now_ms: i64, call: &Call) {
    if call.json {
        return output::json(&json!({
            "account": account_json(&undone.account),
            "undone": { "dinks": undone.dinks, "at": rfc3339(undone.at_ms) },
        }));
    }
    now_has(&undone.account, call);
    output::say(&format!(
        "The change to {} ({}) is no longer billed.",
        counted(undone.dinks, "dink"),
        human::when(now_ms, undone.at_ms)
    ));
    if undone.changes_ended_months {
        output::say("That change was in a month that has ended: statements made since then are out of date.");
    }
}

fn show(dinks: &Dinks, now_ms: i64, call: &Call) {
    if call.json {
        let accounts = dinks.accounts.iter().map(|account| json!({ "name": account.name, "dinks": account.dinks }));
        let history = dinks.history.iter().map(|change| {
            json!({
                "account": change.account,
                "dinks": change.dinks,
                "at": rfc3339(change.at_ms),
                "undone_at": change.undone_at_ms.map(rfc3339),
            })
        });
        return output::json(&json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "history": history.collect::<Vec<_>>(),
            "sold": dinks.sold,
            "live_slots": dinks.live_slots,
        }));
    }
    let rows: Vec<_> = dinks.accounts.iter().map(|account| [account.name.clone(), account.dinks.to_string()]).collect();
    output::line(&output::table(["NAME", "DINKS"], &rows));
    output::line(&format!("{} sold, {}", counted(dinks.sold, "dink"), counted(dinks.live_slots, "live render slot")));
    if !dinks.history.is_empty() {
        let rows: Vec<_> = dinks
            .history
            .iter()
            .map(|change| {
                let undone = human::when_any(now_ms, change.undone_at_ms);
                [human::when(now_ms, change.at_ms), change.account.clone(), change.dinks.to_string(), undone]
            })
            .collect();
        output::line(&format!("\n{}", output::table(["SET", "NAME", "DINKS", "UNDONE"], &rows)));
    }
}

fn warn_of_overselling(dinks: &Dinks) {
    if dinks.sold > dinks.live_slots {
        output::say(&format!(
            "warning: {} sold, but only {}: reserved jobs will have to wait.",
            counted(dinks.sold, "dink"),
            counted(dinks.live_slots, "live render slot")
        ));
    }
}
