//! `admin dinks`: how many reserved render nodes an account holds, and whether there are as many.

use clap::Subcommand;
use serde_json::json;

use super::account::changed;
use super::{Call, account_name, output};
use crate::app::dinks::Dinks;
use crate::app::{App, dinks};
use crate::domain::error::Result;
use crate::wire::time::rfc3339;

/// Provisioned dinks (reserved render nodes): set, show
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin dinks set studio-a 2")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sets how many dinks an account holds from now on
    #[command(after_help = "Example:\n  dinkem-appliance admin dinks set studio-a 2")]
    Set {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
        /// How many
        dinks: u32,
    },
    /// All accounts' dinks and their history, and the live slots behind them
    #[command(after_help = "Example:\n  dinkem-appliance admin dinks show")]
    Show,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    match args.command {
        Command::Set { name, dinks } => {
            changed(&dinks::set(app, &name, dinks)?, call);
            warn_of_overselling(&dinks::show(app)?);
        }
        Command::Show => {
            let dinks = dinks::show(app)?;
            show(&dinks, call);
            warn_of_overselling(&dinks);
        }
    }
    Ok(())
}

fn show(dinks: &Dinks, call: &Call) {
    if call.json {
        let accounts = dinks.accounts.iter().map(|account| json!({ "name": account.name, "dinks": account.dinks }));
        let history = dinks
            .history
            .iter()
            .map(|change| json!({ "account": change.account, "dinks": change.dinks, "at": rfc3339(change.at_ms) }));
        return output::json(&json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "history": history.collect::<Vec<_>>(),
            "sold": dinks.sold,
            "live_slots": dinks.live_slots,
        }));
    }
    let rows: Vec<_> = dinks.accounts.iter().map(|account| [account.name.clone(), account.dinks.to_string()]).collect();
    output::line(&output::table(["NAME", "DINKS"], &rows));
    output::line(&format!("sold {}, live slots {}", dinks.sold, dinks.live_slots));
    if !dinks.history.is_empty() {
        let rows: Vec<_> = dinks
            .history
            .iter()
            .map(|change| [rfc3339(change.at_ms), change.account.clone(), change.dinks.to_string()])
            .collect();
        output::line(&format!("\n{}", output::table(["SINCE", "NAME", "DINKS"], &rows)));
    }
}

fn warn_of_overselling(dinks: &Dinks) {
    if dinks.sold > dinks.live_slots {
        output::say(&format!(
            "warning: dinks sold: {}, but render slots live: {}; reserved jobs will have to wait.",
            dinks.sold, dinks.live_slots
        ));
    }
}
