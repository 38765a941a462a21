//! Connections: setup for each role, and the SQLite versions that are supported.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::domain::error::{Error, Result};
use crate::os::clock::pause;
use crate::store::data_dir::open_private;
use crate::store::engine::db::Db;

/// Prepared statements cached on each connection: more than the store has.
const PREPARED: usize = 128;
/// KiB of page cache of the server's writer.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// KiB of page cache of any other connection.
const READER_CACHE_KIB: i64 = 2 * 1024;
/// Pages in the write-ahead log at which a commit runs a checkpoint itself.
const AUTOCHECKPOINT_PAGES: i64 = 4_000;
/// How long a connection waits for another process's write lock.
const BUSY: Duration = Duration::from_secs(10);
/// How often `admin` retries the write lock: the server releases it only briefly.
const BESIDE_RETRY: Duration = Duration::from_millis(1);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server's only writing connection.
    Writer,
    /// The connection of `admin`: it writes while a server may be running.
    Beside,
    /// Reads only.
    Reader,
    /// A copy of the store in exclusive use, without a write-ahead log.
    Copy,
    /// Runs checkpoints only.
    Checkpointer,
}

/// SQLite from 3.7.0 to 3.51.2 can lose a commit when the write-ahead log is reset (fixed in 3.51.3).
pub fn check_sqlite() -> Result<()> {
    refuse_bad_sqlite(rusqlite::version_number(), rusqlite::version())
}

fn refuse_bad_sqlite(number: i32, name: &str) -> Result<()> {
    if (3_007_000..=3_051_002).contains(&number) {
        return Err(Error::internal(
            format!("SQLite {name} can lose data; this program needs 3.51.3 or later. Build it with bundled SQLite."),
            "the WAL-reset race",
        ));
    }
    Ok(())
}

/// Opens the database file, creating it (accessible only to the owner) unless the role is read-only.
pub fn open(path: &Path, role: Role) -> Result<Db> {
    let writes = matches!(role, Role::Writer | Role::Beside);
    if writes {
        // SQLite gives the WAL and shared-memory files the permissions of the database.
        open_private(OpenOptions::new().append(true).create(true), path)
            .map_err(|error| Error::internal(format!("The store {} cannot be opened.", path.display()), error))?;
    }
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Query plans do not depend on bound values. Otherwise the planner would peek at them, and the statement cache,
    // which clears bindings after each use, would have almost every statement re-planned each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if role == Role::Beside {
        let tries = (BUSY.as_millis() / BESIDE_RETRY.as_millis()) as i32;
        connection.busy_handler(Some(move |tried| {
            pause(BESIDE_RETRY);
            tried < tries
        }))?;
    } else {
        connection.busy_timeout(BUSY)?;
    }
    if writes {
        connection.pragma_update(None, "page_size", 4096)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    let cache = if role == Role::Writer { WRITER_CACHE_KIB } else { READER_CACHE_KIB };
    connection.pragma_update(None, "cache_size", -cache)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT_PAGES)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "query_only", role == Role::Reader)?;
    Ok(Db::new(connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_with_the_log_reset_race_is_refused() {
        let cases = [(3_006_023, true), (3_007_000, false), (3_051_002, false), (3_051_003, true), (3_054_001, true)];
        for (number, good) in cases {
            assert_eq!(refuse_bad_sqlite(number, "x").is_ok(), good, "{number}");
        }
        check_sqlite().unwrap();
    }
}
