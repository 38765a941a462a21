//! `admin activate`: activates an account after sign-up.

use crate::app::{App, accounts};
use crate::cli::admin::account::changed;
use crate::cli::admin::{Call, account_name, hints};
use crate::config;
use crate::domain::account::AccountStatus;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;

/// Activate an account; without a name, the only inactive one; if there are several, list them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin activate studio-a")]
pub struct Args {
    /// The account's name
    #[arg(value_parser = account_name)]
    name: Option<String>,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let account =
        accounts::activate(app, &config::operator(), args.name.as_deref()).map_err(|error| match error.code {
            ErrorCode::SeveralWaiting => with_commands(error, app, call),
            _ => error,
        })?;
    changed(&account, call);
    Ok(())
}

/// The error when several accounts are inactive, with the command for each.
fn with_commands(error: Error, app: &App, call: &Call) -> Error {
    let all = accounts::list(app).unwrap_or_default().into_iter();
    let waiting = all.filter(|account| account.status == AccountStatus::Inactive);
    let commands: Vec<_> = waiting.map(|account| hints::admin(call, &["activate", &account.name])).collect();
    Error { message: format!("{} Run: {}", error.message, commands.join(" or ")), ..error }
}
