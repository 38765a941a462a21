//! The mark that a server leaves in its store, and how one store takes the place of another.

pub mod file;

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::store::engine::db::{Db, Tx};

/// How far lease numbers skip ahead in a store that replaces another, so that leases issued by the other one since then
/// match none here.
const LEASE_GAP: i64 = 1_000_000;

/// A random value written by the server.
pub type Mark = [u8; 16];

/// Served by the row's number.
const MARK: &str = "
    SELECT mark FROM served WHERE id = 1
";

/// The mark of the server that last started or stopped here; `None` if the store was never served.
pub fn mark(db: &Db) -> Result<Option<Mark>> {
    db.row(MARK, [], |row| row.get(0))
}

const SET_MARK: &str = "
    INSERT INTO served (id, mark) VALUES (1, :mark)
    ON CONFLICT (id) DO UPDATE SET mark = :mark
";

/// Sets the mark.
pub fn set_mark(tx: &mut Tx<'_>, mark: &Mark) -> Result<()> {
    tx.execute(SET_MARK, named_params! { ":mark": mark })?;
    Ok(())
}

/// SQLite's own table, which has only a few rows.
const HIGHEST_LEASE: &str = "
    SELECT seq FROM sqlite_sequence WHERE name = 'leases'
";

/// The highest lease number ever issued; 0 if there was none.
pub fn highest_lease(db: &Db) -> Result<i64> {
    Ok(db.row(HIGHEST_LEASE, [], |row| row.get(0))?.unwrap_or(0))
}

/// Row numbers only grow: the newest job is never deleted, and the audit log is append-only.
const HIGHEST_ROW: &str = "
    SELECT (SELECT COALESCE(MAX(id), 0) FROM jobs) + (SELECT COALESCE(MAX(id), 0) FROM audit)
";

/// A number that grows with each job and each change by the operator.
pub fn highest_row(db: &Db) -> Result<i64> {
    db.always(HIGHEST_ROW, [], |row| row.get(0))
}

/// Served by the row's number.
const FORGET: &str = "
    DELETE FROM served
";

/// Deletes all of them: some may have been used since.
const VOID_TOKENS: &str = "
    DELETE FROM join_tokens
";

/// SQLite's own table, which has only a few rows.
const JUMP: &str = "
    UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = 'leases'
";

/// If no lease was ever issued, there is no row to update.
const FIRST_JUMP: &str = "
    INSERT INTO sqlite_sequence (name, seq) VALUES ('leases', :gap)
";

/// Makes this an unserved store that may replace another: join tokens are revoked, lease numbers skip ahead.
pub fn prepare_to_replace(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(FORGET, [])?;
    tx.execute(VOID_TOKENS, [])?;
    if tx.execute(JUMP, named_params! { ":gap": LEASE_GAP })? == 0 {
        tx.execute(FIRST_JUMP, named_params! { ":gap": LEASE_GAP })?;
    }
    Ok(())
}
