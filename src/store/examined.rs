//! A store under examination: what is wrong with it, and what its rows say of the clock.

use super::connection::{self, Role};
use super::copies;
use super::db::Db;
use super::folder::DataDir;
use super::migrations;
use crate::domain::error::Result;

/// Looks at every page and every reference; what is wrong, in SQLite's words. A store of another version, or none at
/// all, is an error.
pub fn faults(folder: &DataDir) -> Result<Vec<String>> {
    connection::check_sqlite()?;
    let db = connection::open(&folder.store(), Role::Reader)?;
    migrations::check(&db)?;
    copies::faults(&db)
}

/// The latest row of each table that is written all the time, by its number; nodes are few.
const NEWEST: &str = "
    SELECT MAX(at_ms)
    FROM (
        SELECT created_at_ms AS at_ms FROM jobs WHERE id = (SELECT MAX(id) FROM jobs)
        UNION ALL
        SELECT at_ms FROM audit WHERE id = (SELECT MAX(id) FROM audit)
        UNION ALL
        SELECT MAX(seen_at_ms) FROM nodes
    )
";

/// The latest time that was written down: Unix time in milliseconds.
pub fn newest(db: &Db) -> Result<Option<i64>> {
    db.always(NEWEST, [], |row| row.get(0))
}
