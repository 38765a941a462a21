//! What doctor found last, and the backups in the data directory, for the dashboard. An examination is too heavy for
//! each page view, so a background thread makes one from time to time and keeps the result in memory.

use std::fs::{self, DirEntry};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use crate::app::App;
use crate::app::upkeep::doctor::{self, Fault};
use crate::app::upkeep::health;
use crate::domain::error::{Error, Result};
use crate::os::doorbell::Doorbell;

/// Pause between two examinations.
const EVERY: Duration = Duration::from_secs(300);
/// The examination of an appliance with many files takes long: the pause is at least so many times as long.
const LONGER: u32 = 50;
/// Pause between two listings of the bucket, which cost the store a request for each thousand objects. What was found by the
/// last one is shown meanwhile.
pub const LISTING: Duration = Duration::from_hours(1);
/// Objects that are listed: a million take a thousand requests and about 100 MB of memory. Those of a larger bucket are
/// compared with the rows by `admin doctor` alone.
const OBJECTS: usize = 1_000_000;
/// What only a listing finds.
const BY_LISTING: [&str; 4] = ["bucket_orphans", "bucket_shared", "demos_missing", "videos_missing"];
/// Backups that are listed, the newest ones.
pub const BACKUPS: usize = 50;
/// Files in the directory of backups that are looked at.
const BACKUP_FILES: usize = 10_000;

/// What doctor cannot see in the data directory.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The host name clients use, if the server uses the appliance's own certificate.
    pub host: Option<String>,
    /// The studio's certificate, if the server uses one.
    pub certificate: Option<PathBuf>,
}

/// The result of an examination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// When it ended. Unix time in milliseconds.
    pub at_ms: i64,
    /// All problems found.
    pub faults: Vec<Fault>,
}

/// The latest findings, and the bell that asks for new ones.
#[derive(Default)]
pub struct Board {
    latest: Mutex<Option<Findings>>,
    /// When the bucket was last listed, by the monotonic clock.
    listed: Mutex<Option<Duration>>,
    wanted: Doorbell,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Option<Findings>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The latest findings; `None` until the first examination after the start has ended.
pub fn latest(app: &App) -> Option<Findings> {
    app.findings.lock().clone()
}

/// Asks for a new examination now. If one is running, another one follows it.
pub fn look_again(app: &App) {
    app.findings.wanted.ring();
}

/// How many times a new examination was asked for. Read it before an examination, for [`wait`] after it.
pub fn requests(app: &App) -> u64 {
    app.findings.wanted.rings()
}

/// Examines the appliance once; for its server. A failure is logged, and the findings stay as they were. Returns how
/// long to wait before the next examination.
pub fn look(app: &App, subject: &Subject) -> Duration {
    let start = app.clock.monotonic();
    match examine(app, subject) {
        Ok(faults) => *app.findings.lock() = Some(Findings { at_ms: app.clock.now_ms(), faults }),
        Err(error) => log::error!("the appliance could not be examined: {error}"),
    }
    EVERY.max(app.clock.monotonic().saturating_sub(start) * LONGER)
}

/// Waits that long, or until more than `seen` examinations were asked for.
pub fn wait(app: &App, seen: u64, at_most: Duration) {
    app.findings.wanted.wait_past(seen, at_most);
}

fn examine(app: &App, subject: &Subject) -> Result<Vec<Fault>> {
    let Subject { host, certificate } = subject.clone();
    let lists = is_listing_due(app);
    let mut faults = doctor::examine_served(app, host, certificate, if lists { OBJECTS } else { 0 })?;
    if !lists {
        let last = latest(app).map(|last| last.faults).unwrap_or_default();
        faults.extend(last.into_iter().filter(|fault| BY_LISTING.contains(&fault.code)));
    }
    // Doctor knows more about those that it finds, too.
    for warning in health::warnings(app)? {
        if !faults.iter().any(|fault| fault.code == warning.code) {
            faults.push(Fault::new(warning.code, warning.message, "Run `admin doctor`."));
        }
    }
    Ok(faults)
}

/// Whether the bucket, if there is one, is to be listed now; it counts as listed from then on.
fn is_listing_due(app: &App) -> bool {
    let (mut listed, now) = (app.findings.listed.lock().unwrap_or_else(PoisonError::into_inner), app.clock.monotonic());
    let is_due = app.clip_files.bucket.is_none() || listed.is_none_or(|at| now.saturating_sub(at) >= LISTING);
    if is_due {
        *listed = Some(now);
    }
    is_due
}

/// A file in the data directory's `backups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupEntry {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written. Unix time in milliseconds.
    pub made_at_ms: i64,
}

/// The newest backups in the data directory's `backups`, newest first, at most [`BACKUPS`]: copies of the store that were
/// made before migrations, and what the operator has put there. Hidden and empty files are left out.
pub fn backups(app: &App) -> Result<Vec<BackupEntry>> {
    let unreadable = |error| Error::internal("The backups in the data directory could not be listed.", error);
    let entries = fs::read_dir(app.store.folder.backups()).map_err(unreadable)?;
    let mut found: Vec<_> = entries.take(BACKUP_FILES).filter_map(|entry| backup(&entry.ok()?)).collect();
    found.sort_by(|one, other| other.made_at_ms.cmp(&one.made_at_ms).then_with(|| one.name.cmp(&other.name)));
    found.truncate(BACKUPS);
    Ok(found)
}

/// `None` for what is no backup, or has been deleted meanwhile.
fn backup(entry: &DirEntry) -> Option<BackupEntry> {
    let name = entry.file_name().to_string_lossy().into_owned();
    let file = entry.metadata().ok().filter(|file| file.is_file() && file.len() > 0)?;
    let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let made_at_ms = i64::try_from(since.as_millis()).ok()?;
    (!name.starts_with('.')).then_some(BackupEntry { name, bytes: file.len(), made_at_ms })
}
