//! Usage of a month for a page that is asked for every few seconds. A ledger can be long, so an account's jobs are counted
//! again only after a while: the longer counting took, the later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::billing::statements::{self, Terms};
use crate::app::billing::usage::{billed, unbilled};
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::month::Month;
use crate::domain::statement::Statements;
use crate::domain::usage::{BilledLines, Tally};

/// Counts of this age are shown again, at least.
const KEPT: Duration = Duration::from_secs(5);
/// Counts are kept for this many times as long as counting took, so that it takes at most 2 % of a processor.
const KEPT_TIMES: u32 = 50;
/// Accounts and months whose counts are kept.
const KEPT_COUNTS: usize = 10_000;

/// An account's jobs that ended in a month.
struct Counts {
    lines: BilledLines,
    failed: u64,
    cancelled: u64,
    as_of_ms: i64,
    /// When they are counted again, as monotonic time.
    until: Duration,
}

/// Counts that were made lately.
#[derive(Default)]
pub(in crate::app) struct Cache(Mutex<HashMap<(AccountId, Month), Arc<Counts>>>);

impl Cache {
    fn counts(&self, app: &App, account: AccountId, month: Month) -> Result<Arc<Counts>> {
        let begun = app.clock.monotonic();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(account, month)).cloned();
        if let Some(counts) = known.filter(|counts| begun < counts.until) {
            return Ok(counts);
        }
        let as_of_ms = app.clock.now_ms();
        let lines = billed(app, account, month.period())?;
        let mut tally = Tally::default();
        unbilled(app, account, month.period(), |job| tally.count(job.end))?;
        let ended = app.clock.monotonic();
        let until = ended + KEPT.max(ended.saturating_sub(begun) * KEPT_TIMES);
        let counts = Arc::new(Counts { lines, failed: tally.failed, cancelled: tally.cancelled, as_of_ms, until });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_COUNTS {
            all.clear();
        }
        all.insert((account, month), Arc::clone(&counts));
        Ok(counts)
    }
}

/// What accounts used in a month.
pub struct MonthUsage {
    /// What they owe, as counted when it says that it was made.
    pub statements: Statements,
    /// Jobs that failed and that were cancelled, of each of the statements.
    pub unbilled: Vec<(u64, u64)>,
}

/// The usage of one account, or of all accounts that used anything. Defaults to the current month. Prices and dinks are
/// as they are now.
pub fn usage(app: &App, month: Option<Month>, account: Option<&str>) -> Result<MonthUsage> {
    let now_ms = app.clock.now_ms();
    let terms = Terms::of(app, month, now_ms)?;
    let (mut list, mut unbilled, mut made_at_ms) = (Vec::new(), Vec::new(), now_ms);
    statements::for_each(app, account, |of| {
        let counts = app.month_usage.counts(app, of.id, terms.month)?;
        let statement = terms.statement(app, of, counts.lines.clone())?;
        if account.is_some() || !statement.is_empty() || counts.failed + counts.cancelled > 0 {
            made_at_ms = made_at_ms.min(counts.as_of_ms);
            list.push(statement);
            unbilled.push((counts.failed, counts.cancelled));
        }
        Ok(())
    })?;
    let statements = Statements { month: terms.month, made_at_ms, currency: terms.currency, list };
    Ok(MonthUsage { statements, unbilled })
}
