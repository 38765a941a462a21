//! The schema's version: created and migrated by the server alone, each time in one transaction; an older store is
//! copied before it is touched.

use crate::domain::error::{Error, Result};
use crate::store::data_dir::DataDir;
use crate::store::engine::db::Db;
use crate::store::engine::snapshot;

/// The schema as this program works with it.
const SCHEMA: &str = include_str!("../../../schema.sql");

/// What makes version `n + 2` out of version `n + 1`: the first is from 1 to 2.
const STEPS: &[&str] = &[include_str!("../migrations/2.sql")];

/// The version that this program works with.
const VERSION: i64 = STEPS.len() as i64 + 1;

/// Brings the store to this program's version; a newer one is refused. A copy of an older one is kept in `backups/`
/// first; whatever stops the migration leaves the store as it was.
pub fn create_or_migrate(db: &mut Db, folder: &DataDir) -> Result<()> {
    let found = version(db)?;
    if found == VERSION {
        // Nothing is written, so that a full disk does not keep a server from starting.
        return Ok(());
    }
    if (1..VERSION).contains(&found) {
        let copy = folder.backups().join(format!("store-version-{found}.db"));
        snapshot::write(db, &copy).map_err(|error| {
            let message = format!("The store could not be copied to {} before its migration.", copy.display());
            Error::new(error.kind, "migration_backup", message).because(error)
        })?;
        log::info!("the store goes from version {found} to {VERSION}; a copy of it is {}", copy.display());
    }
    create_or_advance(db)
}

/// Refuses a store of another version than this program's.
pub fn check(db: &Db) -> Result<()> {
    match version(db)? {
        VERSION => Ok(()),
        found => Err(Error::conflict(
            "store_older",
            format!(
                "The store has version {found}, this program works with version {VERSION}. Start the server of this \
                 program once: it migrates the store."
            ),
        )),
    }
}

/// Brings a copy to this program's version. A newer one, another program's database and an empty file are refused.
pub fn advance_copy(db: &Db) -> Result<()> {
    match version(db)? {
        0 => Err(Error::conflict("store_foreign", "The store in the backup is empty.")),
        VERSION => Ok(()),
        _ => create_or_advance(db),
    }
}

/// Looks again inside the transaction: another process may have created the store meanwhile.
fn create_or_advance(db: &Db) -> Result<()> {
    in_transaction(db, |db| {
        match version(db)? {
            0 => db.batch(SCHEMA)?,
            found => STEPS.iter().skip(found as usize - 1).try_for_each(|step| db.batch(step))?,
        }
        db.batch(&format!("PRAGMA user_version = {VERSION}"))
    })
}

/// Does all of it or nothing.
pub fn in_transaction(db: &Db, work: impl FnOnce(&Db) -> Result<()>) -> Result<()> {
    db.begin()?;
    let done = work(db).and_then(|()| db.commit());
    if done.is_err() {
        db.rollback();
    }
    done
}

/// The store's version: 0 for an empty file. Newer ones and other programs' databases are refused.
fn version(db: &Db) -> Result<i64> {
    let found: i64 = db.always("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = db.always("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(Error::conflict(
            "store_newer",
            format!(
                "The store was written by a newer program: it has version {found}, this program knows versions up to \
                 {VERSION}. Use the newer program, or restore a backup."
            ),
        ));
    }
    if found < 0 || (found == 0 && tables > 0) {
        return Err(Error::conflict("store_foreign", "The file store.db is the database of another program."));
    }
    Ok(found)
}
