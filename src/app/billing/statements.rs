//! Statements: what accounts owe for a month.

use crate::app::App;
use crate::app::accounts::named;
use crate::app::billing::usage::billed;
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::domain::list::LIST_ROWS;
use crate::domain::money::{Currency, Micros};
use crate::domain::month::Month;
use crate::domain::statement::{DinkLine, Statement, Statements};
use crate::domain::usage::BilledLines;
use crate::store;

/// The statement of one account, or of all accounts with something to bill. Defaults to the current month.
pub fn make(app: &App, month: Option<Month>, account: Option<&str>) -> Result<Statements> {
    let made_at_ms = app.clock.now_ms();
    let terms = Terms::of(app, month, made_at_ms)?;
    let mut list = Vec::new();
    for_each(app, account, |account| {
        let lines = billed(app, account.id, terms.month.period())?;
        list.push(terms.statement(app, account, lines)?);
        Ok(())
    })?;
    if account.is_none() {
        list.retain(|statement| !statement.is_empty());
    }
    Ok(Statements { month: terms.month, made_at_ms, currency: terms.currency, list })
}

/// What all statements of a month have in common.
pub(in crate::app) struct Terms {
    /// The month.
    pub month: Month,
    /// The currency in force at its end.
    pub currency: Currency,
    /// The price of a dink in force at its end.
    dink: Micros,
}

impl Terms {
    /// Of this month, or of the current one. A month that has not begun is refused.
    pub fn of(app: &App, month: Option<Month>, now_ms: i64) -> Result<Self> {
        let running = Month::of(now_ms);
        let month = month.unwrap_or(running);
        if month > running {
            return Err(Error::invalid("month", format!("{month} has not begun yet: the month is {running} in UTC.")));
        }
        let end = month.period().last_ms();
        app.store.read(|db| {
            Ok(Self { month, currency: store::rates::currency_at(db, end)?, dink: store::rates::dink_at(db, end)? })
        })
    }

    /// An account's statement with these lines.
    pub fn statement(&self, app: &App, account: Account, lines: BilledLines) -> Result<Statement> {
        let peak = app.store.read(|db| store::dinks::peak(db, account.id, self.month.period()))?;
        Ok(Statement { dinks: DinkLine { peak, price: self.dink, currency: self.currency }, lines, account })
    }
}

/// Calls a function with the named account or, without a name, with each, oldest first.
pub(in crate::app) fn for_each(
    app: &App,
    account: Option<&str>,
    mut call: impl FnMut(Account) -> Result<()>,
) -> Result<()> {
    if let Some(name) = account {
        return call(app.store.read(|db| named(db, name))?);
    }
    let mut last = AccountId(0);
    loop {
        let page = app.store.read(|db| store::accounts::page(db, last, LIST_ROWS))?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.id;
        page.into_iter().try_for_each(&mut call)?;
    }
}
