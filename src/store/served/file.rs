//! The file `served` in the data directory, by which a server tells the store it last served here from one that was
//! copied or restored. It holds the store's mark, the identity of the database file, the highest lease number, and how
//! far jobs and the operator's changes have progressed.
//!
//! A new mark is written in three steps: the file with the old and the new mark, then the store, then the file with the
//! new mark alone. So a crash at any point leaves a file and a store that match. The other numbers are written after
//! the commits they describe, and not synced: they may lag behind the store but are never ahead of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::os::files;
use crate::os::identity::Identity;
use crate::store::data_dir::{DataDir, SERVED};
use crate::store::engine::db::Db;
use crate::store::served::{self, Mark};

/// Offset of the last lease's number, which is padded with zeros so that it can be overwritten in place.
const LEASE_AT: u64 = "leases ".len() as u64;
/// Digits of such a number.
const DIGITS: u64 = 20;
/// Offset of the rows' progress, likewise.
const ROWS_AT: u64 = LEASE_AT + DIGITS + "\nrows ".len() as u64;

/// The file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ServedRecord {
    /// The highest lease number.
    leases: i64,
    /// How far jobs and the operator's changes have progressed.
    rows: i64,
    /// Identity of the database file.
    store: Identity,
    /// The marks that the store may have; `None`: it may have none yet.
    marks: Vec<Option<Mark>>,
}

impl ServedRecord {
    fn text(&self) -> String {
        let word =
            |mark: &Option<Mark>| mark.map_or("-".to_owned(), |mark| format!("{:032x}", u128::from_be_bytes(mark)));
        let marks: Vec<String> = self.marks.iter().map(word).collect();
        let Self { leases, rows, store, .. } = self;
        format!("leases {leases:020}\nrows {rows:020}\nstore {store}\nmarks {}\n", marks.join(" "))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut line = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let leases = line("leases")?.parse().ok()?;
        let rows = line("rows")?.parse().ok()?;
        let store = Identity::parse(line("store")?)?;
        let mark = |word: &str| match word {
            "-" => Some(None),
            _ => u128::from_str_radix(word, 16).ok().map(|mark| Some(mark.to_be_bytes())),
        };
        let marks = line("marks")?.split(' ').map(mark).collect::<Option<_>>()?;
        Some(Self { leases, rows, store, marks })
    }
}

/// The file's text, if the file exists.
fn read(folder: &DataDir) -> Result<Option<String>> {
    match fs::read_to_string(folder.served()) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(Some(String::new())),
        Err(error) => Err(unusable(folder, error)),
    }
}

/// Why the store cannot be the one that was last served here, as a clause; `None` if it may be.
fn difference(db: &Db, folder: &DataDir, text: Option<&str>) -> Result<Option<String>> {
    let mark = served::mark(db)?;
    let Some(text) = text else {
        return Ok(mark.map(|_| format!("the file {SERVED} next to it is missing")));
    };
    let Some(record) = ServedRecord::parse(text) else {
        return Ok(Some(format!("the file {SERVED} next to it cannot be read")));
    };
    if !record.marks.contains(&mark) {
        return Ok(Some(format!("it does not match the file {SERVED} next to it")));
    }
    let store = Identity::of(&folder.store()).map_err(|error| unusable(folder, error))?;
    if !record.store.may_be(&store) {
        return Ok(Some("its file was copied or replaced".to_owned()));
    }
    let highest = served::highest_lease(db)?;
    if highest < record.leases {
        return Ok(Some(format!(
            "its last lease has number {highest}, but number {} has been issued here",
            record.leases
        )));
    }
    let is_behind = served::highest_row(db)? < record.rows;
    Ok(is_behind.then(|| "it lacks jobs or operator changes that were made here".to_owned()))
}

/// Refuses a directory that was in use and whose store is missing, before an empty store is created in its place.
pub fn check_present(folder: &DataDir) -> Result<()> {
    let is_there = fs::metadata(folder.store()).is_ok_and(|file| file.len() > 0);
    if is_there || !folder.served().exists() {
        return Ok(());
    }
    let dir = folder.path().display();
    let message = format!(
        "The store in {dir} is gone: {} is missing or empty, but a server has run here. Restore a backup with `admin \
         restore FILE`, or start over in an empty directory.",
        folder.store().display()
    );
    Err(Error::conflict(ErrorCode::StoreMissing, message))
}

/// Fails if the store differs, and says how to resolve it. Requires the data directory's lock.
pub fn check(db: &Db, folder: &DataDir) -> Result<()> {
    match difference(db, folder, read(folder)?.as_deref())? {
        Some(noticed) => {
            let error = copied(folder, &noticed);
            Err(Error { message: format!("{} {}", error.message, how_to_resolve(folder)), ..error })
        }
        None => Ok(()),
    }
}

