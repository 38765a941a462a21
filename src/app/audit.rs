//! The audit: every change that the operator makes is written down in the transaction that makes it.

use crate::app::App;
use crate::domain::error::Result;
use crate::store::{self, Tx};

pub use crate::store::audit::Entry;

/// Writes the audit inside one transaction.
pub struct Clerk {
    actor: String,
    /// When the change is made. Unix time in milliseconds.
    pub now_ms: i64,
}

impl Clerk {
    /// Notes what was done, as words with dots (`account.activate`), to what, and what else there is to say. Never a
    /// secret.
    pub fn note(&self, tx: &mut Tx<'_>, action: &'static str, subject: &str, details: &str) -> Result<()> {
        store::audit::insert(tx, self.now_ms, &self.actor, action, subject, details)
    }
}

/// Makes a change of the operator's: the transaction that holds it holds the notes of the clerk too.
pub fn change<T: Send + 'static>(
    app: &App,
    operation: impl FnOnce(&mut Tx<'_>, &Clerk) -> Result<T> + Send + 'static,
) -> Result<T> {
    let clerk = Clerk { actor: app.operator.clone(), now_ms: app.clock.now_ms() };
    app.store.write(move |tx| operation(tx, &clerk))
}

/// The latest acts, the latest first.
pub fn list(app: &App, limit: u32) -> Result<Vec<Entry>> {
    app.store.read(|db| store::audit::latest(db, limit))
}
