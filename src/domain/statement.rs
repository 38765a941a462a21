//! A statement: what an account owes for a month.

use super::account::Account;
use super::money::{Currency, Micros};
use super::month::Month;
use super::usage::{BilledLines, Sums};

/// Dinks on a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DinkLine {
    /// The most that were provisioned at any time of the month, carried in from before it or set in it.
    pub peak: u32,
    /// The flat price of one for a month, as in force at the month's end.
    pub price: Micros,
    /// The currency in force at the month's end.
    pub currency: Currency,
}

impl DinkLine {
    /// What they cost.
    pub fn amount(&self) -> Micros {
        self.price * self.peak
    }
}

/// What an account owes for a month.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Whose.
    pub account: Account,
    /// Completed jobs.
    pub lines: BilledLines,
    /// Dinks, also when there were none: the line then says 0.
    pub dinks: DinkLine,
}

impl Statement {
    /// All that is owed: footage and dinks.
    pub fn totals(&self) -> Sums {
        let mut sums = Sums::default();
        self.lines.0.iter().for_each(|(key, billed)| sums.add(key.currency, billed.amount));
        if self.dinks.peak > 0 {
            sums.add(self.dinks.currency, self.dinks.amount());
        }
        sums.or_zero(self.dinks.currency)
    }

    /// Whether there is nothing to state.
    pub fn is_empty(&self) -> bool {
        self.lines.0.is_empty() && self.dinks.peak == 0
    }
}

/// Statements of one month.
#[derive(Clone, Debug)]
pub struct Statements {
    /// Which month.
    pub month: Month,
    /// When they were made. Unix time in milliseconds.
    pub made_at_ms: i64,
    /// The currency in force at the month's end.
    pub currency: Currency,
    /// By account, the oldest first.
    pub list: Vec<Statement>,
}

impl Statements {
    /// Whether the month is over: what they say is then final.
    pub fn ended(&self) -> bool {
        self.made_at_ms >= self.month.period().to_ms
    }

    /// All that is owed by all of them.
    pub fn totals(&self) -> Sums {
        let mut sums = Sums::default();
        self.list.iter().for_each(|statement| sums.merge(&statement.totals()));
        sums.or_zero(self.currency)
    }
}