/// The same while a server may be writing a new mark: a difference counts only if the file did not change meanwhile.
pub fn fault(db: &Db, folder: &DataDir) -> Result<Option<Error>> {
    let mut before = read(folder)?;
    loop {
        let noticed = difference(db, folder, before.as_deref())?;
        let after = read(folder)?;
        match noticed {
            None => return Ok(None),
            Some(noticed) if before == after => return Ok(Some(copied(folder, &noticed))),
            Some(_) => before = after,
        }
    }
}

fn copied(folder: &DataDir, noticed: &str) -> Error {
    let dir = folder.path().display();
    let message = format!(
        "The store in {dir} is not the one that a server last served here: {noticed}. It may lack recent changes \
         and would issue the same lease numbers again."
    );
    Error::conflict(ErrorCode::StoreCopied, message)
}

/// How to resolve a difference.
pub fn how_to_resolve(folder: &DataDir) -> String {
    format!(
        "If this copy is to replace the original, stop the original server and run `dinkem-appliance admin \
         --data-dir {} promote`.",
        folder.path().display()
    )
}

/// Removes the file, so that the next server accepts the store as it is. The store's mark must have been removed
/// already.
pub fn forget(folder: &DataDir) -> Result<()> {
    files::remove(&folder.served())
        .and_then(|()| files::sync_dir(folder.path()))
        .map_err(|error| unusable(folder, error))
}

fn unusable(folder: &DataDir, error: io::Error) -> Error {
    let path = folder.served();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::new(
            Kind::NoSpace,
            ErrorCode::NoSpace,
            format!("{} cannot be written: the disk is full.", path.display()),
        ),
        _ => Error::internal(format!("Cannot read or write {}.", path.display()), error),
    }
}

/// The server's handle to the file.
#[derive(Default)]
pub struct ServedFile(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// Open for updating the numbers in place.
    file: Option<File>,
    leases: i64,
    rows: i64,
}

impl ServedFile {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a new mark, in the steps above. `old`, `leases` and `rows` are the store's; `commit` stores the new mark.
    pub fn mark(
        &self,
        folder: &DataDir,
        old: Option<Mark>,
        new: Mark,
        (leases, rows): (i64, i64),
        commit: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let mut open = self.lock();
        open.leases = open.leases.max(leases);
        open.rows = open.rows.max(rows);
        let store = Identity::of(&folder.store()).map_err(|error| unusable(folder, error))?;
        let (leases, rows) = (open.leases, open.rows);
        let write = |marks| {
            let record = ServedRecord { leases, rows, store, marks };
            files::write_durably(&folder.served(), record.text().as_bytes()).map_err(|error| unusable(folder, error))
        };
        // Some systems cannot replace an open file.
        open.file = None;
        let done = write(vec![old, Some(new)]).and_then(|()| commit()).and_then(|()| write(vec![Some(new)]));
        // Reopened even if that failed: lease numbers go into whichever file is in place now.
        open.file = OpenOptions::new().write(true).open(folder.served()).ok();
        done
    }

    /// Records a lease whose commit is on disk.
    pub fn lease_given(&self, lease: LeaseId) {
        let mut open = self.lock();
        if lease.0 <= open.leases {
            return;
        }
        open.leases = lease.0;
        open.write(LEASE_AT, lease.0);
    }

    /// Records the progress of rows whose commits are on disk.
    pub fn rows_written(&self, rows: i64) {
        let mut open = self.lock();
        if rows > open.rows {
            open.rows = rows;
            open.write(ROWS_AT, rows);
        }
    }
}

impl Open {
    fn write(&mut self, at: u64, number: i64) {
        let Some(file) = &mut self.file else { return };
        let digits = format!("{number:020}");
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(digits.as_bytes()));
        if let Err(error) = written {
            log::warn!("could not update the file {SERVED}: {error}");
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_round_trips_and_its_numbers_can_be_overwritten_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let store = Identity::of(dir.path()).unwrap();
        let record = ServedRecord { leases: 42, rows: 7, store, marks: vec![None, Some([0xab; 16])] };
        let mut text = record.text();
        assert_eq!(ServedRecord::parse(&text), Some(record.clone()));
        let at = LEASE_AT as usize;
        text.replace_range(at..at + 20, &format!("{:020}", 7_000_001));
        let at = ROWS_AT as usize;
        text.replace_range(at..at + 20, &format!("{:020}", 8_000_001));
        assert_eq!(ServedRecord::parse(&text), Some(ServedRecord { leases: 7_000_001, rows: 8_000_001, ..record }));
        for bad in ["", "leases x\n", &text[..30], &text.replace("marks", "mark")] {
            assert_eq!(ServedRecord::parse(bad), None, "{bad:?}");
        }
    }
}
