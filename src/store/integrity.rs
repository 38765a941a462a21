//! Integrity checks of a store, and the newest timestamp in it.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::named_params;

use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::clock::{Clock, pause};
use crate::store::copies;
use crate::store::data_dir::DataDir;
use crate::store::engine::connection::{self, Role};
use crate::store::engine::db::Db;
use crate::store::engine::migrations;

/// Timeout of checking one table of the store after startup, in seconds: the WAL grows during the check.
const STORE_CHECK_TABLE_SECONDS: u64 = 120;

/// SQLite steps between pauses of the check: a few thousand rows or pages.
const STEPS: i32 = 10_000;
/// Length of a pause, so that other work gets disk and CPU time.
const GIVE_WAY: Duration = Duration::from_millis(2);

/// Checks every page and foreign key; returns SQLite's messages. A missing store, or one of another version, is an
/// error.
pub fn faults(folder: &DataDir) -> Result<Vec<String>> {
    connection::check_sqlite()?;
    let db = connection::open(&folder.store(), Role::Reader)?;
    migrations::check(&db)?;
    copies::faults(&db)
}

/// All table names, the schema table first.
const TABLES: &str = "
    SELECT 'sqlite_schema' AS name
    UNION ALL
    SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
";

/// Checks a table and its indexes.
const QUICK_CHECK: &str = "
    SELECT quick_check FROM pragma_quick_check(:table)
";

/// Whether the check must stop.
pub type Stopped = Arc<dyn Fn() -> bool + Send + Sync>;

/// Result of checking a store in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Every page is good.
    Sound,
    /// Damage, as reported by SQLite.
    Damaged(String),
    /// Interrupted: a table took too long, or the server is shutting down.
    Unfinished,
}

/// Checks every page of a store in use, table by table on its own connection, yielding to other work. The check of one
/// table ends after [`STORE_CHECK_TABLE_SECONDS`], because the write-ahead log cannot be reused meanwhile.
pub fn look(folder: &DataDir, clock: &Arc<dyn Clock>, stopped: &Stopped) -> Result<Look> {
    let mut db = connection::open(&folder.store(), Role::Reader)?;
    let tables: Vec<String> = match db.rows(TABLES, [], |row| row.get(0)) {
        Err(error) if error.code == ErrorCode::StoreDamaged => return Ok(Look::Damaged(error.to_string())),
        tables => tables?,
    };
    let mut look = Look::Sound;
    for table in tables {
        let until = clock.monotonic() + Duration::from_secs(STORE_CHECK_TABLE_SECONDS);
        let (clock, gives_up) = (Arc::clone(clock), Arc::clone(stopped));
        db.every(STEPS, move || {
            pause(GIVE_WAY);
            gives_up() || clock.monotonic() > until
        })?;
        match db.rows(QUICK_CHECK, named_params! { ":table": table }, |row| row.get::<_, String>(0)) {
            Ok(lines) if lines == ["ok"] => {}
            Ok(lines) => return Ok(Look::Damaged(format!("{table}: {}", lines.join("; ")))),
            Err(error) if error.code == ErrorCode::StoreDamaged => {
                return Ok(Look::Damaged(format!("{table}: {error}")));
            }
            Err(error) if error.code == ErrorCode::Interrupted && stopped() => return Ok(Look::Unfinished),
            Err(error) if error.code == ErrorCode::Interrupted => look = Look::Unfinished,
            Err(error) => return Err(error),
        }
    }
    Ok(look)
}

/// The error for a damaged store.
pub fn damaged(detail: impl std::fmt::Display) -> Error {
    let message = "The store has a damaged page. Stop the server and restore the last backup: admin restore FILE.";
    Error { code: ErrorCode::StoreDamaged, ..Error::internal(message, detail) }
}

/// The newest row of each frequently written table, found by its row number; there are few nodes.
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

/// The newest timestamp in the store: Unix time in milliseconds.
pub fn newest(db: &Db) -> Result<Option<i64>> {
    db.always(NEWEST, [], |row| row.get(0))
}
