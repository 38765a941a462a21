//! Doctor: checks an appliance, with its server running or not, and reports each fault and how to fix it. On request it
//! fixes what can be fixed without data loss.

mod bucket;
mod certificate;
mod files;
mod nodes;
mod replica;
mod rights;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::accounts::dinks;
use crate::app::clips::bucket::Storage;
use crate::app::upkeep::{promote, store_check};
use crate::app::{App, Settings};
use crate::domain::epoch::LostWindow;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::node::CLOCK_SKEW_SECONDS;
use crate::os::clock::Clock;
use crate::os::files::free_bytes;
use crate::os::random::Random;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::store::LOG_ALARM_BYTES;
use crate::store::{self, DataDir};

/// Maximum number of examples in a message.
const EXAMPLES: usize = 3;

/// A problem found by doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub remedy: String,
    /// Whether doctor has fixed it.
    pub fixed: bool,
}

impl Fault {
    pub(in crate::app::upkeep) fn new(
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), fixed: false }
    }

    /// Records the outcome of a fix, if one was tried.
    fn fixed(mut self, outcome: Option<Result<()>>) -> Self {
        match outcome {
            Some(Ok(())) => self.fixed = true,
            Some(Err(error)) => self.message = format!("{} It could not be fixed: {error}", self.message),
            None => {}
        }
        self
    }
}

/// What doctor is to check, and how.
pub struct Examination {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The host name clients use, if the server uses the appliance's own certificate.
    pub host: Option<String>,
    /// The studio's certificate, if the server uses one.
    pub certificate: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where clips lie, if not only in the data directory.
    pub storage: Option<Storage>,
    /// Socket of the Litestream that replicates the store, if one does.
    pub replica_socket: Option<PathBuf>,
    /// Whether to fix what can be fixed safely.
    pub fix: bool,
}

/// All problems found.
pub fn examine(examination: &Examination) -> Result<Vec<Fault>> {
    let folder = DataDir::at(&examination.data_dir);
    if !folder.path().is_dir() {
        let message = format!("There is no data directory {}.", folder.path().display());
        return Ok(vec![Fault::new("no_data_dir", message, "Name it with --data-dir, or start the server.")]);
    }
    let mut faults = rights::faults(&folder, examination.fix)?;
    faults.extend(disk(free_bytes(folder.path())));
    faults.extend(certificate::faults(examination)?);
    faults.extend(unfinished(&folder, examination.fix));
    if store::restore::is_unfinished(&folder) || rights::is_open(&folder)? {
        // A restore may be incomplete, and a store that other users can change must not be opened.
        return Ok(faults);
    }
    if !folder.store().exists() {
        let message = format!("There is no store in {}.", folder.path().display());
        faults.push(Fault::new("no_store", message, "Start the server, which creates one, or restore a backup."));
        return Ok(faults);
    }
    // Read before opening the store: closing the last connection truncates the WAL.
    let log_bytes = std::fs::metadata(folder.log()).map_or(0, |log| log.len());
    match store_faults(&folder) {
        Some(fault) => faults.push(fault),
        None => {
            let (clock, random) = (Arc::clone(&examination.clock), Arc::clone(&examination.random));
            let (storage, replica_socket) = (examination.storage.clone(), examination.replica_socket.clone());
            let settings = Settings { storage, replica_socket, ..Settings::default() };
            let app = App::beside_as(folder.path(), settings, clock, random)?;
            faults.extend(in_store(&app, log_bytes, usize::MAX, examination.fix)?);
        }
    }
    Ok(faults)
}

/// The windows in which jobs may have been lost, the newest first: no fault, but what a support case may be about. None
/// if the store cannot be opened.
pub fn lost_windows(examination: &Examination) -> Vec<LostWindow> {
    let (clock, random) = (Arc::clone(&examination.clock), Arc::clone(&examination.random));
    App::beside(&examination.data_dir, clock, random).map_or(Vec::new(), |app| promote::lost_windows(&app))
}

/// All problems of an appliance whose server is this process. Fixes nothing, and does not read every page of the store:
/// that is done once, after the start ([`store_check`]). `objects`: how many objects the bucket may have for its listing to
/// be compared with the rows; 0: not now.
pub fn examine_served(
    app: &App,
    host: Option<String>,
    certificate: Option<PathBuf>,
    objects: usize,
) -> Result<Vec<Fault>> {
    let folder = &app.store.folder;
    let (clock, random) = (Arc::clone(&app.clock), Arc::clone(&app.random));
    let data_dir = folder.path().to_owned();
    let (storage, replica_socket, fix) = (None, None, false);
    let examination = Examination { data_dir, host, certificate, clock, random, storage, replica_socket, fix };
    let mut faults = rights::faults(folder, false)?;
    faults.extend(disk(app.room.free()));
    faults.extend(certificate::faults(&examination)?);
    match store_check::check(app) {
        Err(error) => faults.push(damaged(error.message)),
        Ok(()) => {
            let log_bytes = std::fs::metadata(folder.log()).map_or(0, |log| log.len());
            faults.extend(in_store(app, log_bytes, objects, false)?);
        }
    }
    Ok(faults)
}

