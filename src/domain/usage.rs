//! What an account used: completed work as it is billed, work that came to nothing as it is counted, and sums by
//! currency, so that no sum ever mixes two.

use std::collections::BTreeMap;

use super::job::JobStatus;
use super::key::KeyClass;
use super::ledger::LedgerRow;
use super::money::{Currency, Micros};
use super::month::Period;
use super::rates::FootageKind;

/// An amount in each currency. Exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<Currency, Micros>);

impl Sums {
    /// Adds an amount.
    pub fn add(&mut self, currency: Currency, amount: Micros) {
        *self.0.entry(currency).or_default() += amount;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(currency, amount)| self.add(currency, amount));
    }

    /// The same, or nothing in this currency: a sum over no rows is a sum, too.
    #[must_use]
    pub fn or_zero(mut self, currency: Currency) -> Self {
        if self.0.is_empty() {
            self.add(currency, Micros::ZERO);
        }
        self
    }

    /// Each currency with its amount, by code.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Micros)> {
        self.0.iter().map(|(currency, amount)| (*currency, *amount))
    }
}

/// What completed jobs have in common that are billed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    /// Metered or reserved.
    pub class: KeyClass,
    /// Renderer, resolution, frames a second.
    pub kind: FootageKind,
    /// Of rate and amount.
    pub currency: Currency,
    /// Price of an hour when the work was completed; 0 for reserved work, which dinks cover.
    pub rate: Micros,
}

/// Completed jobs that are billed alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// How many.
    pub jobs: u64,
    /// Length of their footage together, in milliseconds.
    pub footage_ms: u64,
    /// The sum of their amounts.
    pub amount: Micros,
}

/// Completed jobs by what they are billed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BilledLines(pub BTreeMap<LineKey, Billed>);

impl BilledLines {
    /// Adds a completed job.
    pub fn add(&mut self, row: &LedgerRow) {
        let key = LineKey { class: row.class, kind: row.kind, currency: row.currency, rate: row.rate };
        let line = self.0.entry(key).or_default();
        line.jobs += 1;
        line.footage_ms = line.footage_ms.saturating_add(row.footage_ms);
        line.amount += row.amount;
    }
}

/// What became of jobs, and what they cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs completed.
    pub done: u64,
    /// Jobs that failed for good: never billed.
    pub failed: u64,
    /// Jobs that were cancelled: never billed.
    pub cancelled: u64,
    /// Length of the completed jobs' footage, in milliseconds.
    pub footage_ms: u64,
    /// What they cost.
    pub money: Sums,
}

impl Tally {
    /// Counts a job that came to nothing.
    pub fn count(&mut self, end: JobStatus) {
        match end {
            JobStatus::Failed => self.failed += 1,
            JobStatus::Cancelled => self.cancelled += 1,
            JobStatus::Queued | JobStatus::Rendering | JobStatus::Done => {}
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.footage_ms = self.footage_ms.saturating_add(other.footage_ms);
        self.money.merge(&other.money);
    }
}

/// What an account used in a period.
#[derive(Clone, Debug)]
pub struct Usage {
    /// When.
    pub period: Period,
    /// The currency in force at the period's end: that of a sum over no rows.
    pub currency: Currency,
    /// By class and kind of footage.
    pub lines: BTreeMap<(KeyClass, FootageKind), Tally>,
}

impl Usage {
    /// Puts together what was billed; what came to nothing is added to `lines` by [`Tally::count`].
    pub fn of(period: Period, currency: Currency, billed: &BilledLines) -> Self {
        let mut usage = Self { period, currency, lines: BTreeMap::new() };
        for (key, billed) in &billed.0 {
            let tally = usage.line(key.class, key.kind);
            tally.done += billed.jobs;
            tally.footage_ms = tally.footage_ms.saturating_add(billed.footage_ms);
            tally.money.add(key.currency, billed.amount);
        }
        usage
    }

    /// The line of a class and kind; a new one costs nothing.
    pub fn line(&mut self, class: KeyClass, kind: FootageKind) -> &mut Tally {
        self.lines.entry((class, kind)).or_default()
    }

    /// All lines together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.lines.values().for_each(|line| total.merge(line));
        total
    }
}
