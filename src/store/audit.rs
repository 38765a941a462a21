//! The audit's rows: who did what when. Rows are only ever added.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::store::engine::db::{Db, Tx};

/// One act of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number: they only grow.
    pub id: i64,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// The operating system's user at the command line.
    pub actor: String,
    /// What was done, as words with dots: `account.activate`.
    pub action: String,
    /// To what: an account's or a node's name, a job's id.
    pub subject: String,
    /// What else there is to say; may be empty.
    pub details: String,
}

const INSERT: &str = "
    INSERT INTO audit (at_ms, actor, action, subject, details)
    VALUES (:at, :actor, :action, :subject, :details)
";

/// Adds an act.
pub fn insert(tx: &mut Tx<'_>, at_ms: i64, actor: &str, action: &str, subject: &str, details: &str) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":at": at_ms,
            ":actor": actor,
            ":action": action,
            ":subject": subject,
            ":details": details,
        },
    )?;
    Ok(())
}

/// Walks the table backwards.
const LATEST: &str = "
    SELECT id, at_ms, actor, action, subject, details
    FROM audit
    ORDER BY id DESC
    LIMIT :limit
";

/// The latest acts, the latest first.
pub fn latest(db: &Db, limit: u32) -> Result<Vec<Entry>> {
    db.rows(LATEST, named_params! { ":limit": limit }, |row| {
        Ok(Entry {
            id: row.get("id")?,
            at_ms: row.get("at_ms")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            details: row.get("details")?,
        })
    })
}
