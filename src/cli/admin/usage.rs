//! `admin usage`: each account's usage and amount due for a month, as a table, printable statement, JSON or CSV.

use crate::app::App;
use crate::app::billing::statements;
use crate::cli::admin::{Call, output, statement};
use crate::cli::wrong_usage;
use crate::domain::error::Result;
use crate::domain::month::Month;
use crate::domain::statement::Statements;
use crate::wire::{self, bill, human};

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
        bill::csv(&made).iter().for_each(|line| output::line(line));
    } else if let (Some(_), [only]) = (args.account, made.list.as_slice()) {
        output::line(&statement::text(&made, only));
    } else {
        table(&made);
    }
    Ok(())
}

/// Text columns of a bill; the others are right-aligned numbers.
const TEXTS: usize = 3;

fn aligned(mut rows: Vec<[String; 7]>) -> String {
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
        .flat_map(bill::rows)
        .map(|row| {
            let footage = row.kind.map(human::footage_kind).unwrap_or_default();
            let hours = row.footage_ms.map(human::hours).unwrap_or_default();
            let account = row.statement.account.name.clone();
            let amount = human::money(row.amount, row.currency);
            [account, row.class.into(), footage, row.number.to_string(), hours, human::price(row.price), amount]
        })
        .collect();
    output::line(&aligned(rows));
    let totals: Vec<_> = made.totals().iter().map(|(currency, amount)| human::money(amount, currency)).collect();
    let so_far = if made.ended() { "" } else { " so far" };
    output::line(&format!("\nTotal for {}{so_far}: {}", made.month, totals.join(", ")));
}
