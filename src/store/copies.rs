//! Copies of the whole store in one file: made while it is in use, checked, and made ready to take its place.

use std::fs;
use std::path::Path;

use rusqlite::named_params;

use super::connection::{self, Role};
use super::db::{Db, Tx};
use super::ready::Ready;
use super::{audit, clips, migrations};
use crate::domain::error::{Error, Result};
use crate::domain::wording::counted;
use crate::os::files;

/// Clips looked at in one go.
const PAGE: u32 = 1_000;

/// Writes the whole store into one file, durably. An older copy of the same name is replaced only by a whole one.
pub fn copy_to(db: &Db, copy: &Path) -> Result<()> {
    let unwritable = |error| Error::internal(format!("{} cannot be written.", copy.display()), error);
    let part = copy.with_extension("part");
    // Empty and its owner's alone: SQLite takes such a file for its copy.
    files::create_private(&part).map_err(unwritable)?;
    let path =
        part.to_str().ok_or_else(|| Error::internal("The data directory's name is not UTF-8.", copy.display()))?;
    db.row("VACUUM INTO :path", named_params! { ":path": path }, |_| Ok(()))?;
    files::sync(&part)
        .and_then(|()| fs::rename(&part, copy))
        .and_then(|()| copy.parent().map_or(Ok(()), files::sync_dir))
        .map_err(unwritable)
}

/// What is wrong with a database file, in SQLite's words; nothing when it is sound.
pub fn faults(db: &Db) -> Result<Vec<String>> {
    let mut faults: Vec<String> = db.rows("PRAGMA integrity_check(20)", [], |row| row.get(0))?;
    faults.retain(|fault| fault != "ok");
    let orphans: Vec<String> = db.rows("PRAGMA foreign_key_check", [], |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of {table} names one of {parent} that is not there"))
    })?;
    faults.extend(orphans.into_iter().take(20));
    Ok(faults)
}

/// A copy that nobody else uses.
pub struct Copy {
    db: Db,
}

impl Copy {
    /// Opens it, brings it to this program's version, and checks every page and every reference of it.
    pub fn open(path: &Path) -> Result<Self> {
        connection::check_sqlite()?;
        let db = connection::open(path, Role::Copy)?;
        let copy = Self { db };
        if let Some(fault) = faults(&copy.db)?.first() {
            return Err(Error::conflict("backup_damaged", format!("The store in the backup is damaged: {fault}.")));
        }
        migrations::advance_copy(&copy.db)?;
        Ok(copy)
    }

    /// Reads it.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        look(&self.db)
    }

    /// Rows of a table. Every row is looked at: only for a copy.
    pub fn rows(&self, table: &'static str) -> Result<u64> {
        self.db.always(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0))
    }

    /// Makes it a store that goes on where it was left: `renew` makes it one that takes another's place, clips without a
    /// video are forgotten (their jobs stay done and billed), and the audit says what happened. How many were forgotten.
    pub fn settle(
        self,
        note: &Note<'_>,
        renew: impl FnOnce(&mut Tx<'_>) -> Result<()>,
        mut has_video: impl FnMut(&clips::Stored) -> Result<bool>,
    ) -> Result<u64> {
        let mut forgotten = 0;
        migrations::in_transaction(&self.db, |db| {
            let ready = Ready::default();
            let mut tx = Tx::new(db, &ready);
            renew(&mut tx)?;
            let mut after = None;
            loop {
                let page = clips::page(&tx, after, PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(last.job);
                for clip in &page {
                    if !has_video(clip)? {
                        clips::delete(&mut tx, clip.job)?;
                        forgotten += 1;
                    }
                }
            }
            let details = format!("{}, {} without a video", note.details, counted(forgotten, "clip"));
            audit::insert(&mut tx, note.at_ms, note.actor, "restore", note.subject, &details)
        })?;
        Ok(forgotten)
    }
}

/// What the audit of a restored store says.
pub struct Note<'a> {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Who restored it.
    pub actor: &'a str,
    /// The backup.
    pub subject: &'a str,
    /// What else there is to say.
    pub details: &'a str,
}
