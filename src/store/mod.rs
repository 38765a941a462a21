//! The store: SQLite in the data directory, and the only user of rusqlite. One file per concept, named as in the
//! domain.
//!
//! A server has one writer thread with group commit ([`Store::write`] returns after the commit) and a pool of readers
//! ([`Store::read`]). `admin` opens the same store in another process with a single connection; the writer notices its
//! changes. Knows nothing of HTTP. There is no repository trait: tests use a store in a temporary directory.

pub mod accounts;
pub mod audit;
pub mod clips;
pub mod copies;
pub mod demo_indexes;
pub mod demos;
pub mod dinks;
pub mod epochs;
pub mod history;
pub mod integrity;
pub mod job_archive;
pub mod job_search;
pub mod jobs;
pub mod join_tokens;
pub mod keys;
pub mod leases;
pub mod ledger;
pub mod machines;
pub mod node_record;
pub mod nodes;
pub mod operators;
pub mod outbox;
pub mod rates;
pub mod restore;
pub mod retention;
pub mod submissions;
pub mod unbilled;
pub mod unfinished;
pub mod webhooks;

mod data_dir;
mod engine;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::epoch::Epoch;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{AccountId, JobId, LeaseId};
use crate::domain::job::Renderer;
use crate::domain::key::KeyClass;
use crate::domain::schedule::WaitingKind;
use crate::domain::schedule::explain::Place;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::domain::wording::quoted;
use crate::os::doorbell::Doorbell;

use crate::store::data_dir::EPOCH;
pub use crate::store::data_dir::{DataDir, STORE, is_job_archive, is_small_file, open_private};
pub use crate::store::engine::batches::COMMIT_BATCH;
pub use crate::store::engine::checkpoints::LOG_ALARM_BYTES;
pub use crate::store::engine::db::{Db, Tx};

use crate::store::engine::readers::Readers;
use crate::store::engine::ready::Ready;
use crate::store::engine::writer::{Permit, Permitted, Writer};
use crate::store::engine::{connection, migrations, queue_rows, snapshot};
use crate::store::epochs::file::EpochFile;

/// An open store.
pub struct Store {
    /// The data directory.
    pub folder: DataDir,
    ready: Arc<Ready>,
    readers: Readers,
    epoch_file: EpochFile,
    writing: Writing,
}

/// How this process writes.
enum Writing {
    /// The server: through the writer thread. Fields are dropped in order, so the lock is released last.
    Server { writer: Writer, permit: Arc<Permitted>, _lock: File },
    /// `admin`: one connection, one transaction at a time.
    Beside(Mutex<Db>),
}

impl Store {
    /// Opens the store as the server: locks the data directory, creates or migrates the schema, starts the writer.
    /// `news` rings after each commit that may satisfy a waiting claim, including commits of other processes.
    pub fn serve(data_dir: &Path, news: Arc<Doorbell>) -> Result<Self> {
        connection::check_sqlite()?;
        let folder = DataDir::create(data_dir)?;
        let lock = folder.lock()?;
        match restore::finish(&folder) {
            // The previous data is back in place: serve it, and log why the restore failed.
            Err(error) if error.code == ErrorCode::RestoreUndone => log::error!("{error}"),
            finished => finished?,
        }
        epochs::file::check_present(&folder)?;
        let mut db = connection::open(&folder.store(), connection::Role::Writer)?;
        migrations::create_or_migrate(&mut db, &folder)?;
        epochs::file::check(&db, &folder)?;
        // Checkpoint what a crash left in the log, so that the log is reused and need not grow, even on a full disk.
        if let Err(error) = db.checkpoint() {
            log::warn!("could not truncate the store's write-ahead log at startup: {error}");
        }
        let ready = Arc::new(Ready::default());
        queue_rows::rebuild(&ready, &db)?;
        let permit = Arc::new(Permitted::default());
        let writer = Writer::start(db, &folder.store(), ready.clone(), news, Arc::clone(&permit))?;
        let readers = Readers::new(folder.store());
        let epoch_file = EpochFile::default();
        Ok(Self { folder, ready, readers, epoch_file, writing: Writing::Server { writer, permit, _lock: lock } })
    }

    /// Opens the store as `admin`, with or without a running server. Never creates or migrates it: without a store the
    /// directory is not an appliance's (`no_appliance`), and nothing is created in it.
    pub fn beside(data_dir: &Path) -> Result<Self> {
        connection::check_sqlite()?;
        let folder = DataDir::at(data_dir);
        if restore::is_unfinished(&folder) {
            return Err(Error::conflict(
                ErrorCode::RestoreUnfinished,
                "A restore of this data directory was interrupted. Start the server to complete it.",
            ));
        }
        if !has_content(&folder.store()) {
            return Err(no_appliance(data_dir));
        }
        let folder = DataDir::create(data_dir)?;
        let db = connection::open(&folder.store(), connection::Role::Beside)?;
        migrations::check(&db)?;
        let readers = Readers::new(folder.store());
        let (ready, epoch_file) = (Arc::default(), EpochFile::default());
        Ok(Self { folder, ready, readers, epoch_file, writing: Writing::Beside(Mutex::new(db)) })
    }

