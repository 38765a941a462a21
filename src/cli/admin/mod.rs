//! `admin`: operator commands that work directly on the data directory, even while the server runs.
//!
//! They need no network or token: write access to the data directory makes the operator. Same use cases as HTTP.

mod account;
mod activate;
mod audit;
mod backup;
mod clips;
mod dashboard;
mod demos;
mod dinks;
mod doctor;
mod healthcheck;
mod jobs;
mod keys;
mod node_tokens;
mod nodes;
mod promote;
mod rates;
mod retention;
pub mod shard_map;
mod statement;
mod status;
mod storage;
mod tls;
mod usage;
mod webhook;

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::app::accounts::NewKeys;
use crate::app::{App, Settings};
use crate::cli::storage_args::StorageArgs;
use crate::cli::{Call, hints, output};
use crate::domain::account as rules;
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;
use crate::os::user;

/// Operate the appliance from its data directory: accounts, keys, nodes, jobs, clips, storage, prices, backups, doctor, …
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: create an account with its keys and activate it:
  dinkem-appliance admin account create studio-a
  dinkem-appliance admin activate studio-a")]
pub struct Args {
    #[command(flatten)]
    storage: StorageArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(status::Args),
    Account(account::Args),
    Activate(activate::Args),
    Keys(keys::Args),
    ShardMap(shard_map::Args),
    Dinks(dinks::Args),
    Nodes(nodes::Args),
    Jobs(jobs::Args),
    Clips(clips::Args),
    Dashboard(dashboard::Args),
    Demos(demos::Args),
    Retention(retention::Args),
    Storage(storage::Args),
    Rates(rates::Args),
    Usage(usage::Args),
    Webhook(webhook::Args),
    Tls(tls::Args),
    Audit(audit::Args),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Promote(promote::Args),
    Doctor(doctor::Args),
    Healthcheck(healthcheck::Args),
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    let dir = &*call.data_dir()?;
    user::act_as_owner(dir)?;
    // Commands that replace or repair a store must run before anything opens it.
    let settings = || Ok::<_, Error>(Settings { storage: args.storage.storage(false)?, ..Settings::default() });
    let open = || App::beside_as(dir, settings()?, Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    match args.command {
        Command::Status(args) => status::run(args, &*open()?, dir, call),
        Command::Account(args) => account::run(args, &*open()?, call),
        Command::Activate(args) => activate::run(args, &*open()?, call),
        Command::Keys(args) => keys::run(args, &*open()?, call),
        Command::ShardMap(args) => shard_map::run(args, &*open()?, call),
        Command::Dinks(args) => dinks::run(args, &*open()?, call),
        Command::Nodes(args) => nodes::run(args, &*open()?, dir, call),
        Command::Jobs(args) => jobs::run(args, &*open()?, dir, call),
        Command::Clips(args) => clips::run(args, &*open()?, dir, call),
        Command::Dashboard(args) => dashboard::run(args, &*open()?, dir, call),
        Command::Demos(args) => demos::run(args, &*open()?, dir, call),
        Command::Retention(args) => retention::run(args, &*open()?, call),
        Command::Storage(args) => storage::run(args, &*open()?, call),
        Command::Rates(args) => rates::run(args, &*open()?, call),
        Command::Usage(args) => usage::run(args, &*open()?, call),
        Command::Webhook(args) => webhook::run(args, &*open()?, call),
        Command::Tls(args) => tls::run(args, &*open()?, dir, call),
        Command::Audit(args) => audit::run(args, &*open()?, call),
        Command::Backup(args) => backup::make(&args, &*open()?, call),
        Command::Restore(args) => backup::restore(&args, dir, call),
        Command::Promote(args) => {
            promote::prepare(dir)?;
            promote::run(args, &*open()?, dir, call)
        }
        Command::Doctor(args) => doctor::run(args, settings()?.storage, dir, call),
        Command::Healthcheck(healthcheck::Args {}) => healthcheck::run(dir, call),
    }
}

/// Parses an account name.
fn account_name(text: &str) -> Result<String> {
    rules::check_name(text).map(|()| text.to_owned())
}

fn account_json(account: &Account) -> Value {
    json!({
        "id": account.public_id.to_string(),
        "name": account.name,
        "status": account.status.as_str(),
        "dinks": account.dinks,
    })
}

/// An account with its keys, which are shown only once.
fn show_new_keys(account: &Account, keys: &NewKeys, call: &Call) {
    let clear = |key: &Option<Secret>| key.as_ref().map(|key| key.reveal().to_owned());
    let (metered, reserved) = (clear(&keys.metered), clear(&keys.reserved));
    if call.json {
        return output::json(
            &json!({ "account": account_json(account), "metered_key": metered, "reserved_key": reserved }),
        );
    }
    output::line(&format!("account:      {} ({})", output::plain(&account.name), account.status.as_str()));
    for (label, key) in [("metered key: ", &metered), ("reserved key:", &reserved)] {
        if let Some(key) = key {
            output::line(&format!("{label} {key}"));
        }
    }
    match [&metered, &reserved].into_iter().flatten().count() {
        0 => {}
        1 => output::say("The key is not shown again: the appliance stores only its hash."),
        _ => output::say("The keys are not shown again: the appliance stores only their hashes."),
    }
}
