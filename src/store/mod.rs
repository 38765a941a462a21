//! The store: SQLite in the data directory, the only user of rusqlite. One file a concept, named as in the domain.
//!
//! A server has one writer thread with group commit ([`Store::write`] answers after the commit) and a pool of readers
//! ([`Store::read`]). `admin` opens the same store beside it with a single connection; the writer notices what changed.
//! Knows nothing of HTTP. There is no repository trait: tests use a store in a temporary directory.

pub mod accounts;
pub mod audit;
pub mod clips;
pub mod copies;
pub mod demo_indexes;
pub mod demos;
pub mod dinks;
pub mod integrity;
pub mod job_search;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod ledger;
pub mod nodes;
pub mod rates;
pub mod restore;
pub mod served;
pub mod submissions;
pub mod unbilled;

mod data_dir;
mod engine;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::id::{AccountId, JobId, LeaseId};
use crate::domain::job::Renderer;
use crate::domain::key::KeyClass;
use crate::domain::schedule::ReadyJob;
use crate::domain::wording::quoted;
use crate::os::doorbell::Doorbell;

pub use crate::store::data_dir::{DataDir, STORE, is_small_file, open_private};
pub use crate::store::engine::db::{Db, Tx};

use crate::store::engine::readers::Readers;
use crate::store::engine::ready::Ready;
use crate::store::engine::writer::Writer;
use crate::store::engine::{connection, migrations, queue_rows, snapshot};
use crate::store::served::file::ServedFile;

/// An open store.
pub struct Store {
    /// Where its files lie.
    pub folder: DataDir,
    ready: Arc<Ready>,
    readers: Readers,
    served: ServedFile,
    writing: Writing,
}

/// How this process writes.
enum Writing {
    /// The server: through the writer thread. Fields are dropped in order: the lock goes last.
    Server { writer: Writer, _lock: File },
    /// `admin`: one connection of its own, one transaction at a time.
    Beside(Mutex<Db>),
}

impl Store {
    /// Opens the store as the server: locks the data directory, creates or migrates the schema, starts the writer.
    /// `news` rings after each commit that lets a waiting claim hope, also for what another process changed.
    pub fn serve(data_dir: &Path, news: Arc<Doorbell>) -> Result<Self> {
        connection::check_sqlite()?;
        let folder = DataDir::create(data_dir)?;
        let lock = folder.lock()?;
        match restore::finish(&folder) {
            // What was there before is whole again: it is served, and whoever restored is told why.
            Err(error) if error.code == restore::UNDONE => log::error!("{error}"),
            finished => finished?,
        }
        served::file::check_present(&folder)?;
        let mut db = connection::open(&folder.store(), connection::Role::Writer)?;
        migrations::create_or_migrate(&mut db, &folder)?;
        served::file::check(&db, &folder)?;
        // What a crash left in the log goes to its place: the log then begins anew and need not grow, even on a full disk.
        if let Err(error) = db.checkpoint() {
            log::warn!("the store's log could not be emptied at the start: {error}");
        }
        let ready = Arc::new(Ready::default());
        queue_rows::rebuild(&ready, &db)?;
        let writer = Writer::start(db, &folder.store(), ready.clone(), news)?;
        let readers = Readers::new(folder.store());
        let served = ServedFile::default();
        Ok(Self { folder, ready, readers, served, writing: Writing::Server { writer, _lock: lock } })
    }

    /// Opens the store beside a server, or without one. Never makes one and never migrates it: where there is none, the
    /// directory is no appliance's (`no_appliance`), and nothing is left in it.
    pub fn beside(data_dir: &Path) -> Result<Self> {
        connection::check_sqlite()?;
        let folder = DataDir::at(data_dir);
        if restore::is_unfinished(&folder) {
            return Err(Error::conflict(
                "restore_unfinished",
                "A restore of this data directory was interrupted: start the server, which goes on with it.",
            ));
        }
        if !has_content(&folder.store()) {
            return Err(no_appliance(data_dir));
        }
        let folder = DataDir::create(data_dir)?;
        let db = connection::open(&folder.store(), connection::Role::Beside)?;
        migrations::check(&db)?;
        let readers = Readers::new(folder.store());
        let (ready, served) = (Arc::default(), ServedFile::default());
        Ok(Self { folder, ready, readers, served, writing: Writing::Beside(Mutex::new(db)) })
    }

    /// Leaves a mark, new each time, in the store and in the file beside it: of the server, when it starts and stops.
    pub fn leave_mark(&self, mark: served::Mark) -> Result<()> {
        let (old, numbers) =
            self.read(|db| Ok((served::mark(db)?, (served::highest_lease(db)?, served::highest_row(db)?))))?;
        self.served.mark(&self.folder, old, mark, numbers, || self.write(move |tx| served::set_mark(tx, &mark)))
    }

    /// A lease was given, and its commit is on the disk: of the server.
    pub fn lease_given(&self, lease: LeaseId) {
        self.served.lease_given(lease);
    }

    /// Keeps beside the store how far its rows have come: of the server, now and then.
    pub fn note_rows(&self) -> Result<()> {
        self.read(served::highest_row).map(|rows| self.served.rows_written(rows))
    }

