//! Monthly statements: what an account owes for a month.

use super::account::Account;
use super::money::{Currency, Micros};
use super::month::Month;
use super::usage::{BilledLines, Sums};

/// The dinks on a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DinkLine {
    /// The highest number provisioned at any time of the month, including the number at its start.
    pub peak: u32,
    /// The monthly flat price of a dink, as in force at the month's end.
    pub price: Micros,
    /// The currency in force at the month's end.
    pub currency: Currency,
}

impl DinkLine {
    /// Their total price.
    pub fn amount(&self) -> Micros {
        self.price * self.peak
    }
}

/// What an account owes for a month.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The account.
    pub account: Account,
    /// Completed jobs.
    pub lines: BilledLines,
    /// Dinks; if there were none, the line says 0.
    pub dinks: DinkLine,
}

impl Statement {
    /// The total owed for footage and dinks.
    pub fn totals(&self) -> Sums {
        let mut sums = Sums::default();
        self.lines.0.iter().for_each(|(key, billed)| sums.add(key.currency, billed.amount));
        if self.dinks.peak > 0 {
            sums.add(self.dinks.currency, self.dinks.amount());
        }
        sums.or_zero(self.dinks.currency)
    }

    /// Whether there is nothing to bill.
    pub fn is_empty(&self) -> bool {
        self.lines.0.is_empty() && self.dinks.peak == 0
    }
}

/// The statements of a month.
#[derive(Clone, Debug)]
pub struct Statements {
    /// The month.
    pub month: Month,
    /// When they were made. Unix time in milliseconds.
    pub made_at_ms: i64,
    /// The currency in force at the month's end.
    pub currency: Currency,
    /// Statements by account, oldest account first.
    pub list: Vec<Statement>,
}

impl Statements {
    /// Whether the month is over, so that the statements are final.
    pub fn ended(&self) -> bool {
        self.made_at_ms >= self.month.period().to_ms
    }

    /// The total owed by all accounts.
    pub fn totals(&self) -> Sums {
        let mut sums = Sums::default();
        self.list.iter().for_each(|statement| sums.merge(&statement.totals()));
        sums.or_zero(self.currency)
    }
}
