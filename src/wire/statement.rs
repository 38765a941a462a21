//! Statements as JSON.

use serde::Serialize;

use crate::domain::statement::{Statement, Statements};
use crate::domain::usage::{Billed, LineKey};
use crate::wire::money::MoneyView;
use crate::wire::time::rfc3339;
use crate::wire::usage::seconds;

/// Statements of one month.
#[derive(Clone, Debug, Serialize)]
pub struct StatementsView {
    /// `2026-11`, in UTC.
    pub month: String,
    /// RFC 3339.
    pub made_at: String,
    /// Whether the month is over; until then, amounts may still grow.
    pub ended: bool,
    /// Accounts with anything to bill, or the requested one; oldest first.
    pub statements: Vec<StatementView>,
    /// Totals, one per currency.
    pub totals: Vec<MoneyView>,
}

/// What an account owes for the month.
#[derive(Clone, Debug, Serialize)]
pub struct StatementView {
    /// The account.
    pub account: AccountRef,
    /// Completed jobs, grouped by what determines their price.
    pub lines: Vec<LineView>,
    /// Dinks.
    pub dinks: DinksView,
    /// Totals of lines and dinks, one per currency.
    pub totals: Vec<MoneyView>,
}

/// An account's id and name.
#[derive(Clone, Debug, Serialize)]
pub struct AccountRef {
    /// UUID.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
}

/// Completed jobs with the same price.
#[derive(Clone, Debug, Serialize)]
pub struct LineView {
    /// `metered` or `reserved`.
    pub class: String,
    /// `builtin` or `game`.
    pub renderer: String,
    /// Height in lines.
    pub resolution: u32,
    /// Frames per second.
    pub fps: u32,
    /// Number of jobs.
    pub jobs: u64,
    /// Total seconds of footage.
    pub rendered_seconds: f64,
    /// The price per hour when they were completed; 0 for reserved work.
    pub rate: String,
    /// The same in micro-units.
    pub rate_micros: i128,
    /// Total cost.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// The dinks of a month.
#[derive(Clone, Debug, Serialize)]
pub struct DinksView {
    /// The most that were provisioned at any time in the month.
    pub peak: u32,
    /// The flat price per dink.
    pub price: String,
    /// The same in micro-units.
    pub price_micros: i128,
    /// Total cost.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// Statements in a response.
pub fn view(statements: &Statements) -> StatementsView {
    StatementsView {
        month: statements.month.to_string(),
        made_at: rfc3339(statements.made_at_ms),
        ended: statements.ended(),
        statements: statements.list.iter().map(one).collect(),
        totals: MoneyView::all(&statements.totals()),
    }
}

fn one(statement: &Statement) -> StatementView {
    let (account, dinks) = (&statement.account, &statement.dinks);
    StatementView {
        account: AccountRef { id: account.public_id.to_string(), name: account.name.clone() },
        lines: statement.lines.0.iter().map(|(key, billed)| line(key, billed)).collect(),
        dinks: DinksView {
            peak: dinks.peak,
            price: dinks.price.to_string(),
            price_micros: dinks.price.get(),
            money: MoneyView::of(dinks.currency, dinks.amount()),
        },
        totals: MoneyView::all(&statement.totals()),
    }
}

fn line(key: &LineKey, billed: &Billed) -> LineView {
    LineView {
        class: key.class.as_str().into(),
        renderer: key.kind.renderer.as_str().into(),
        resolution: key.kind.resolution,
        fps: key.kind.fps,
        jobs: billed.jobs,
        rendered_seconds: seconds(billed.footage_ms),
        rate: key.rate.to_string(),
        rate_micros: key.rate.get(),
        money: MoneyView::of(key.currency, billed.amount),
    }
}
