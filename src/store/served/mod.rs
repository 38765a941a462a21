//! The mark that a server leaves in its store, and what makes a store go on in place of another one.

pub mod file;

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::store::engine::db::{Db, Tx};

/// How far numbers of leases jump in a store that takes another one's place, so that a lease which the other one has
/// given since is nobody's.
const LEASE_GAP: i64 = 1_000_000;

/// A server's mark.
pub type Mark = [u8; 16];

/// Served by the row's number.
const MARK: &str = "
    SELECT mark FROM served WHERE id = 1
";

/// The mark of the server that last started or stopped here; none where no server has.
pub fn mark(db: &Db) -> Result<Option<Mark>> {
    db.row(MARK, [], |row| row.get(0))
}

const SET_MARK: &str = "
    INSERT INTO served (id, mark) VALUES (1, :mark)
    ON CONFLICT (id) DO UPDATE SET mark = :mark
";

/// Leaves a mark.
pub fn set_mark(tx: &mut Tx<'_>, mark: &Mark) -> Result<()> {
    tx.execute(SET_MARK, named_params! { ":mark": mark })?;
    Ok(())
}

/// SQLite's own table of a few rows.
const HIGHEST_LEASE: &str = "
    SELECT seq FROM sqlite_sequence WHERE name = 'leases'
";

/// The highest number that a lease was ever given; 0 where none was.
pub fn highest_lease(db: &Db) -> Result<i64> {
    Ok(db.row(HIGHEST_LEASE, [], |row| row.get(0))?.unwrap_or(0))
}

/// The last rows by their numbers, which only grow: jobs are never deleted, the audit log is only added to.
const HIGHEST_ROW: &str = "
    SELECT (SELECT COALESCE(MAX(id), 0) FROM jobs) + (SELECT COALESCE(MAX(id), 0) FROM audit)
";

/// A number that grows with each job and each change of the operator's.
pub fn highest_row(db: &Db) -> Result<i64> {
    db.always(HIGHEST_ROW, [], |row| row.get(0))
}

/// Served by the row's number.
const FORGET: &str = "
    DELETE FROM served
";

/// All of them: some may have been used since.
const VOID_TOKENS: &str = "
    DELETE FROM join_tokens
";

/// SQLite's own table of a few rows.
const JUMP: &str = "
    UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = 'leases'
";

/// Where no lease was ever given there is no row.
const FIRST_JUMP: &str = "
    INSERT INTO sqlite_sequence (name, seq) VALUES ('leases', :gap)
";

/// Makes it a store that no server has served yet and that may go on in place of another one: join tokens are void,
/// numbers of leases jump.
pub fn begin_anew(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(FORGET, [])?;
    tx.execute(VOID_TOKENS, [])?;
    if tx.execute(JUMP, named_params! { ":gap": LEASE_GAP })? == 0 {
        tx.execute(FIRST_JUMP, named_params! { ":gap": LEASE_GAP })?;
    }
    Ok(())
}
