//! What lies on the data directory's disk, in total and by account. A million files take seconds to measure, so the
//! dashboard shows the latest measurement, which a thread of the scheduler repeats while somebody looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use crate::app::upkeep::retention::{self, Shown};
use crate::app::{App, accounts};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::os::disk_usage::Usage;
use crate::os::doorbell::Doorbell;
use crate::os::files;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::store;
use crate::store::clips::Totals;

/// Files by kind, and what each account stores.
pub struct Storage {
    /// Videos, including uploads in progress.
    pub clips: Usage,
    /// Posters.
    pub posters: Usage,
    /// Uploaded demos, including uploads in progress. Demos of several accounts are stored once.
    pub demos: Usage,
    /// Files of archived jobs.
    pub archive: Usage,
    /// Jobs in them.
    pub archived_jobs: u64,
    /// Copies of the store made before a migration.
    pub backups: Usage,
    /// State and caches of the nodes inside the server.
    pub local_nodes: Usage,
    /// Bytes of the store and its write-ahead log.
    pub store: u64,
    /// Bytes of the whole disk, if known.
    pub total: Option<u64>,
    /// Free bytes, if known.
    pub free: Option<u64>,
    /// Bytes that stay free.
    pub reserve: u64,
    /// All accounts.
    pub accounts: Vec<AccountStorage>,
}

/// What an account stores.
pub struct AccountStorage {
    /// Its name.
    pub name: String,
    /// Its clips.
    pub clips: Totals,
    /// How many demos it has.
    pub demos: u64,
    /// Bytes of those.
    pub demo_bytes: u64,
    /// Bytes that it may have; `None`: the server's default.
    pub max_demo_bytes: Option<u64>,
}

/// Measures the files and reads the accounts' totals.
pub fn show(app: &App) -> Result<Storage> {
    let folder = &app.store.folder;
    let unreadable = |error: io::Error| Error::internal("The data directory could not be measured.", error);
    let of = |path| Usage::of(path).map_err(unreadable);
    let length = |path| fs::metadata(path).map_or(0, |file| file.len());
    let (clips, posters) = app.clip_files.usage().map_err(unreadable)?;
    let archives = app.store.read(store::job_archive::all)?;
    let mut totals: HashMap<AccountId, Totals> = app.store.read(store::clips::totals)?.into_iter().collect();
    let account = |account: Account| {
        app.store.read(|db| {
            Ok(AccountStorage {
                clips: totals.remove(&account.id).unwrap_or_default(),
                demos: store::demos::count(db, account.id)?,
                demo_bytes: store::demos::account_bytes(db, account.id)?,
                max_demo_bytes: store::accounts::demo_bytes(db, account.id)?,
                name: account.name,
            })
        })
    };
    Ok(Storage {
        clips,
        posters,
        demos: of(&folder.demos())?,
        archive: of(&folder.archive())?,
        archived_jobs: archives.iter().map(|archive| archive.jobs).sum(),
        backups: of(&folder.backups())?,
        local_nodes: of(&folder.local_nodes())?,
        store: length(folder.store()) + length(folder.log()),
        total: files::total_bytes(folder.path()),
        free: app.room.free(),
        reserve: DISK_RESERVE_BYTES,
        accounts: accounts::list(app)?.into_iter().map(account).collect::<Result<_>>()?,
    })
}

/// How long a measurement is shown before it is repeated.
pub const MEASURED: Duration = Duration::from_secs(60);
/// How long a look waits for the first measurement: on most servers it takes less.
const PATIENCE: Duration = Duration::from_millis(200);

/// A measurement.
pub struct Measured {
    /// What lies on the disk.
    pub storage: Storage,
    /// The retention rules, and what they would have deleted then.
    pub rules: Vec<Shown>,
    /// When it was made. Unix time in milliseconds.
    pub at_ms: i64,
}

/// The latest measurement.
#[derive(Default)]
pub struct Latest {
    state: Mutex<State>,
    /// Rings when somebody looks and the measurement is old.
    pub wanted: Doorbell,
    made: Doorbell,
}

#[derive(Default)]
struct State {
    /// The measurement, and when it was made by the monotonic clock.
    last: Option<(Duration, Result<Arc<Measured>>)>,
    is_wanted: bool,
}

impl Latest {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The latest measurement, which may be older than [`MEASURED`] while the next one is made; `None` if the first one is
/// not finished yet.
pub fn latest(app: &App) -> Result<Option<Arc<Measured>>> {
    let made = app.measured.made.rings();
    let known = {
        let mut state = app.measured.lock();
        let is_old = |(at, _): &(Duration, _)| app.clock.monotonic().saturating_sub(*at) >= MEASURED;
        state.is_wanted |= state.last.as_ref().is_none_or(is_old);
        if state.is_wanted {
            app.measured.wanted.ring();
        }
        state.last.clone()
    };
    match known {
        Some((_, measured)) => measured.map(Some),
        None if app.measured.made.wait_past(made, PATIENCE) => {
            app.measured.lock().last.as_ref().map(|(_, measured)| measured.clone()).transpose()
        }
        None => Ok(None),
    }
}

/// Makes the next look ask for a new measurement: something has been changed that it shows.
pub fn outdate(app: &App) {
    app.measured.lock().is_wanted = true;
}

/// Measures if somebody has looked and the latest measurement is old. On a thread of its own; returns whether it did.
pub fn measure(app: &App) -> bool {
    if !std::mem::take(&mut app.measured.lock().is_wanted) {
        return false;
    }
    let at_ms = app.clock.now_ms();
    let rules = retention::show(app);
    let measured = rules.and_then(|rules| Ok(Arc::new(Measured { storage: show(app)?, rules, at_ms })));
    if let Err(error) = &measured {
        log::error!("the storage could not be measured: {error}");
    }
    app.measured.lock().last = Some((app.clock.monotonic(), measured));
    app.measured.made.ring();
    true
}
