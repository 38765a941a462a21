//! The file `epoch` in the data directory, by which a server tells the store it last served here from one that was
//! copied or restored. It holds the store's epoch, the identity of the database file, the highest lease number, and how
//! far jobs and the operator's changes have progressed.
//!
//! The first epoch is written to the file, then to the store, and then confirmed in the file, so a crash at any point
//! leaves a file and a store that match. The numbers are written after the commits they describe, and not synced: they
//! may lag behind the store but are never ahead of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::epoch::Epoch;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::os::files;
use crate::os::identity::Identity;
use crate::store::data_dir::{DataDir, EPOCH};
use crate::store::engine::db::Db;
use crate::store::epochs;

/// Offset of the last lease's number, which is padded with zeros so that it can be overwritten in place.
const LEASE_AT: u64 = "epoch 01234567\nleases ".len() as u64;
/// Digits of such a number.
const DIGITS: u64 = 20;
/// Offset of the rows' progress, likewise.
const ROWS_AT: u64 = LEASE_AT + DIGITS + "\nrows ".len() as u64;
/// The last line while the store may not have the epoch yet.
const FIRST: &str = "first";

/// The file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    /// The epochs that the store may be in: one, or several from an older version.
    epochs: Vec<Epoch>,
    /// The highest lease number.
    leases: i64,
    /// How far jobs and the operator's changes have progressed.
    rows: i64,
    /// Identity of the database file.
    store: Identity,
    /// Whether the store may have no epoch yet.
    is_first: bool,
}

impl Record {
    fn text(&self) -> String {
        let Self { epochs, leases, rows, store, is_first } = self;
        let epoch = epochs.first().map(Epoch::to_string).unwrap_or_default();
        let first = if *is_first { format!("{FIRST}\n") } else { String::new() };
        format!("epoch {epoch}\nleases {leases:020}\nrows {rows:020}\nstore {store}\n{first}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut line = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let epochs = vec![Epoch::parse(line("epoch")?)?];
        let leases = line("leases")?.parse().ok()?;
        let rows = line("rows")?.parse().ok()?;
        let store = Identity::parse(line("store")?)?;
        Some(Self { epochs, leases, rows, store, is_first: lines.next() == Some(FIRST) })
    }

    /// Parses the file `served` of older versions, with marks of 32 digits: an epoch is the beginning of a mark.
    fn parse_served(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut line = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let leases = line("leases")?.parse().ok()?;
        let rows = line("rows")?.parse().ok()?;
        let store = Identity::parse(line("store")?)?;
        let marks: Vec<_> = line("marks")?.split(' ').collect();
        let is_first = marks.contains(&"-");
        let marks = marks.iter().filter(|mark| **mark != "-");
        let epochs = marks.map(|mark| Epoch::parse(mark.get(..8)?)).collect::<Option<_>>()?;
        Some(Self { epochs, leases, rows, store, is_first })
    }
}

/// What lies beside a store.
#[derive(Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// It cannot be understood.
    Damaged,
    Record(Record),
}

/// Reads the file, or that of an older version.
fn read(folder: &DataDir) -> Result<Beside> {
    type Parse = fn(&str) -> Option<Record>;
    let files: [(_, Parse); 2] = [(folder.epoch(), Record::parse), (folder.served(), Record::parse_served)];
    for (path, parse) in files {
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(parse(&text).map_or(Beside::Damaged, Beside::Record)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Beside::Damaged),
            Err(error) => return Err(unusable(folder, error)),
        }
    }
    Ok(Beside::Nothing)
}

/// Why the store cannot be the one that was last served here, as a clause; `None` if it may be.
fn difference(db: &Db, folder: &DataDir, beside: &Beside) -> Result<Option<String>> {
    let epoch = epochs::current(db)?;
    let record = match beside {
        Beside::Nothing => return Ok(epoch.map(|_| format!("the file {EPOCH} next to it is missing"))),
        Beside::Damaged => return Ok(Some(format!("the file {EPOCH} next to it cannot be read"))),
        Beside::Record(record) => record,
    };
    if !epoch.map_or(record.is_first, |epoch| record.epochs.contains(&epoch)) {
        return Ok(Some(format!("it does not match the file {EPOCH} next to it")));
    }
    let store = Identity::of(&folder.store()).map_err(|error| unusable(folder, error))?;
    if !record.store.may_be(&store) {
        return Ok(Some("its file was copied or replaced".to_owned()));
    }
    let highest = epochs::highest_lease(db)?;
    if highest < record.leases {
        return Ok(Some(format!(
            "its last lease has number {highest}, but number {} has been issued here",
            record.leases
        )));
    }
    let is_behind = epochs::highest_row(db)? < record.rows;
    Ok(is_behind.then(|| "it lacks jobs or operator changes that were made here".to_owned()))
}

