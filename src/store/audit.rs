//! Rows of the audit log: who did what and when. Append-only.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::operator::Operator;
use crate::store::engine::db::{Db, Tx};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, always increasing.
    pub id: i64,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Operating system user who ran the command.
    pub actor: String,
    /// The action, as dotted words: `account.activate`.
    pub action: String,
    /// Its target: an account's or node's name, or a job's id.
    pub subject: String,
    /// Further details; may be empty.
    pub details: String,
    /// The address of the dashboard's user; empty for `admin`.
    pub source: String,
}

const INSERT: &str = "
    INSERT INTO audit (at_ms, actor, action, subject, details, source)
    VALUES (:at, :actor, :action, :subject, :details, :source)
";

/// Adds an entry.
pub fn insert(
    tx: &mut Tx<'_>,
    at_ms: i64,
    operator: &Operator,
    action: &str,
    subject: &str,
    details: &str,
) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":at": at_ms,
            ":actor": operator.name(),
            ":action": action,
            ":subject": subject,
            ":details": details,
            ":source": operator.source(),
        },
    )?;
    Ok(())
}

/// Which entries; `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The word before the action's dot.
    pub area: Option<String>,
    /// Part of the name of who made the change.
    pub actor: Option<String>,
    /// Part of the subject.
    pub subject: Option<String>,
    /// Only entries with a smaller number.
    pub before: Option<i64>,
}

/// Walks the table backwards, at most `:examined` rows.
const MATCHING: &str = "
    SELECT id, at_ms, actor, action, subject, details, source
    FROM (SELECT * FROM audit WHERE id < :before ORDER BY id DESC LIMIT :examined)
    WHERE (:area IS NULL OR action GLOB :area || '.*')
        AND (:actor IS NULL OR instr(lower(actor), lower(:actor)))
        AND (:subject IS NULL OR instr(lower(subject), lower(:subject)))
    ORDER BY id DESC
    LIMIT :limit
";

/// Walks the table backwards, at most `:examined` rows.
const LAST: &str = "
    SELECT id, at_ms, actor, action, subject, details, source
    FROM audit
    WHERE id > (SELECT MAX(id) FROM audit) - :examined AND action = :action
    ORDER BY id DESC
    LIMIT 1
";

/// The latest entry of an action among the latest `examined` entries.
pub fn last(db: &Db, action: &str, examined: u32) -> Result<Option<Entry>> {
    db.row(LAST, named_params! { ":action": action, ":examined": examined }, read)
}

/// The matching ones among the latest `examined` entries, newest first.
pub fn matching(db: &Db, filter: &Filter, examined: u32, limit: u32) -> Result<Vec<Entry>> {
    let params = named_params! {
        ":before": filter.before.unwrap_or(i64::MAX),
        ":examined": examined,
        ":area": filter.area,
        ":actor": filter.actor,
        ":subject": filter.subject,
        ":limit": limit,
    };
    db.rows(MATCHING, params, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get("id")?,
        at_ms: row.get("at_ms")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        details: row.get("details")?,
        source: row.get("source")?,
    })
}
