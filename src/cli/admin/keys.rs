//! `admin keys`: mint, list, revoke.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Call, account_name, output, show_new_keys};
use crate::app::{App, keys};
use crate::domain::error::Result;
use crate::domain::id::KeyId;
use crate::domain::key::KeyInfo;
use crate::wire::time::rfc3339;

/// An account's keys: mint, list, revoke
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin keys list studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key of each class that the account lacks; shown this once, stored hashed
    #[command(after_help = "Example:\n  dinkem-appliance admin keys mint studio-a --json")]
    Mint {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
    /// The account's keys, without the keys themselves
    #[command(after_help = "Example:\n  dinkem-appliance admin keys list studio-a")]
    List {
        /// The account's name
        name: String,
    },
    /// Revokes a key: the next request with it is refused
    #[command(after_help = "Example:\n  dinkem-appliance admin keys revoke 7")]
    Revoke {
        /// Its number, from `admin keys list`
        #[arg(value_name = "KEY-ID")]
        key: i64,
    },
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    match args.command {
        Command::Mint { name } => {
            let (account, keys) = keys::mint(app, &name)?;
            show_new_keys(&account, &keys, call);
        }
        Command::List { name } => list(&keys::list(app, &name)?, call),
        Command::Revoke { key } => revoked(&keys::revoke(app, KeyId(key))?, call),
    }
    Ok(())
}

fn status(key: &KeyInfo) -> &'static str {
    if key.revoked_at_ms.is_none() { "live" } else { "revoked" }
}

fn key_json(key: &KeyInfo) -> Value {
    json!({
        "id": key.id.0,
        "class": key.class.as_str(),
        "fingerprint": key.fingerprint,
        "status": status(key),
        "created_at": rfc3339(key.created_at_ms),
        "revoked_at": key.revoked_at_ms.map(rfc3339),
    })
}

fn list(keys: &[KeyInfo], call: &Call) {
    if call.json {
        return output::json(&json!({ "keys": keys.iter().map(key_json).collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let created = rfc3339(key.created_at_ms);
            [key.id.to_string(), key.class.as_str().into(), status(key).into(), key.fingerprint.clone(), created]
        })
        .collect();
    output::line(&output::table(["KEY-ID", "CLASS", "STATUS", "FINGERPRINT", "CREATED"], &rows));
}

fn revoked(key: &KeyInfo, call: &Call) {
    if call.json {
        return output::json(&json!({ "key": key_json(key) }));
    }
    output::line(&format!("key {} ({}): revoked", key.id, key.class.as_str()));
}
