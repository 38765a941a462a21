//! The audit log: every change that the operator makes is recorded in the transaction that makes it.

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::list::cut;
use crate::domain::operator::Operator;
use crate::store::{self, Tx};

pub use crate::store::audit::{Entry, Filter};

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

/// Entries among which a page looks for matching ones.
const EXAMINED: u32 = 100_000;

/// A page of entries.
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// The next page begins below this entry, if there is one.
    pub next: Option<i64>,
}

/// The latest entries, newest first.
pub fn list(app: &App, limit: u32) -> Result<Vec<Entry>> {
    app.store.read(|db| store::audit::matching(db, &Filter::default(), limit, limit))
}

/// The latest entry of an action, among the latest 20,000 of all.
pub fn last(app: &App, action: &str) -> Result<Option<Entry>> {
    const LATEST: u32 = 20_000;
    app.store.read(|db| store::audit::last(db, action, LATEST))
}

/// The matching entries, newest first, among the latest 100,000.
pub fn page(app: &App, filter: &Filter, limit: u32) -> Result<Page> {
    let mut entries = app.store.read(|db| store::audit::matching(db, filter, EXAMINED, limit.saturating_add(1)))?;
    let more = cut(&mut entries, limit);
    Ok(Page { next: entries.last().filter(|_| more).map(|entry| entry.id), entries })
}
