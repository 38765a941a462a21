//! What an account used in a period.

use super::App;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::job::Caller;
use crate::domain::month::Period;
use crate::domain::usage::{BilledLines, Usage};
use crate::store::{self, Db};

/// All that the caller's account used, by whichever of its keys.
pub fn usage(app: &App, caller: &Caller, period: Period) -> Result<Usage> {
    let account = caller.account.id;
    app.store.read(|db| {
        let currency = store::rates::currency_at(db, period.last_ms())?;
        let mut usage = Usage::of(period, currency, &billed(db, account, period)?);
        store::unbilled::each(db, account, period, |class, kind, end| usage.line(class, kind).count(end))?;
        Ok(usage)
    })
}

/// An account's completed jobs of a period, put together.
pub(super) fn billed(db: &Db, account: AccountId, period: Period) -> Result<BilledLines> {
    let mut lines = BilledLines::default();
    store::ledger::each(db, account, period, |row| lines.add(&row))?;
    Ok(lines)
}
