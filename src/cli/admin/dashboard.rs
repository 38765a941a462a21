//! `admin dashboard`: a link that signs in to the dashboard, and who is signed in.

use std::path::Path;

use serde_json::json;

use crate::app::{App, operators};
use crate::appliance::dashboard;
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::Result;
use crate::domain::operator::{OPERATOR_CODE_SECONDS, OperatorKey};
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Print a link that signs you in to the dashboard in the browser, once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: a link, and one for a screen on the wall
  dinkem-appliance admin dashboard
  dinkem-appliance admin dashboard --read-only")]
pub struct Args {
    /// Make the link read-only: whoever uses it cannot change anything
    #[arg(long)]
    read_only: bool,
    /// List who has signed in instead
    #[arg(long, conflicts_with = "read_only")]
    list: bool,
    /// Sign someone out instead, by the number in `--list`
    #[arg(long, value_name = "N", conflicts_with_all = ["read_only", "list"], value_parser = clap::value_parser!(i64).range(1..))]
    revoke: Option<i64>,
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    if let Some(id) = args.revoke {
        operators::revoke(app, &config::operator(), id)?;
        if call.json {
            output::json(&json!({ "revoked": id }));
        } else {
            output::line(&format!("dashboard key {id}: revoked"));
        }
        return Ok(());
    }
    if args.list {
        return list(app, call);
    }
    let url = dashboard::recorded(data_dir)?;
    let link = dashboard::link(app, &config::operator(), &url, args.read_only)?;
    if call.json {
        output::json(&json!({ "url": link }));
        return Ok(());
    }
    output::line(&link);
    output::say(&format!("The link works once, for {} minutes.", OPERATOR_CODE_SECONDS / 60));
    Ok(())
}

fn list(app: &App, call: &Call) -> Result<()> {
    let now_ms = app.clock.now_ms();
    let keys = operators::list(app)?;
    if call.json {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id,
                    "actor": key.operator.name(),
                    "from": key.operator.source(),
                    "read_only": key.read_only,
                    "state": state(key, now_ms),
                    "created_at": rfc3339(key.created_at_ms),
                    "used_at": rfc3339(key.used_at_ms),
                    "expires_at": rfc3339(key.expires_at_ms()),
                    "ended_at": key.ended_at_ms.map(rfc3339),
                })
            })
            .collect();
        output::json(&json!({ "keys": keys }));
        return Ok(());
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.id.to_string(),
                key.operator.name().to_owned(),
                key.operator.source().to_owned(),
                if key.read_only { "read-only" } else { "full" }.to_owned(),
                state(key, now_ms).to_owned(),
                human::when(now_ms, key.created_at_ms),
                human::when(now_ms, key.used_at_ms),
            ]
        })
        .collect();
    output::line(&output::table_to_fit(["ID", "WHO", "FROM", "ACCESS", "STATE", "SIGNED IN", "LAST USED"], &rows));
    Ok(())
}

fn state(key: &OperatorKey, now_ms: i64) -> &'static str {
    match key.ended_at_ms {
        Some(_) => "ended",
        None if key.is_live(now_ms) => "signed in",
        None => "expired",
    }
}
