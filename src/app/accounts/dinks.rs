//! Dinks: reserved render nodes that an account has bought.

use crate::app::accounts::named;
use crate::app::{App, audit};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::month::Month;
use crate::domain::operator::Operator;
use crate::domain::wording::quoted;
use crate::store::{self, Db};
use crate::wire::time::rfc3339;

pub use crate::store::dinks::DinkChange;

/// Dinks of one account: more than any data center has render slots.
pub const ACCOUNT_DINKS: u32 = 100_000;
/// Dinks per live render slot above which `admin` asks the operator for confirmation.
const DINKS_PER_LIVE_SLOT: u64 = 10;

/// Dinks sold, and the capacity to serve them.
pub struct Dinks {
    /// All accounts.
    pub accounts: Vec<Account>,
    /// Every change of an account's dinks, latest first.
    pub history: Vec<DinkChange>,
    /// Dinks of all accounts.
    pub sold: u64,
    /// Slots of all live nodes that accept work.
    pub live_slots: u64,
}

/// A change that was removed from the bill.
pub struct Undone {
    /// The account, with its previous number of dinks.
    pub account: Account,
    /// The number of dinks that the change had set.
    pub dinks: u32,
    /// When the change was made, Unix time in milliseconds.
    pub at_ms: i64,
    /// Whether this changes statements of past months.
    pub changes_ended_months: bool,
}

/// Whether an account may have this many dinks.
pub fn check(dinks: u32) -> Result<()> {
    if dinks > ACCOUNT_DINKS {
        return Err(Error::invalid("dinks", format!("An account can have at most {ACCOUNT_DINKS} dinks.")));
    }
    Ok(())
}

/// Whether the number is so far above the live slots that it is probably a typo. Zero slots count as one, because
/// accounts are often created before the first node joins.
pub fn are_unlikely(dinks: u32, live_slots: u64) -> bool {
    u64::from(dinks) > DINKS_PER_LIVE_SLOT * live_slots.max(1)
}

/// Sets an account's dinks, effective immediately.
pub fn set(app: &App, operator: &Operator, name: &str, dinks: u32) -> Result<Account> {
    check(dinks)?;
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        store::accounts::set_dinks(tx, account.id, dinks)?;
        store::dinks::record(tx, account.id, dinks, log.now_ms)?;
        log.note(tx, "dinks.set", &name, &format!("{} to {dinks}", account.dinks))?;
        Ok(Account { dinks, ..account })
    })
}

/// Undoes the last change of an account's dinks: restores the previous number and removes the change from the month's
/// peak. Calling it again undoes the change before that.
pub fn undo(app: &App, operator: &Operator, name: &str) -> Result<Undone> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let change = store::dinks::last_standing(tx, account.id)?.ok_or_else(|| {
            let message = format!(
                "There is no change of {name}'s dinks to undo: none was made, or all were undone. See `admin dinks show`; \
                 to set them: `admin dinks set {} N`.",
                quoted(&name)
            );
            Error::conflict(ErrorCode::NothingToUndo, message)
        })?;
        store::dinks::undo(tx, change, log.now_ms)?;
        let before = store::dinks::last_standing(tx, account.id)?.map_or(0, |before| before.dinks);
        store::accounts::set_dinks(tx, account.id, before)?;
        let details = format!("{} back to {before}, as set at {}", change.dinks, rfc3339(change.at_ms));
        log.note(tx, "dinks.undo", &name, &details)?;
        Ok(Undone {
            account: Account { dinks: before, ..account },
            dinks: change.dinks,
            at_ms: change.at_ms,
            changes_ended_months: Month::of(change.at_ms) < Month::of(log.now_ms),
        })
    })
}

/// Dinks sold, their history, and the capacity to serve them.
pub fn show(app: &App) -> Result<Dinks> {
    let now = app.clock.now_ms();
    app.store.read(|db| {
        let (sold, live_slots) = capacity(db, now)?;
        Ok(Dinks { accounts: store::accounts::all(db)?, history: store::dinks::history(db)?, sold, live_slots })
    })
}

/// One account's dinks: the same with only its own history, the latest `limit` changes.
pub fn show_one(app: &App, account: &Account, limit: u32) -> Result<Dinks> {
    let now = app.clock.now_ms();
    app.store.read(|db| {
        let (sold, live_slots) = capacity(db, now)?;
        let history = store::dinks::history_of_account(db, account.id, limit)?;
        Ok(Dinks { accounts: vec![account.clone()], history, sold, live_slots })
    })
}

/// Dinks of all accounts, and slots of all live nodes that accept work.
fn capacity(db: &Db, now_ms: i64) -> Result<(u64, u64)> {
    let live = store::nodes::live(db, now_ms)?;
    let slots = live.iter().filter(|node| node.takes_work()).map(|node| u64::from(node.offer.slots)).sum();
    Ok((store::accounts::dinks_sold(db)?, slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_ten_times_the_live_slots_is_unlikely() {
        let cases = [(0, 0, false), (10, 0, false), (11, 0, true), (10, 1, false), (20, 2, false), (21, 2, true)];
        for (dinks, live_slots, unlikely) in cases {
            assert_eq!(are_unlikely(dinks, live_slots), unlikely, "{dinks} with {live_slots}");
        }
        assert!(check(100_000).is_ok() && check(100_001).is_err() && check(u32::MAX).is_err());
    }
}
