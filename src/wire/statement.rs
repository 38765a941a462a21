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
    /// Whether the month is over; while it is not, more may come.
    pub ended: bool,
    /// Accounts with something to state, or the one that was asked for; the oldest first.
    pub statements: Vec<StatementView>,
    /// All of them together, one for each currency.
    pub totals: Vec<MoneyView>,
}

/// What an account owes for the month.
#[derive(Clone, Debug, Serialize)]
pub struct StatementView {
    /// Whose.
    pub account: AccountRef,
    /// Completed jobs, by what they are billed by.
    pub lines: Vec<LineView>,
    /// Dinks.
    pub dinks: DinksView,
    /// Lines and dinks together, one for each currency.
    pub totals: Vec<MoneyView>,
}

/// An account by its two names.
#[derive(Clone, Debug, Serialize)]
pub struct AccountRef {
    /// A UUID.
    pub id: String,
    /// As the operator calls it.
    pub name: String,
}

/// Completed jobs that are billed alike.
#[derive(Clone, Debug, Serialize)]
pub struct LineView {
    /// `metered` or `reserved`.
    pub class: String,
    /// `builtin` or `game`.
    pub renderer: String,
    /// Lines of the picture.
    pub resolution: u32,
    /// Frames a second.
    pub fps: u32,
    /// How many.
    pub jobs: u64,
    /// Seconds of their footage together.
    pub rendered_seconds: f64,
    /// The price of an hour when they were completed; 0 for reserved work.
    pub rate: String,
    /// The same in micro-units.
    pub rate_micros: i128,
    /// What they cost together.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// The dinks of a month.
#[derive(Clone, Debug, Serialize)]
pub struct DinksView {
    /// The most that were provisioned at any time of it.
    pub peak: u32,
    /// The flat price of one.
    pub price: String,
    /// The same in micro-units.
    pub price_micros: i128,
    /// What they cost together.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// Statements as they are answered.
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