    /// Begins the store's first epoch, unless it has one, and opens the file `epoch`. Called by the server when it
    /// starts. `epoch`: makes the first one.
    pub fn enter_epoch(&self, epoch: impl FnOnce() -> Result<Epoch>, now_ms: i64) -> Result<()> {
        let (current, numbers) =
            self.read(|db| Ok((epochs::current(db)?, (epochs::highest_lease(db)?, epochs::highest_row(db)?))))?;
        match current {
            Some(current) => {
                // A full disk must not keep the server from starting.
                if let Err(error) = self.epoch_file.resume(&self.folder, current, numbers) {
                    log::warn!("could not open the file {EPOCH} next to the store: {error}");
                }
                Ok(())
            }
            None => {
                let epoch = epoch()?;
                let commit = || self.write(move |tx| epochs::begin(tx, epoch, None, now_ms));
                self.epoch_file.begin(&self.folder, epoch, numbers, commit)
            }
        }
    }

    /// Records a lease whose commit is on disk. Server only.
    pub fn lease_given(&self, lease: LeaseId) {
        self.epoch_file.lease_given(lease);
    }

    /// Records in the file `epoch` how far the store's rows have progressed. Called periodically by the server.
    pub fn note_rows(&self) -> Result<()> {
        self.read(epochs::highest_row).map(|rows| self.epoch_file.rows_written(rows))
    }

    /// The error if the store is not the one that a server last served here.
    pub fn copied(&self) -> Result<Option<Error>> {
        self.read(|db| epochs::file::fault(db, &self.folder))
    }

    /// How to resolve that error.
    pub fn how_to_resolve(&self) -> String {
        epochs::file::how_to_resolve(&self.folder)
    }

    /// Writes the file `epoch` for the store as it is, so that the next server accepts it. Requires the data directory's
    /// lock.
    pub fn write_epoch_file(&self, epoch: Epoch) -> Result<()> {
        let numbers = self.read(|db| Ok((epochs::highest_lease(db)?, epochs::highest_row(db)?)))?;
        epochs::file::write(&self.folder, &self.folder.store(), epoch, numbers)
    }

    /// Writes a snapshot of the whole store into one file. Not for the server, which may keep running meanwhile.
    pub fn copy_to(&self, copy: &Path) -> Result<()> {
        match &self.writing {
            Writing::Server { .. } => {
                Err(Error::internal("Only a process other than the server can copy the store.", copy.display()))
            }
            Writing::Beside(db) => snapshot::write(&db.lock().unwrap_or_else(PoisonError::into_inner), copy),
        }
    }

    /// Truncates the write-ahead log, unless a reader still needs it. Not for the server itself.
    pub fn empty_log(&self) -> Result<()> {
        match &self.writing {
            Writing::Server { .. } => {
                Err(Error::internal("Only a process other than the server can truncate the log.", "a server's store"))
            }
            Writing::Beside(db) => db.lock().unwrap_or_else(PoisonError::into_inner).empty_log(),
        }
    }