/// Refuses a directory that was in use and whose store is missing, before an empty store is created in its place.
pub fn check_present(folder: &DataDir) -> Result<()> {
    let is_there = fs::metadata(folder.store()).is_ok_and(|file| file.len() > 0);
    if is_there || !(folder.epoch().exists() || folder.served().exists()) {
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
    match difference(db, folder, &read(folder)?)? {
        Some(noticed) => {
            let error = copied(folder, &noticed);
            Err(Error { message: format!("{} {}", error.message, how_to_resolve(folder)), ..error })
        }
        None => Ok(()),
    }
}

/// The same while a server may be writing the file: a difference counts only if the file did not change meanwhile.
pub fn fault(db: &Db, folder: &DataDir) -> Result<Option<Error>> {
    let mut before = read(folder)?;
    loop {
        let noticed = difference(db, folder, &before)?;
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

/// Writes the file `epoch` into `to` for the store at `store`, whose epoch, highest lease number and progress these are.
/// Then removes that of an older version.
pub fn write(to: &DataDir, store: &Path, epoch: Epoch, (leases, rows): (i64, i64)) -> Result<()> {
    put(to, store, epoch, (leases, rows), false)?;
    files::remove(&to.served()).map_err(|error| unusable(to, error))
}

fn put(to: &DataDir, store: &Path, epoch: Epoch, (leases, rows): (i64, i64), is_first: bool) -> Result<()> {
    let write = |store| {
        let record = Record { epochs: vec![epoch], leases, rows, store, is_first };
        files::write_durably(&to.epoch(), record.text().as_bytes())
    };
    Identity::of(store).and_then(write).map_err(|error| unusable(to, error))
}

fn unusable(folder: &DataDir, error: io::Error) -> Error {
    let path = folder.epoch();
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
pub struct EpochFile(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// Open for updating the numbers in place.
    file: Option<File>,
    leases: i64,
    rows: i64,
}

impl EpochFile {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the first epoch, in the steps above: `commit` stores it.
    pub fn begin(
        &self,
        folder: &DataDir,
        epoch: Epoch,
        numbers: (i64, i64),
        commit: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        put(folder, &folder.store(), epoch, numbers, true)?;
        commit()?;
        self.resume(folder, epoch, numbers)
    }

    /// Writes the file for a store in this epoch, unless it is there already, and opens it for its numbers.
    pub fn resume(&self, folder: &DataDir, epoch: Epoch, numbers: (i64, i64)) -> Result<()> {
        let mut open = self.lock();
        (open.leases, open.rows) = numbers;
        let is_written = folder.epoch().exists() && matches!(read(folder)?, Beside::Record(record) if !record.is_first);
        if !is_written {
            write(folder, &folder.store(), epoch, numbers)?;
        }
        let opened = OpenOptions::new().write(true).open(folder.epoch());
        open.file = Some(opened.map_err(|error| unusable(folder, error))?);
        Ok(())
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
            log::warn!("could not update the file {EPOCH}: {error}");
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
        let epochs = vec![Epoch::parse("7f3a9c1e").unwrap()];
        let record = Record { epochs, leases: 42, rows: 7, store, is_first: false };
        let mut text = record.text();
        assert_eq!(Record::parse(&text), Some(record.clone()));
        assert_eq!(Record::parse(&format!("{text}first\n")), Some(Record { is_first: true, ..record.clone() }));
        let at = LEASE_AT as usize;
        text.replace_range(at..at + 20, &format!("{:020}", 7_000_001));
        let at = ROWS_AT as usize;
        text.replace_range(at..at + 20, &format!("{:020}", 8_000_001));
        assert_eq!(Record::parse(&text), Some(Record { leases: 7_000_001, rows: 8_000_001, ..record }));
        for bad in ["", "epoch x\n", &text[..30], &text.replace("store", "stare")] {
            assert_eq!(Record::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn epochs_of_an_older_versions_file_are_the_beginnings_of_its_marks() {
        let text = |marks: &str| format!("leases {:020}\nrows {:020}\nstore 7 -\nmarks {marks}\n", 42, 9);
        let (one, other) = (format!("7f3a9c1e{:024}", 0), format!("01234567{:024}", 0));
        for (marks, epochs, is_first) in [
            (one.clone(), vec!["7f3a9c1e"], false),
            (format!("{one} {other}"), vec!["7f3a9c1e", "01234567"], false),
            (format!("- {other}"), vec!["01234567"], true),
        ] {
            let record = Record::parse_served(&text(&marks)).unwrap();
            assert_eq!(record.epochs.iter().map(Epoch::to_string).collect::<Vec<_>>(), epochs);
            assert_eq!((record.leases, record.rows, record.is_first), (42, 9, is_first));
        }
        assert_eq!(Record::parse_served(&text("7f3a")), None);
    }
}
