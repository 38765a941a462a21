//! `admin retention`: rules for how long clips, demos and rows of finished jobs are kept.

use std::time::Duration;

use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};

use crate::app::App;
use crate::app::upkeep::retention::{self, Shown};
use crate::cli::admin::{Call, account_name, hints, output};
use crate::cli::{prompt, wrong_usage};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::retention::{Doomed, JOB_MIN_AGE_MS, Kind, Limits};
use crate::wire::time::rfc3339;
use crate::wire::{human, retention as retention_words};

/// Manage retention rules: show, set; without a rule nothing is deleted
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: keep clips for 90 days and at most 500 GB of them
  dinkem-appliance admin retention set clips --max-age 90d --max-bytes 500GB")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show all rules and what they would delete now
    #[command(after_help = "Example:\n  dinkem-appliance admin retention show --json")]
    Show,
    /// Set a rule, after showing what it would delete now; the server applies it within a minute
    #[command(after_help = "\
Clips go by age since they were finished, demos by age since they were last used, and rows of finished jobs by age since \
they were submitted. What is oldest goes first. Pinned clips, demos that an unfinished job needs and jobs with a clip never \
go. Jobs are written to a file in the archive directory before their rows go; bills and usage stay as they are.

Example: see what would go, then keep one account's demos out of the rule
  dinkem-appliance admin retention set demos --max-age 30d --dry-run
  dinkem-appliance admin retention set demos --max-age 30d --yes
  dinkem-appliance admin retention set demos --account studio-a --keep")]
    Set(SetArgs),
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("rule").args(["max_age", "max_bytes", "keep", "default"]).required(true).multiple(true))]
struct SetArgs {
    /// What the rule is about
    #[arg(value_name = "clips|demos|jobs", value_parser = kind)]
    kind: Kind,
    /// Set this account's own rule, which applies instead of the one for all accounts [default: all accounts]
    #[arg(long, value_name = "NAME", value_parser = account_name)]
    account: Option<String>,
    /// Delete what is older: 90d, 36h; for jobs at least 1d [default: any age]
    #[arg(long, value_name = "AGE", value_parser = retention_words::age, allow_hyphen_values = true)]
    max_age: Option<Duration>,
    /// Delete the oldest above this size: 500GB, 20GiB; for all accounts: of them together [default: any size]
    #[arg(long, value_name = "SIZE", value_parser = retention_words::size, allow_hyphen_values = true)]
    max_bytes: Option<u64>,
    /// Delete nothing: for all accounts, remove the rule; for one, keep everything whatever that rule says
    #[arg(long, conflicts_with_all = ["max_age", "max_bytes"])]
    keep: bool,
    /// Remove the account's own rule, so that the one for all accounts applies
    #[arg(long, requires = "account", conflicts_with_all = ["max_age", "max_bytes", "keep"])]
    default: bool,
    /// Only show what the rule would delete now
    #[arg(long)]
    dry_run: bool,
    /// Skip the confirmation
    #[arg(long)]
    yes: bool,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    match args.command {
        Command::Show => show(&retention::show(app)?, app.clock.now_ms(), call),
        Command::Set(args) => return set(&args, app, call),
    }
    Ok(())
}

fn set(args: &SetArgs, app: &App, call: &Call) -> Result<()> {
    let account = args.account.as_deref();
    let max_age_ms = args.max_age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let limits = match (args.default, args.keep, account) {
        (true, ..) | (_, true, None) => None,
        _ => Some(Limits { max_age_ms, max_bytes: args.max_bytes }),
    };
    if args.kind == Kind::Jobs && max_age_ms.is_some_and(|age| age < JOB_MIN_AGE_MS) {
        return Err(wrong_usage("--max-age: rows of jobs are kept for at least one day (1d)."));
    }
    let doomed = retention::preview(app, args.kind, account, limits)?;
    if !args.dry_run {
        if doomed.count > 0 && !args.yes {
            confirm(args, &doomed, app.clock.now_ms(), call)?;
        }
        retention::set(app, &config::operator(), args.kind, account, limits)?;
    }
    if call.json {
        output::json(&json!({
            "rule": rule_json(args.kind, account, limits),
            "would_delete": doomed_json(&doomed),
            "set": !args.dry_run,
        }));
        return Ok(());
    }
    let rule =
        format!("{}, {}: {}", args.kind.as_str(), whose(account), retention_words::in_words(account.is_some(), limits));
    output::line(&rule);
    let would = retention_words::would_delete(args.kind, &doomed, app.clock.now_ms());
    output::line(&format!("goes now: {would}"));
    if args.dry_run {
        output::say("Nothing was changed.");
    }
    Ok(())
}

fn confirm(args: &SetArgs, doomed: &Doomed, now_ms: i64, call: &Call) -> Result<()> {
    let verb = if args.kind == Kind::Jobs { "archives" } else { "deletes" };
    let fact = format!("This rule {verb} {}", retention_words::would_delete(args.kind, doomed, now_ms));
    if call.json || !prompt::is_possible() {
        let message =
            format!("{fact}. Is that intended? If so, add --yes; --dry-run only shows it. See `admin retention show`.");
        return Err(wrong_usage(hints::complete(&message, call)));
    }
    if prompt::agrees(&format!("{fact}. Set it?"))? {
        return Ok(());
    }
    Err(Error::conflict(ErrorCode::NotConfirmed, "Nothing was changed."))
}

fn show(rules: &[Shown], now_ms: i64, call: &Call) {
    if call.json {
        let view = |shown: &Shown| {
            let mut rule = rule_json(shown.rule.kind, shown.account.as_deref(), Some(shown.rule.limits));
            rule["would_delete"] = doomed_json(&shown.doomed);
            rule
        };
        return output::json(&json!({ "rules": rules.iter().map(view).collect::<Vec<_>>() }));
    }
    if rules.is_empty() {
        return output::line("No rules: nothing is deleted.");
    }
    let row = |shown: &Shown| {
        let limits = shown.rule.limits;
        [
            shown.rule.kind.as_str().to_owned(),
            shown.account.clone().unwrap_or_else(|| "(all)".to_owned()),
            limits.max_age_ms.map_or_else(|| "no limit".to_owned(), human::span),
            limits.max_bytes.map_or_else(|| "no limit".to_owned(), human::size),
            retention_words::would_delete(shown.rule.kind, &shown.doomed, now_ms),
        ]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    output::line(&output::table(["WHAT", "ACCOUNT", "MAX AGE", "MAX SIZE", "GOES NOW"], &rows));
}

fn rule_json(kind: Kind, account: Option<&str>, limits: Option<Limits>) -> Value {
    let limits = limits.unwrap_or_default();
    json!({
        "kind": kind.as_str(),
        "account": account,
        "max_age_seconds": limits.max_age_ms.map(|age| age / 1_000),
        "max_bytes": limits.max_bytes,
    })
}

fn doomed_json(doomed: &Doomed) -> Value {
    json!({
        "count": doomed.count,
        "bytes": doomed.bytes,
        "oldest_at": doomed.oldest_ms.map(rfc3339),
        "newest_at": doomed.newest_ms.map(rfc3339),
    })
}

fn whose(account: Option<&str>) -> String {
    account.map_or_else(|| "all accounts".to_owned(), output::plain)
}

/// Parses the kind.
fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| "it must be clips, demos or jobs".to_owned())
}
