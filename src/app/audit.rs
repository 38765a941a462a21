//! The audit log: every change that the operator makes is recorded in the transaction that makes it.

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::operator::Operator;
use crate::store::{self, Tx};

pub use crate::store::audit::Entry;

/// The audit log inside one transaction.
pub struct AuditLog {
    operator: Operator,
    /// When the change is made. Unix time in milliseconds.
    pub now_ms: i64,
}

impl AuditLog {
    /// Adds an entry: the action (`account.activate`), its subject and details. Never a secret.
    pub fn note(&self, tx: &mut Tx<'_>, action: &'static str, subject: &str, details: &str) -> Result<()> {
        store::audit::insert(tx, self.now_ms, &self.operator, action, subject, details)
    }
}

/// Runs a change by the operator together with its audit log entries in one transaction.
pub fn change<T: Send + 'static>(
    app: &App,
    operator: &Operator,
    operation: impl FnOnce(&mut Tx<'_>, &AuditLog) -> Result<T> + Send + 'static,
) -> Result<T> {
    let log = AuditLog { operator: operator.clone(), now_ms: app.clock.now_ms() };
    app.store.write(move |tx| operation(tx, &log))
}

/// The latest entries, newest first.
pub fn list(app: &App, limit: u32) -> Result<Vec<Entry>> {
    app.store.read(|db| store::audit::latest(db, limit))
}
