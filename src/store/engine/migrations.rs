//! Schema version. Only the server creates and migrates the schema, in one transaction, after copying an older store.

use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::store::data_dir::DataDir;
use crate::store::engine::db::Db;
use crate::store::engine::snapshot;

/// The current schema.
const SCHEMA: &str = include_str!("../../../schema.sql");

/// Migrations: element `n` migrates version `n + 1` to `n + 2`.
const STEPS: &[&str] = &[
    include_str!("../migrations/2.sql"),
    include_str!("../migrations/3.sql"),
    include_str!("../migrations/4.sql"),
    include_str!("../migrations/5.sql"),
    include_str!("../migrations/6.sql"),
    include_str!("../migrations/7.sql"),
    include_str!("../migrations/8.sql"),
];

/// The current schema version.
const VERSION: i64 = STEPS.len() as i64 + 1;

/// Migrates the store to the current version; a newer store is refused. A copy of the older store is kept in
/// `backups/`; if the migration fails, the store is unchanged.
pub fn create_or_migrate(db: &mut Db, folder: &DataDir) -> Result<()> {
    let found = version(db)?;
    if found == VERSION {
        // Writes nothing, so that the server can start on a full disk.
        return Ok(());
    }
    if (1..VERSION).contains(&found) {
        let copy = folder.backups().join(format!("store-version-{found}.db"));
        snapshot::write(db, &copy).map_err(|error| {
            let message = format!("The store could not be copied to {} before its migration.", copy.display());
            Error::new(error.kind, ErrorCode::MigrationBackup, message).because(error)
        })?;
        log::info!("migrating the store from version {found} to {VERSION}; a copy is kept in {}", copy.display());
    }
    create_or_advance(db)
}

/// Refuses a store of any other version.
pub fn check(db: &Db) -> Result<()> {
    match version(db)? {
        VERSION => Ok(()),
        found => Err(Error::conflict(
            ErrorCode::StoreOlder,
            format!(
                "The store has version {found}, but this program needs version {VERSION}. Start this program's \
                 server once to migrate the store."
            ),
        )),
    }
}

/// Migrates a copy to the current version. A newer one, another program's database and an empty file are refused.
pub fn advance_copy(db: &Db) -> Result<()> {
    match version(db)? {
        0 => Err(Error::conflict(ErrorCode::StoreForeign, "The store in the backup is empty.")),
        VERSION => Ok(()),
        _ => create_or_advance(db),
    }
}

/// Reads the version again inside the transaction: another process may have created the store meanwhile.
fn create_or_advance(db: &Db) -> Result<()> {
    in_transaction(db, |db| {
        match version(db)? {
            0 => db.batch(SCHEMA)?,
            found => STEPS.iter().skip(found as usize - 1).try_for_each(|step| db.batch(step))?,
        }
        db.batch(&format!("PRAGMA user_version = {VERSION}"))
    })
}

/// Runs all of it in one transaction.
pub fn in_transaction<T>(db: &Db, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
    db.begin()?;
    let done = work(db).and_then(|value| db.commit().map(|()| value));
    if done.is_err() {
        db.rollback();
    }
    done
}

/// The store's version: 0 for an empty file. Newer stores and other programs' databases are refused.
fn version(db: &Db) -> Result<i64> {
    let found: i64 = db.always("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = db.always("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(Error::conflict(
            ErrorCode::StoreNewer,
            format!(
                "The store was written by a newer program: it has version {found}, this program supports up to \
                 {VERSION}. Use the newer program, or restore a backup."
            ),
        ));
    }
    if found < 0 || (found == 0 && tables > 0) {
        return Err(Error::conflict(ErrorCode::StoreForeign, "The file store.db is a database of another program."));
    }
    Ok(found)
}
