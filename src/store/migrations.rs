//! The schema's version: created and migrated by the server alone, each step in one transaction.

use super::db::Db;
use crate::domain::error::{Error, Result};

/// What makes version `n` out of version `n - 1`, in order. The first is the whole schema.
const MIGRATIONS: &[&str] = &[include_str!("../../schema.sql")];

/// The version that this program works with.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the store to this program's version; a newer one is refused.
pub fn create_or_migrate(db: &mut Db) -> Result<()> {
    in_transaction(db, |db| {
        let found = version(db)?;
        for (step, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
            db.batch(sql)?;
            db.batch(&format!("PRAGMA user_version = {}", step + 1))?;
        }
        Ok(())
    })
}

/// For `admin`: creates the store where there is none; an older one waits for its server.
pub fn create_or_check(db: &mut Db) -> Result<()> {
    match version(db)? {
        0 => create_or_migrate(db),
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

fn in_transaction(db: &Db, work: impl FnOnce(&Db) -> Result<()>) -> Result<()> {
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
