//! Dinks: reserved render nodes that an account has bought.

use super::accounts::named;
use super::{App, audit};
use crate::domain::account::Account;
use crate::domain::error::Result;
use crate::store;

pub use crate::store::dinks::DinkChange;

/// What is sold and what there is.
pub struct Dinks {
    /// All accounts.
    pub accounts: Vec<Account>,
    /// Each time that an account's dinks were set, the latest first.
    pub history: Vec<DinkChange>,
    /// Dinks of all accounts together.
    pub sold: u64,
    /// Slots of all nodes that were heard of lately and take work.
    pub live_slots: u64,
}

/// Sets an account's dinks, from now on.
pub fn set(app: &App, name: &str, dinks: u32) -> Result<Account> {
    let name = name.to_owned();
    audit::change(app, move |tx, clerk| {
        let account = named(tx, &name)?;
        store::accounts::set_dinks(tx, account.id, dinks)?;
        store::dinks::record(tx, account.id, dinks, clerk.now_ms)?;
        clerk.note(tx, "dinks.set", &name, &format!("{} to {dinks}", account.dinks))?;
        Ok(Account { dinks, ..account })
    })
}

/// What is sold, when it was, and what there is to serve it.
pub fn show(app: &App) -> Result<Dinks> {
    let now = app.clock.now_ms();
    app.store.read(|db| {
        let accounts = store::accounts::all(db)?;
        let sold = accounts.iter().map(|account| u64::from(account.dinks)).sum();
        let live_slots = store::nodes::live(db, now)?;
        let live_slots = live_slots.iter().filter(|node| node.takes_work()).map(|node| u64::from(node.slots)).sum();
        Ok(Dinks { history: store::dinks::history(db)?, sold, live_slots, accounts })
    })
}
