//! Statements: what accounts owe for a month.

use crate::app::App;
use crate::app::accounts::named;
use crate::app::billing::usage::billed;
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::domain::list::LIST_ROWS;
use crate::domain::month::Month;
use crate::domain::statement::{DinkLine, Statement, Statements};
use crate::store;

/// The statement of one account, or of all accounts with something to bill. Defaults to the current month.
pub fn make(app: &App, month: Option<Month>, account: Option<&str>) -> Result<Statements> {
    let made_at_ms = app.clock.now_ms();
    let running = Month::of(made_at_ms);
    let month = month.unwrap_or(running);
    if month > running {
        return Err(Error::invalid("month", format!("{month} has not begun yet: the month is {running} in UTC.")));
    }
    let period = month.period();
    let (currency, price) = app.store.read(|db| {
        let end = period.last_ms();
        Ok((store::rates::currency_at(db, end)?, store::rates::dink_at(db, end)?))
    })?;
    let state = |account: Account| -> Result<Statement> {
        let peak = app.store.read(|db| store::dinks::peak(db, account.id, period))?;
        let dinks = DinkLine { peak, price, currency };
        Ok(Statement { lines: billed(app, account.id, period)?, dinks, account })
    };
    let mut list = Vec::new();
    if let Some(name) = account {
        list.push(state(app.store.read(|db| named(db, name))?)?);
    } else {
        let mut last = AccountId(0);
        loop {
            let page = app.store.read(|db| store::accounts::page(db, last, LIST_ROWS))?;
            let Some(end) = page.last() else { break };
            last = end.id;
            for account in page {
                list.push(state(account)?);
            }
        }
        list.retain(|statement| !statement.is_empty());
    }
    Ok(Statements { month, made_at_ms, currency, list })
}
