//! History of provisioned dinks.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::list::LIST_ROWS;
use crate::domain::month::Period;
use crate::store::engine::db::{Db, Tx};

/// One change of an account's dinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DinkChange {
    /// The account's name.
    pub account: String,
    /// Dinks from then on.
    pub dinks: u32,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// When it was excluded from billing. Unix time in milliseconds.
    pub undone_at_ms: Option<i64>,
}

/// A change that was not undone, without its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    id: i64,
    /// Dinks from then on.
    pub dinks: u32,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}

const INSERT: &str = "
    INSERT INTO dinks_history (account, dinks, at_ms)
    VALUES (:account, :dinks, :now)
";

/// Records a change of an account's dinks.
pub fn record(tx: &mut Tx<'_>, account: AccountId, dinks: u32, now_ms: i64) -> Result<()> {
    tx.insert(INSERT, named_params! { ":account": account.0, ":dinks": dinks, ":now": now_ms })?;
    Ok(())
}

/// Walks the history backwards: an operator makes few changes.
const HISTORY: &str = "
    SELECT accounts.name, dinks_history.dinks, dinks_history.at_ms, dinks_history.undone_at_ms
    FROM dinks_history
    JOIN accounts ON accounts.id = dinks_history.account
    ORDER BY dinks_history.id DESC
    LIMIT :limit
";

/// The history, newest first.
pub fn history(db: &Db) -> Result<Vec<DinkChange>> {
    db.rows(HISTORY, named_params! { ":limit": LIST_ROWS }, read)
}

/// Served by `dinks_history_account`; an account has few rows, which are then sorted.
const HISTORY_OF_ACCOUNT: &str = "
    SELECT accounts.name, dinks_history.dinks, dinks_history.at_ms, dinks_history.undone_at_ms
    FROM dinks_history
    JOIN accounts ON accounts.id = dinks_history.account
    WHERE dinks_history.account = :account
    ORDER BY dinks_history.id DESC
    LIMIT :limit
";

/// An account's history, newest first.
pub fn history_of_account(db: &Db, account: AccountId, limit: u32) -> Result<Vec<DinkChange>> {
    db.rows(HISTORY_OF_ACCOUNT, named_params! { ":account": account.0, ":limit": limit }, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<DinkChange> {
    Ok(DinkChange {
        account: row.get("name")?,
        dinks: row.get("dinks")?,
        at_ms: row.get("at_ms")?,
        undone_at_ms: row.get("undone_at_ms")?,
    })
}

/// Served by `dinks_history_account`; an account has few rows, which are then sorted.
const LAST_STANDING: &str = "
    SELECT id, dinks, at_ms
    FROM dinks_history
    WHERE account = :account AND undone_at_ms IS NULL
    ORDER BY id DESC
    LIMIT 1
";

/// The last change of an account's dinks that was not undone.
pub fn last_standing(db: &Db, account: AccountId) -> Result<Option<Standing>> {
    db.row(LAST_STANDING, named_params! { ":account": account.0 }, |row| {
        Ok(Standing { id: row.get("id")?, dinks: row.get("dinks")?, at_ms: row.get("at_ms")? })
    })
}

/// Served by the row's number.
const UNDO: &str = "
    UPDATE dinks_history SET undone_at_ms = :now WHERE id = :id
";

/// Excludes a change from billing: it no longer counts toward any month's peak.
pub fn undo(tx: &mut Tx<'_>, change: Standing, now_ms: i64) -> Result<()> {
    tx.execute(UNDO, named_params! { ":now": now_ms, ":id": change.id })?;
    Ok(())
}

/// Both parts are served by `dinks_history_account`.
const PEAK: &str = "
    SELECT COALESCE(MAX(dinks), 0)
    FROM (
        SELECT dinks
        FROM dinks_history
        WHERE account = :account AND at_ms >= :from AND at_ms < :to AND undone_at_ms IS NULL
        UNION ALL
        SELECT dinks
        FROM (
            SELECT dinks
            FROM dinks_history
            WHERE account = :account AND at_ms < :from AND undone_at_ms IS NULL
            ORDER BY at_ms DESC, id DESC
            LIMIT 1
        )
    )
";

/// The most dinks an account held during a period: carried over from before it, or set in it. Undone changes do not
/// count.
pub fn peak(db: &Db, account: AccountId, period: Period) -> Result<u32> {
    let params = named_params! { ":account": account.0, ":from": period.from_ms, ":to": period.to_ms };
    db.always(PEAK, params, |row| row.get(0))
}