/// Problems with what the store says, and with files that it refers to.
fn in_store(app: &App, log_bytes: u64, objects: usize, fix: bool) -> Result<Vec<Fault>> {
    let mut faults: Vec<Fault> = log(app, log_bytes, fix).into_iter().collect();
    faults.extend(copied(app)?);
    faults.extend(clock(app)?);
    faults.extend(rights::credentials(app));
    faults.extend(replica::fault(app));
    let (in_bucket, found) = bucket::faults(app, objects, fix)?;
    faults.extend(in_bucket);
    faults.extend(files::faults(app, found.as_ref(), fix)?);
    faults.extend(nodes::faults(app)?);
    faults.extend(oversold(app)?);
    Ok(faults)
}

fn disk(free: Option<u64>) -> Option<Fault> {
    let free = free.filter(|free| *free < DISK_RESERVE_BYTES)?;
    let mib = |bytes: u64| bytes >> 20;
    let message = format!(
        "The disk of the data directory has {} MiB free, less than the reserve of {} MiB: no new work is accepted.",
        mib(free),
        mib(DISK_RESERVE_BYTES)
    );
    let remedy = "Free some space: `admin storage` shows what lies there, and `admin retention set` deletes old clips and demos.";
    Some(Fault::new("disk", message, remedy))
}

fn unfinished(folder: &DataDir, fix: bool) -> Option<Fault> {
    let is_unfinished = store::restore::is_unfinished(folder);
    is_unfinished.then(|| {
        let fault =
            Fault::new("restore_unfinished", "A restore was interrupted.", "Start the server, which completes it.");
        fault.fixed(fix.then(|| folder.lock().and_then(|_lock| store::restore::finish(folder))))
    })
}

/// Damage to the store itself. If there is any, its rows are not checked.
fn store_faults(folder: &DataDir) -> Option<Fault> {
    match store::integrity::faults(folder) {
        Ok(faults) if faults.is_empty() => None,
        Ok(faults) => Some(damaged(format!("The store is damaged: {}.", few(&faults)))),
        Err(Error {
            code: code @ (ErrorCode::StoreOlder | ErrorCode::StoreNewer | ErrorCode::StoreForeign),
            message,
            ..
        }) => Some(Fault::new(
            code.as_str(),
            message,
            "Use a program version that matches the store, or restore a backup.",
        )),
        Err(error) => Some(damaged(format!("The store cannot be read: {error}"))),
    }
}

fn damaged(message: String) -> Fault {
    Fault::new("store_damaged", message, "Stop the server and restore the last backup: `admin restore FILE`.")
}

fn log(app: &App, bytes: u64, fix: bool) -> Option<Fault> {
    (bytes > LOG_ALARM_BYTES).then(|| {
        let message = format!(
            "The store's write-ahead log has {} MiB, more than {}: a program keeps reading the store, or the disk is slow.",
            bytes >> 20,
            LOG_ALARM_BYTES >> 20
        );
        let fault = Fault::new("log_size", message, "Stop whatever has store.db open, then run `admin doctor --fix`.");
        fault.fixed(fix.then(|| app.store.empty_log()))
    })
}

fn copied(app: &App) -> Result<Option<Fault>> {
    let copied = app.store.copied()?;
    Ok(copied.map(|error| Fault::new(error.code.as_str(), error.message, app.store.how_to_resolve())))
}

fn clock(app: &App) -> Result<Option<Fault>> {
    let (now, newest) = (app.clock.now_ms(), app.store.read(store::integrity::newest)?);
    let ahead = newest.map_or(0, |newest| newest - now) / 1_000;
    Ok((ahead > CLOCK_SKEW_SECONDS.cast_signed()).then(|| {
        let message = format!("The clock is wrong: the store contains times {ahead} seconds in the future.");
        Fault::new("clock", message, "Correct the machine's clock, and keep it synchronized (NTP).")
    }))
}

fn oversold(app: &App) -> Result<Option<Fault>> {
    let dinks = dinks::show(app)?;
    Ok((dinks.sold > dinks.live_slots).then(|| {
        let message =
            format!("Dinks sold: {}, live render slots: {}. Reserved jobs have to wait.", dinks.sold, dinks.live_slots);
        Fault::new(
            "dinks_oversold",
            message,
            "Start or add nodes (`admin nodes token`), or reduce the dinks (`admin dinks set NAME N`).",
        )
    }))
}

/// The first few names, and how many more there are.
fn few(names: &[String]) -> String {
    let first = names.iter().take(EXAMPLES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(EXAMPLES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A path relative to the data directory, for messages.
fn below(folder: &DataDir, path: &Path) -> String {
    path.strip_prefix(folder.path()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_below_reserve_is_a_fault() {
        let cases =
            [(None, false), (Some(DISK_RESERVE_BYTES), false), (Some(DISK_RESERVE_BYTES - 1), true), (Some(0), true)];
        for (free, is_fault) in cases {
            assert_eq!(disk(free).is_some_and(|fault| fault.code == "disk"), is_fault, "{free:?}");
        }
    }

    #[test]
    fn long_lists_are_truncated() {
        let names: Vec<String> = (1..=5).map(|number| format!("clips/{number}.mp4")).collect();
        assert_eq!(few(&names[..2]), "clips/1.mp4, clips/2.mp4");
        assert_eq!(few(&names), "clips/1.mp4, clips/2.mp4, clips/3.mp4 and 2 more");
    }
}
