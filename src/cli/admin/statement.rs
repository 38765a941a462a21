//! A statement as plain text, 80 columns wide, for printing or mail.

use std::fmt::Write as _;

use crate::cli::admin::output::plain;
use crate::domain::key::KeyClass;
use crate::domain::money::{Currency, Micros};
use crate::domain::statement::{Statement, Statements};
use crate::domain::usage::{Billed, LineKey};
use crate::wire::human;

/// Page width.
const WIDTH: usize = 80;
/// Width of an amount with its currency.
const AMOUNT: usize = 20;

/// The statement, without a trailing newline.
pub fn text(made: &Statements, statement: &Statement) -> String {
    let mut out = String::new();
    let account = &statement.account;
    let state = if made.ended() { "final" } else { "provisional: the month has not ended" };
    let period = made.month.period();
    let _ = writeln!(out, "{:<9}{:>71}", "STATEMENT", made.month.to_string());
    let _ = writeln!(out, "{}", "=".repeat(WIDTH));
    let _ = writeln!(out, "Account   {}", plain(&account.name));
    let _ = writeln!(out, "          {}", account.public_id);
    let _ = writeln!(out, "Period    {} to {} (UTC)", human::date(period.from_ms), human::date(period.to_ms - 1));
    let _ = writeln!(out, "Issued    {}, {state}", human::date_time(made.made_at_ms));
    footage(&mut out, statement, KeyClass::Metered, "Metered footage, per hour");
    footage(&mut out, statement, KeyClass::Reserved, "Reserved footage, covered by dinks");
    dinks(&mut out, statement);
    let _ = writeln!(out, "{}", "=".repeat(WIDTH));
    for (at, (currency, amount)) in statement.totals().iter().enumerate() {
        let label = if at == 0 { "Total" } else { "" };
        let _ = writeln!(out, "{label:<60}{}", money(currency, amount));
    }
    out.push_str("\nEach clip's amount is rounded half up to a millionth; sums are exact.\n");
    out.push_str("Failed and cancelled jobs and retried attempts are not billed.");
    out
}

fn footage(out: &mut String, statement: &Statement, class: KeyClass, title: &str) {
    let lines: Vec<_> = statement.lines.0.iter().filter(|(key, _)| key.class == class).collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    let headings = ["renderer", "resolution", "fps", "clips", "hours", "hourly price", "amount"];
    let _ = writeln!(out, "{}", columns(headings.map(str::to_owned)));
    for (key, billed) in lines {
        let _ = writeln!(out, "{}", line(key, billed));
    }
}

fn line(key: &LineKey, billed: &Billed) -> String {
    columns([
        key.kind.renderer.as_str().to_owned(),
        key.kind.resolution.to_string(),
        key.kind.fps.to_string(),
        billed.jobs.to_string(),
        human::hours(billed.footage_ms),
        human::price(key.rate),
        money(key.currency, billed.amount),
    ])
}

fn columns([renderer, resolution, fps, clips, hours, price, amount]: [String; 7]) -> String {
    format!("{renderer:<8}{resolution:>11}{fps:>4}{clips:>7}{hours:>14}{price:>16}{amount:>AMOUNT$}")
}

fn dinks(out: &mut String, statement: &Statement) {
    let dinks = &statement.dinks;
    if dinks.peak == 0 {
        return;
    }
    let _ = writeln!(out, "\nDinks, per month");
    let number = format!("{} at the month's peak", dinks.peak);
    let _ = writeln!(out, "{number:<44}{:>16}{}", human::price(dinks.price), money(dinks.currency, dinks.amount()));
}

fn money(currency: Currency, amount: Micros) -> String {
    format!("{:>AMOUNT$}", human::money(amount, currency))
}