    /// What shows that the store is not the one that a server last served here, if anything does.
    pub fn copied(&self) -> Result<Option<Error>> {
        self.read(|db| served::file::fault(db, &self.folder))
    }

    /// What to do about that.
    pub fn way_out(&self) -> String {
        served::file::way_out(&self.folder)
    }

    /// The next server takes the store as it is. Only under the data directory's lock.
    pub fn forget_served(&self) -> Result<()> {
        served::file::forget(&self.folder)
    }

    /// Writes the whole store, as it is now, into one file: of a process beside the server, which goes on meanwhile.
    pub fn copy_to(&self, copy: &Path) -> Result<()> {
        match &self.writing {
            Writing::Server { .. } => {
                Err(Error::internal("The store is copied beside its server only.", copy.display()))
            }
            Writing::Beside(db) => snapshot::write(&db.lock().unwrap_or_else(PoisonError::into_inner), copy),
        }
    }

    /// Empties the write-ahead log, as far as no reader needs it: of a process beside the server.
    pub fn empty_log(&self) -> Result<()> {
        match &self.writing {
            Writing::Server { .. } => {
                Err(Error::internal("The log is emptied beside the server only.", "a server's store"))
            }
            Writing::Beside(db) => db.lock().unwrap_or_else(PoisonError::into_inner).empty_log(),
        }
    }

    /// Runs one operation in a transaction and answers after its commit. An `Err` leaves no trace of it.
    ///
    /// On the server the operation shares a commit with others that came at the same time: whatever it does outside
    /// the store (files, other memory) it must do before or after, not inside.
    pub fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.writing {
            Writing::Server { writer, .. } => writer.run(operation),
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

    /// Reads with a connection of the pool. Short reads only: a long one keeps the write-ahead log from being reused.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.readers.with(look)
    }

    /// Whether a claim with these renderers has anything to hope for. Of the server only.
    pub fn has_ready(&self, renderers: &[Renderer]) -> bool {
        self.ready.lock().has_any(renderers)
    }

    /// Reads the queue off the rows for [`Self::waiting`], beside a server: there nobody keeps it.
    pub fn read_queue(&self) -> Result<()> {
        match self.writing {
            Writing::Beside(_) => self.read(|db| queue_rows::rebuild(&self.ready, db)),
            Writing::Server { .. } => Ok(()),
        }
    }

    /// How many of an account's jobs wait, of both classes. Of the server only.
    pub fn queued(&self, account: AccountId) -> u64 {
        self.ready.lock().queued(account)
    }

    /// How many jobs of a class wait, and the first of them. Of the server only.
    pub fn waiting_in(&self, class: KeyClass) -> (u64, Option<JobId>) {
        self.ready.lock().waiting_in(class)
    }

    /// A job's place among its account's waiting jobs of its class, and what the queue knows of it. Of the server, or after
    /// [`Self::read_queue`].
    pub fn waiting(&self, account: AccountId, class: KeyClass, job: JobId) -> Option<(u64, ReadyJob)> {
        let queue = self.ready.lock();
        Some((queue.position(account, class, job)?, queue.get(class, job)?.clone()))
    }
}

/// Whether there is such a file, and something in it: SQLite makes an empty one before it writes.
fn has_content(store: &Path) -> bool {
    // One that may not be looked at is refused when it is opened.
    std::fs::metadata(store).map_or_else(|error| error.kind() != ErrorKind::NotFound, |file| file.len() > 0)
}

fn no_appliance(data_dir: &Path) -> Error {
    let what = if data_dir.exists() { "holds no store" } else { "does not exist" };
    let message = format!(
        "There is no appliance in {0}, which {what}: say where it is with --data-dir DIR, or make one by starting the \
         server there (serve --data-dir {1}).",
        data_dir.display(),
        quoted(&data_dir.to_string_lossy())
    );
    Error::new(Kind::NotFound, "no_appliance", message)
}

/// Served by the row's number.
const PROBE: &str = "
    UPDATE queue_changes SET number = number WHERE id = 1
";

/// Writes, and changes nothing: whether it can be done.
pub fn probe(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(PROBE, [])?;
    Ok(())
}

/// One operation of a process that keeps no queue: what it changes there it notes for the server.
fn beside<T>(db: &Db, ready: &Ready, operation: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let mut tx = Tx::new(db, ready);
    let value = operation(&mut tx)?;
    if tx.changes_queue() {
        queue_rows::note_change(&mut tx)?;
    }
    Ok(value)
}

/// What a failure of SQLite means to a caller.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::new(Kind::NoSpace, "no_space", "The disk of the data directory is full.").because(error)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::new(Kind::Unavailable, "store_busy", "The store is busy. Try again.").because(error)
            }
            Some(ErrorCode::DatabaseCorrupt) => integrity::damaged(error),
            Some(ErrorCode::OperationInterrupted) => {
                Self { code: integrity::INTERRUPTED, ..Self::internal("The store failed.", error) }
            }
            _ => Self::internal("The store failed.", error),
        }
    }
}
