//! `admin activate`: the one word an operator types when an account has signed up.

use super::account::changed;
use super::{Call, account_name};
use crate::app::{App, accounts};
use crate::domain::error::Result;

/// Activates an account; with no name the one that waits, or, if several wait, says which
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin activate studio-a")]
pub struct Args {
    /// The account's name
    #[arg(value_parser = account_name)]
    name: Option<String>,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let account = accounts::activate(app, args.name.as_deref())?;
    changed(&account, call);
    Ok(())
}
