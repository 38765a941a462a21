//! `admin keys`: mint, list, rotate, revoke, identify.

use std::io::{BufRead, Read};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::accounts::{NewKeys, keys};
use crate::cli::admin::{Call, account_json, account_name, hints, output, show_new_keys};
use crate::config;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::{Error, Result};
use crate::domain::id::KeyId;
use crate::domain::key::{KEY_OVERLAP_SECONDS, KeyClass, KeyInfo, Secret};
use crate::wire::time::rfc3339;
use crate::wire::{amounts, human};

/// Maximum bytes of a line that may hold a key, with room for text copied along with it.
const KEY_LINE_BYTES: u64 = 1_024;

/// Manage an account's keys: mint, list, rotate, revoke, identify
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin keys list studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a key of each class that the account lacks; shown once, stored as a hash
    #[command(after_help = "Example:\n  dinkem-appliance admin keys mint studio-a --json")]
    Mint {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
    /// List an account's keys, without the secrets
    #[command(after_help = "Example:\n  dinkem-appliance admin keys list studio-a")]
    List {
        /// The account's name
        name: String,
    },
    /// Replace the account's live key of a class; the old one expires immediately or after --overlap
    #[command(
        after_help = "Example: both keys are valid for a day\n  dinkem-appliance admin keys rotate studio-a --class metered --overlap 24h"
    )]
    Rotate {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
        /// Class of the key
        #[arg(long, value_parser = key_class, value_name = "metered|reserved")]
        class: KeyClass,
        /// How long the old key stays valid: 90s, 30m, 24h, 7d [default: not at all]
        #[arg(long, value_parser = overlap, value_name = "TIME", default_value = "0s", hide_default_value = true, allow_hyphen_values = true)]
        overlap: Duration,
    },
    /// Revoke a key: the next request with it is refused
    #[command(after_help = "Example:\n  dinkem-appliance admin keys revoke 7")]
    Revoke {
        /// Its number, from `admin keys list`
        #[arg(value_name = "KEY-ID", value_parser = clap::value_parser!(i64).range(1..))]
        key: i64,
    },
    /// Identify the owner of a leaked key, read from standard input
    #[command(after_help = "Example:\n  dinkem-appliance admin keys identify < found.txt")]
    Identify,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let now_ms = app.clock.now_ms();
    match args.command {
        Command::Mint { name } => {
            let (account, keys) = keys::mint(app, &config::operator(), &name)?;
            show_new_keys(&account, &keys, call);
        }
        Command::List { name } => list(&keys::list(app, &name)?, now_ms, call),
        Command::Rotate { name, class, overlap } => {
            let (account, keys) = keys::rotate(app, &config::operator(), &name, class, overlap)?;
            rotated(&account, &keys, class, overlap, call);
        }
        Command::Revoke { key } => revoked(&keys::revoke(app, &config::operator(), KeyId(key))?, now_ms, call),
        Command::Identify => {
            let (account, key) = keys::identify(app, &first_line()?)?;
            identified(&account, &key, now_ms, call);
        }
    }
    Ok(())
}

/// Parses `--class`.
fn key_class(text: &str) -> Result<KeyClass, String> {
    KeyClass::parse(text).ok_or_else(|| "it must be metered or reserved".to_owned())
}

/// Parses `--overlap`: a number and a unit.
fn overlap(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(KEY_OVERLAP_SECONDS);
    amounts::duration(text).filter(|overlap| *overlap <= longest).ok_or_else(|| {
        let days = KEY_OVERLAP_SECONDS / 86_400;
        format!("it must be a number followed by s, m, h or d, at most {days}d")
    })
}

fn first_line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().take(KEY_LINE_BYTES).read_line(&mut line).map_err(|error| {
        Error::internal("Cannot read the key from standard input: it must be one line of text.", error)
    })?;
    Ok(line)
}

fn status(key: &KeyInfo, now_ms: i64) -> &'static str {
    if key.is_live(now_ms) { "live" } else { "revoked" }
}

