//! `admin audit`: the audit log.

use serde_json::json;
use uuid::Uuid;

use crate::app::{App, audit};
use crate::cli::admin::{Call, output};
use crate::domain::error::Result;
use crate::domain::list::{LIST_ROWS, PAGE_DEFAULT};
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Show the append-only audit log, latest entry first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: the last five entries\n  dinkem-appliance admin audit --limit 5")]
pub struct Args {
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIST_ROWS)))]
    limit: u32,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let entries = audit::list(app, args.limit)?;
    if call.json {
        let entries = entries.iter().map(|entry| {
            json!({
                "id": entry.id,
                "at": rfc3339(entry.at_ms),
                "actor": entry.actor,
                "from": entry.source,
                "action": entry.action,
                "subject": entry.subject,
                "details": entry.details,
            })
        });
        output::json(&json!({ "entries": entries.collect::<Vec<_>>() }));
        return Ok(());
    }
    let rows: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            let subject = Uuid::parse_str(&entry.subject).map_or(entry.subject, human::short);
            let who =
                if entry.source.is_empty() { entry.actor } else { format!("{} at {}", entry.actor, entry.source) };
            [human::date_time(entry.at_ms), who, entry.action, subject, entry.details]
        })
        .collect();
    output::line(&output::table_to_fit(["WHEN", "WHO", "ACTION", "SUBJECT", "DETAILS"], &rows));
    Ok(())
}
