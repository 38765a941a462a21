//! Single-file copies of the store: made while it is in use, checked, and prepared for a restore.

use std::path::Path;

use crate::domain::epoch::LostWindow;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::store::engine::connection::{self, Role};
use crate::store::engine::db::{Db, Tx};
use crate::store::engine::migrations;
use crate::store::engine::ready::Ready;
use crate::store::{audit, clips, epochs};

/// Clips read per page.
const PAGE: u32 = 1_000;

/// Damage in a database file, as reported by SQLite; empty if there is none.
pub fn faults(db: &Db) -> Result<Vec<String>> {
    let mut faults: Vec<String> = db.rows("PRAGMA integrity_check(20)", [], |row| row.get(0))?;
    faults.retain(|fault| fault != "ok");
    let orphans: Vec<String> = db.rows("PRAGMA foreign_key_check", [], |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of {table} refers to a missing row of {parent}"))
    })?;
    faults.extend(orphans.into_iter().take(20));
    Ok(faults)
}

/// A copy in exclusive use.
pub struct Copy {
    db: Db,
}

impl Copy {
    /// Opens it, migrates it to the current schema, and checks every page and foreign key.
    pub fn open(path: &Path) -> Result<Self> {
        connection::check_sqlite()?;
        let db = connection::open(path, Role::Copy)?;
        let copy = Self { db };
        if let Some(fault) = faults(&copy.db)?.first() {
            return Err(Error::conflict(
                ErrorCode::BackupDamaged,
                format!("The store in the backup is damaged: {fault}."),
            ));
        }
        migrations::advance_copy(&copy.db)?;
        Ok(copy)
    }

    /// Reads it.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        look(&self.db)
    }

    /// Counts a table's rows. A full scan: only for copies.
    pub fn rows(&self, table: &'static str) -> Result<u64> {
        self.db.always(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0))
    }

    /// Prepares the copy to be put into service: `renew` lets it replace another store and says what happened, clips
    /// without a video are removed (their jobs stay done and billed), and the audit log records the restore.
    pub fn settle(
        self,
        note: &Note<'_>,
        renew: impl FnOnce(&mut Tx<'_>) -> Result<(String, LostWindow)>,
        mut has_video: impl FnMut(&clips::Stored) -> Result<bool>,
    ) -> Result<Settled> {
        let mut forgotten = 0;
        let lost = migrations::in_transaction(&self.db, |db| {
            let ready = Ready::default();
            let mut tx = Tx::new(db, &ready);
            let (renewed, lost) = renew(&mut tx)?;
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
            let details = format!("{}, {} without a video, {renewed}", note.details, counted(forgotten, "clip"));
            audit::insert(&mut tx, note.at_ms, note.operator, "restore", note.subject, &details)?;
            Ok(lost)
        })?;
        let numbers = (epochs::highest_lease(&self.db)?, epochs::highest_row(&self.db)?);
        Ok(Settled { forgotten, lost, numbers })
    }
}

/// A copy that may be put into service.
pub struct Settled {
    /// Clips that were removed because they have no video.
    pub forgotten: u64,
    /// The time in which the store that it replaces may have accepted jobs that it lacks.
    pub lost: LostWindow,
    /// Its highest lease number, and how far its rows have progressed.
    pub numbers: (i64, i64),
}

/// The audit log entry of a restore.
pub struct Note<'a> {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Who restored it.
    pub operator: &'a Operator,
    /// The backup.
    pub subject: &'a str,
    /// Further details.
    pub details: &'a str,
}