fn key_json(key: &KeyInfo, now_ms: i64) -> Value {
    // One column in the store, but two JSON fields, so that a future expiry is not mistaken for a past one.
    let (expires, revoked) = if key.is_live(now_ms) { (key.revoked_at_ms, None) } else { (None, key.revoked_at_ms) };
    json!({
        "id": key.id.0,
        "class": key.class.as_str(),
        "fingerprint": key.fingerprint,
        "status": status(key, now_ms),
        "created_at": rfc3339(key.created_at_ms),
        "last_used_at": key.used_at_ms.map(rfc3339),
        "expires_at": expires.map(rfc3339),
        "revoked_at": revoked.map(rfc3339),
    })
}

fn status_in_words(key: &KeyInfo, now_ms: i64) -> String {
    match key.revoked_at_ms {
        None => "live".to_owned(),
        Some(end) if key.is_live(now_ms) => format!("live, expires {}", human::when(now_ms, end)),
        Some(end) => format!("revoked {}", human::when(now_ms, end)),
    }
}

fn list(keys: &[KeyInfo], now_ms: i64, call: &Call) {
    if call.json {
        let keys = keys.iter().map(|key| key_json(key, now_ms));
        return output::json(&json!({ "keys": keys.collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.id.to_string(),
                key.class.as_str().to_owned(),
                key.fingerprint.clone(),
                human::when(now_ms, key.created_at_ms),
                human::when_any(now_ms, key.used_at_ms),
                status_in_words(key, now_ms),
            ]
        })
        .collect();
    output::line(&output::table(["KEY-ID", "CLASS", "FINGERPRINT", "CREATED", "LAST USED", "STATUS"], &rows));
}

fn rotated(account: &Account, keys: &NewKeys, class: KeyClass, overlap: Duration, call: &Call) {
    if call.json {
        let of = |name: &str, key: &Option<Secret>| {
            key.as_ref().map(|key| (format!("{name}_key"), Value::from(key.reveal())))
        };
        let members = [of("metered", &keys.metered), of("reserved", &keys.reserved)];
        return output::json(&members.into_iter().flatten().collect::<Map<_, _>>());
    }
    show_new_keys(account, keys, call);
    output::say(&match overlap.as_secs() {
        0 => format!("The old {} key is refused from now on.", class.as_str()),
        seconds => {
            let valid = human::span(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
            format!("The old {} key stays valid for {valid}.", class.as_str())
        }
    });
}

fn revoked(key: &KeyInfo, now_ms: i64, call: &Call) {
    if call.json {
        return output::json(&json!({ "key": key_json(key, now_ms) }));
    }
    output::line(&format!("key {} ({}): revoked", key.id, key.class.as_str()));
}

fn identified(account: &Account, key: &KeyInfo, now_ms: i64, call: &Call) {
    let live = key.is_live(now_ms) && account.status == AccountStatus::Active;
    if call.json {
        return output::json(&json!({ "account": account_json(account), "key": key_json(key, now_ms), "live": live }));
    }
    output::line(&format!("account:   {} ({})", output::plain(&account.name), account.status.as_str()));
    output::line(&format!("key:       {} ({}, fingerprint {})", key.id, key.class.as_str(), key.fingerprint));
    output::line(&format!("status:    {}", status_in_words(key, now_ms)));
    output::line(&format!("last used: {}", human::when_any(now_ms, key.used_at_ms)));
    if live {
        let (id, class) = (key.id.to_string(), key.class.as_str());
        let hint = |words: &[&str]| output::plain(&hints::admin(call, words));
        output::say("Anyone who has this key can submit jobs. To list its jobs, replace it, or revoke it:");
        output::say(&format!("  {}", hint(&["jobs", "list", "--key", &id])));
        output::say(&format!("  {}", hint(&["keys", "rotate", &account.name, "--class", class])));
        output::say(&format!("  {}", hint(&["keys", "revoke", &id])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_a_number_with_a_unit() {
        let cases = [
            ("0s", Some(0)),
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("24h", Some(86_400)),
            ("90d", Some(90 * 86_400)),
            ("91d", None),
            ("24", None),
            ("h", None),
            ("", None),
            ("-1h", None),
            ("1.5h", None),
            ("24H", None),
            ("24 h", None),
            ("99999999999999999999d", None),
            ("9999999999999999d", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(overlap(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
        }
    }
}
