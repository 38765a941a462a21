//! Usage of an account: completed jobs as billed, the number of failed and cancelled jobs, and sums per currency, so
//! that currencies are never mixed.

use std::collections::BTreeMap;

use super::job::JobStatus;
use super::key::KeyClass;
use super::ledger::LedgerRow;
use super::money::{Currency, Micros};
use super::month::Period;
use super::rates::FootageKind;

/// Exact amounts, one per currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<Currency, Micros>);

impl Sums {
    /// Adds an amount.
    pub fn add(&mut self, currency: Currency, amount: Micros) {
        *self.0.entry(currency).or_default() += amount;
    }

    /// Adds all amounts of another sum.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(currency, amount)| self.add(currency, amount));
    }

    /// Returns the sum, or zero in this currency if it is empty: the sum over no rows needs a currency, too.
    #[must_use]
    pub fn or_zero(mut self, currency: Currency) -> Self {
        if self.0.is_empty() {
            self.add(currency, Micros::ZERO);
        }
        self
    }

    /// Each currency and its amount, ordered by code.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Micros)> {
        self.0.iter().map(|(currency, amount)| (*currency, *amount))
    }
}

/// What completed jobs on the same billing line have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    /// Metered or reserved.
    pub class: KeyClass,
    /// Renderer, resolution and frames per second.
    pub kind: FootageKind,
    /// The currency of rate and amount.
    pub currency: Currency,
    /// Hourly rate when the job was completed; 0 for reserved work, which dinks cover.
    pub rate: Micros,
}

/// The totals of a billing line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// Number of jobs.
    pub jobs: u64,
    /// Total length of their footage in milliseconds.
    pub footage_ms: u64,
    /// The sum of their amounts.
    pub amount: Micros,
}

/// Completed jobs, grouped into billing lines.
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

/// Job counts by outcome, and their cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs completed.
    pub done: u64,
    /// Jobs that failed permanently: never billed.
    pub failed: u64,
    /// Jobs that were cancelled: never billed.
    pub cancelled: u64,
    /// Total length of the completed jobs' footage in milliseconds.
    pub footage_ms: u64,
    /// Their cost.
    pub money: Sums,
}

impl Tally {
    /// Counts a job that failed or was cancelled.
    pub fn count(&mut self, end: JobStatus) {
        match end {
            JobStatus::Failed => self.failed += 1,
            JobStatus::Cancelled => self.cancelled += 1,
            JobStatus::Queued | JobStatus::Rendering | JobStatus::Done => {}
        }
    }

    /// Adds another tally.
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
    /// The period.
    pub period: Period,
    /// The currency in force at the period's end, used for sums over no rows.
    pub currency: Currency,
    /// Totals by class and kind of footage.
    pub lines: BTreeMap<(KeyClass, FootageKind), Tally>,
}

impl Usage {
    /// Collects what was billed. Failed and cancelled jobs are added to `lines` with [`Tally::count`].
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

    /// The line of a class and kind, created with zero cost if missing.
    pub fn line(&mut self, class: KeyClass, kind: FootageKind) -> &mut Tally {
        self.lines.entry((class, kind)).or_default()
    }

    /// The sum of all lines.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.lines.values().for_each(|line| total.merge(line));
        total
    }
}
