//! What lies on the data directory's disk, in total and by account.

use std::collections::HashMap;
use std::{fs, io};

use crate::app::{App, accounts};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::os::disk_usage::Usage;
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
        free: app.room.free(),
        reserve: DISK_RESERVE_BYTES,
        accounts: accounts::list(app)?.into_iter().map(account).collect::<Result<_>>()?,
    })
}
