//! Database access for the rest of the store: reads on a [`Db`], writes in a [`Tx`]. Statements are prepared once.

use rusqlite::{Connection, Params, Row};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{AccountId, JobId, NodeId};
use crate::domain::offer::Offer;
use crate::domain::schedule::ReadyJob;
use crate::domain::schedule::entry::Stopped;
use crate::domain::schedule::explain::Place;
use crate::store::engine::ready::{Change, Ready};

/// A connection for reading.
pub struct Db {
    connection: Connection,
}

impl Db {
    pub(in crate::store) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The first row of the result.
    pub(in crate::store) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        Ok(rows.next()?.map(read).transpose()?)
    }

    /// The row of a statement that always returns one.
    pub(in crate::store) fn always<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.row(sql, params, read)?.ok_or_else(|| Error::internal("The store failed.", format!("no row from: {sql}")))
    }

    /// All rows of the result.
    pub(in crate::store) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Runs several statements without results.
    pub(in crate::store) fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Calls `pass` every `steps` SQLite steps while a statement runs; returning true interrupts the statement.
    pub(in crate::store) fn every(&mut self, steps: i32, pass: impl FnMut() -> bool + Send + 'static) -> Result<()> {
        Ok(self.connection.progress_handler(steps, Some(pass))?)
    }

    pub(in crate::store) fn begin(&self) -> Result<()> {
        self.control("BEGIN IMMEDIATE")
    }

    pub(in crate::store) fn commit(&self) -> Result<()> {
        self.control("COMMIT")
    }

    /// Rolls back, unless SQLite has already done so.
    pub(in crate::store) fn rollback(&self) {
        if self.in_transaction()
            && let Err(error) = self.control("ROLLBACK")
        {
            log::error!("the store could not roll back a transaction: {error}");
        }
    }

    pub(in crate::store) fn control(&self, sql: &'static str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// False after an error that made SQLite roll back by itself (a full or failing disk).
    pub(in crate::store) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Changes when another connection has committed.
    pub(in crate::store) fn data_version(&self) -> Result<i64> {
        self.always("PRAGMA data_version", [], |row| row.get(0))
    }

    /// Moves what it can from the log into the database without blocking readers or writers.
    pub(in crate::store) fn checkpoint(&self) -> Result<()> {
        self.row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Moves the whole log into the database and truncates it.
    pub(in crate::store) fn empty_log(&self) -> Result<()> {
        let busy = self.always("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?;
        if busy {
            return Err(Error::new(
                Kind::Unavailable,
                ErrorCode::StoreBusy,
                "Another program is reading the store. Try again.",
            ));
        }
        Ok(())
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    fn insert(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self.connection.prepare_cached(sql)?.insert(params)?)
    }
}

/// One operation inside a transaction.
pub struct Tx<'a> {
    db: &'a Db,
    ready: &'a Ready,
    changes: Vec<Change>,
}

impl std::ops::Deref for Tx<'_> {
    type Target = Db;

    fn deref(&self) -> &Db {
        self.db
    }
}

impl<'a> Tx<'a> {
    pub(in crate::store) fn new(db: &'a Db, ready: &'a Ready) -> Self {
        Self { db, ready, changes: Vec::new() }
    }

    /// Whether the operation changes the ready queue.
    pub(in crate::store) fn changes_queue(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, Change::News))
    }

    pub(in crate::store) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Runs a statement; returns the number of rows changed.
    pub(in crate::store) fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        self.db.execute(sql, params)
    }

    /// Inserts one row; returns its number.
    pub(in crate::store) fn insert(&mut self, sql: &str, params: impl Params) -> Result<i64> {
        self.db.insert(sql, params)
    }

    /// The job joins the queue, and waiting claims are woken.
    pub(in crate::store) fn wait(&mut self, job: ReadyJob) {
        self.changes.push(Change::Wait(job));
    }

    /// The job leaves the queue without being started.
    pub(in crate::store) fn leave(&mut self, job: JobId) {
        self.changes.push(Change::Leave(job));
    }

    /// A node starts the queued job.
    pub(in crate::store) fn start(&mut self, job: JobId) {
        self.changes.push(Change::Start(job));
    }

    /// The job is not running any more, and waiting claims are woken: a slot has become free.
    pub(in crate::store) fn stop(&mut self, job: JobId, stopped: Stopped) {
        self.changes.push(Change::Stop(job, stopped));
    }

    /// Waiting claims are woken: a node may take work that it could not take before.
    pub fn ring(&mut self) {
        self.changes.push(Change::News);
    }

    /// An account's dinks have changed.
    pub(in crate::store) fn set_dinks(&mut self, account: AccountId, dinks: u32) {
        self.changes.push(Change::Dinks(account, dinks));
    }

    /// The queue must be rebuilt from rows: it has changed which accounts' jobs may be claimed.
    pub(in crate::store) fn reload(&mut self) {
        self.changes.push(Change::Reload);
    }

    /// How many jobs of this account are queued, of both classes, without the changes of this operation.
    pub fn queued(&self, account: AccountId) -> u64 {
        self.ready.lock().queued(account)
    }

    /// The place of a job that joins the queue now, without the changes of this operation.
    pub fn place(&self, job: ReadyJob) -> Place {
        let ready = self.ready.lock();
        let position = ready.waiting(job.account, job.class) + 1;
        Place { position, before: ready.before(&job, position), standing: ready.standing(job.account), job }
    }

    /// The queue in memory, without the changes of this operation.
    pub(in crate::store) fn ready(&self) -> &Ready {
        self.ready
    }

    /// The next job for a node, see [`crate::domain::schedule::ReadyQueue::pick`].
    pub fn pick(&self, node: NodeId, offer: &Offer, elsewhere: impl FnMut(&ReadyJob) -> bool) -> Option<ReadyJob> {
        self.ready.lock().pick(node, offer, elsewhere)
    }
}