    /// Runs one operation in a transaction and returns after its commit. An `Err` rolls the operation back.
    ///
    /// On the server, the operation shares its commit with concurrent ones, so side effects outside the store (files,
    /// memory) belong before or after it, not inside.
    pub fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.writing {
            Writing::Server { writer, permit, .. } => {
                permit.check()?;
                writer.run(operation)
            }
            Writing::Beside(db) => {
                let db = db.lock().unwrap_or_else(PoisonError::into_inner);
                db.begin()?;
                let outcome = beside(&db, &self.ready, operation).and_then(|value| db.commit().map(|()| value));
                if outcome.is_err() {
                    db.rollback();
                }
                outcome
            }
        }
    }

    /// From now on, nothing is committed unless `permit` agrees; its error is the answer. Once, and for the server only.
    pub fn write_only_if(&self, permit: Permit) {
        if let Writing::Server { permit: permitted, .. } = &self.writing {
            permitted.set(permit);
        }
    }

    /// Fails if nothing may be written now, so that files which the rows of another server need are not deleted.
    pub fn may_write(&self) -> Result<()> {
        match &self.writing {
            Writing::Server { permit, .. } => permit.check(),
            Writing::Beside(_) => Ok(()),
        }
    }

    /// Reads on a pooled connection. Short reads only: a long one keeps the write-ahead log from being reused.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.readers.with(look)
    }

    /// How many commits of other processes have been noticed: within 200 ms, several at a time count once. Server only.
    pub fn changes_by_others(&self) -> u64 {
        self.ready.others()
    }

    /// Whether any queued job suits a claim with these renderers. Server only.
    pub fn has_ready(&self, renderers: &[Renderer]) -> bool {
        self.ready.lock().has_any(renderers)
    }

    /// Builds the queue from the rows for [`Self::waiting`], because `admin` does not maintain one.
    pub fn read_queue(&self) -> Result<()> {
        match self.writing {
            Writing::Beside(_) => self.read(|db| queue_rows::rebuild(&self.ready, db)),
            Writing::Server { .. } => Ok(()),
        }
    }

    /// Sets when reserved jobs beyond their account's dinks are started. Writes nothing if that is so already, so that
    /// the server can start on a full disk.
    pub fn set_reserved_beyond_dinks(&self, beyond: ReservedBeyondDinks) -> Result<()> {
        if self.read(queue_rows::beyond_dinks)? == beyond {
            return Ok(());
        }
        self.write(move |tx| queue_rows::set_beyond_dinks(tx, beyond))
    }

    /// Compares the queue in memory with the rows. If they differ, returns in what, and rebuilds the queue. Server only.
    pub fn check_queue(&self) -> Result<Option<String>> {
        self.write(|tx| queue_rows::compare(tx.ready(), tx))
    }

    /// How many of an account's jobs are queued, of both classes. Server only.
    pub fn queued(&self, account: AccountId) -> u64 {
        self.ready.lock().queued(account)
    }

    /// How many jobs of a class are queued, and the first of them. Server only.
    pub fn waiting_in(&self, class: KeyClass) -> (u64, Option<JobId>) {
        self.ready.lock().waiting_in(class)
    }

    /// Number of queued jobs of active accounts of this class with this renderer.
    pub fn waiting_for(&self, class: KeyClass, renderer: Renderer) -> u64 {
        self.ready.lock().waiting_for(class, renderer)
    }

    /// Number of jobs with this renderer that nodes are working on.
    pub fn running_with(&self, renderer: Renderer) -> u64 {
        self.ready.lock().running_with(renderer)
    }

    /// The queued jobs by what decides why they wait. On the server, or after [`Self::read_queue`].
    pub fn waiting_kinds(&self) -> Vec<WaitingKind> {
        self.ready.lock().kinds()
    }

    /// A queued job's place in the queue. On the server, or after [`Self::read_queue`].
    pub fn waiting(&self, job: JobId) -> Option<Place> {
        let queue = self.ready.lock();
        let (position, job) = (queue.position(job)?, queue.get(job)?);
        Some(Place { position, before: queue.before(&job, position), standing: queue.standing(job.account), job })
    }
}

/// Whether the store exists and is not empty: SQLite creates an empty file before its first write.
fn has_content(store: &Path) -> bool {
    // If it is inaccessible, opening it reports that.
    std::fs::metadata(store).map_or_else(|error| error.kind() != ErrorKind::NotFound, |file| file.len() > 0)
}

fn no_appliance(data_dir: &Path) -> Error {
    let what = if data_dir.exists() { "holds no store" } else { "does not exist" };
    let message = format!(
        "There is no appliance in {0}, which {what}. Name its directory with --data-dir DIR, or create one by starting \
         the server there (serve --data-dir {1}).",
        data_dir.display(),
        quoted(&data_dir.to_string_lossy())
    );
    Error::new(Kind::NotFound, ErrorCode::NoAppliance, message)
}

/// Served by the row's number.
const PROBE: &str = "
    UPDATE queue_changes SET number = number WHERE id = 1
";

/// Writes without changing anything, to test whether the store is writable.
pub fn probe(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(PROBE, [])?;
    Ok(())
}

/// Runs an operation outside the server, and records changes of the queue for the server.
fn beside<T>(db: &Db, ready: &Ready, operation: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let mut tx = Tx::new(db, ready);
    let value = operation(&mut tx)?;
    if tx.changes_queue() {
        queue_rows::note_change(&mut tx)?;
    }
    Ok(value)
}

/// Maps SQLite errors to the errors that callers see.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Sqlite;
        match error.sqlite_error_code() {
            Some(Sqlite::DiskFull) => {
                Self::new(Kind::NoSpace, ErrorCode::NoSpace, "The disk of the data directory is full.").because(error)
            }
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => {
                Self::new(Kind::Unavailable, ErrorCode::StoreBusy, "The store is busy. Try again.").because(error)
            }
            Some(Sqlite::DatabaseCorrupt) => integrity::damaged(error),
            Some(Sqlite::OperationInterrupted) => {
                Self { code: ErrorCode::Interrupted, ..Self::internal("The store failed.", error) }
            }
            _ => Self::internal("The store failed.", error),
        }
    }
}
