//! Usage of an account in a period. A ledger can be long, so it is read in short chunks.

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::job::Caller;
use crate::domain::ledger::Ended;
use crate::domain::list::LIST_ROWS;
use crate::domain::month::Period;
use crate::domain::usage::{BilledLines, Usage};
use crate::store;
use crate::store::unbilled::Unbilled;

/// Usage of the caller's account, across all its keys.
pub fn usage(app: &App, caller: &Caller, period: Period) -> Result<Usage> {
    let account = caller.account.id;
    let currency = app.store.read(|db| store::rates::currency_at(db, period.last_ms()))?;
    let mut usage = Usage::of(period, currency, &billed(app, account, period)?);
    unbilled(app, account, period, |job| usage.line(job.class, job.kind).count(job.end))?;
    Ok(usage)
}

/// Calls a function with each of an account's failed and cancelled jobs of a period.
pub(in crate::app) fn unbilled(
    app: &App,
    account: AccountId,
    period: Period,
    mut call: impl FnMut(&Unbilled),
) -> Result<()> {
    let mut after = Ended::before(period.from_ms);
    loop {
        let page = app.store.read(|db| store::unbilled::of_account(db, account, after, period.to_ms, LIST_ROWS))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.ended;
        page.iter().for_each(&mut call);
    }
}

/// An account's completed jobs in a period, grouped into billing lines.
pub(in crate::app) fn billed(app: &App, account: AccountId, period: Period) -> Result<BilledLines> {
    let mut lines = BilledLines::default();
    let mut after = Ended::before(period.from_ms);
    loop {
        let page = app.store.read(|db| store::ledger::of_account(db, account, after, period.to_ms, LIST_ROWS))?;
        let Some(last) = page.last() else { return Ok(lines) };
        after = Ended { at_ms: last.at_ms, job: last.job };
        page.iter().for_each(|row| lines.add(row));
    }
}
