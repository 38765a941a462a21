//! `admin usage`: each account's usage and amount due for a month, as a table, printable statement, JSON or CSV.

use crate::app::App;
use crate::app::billing::statements;
use crate::cli::admin::{Call, output, statement};
use crate::cli::wrong_usage;
use crate::domain::error::Result;
use crate::domain::money::{Currency, Micros};
use crate::domain::month::Month;
use crate::domain::statement::{Statement, Statements};
use crate::wire;
use crate::wire::human;

/// Print usage and amounts due for a month; with --account, that account's statement, ready to print
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Months are in UTC. Footage is billed at the hourly price in force when it was completed; dinks at the price in force at the
month's end, by the highest number provisioned in the month. Failed, cancelled and retried work is never billed.

Example: November of all accounts for a spreadsheet, and one account's statement:
  dinkem-appliance admin usage --month 2026-11 --csv
  dinkem-appliance admin usage --month 2026-11 --account studio-a")]
pub struct Args {
    /// Month in UTC [default: the current one]
    #[arg(long, value_name = "YYYY-MM", value_parser = Month::parse)]
    month: Option<Month>,
    /// Only this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Print CSV with headings, safe to open in a spreadsheet
    #[arg(long)]
    csv: bool,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    if args.csv && call.json {
        return Err(wrong_usage("--csv and --json cannot be combined: choose one."));
    }
    let made = statements::make(app, args.month, args.account.as_deref())?;
    if call.json {
        output::json(&wire::statement::view(&made));
    } else if args.csv {
        csv(&made);
    } else if let (Some(_), [only]) = (args.account, made.list.as_slice()) {
        output::line(&statement::text(&made, only));
    } else {
        table(&made);
    }
    Ok(())
}

/// One row of the table and the CSV: a line of a statement, or its dinks.
struct Row<'a> {
    statement: &'a Statement,
    class: &'static str,
    /// Renderer, resolution and frame rate; only for footage.
    kind: [String; 3],
    /// Completed jobs, or dinks.
    number: String,
    /// Only for footage.
    footage_ms: Option<u64>,
    /// Price per hour, or per dink.
    price: Micros,
    currency: Currency,
    amount: Micros,
}

fn rows(statement: &Statement) -> Vec<Row<'_>> {
    let footage = statement.lines.0.iter().map(|(key, billed)| Row {
        statement,
        class: key.class.as_str(),
        kind: [key.kind.renderer.as_str().into(), key.kind.resolution.to_string(), key.kind.fps.to_string()],
        number: billed.jobs.to_string(),
        footage_ms: Some(billed.footage_ms),
        price: key.rate,
        currency: key.currency,
        amount: billed.amount,
    });
    let dinks = &statement.dinks;
    let provisioned = (dinks.peak > 0).then(|| Row {
        statement,
        class: "dinks",
        kind: Default::default(),
        number: dinks.peak.to_string(),
        footage_ms: None,
        price: dinks.price,
        currency: dinks.currency,
        amount: dinks.amount(),
    });
    footage.chain(provisioned).collect()
}

/// Text columns of a bill; the others are right-aligned numbers.
const TEXTS: usize = 3;

fn bill(mut rows: Vec<[String; 7]>) -> String {
    let mut headings = ["ACCOUNT", "CLASS", "FOOTAGE", "N", "HOURS", "PRICE", "AMOUNT"].map(str::to_owned);
    for column in TEXTS..headings.len() {
        let cells = || rows.iter().chain([&headings]).map(|row| row[column].len());
        let width = cells().max().unwrap_or(0);
        for row in rows.iter_mut().chain([&mut headings]) {
            row[column] = format!("{:>width$}", row[column]);
        }
    }
    output::table(headings.each_ref().map(String::as_str), &rows)
}

fn table(made: &Statements) {
    let rows: Vec<_> = made
        .list
        .iter()
        .flat_map(rows)
        .map(|row| {
            let [renderer, resolution, fps] = row.kind;
            let footage = if renderer.is_empty() { String::new() } else { format!("{renderer} {resolution}p{fps}") };
            let hours = row.footage_ms.map(statement::hours).unwrap_or_default();
            let account = row.statement.account.name.clone();
            let amount = human::money(row.amount, row.currency);
            [account, row.class.into(), footage, row.number, hours, human::price(row.price), amount]
        })
        .collect();
    output::line(&bill(rows));
    let totals: Vec<_> = made.totals().iter().map(|(currency, amount)| human::money(amount, currency)).collect();
    let so_far = if made.ended() { "" } else { " so far" };
    output::line(&format!("\nTotal for {}{so_far}: {}", made.month, totals.join(", ")));
}

fn csv(made: &Statements) {
    let headings =
        "month,account_id,account,class,renderer,resolution,fps,number,rendered_seconds,price,currency,amount";
    output::line(headings);
    for row in made.list.iter().flat_map(rows) {
        let [renderer, resolution, fps] = row.kind;
        let seconds = row.footage_ms.map(|ms| format!("{}.{:03}", ms / 1_000, ms % 1_000)).unwrap_or_default();
        let account = &row.statement.account;
        let (month, id) = (made.month.to_string(), account.public_id.to_string());
        let (name, class) = (account.name.clone(), row.class.to_owned());
        output::csv(&[
            month,
            id,
            name,
            class,
            renderer,
            resolution,
            fps,
            row.number,
            seconds,
            row.price.to_string(),
            row.currency.to_string(),
            row.amount.to_string(),
        ]);
    }
}
