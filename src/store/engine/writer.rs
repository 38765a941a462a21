//! The writer: one thread owns the server's only writing connection, and many operations share one commit.
//!
//! A caller gets its result only after the commit is synced to disk. There is no batching delay: a batch is whatever
//! arrived while the previous one was being committed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::domain::error::{Error, Result};
use crate::os::clock::pause;
use crate::os::doorbell::Doorbell;
use crate::store::engine::batches::{Batch, Batches, Found, stopped};
use crate::store::engine::checkpoints::Checkpointer;
use crate::store::engine::db::{Db, Tx};
use crate::store::engine::queue_rows;
use crate::store::engine::ready::Ready;

/// How often an idle writer checks for changes by another process.
const TICK: Duration = Duration::from_millis(200);
/// Consecutive commits after which another process may write.
const COMMITS_BEFORE_PAUSE: u32 = 256;
/// Length of that pause: `admin` retries every millisecond.
const PAUSE_FOR_OTHERS: Duration = Duration::from_millis(3);
/// Operations after which a checkpoint is requested.
const CHECKPOINT_OPERATIONS: usize = 1_024;

/// Says whether a commit may be made now.
pub type Permit = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// The permit for commits, if one is needed.
#[derive(Default)]
pub struct Permitted(OnceLock<Permit>);

impl Permitted {
    /// From now on this one is asked. The first stays.
    pub fn set(&self, permit: Permit) {
        let _first = self.0.set(permit);
    }

    /// Fails if nothing may be committed now.
    pub fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |permit| permit())
    }
}

/// A pending operation: run at most once, answered once, after the commit.
trait Operation: Send {
    /// Runs the operation; true if it succeeded.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Leaves the result for the caller, who is woken at the end of the batch.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// Where a caller finds its result.
type Answer<T> = Arc<Mutex<Option<Result<T>>>>;

struct Pending<T, F> {
    operation: Option<F>,
    outcome: Result<Option<T>>,
    answer: Answer<T>,
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T> + Send> Operation for Pending<T, F> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(operation) = self.operation.take() else { return false };
        // A panic in one operation must not end the writer thread.
        self.outcome = catch_unwind(AssertUnwindSafe(|| operation(tx)))
            .unwrap_or_else(|_| Err(Error::internal("The store failed.", "an operation panicked")))
            .map(Some);
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        // A failed operation keeps its own error, whatever the outcome of the commit.
        let answer = self.outcome.and_then(|value| {
            committed?;
            value.ok_or_else(|| Error::internal("The store failed.", "an operation was committed without being run"))
        });
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

/// Handle to the writer thread, which ends when this is dropped.
pub struct Writer {
    queue: Arc<Batches<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(db: Db, path: &Path, ready: Arc<Ready>, news: Arc<Doorbell>, permit: Arc<Permitted>) -> Result<Self> {
        let checkpointer = Checkpointer::start(path)?;
        let queue = Arc::new(Batches::default());
        let (seen, taken) = (db.data_version()?, queue_rows::changes(&db)?);
        let mut work = Work {
            db,
            queue: Arc::clone(&queue),
            ready,
            news,
            checkpointer,
            permit,
            seen,
            taken,
            since_checkpoint: 0,
            commits_in_a_row: 0,
        };
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || work.run())
            .map_err(|error| Error::internal("The store's writer could not be started.", error))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Runs an operation in the next group commit and returns after it.
    pub fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let answer = Answer::default();
        let pending = Pending { operation: Some(operation), outcome: Ok(None), answer: Arc::clone(&answer) };
        self.queue.add(Box::new(pending))?.wait();
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // None only if the writer's thread has panicked.
        answer.ok_or_else(stopped)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// State of the writer thread.
struct Work {
    db: Db,
    queue: Arc<Batches<Box<dyn Operation>>>,
    ready: Arc<Ready>,
    news: Arc<Doorbell>,
    checkpointer: Checkpointer,
    permit: Arc<Permitted>,
    /// The `data_version` seen last.
    seen: i64,
    /// The value of [`queue_rows::changes`] that the queue reflects.
    taken: i64,
    since_checkpoint: usize,
    /// Commits since the writer's queue was last empty.
    commits_in_a_row: u32,
}

impl Drop for Work {
    fn drop(&mut self) {
        // Wakes the callers, even if the writer's thread panics.
        self.queue.end();
    }
}

impl Work {
    fn run(&mut self) {
        loop {
            match self.queue.take(TICK) {
                Found::Batch(batch) => self.serve(batch),
                Found::Nothing => self.tick(),
                Found::End => return,
            }
        }
    }

    /// Idle: picks up another process's changes, and requests a checkpoint to keep the log short.
    fn tick(&mut self) {
        self.commits_in_a_row = 0;
        match self.pick_up_changes() {
            Ok(true) => self.news.ring(),
            Ok(false) => {}
            Err(error) => log::error!("could not check the store for changes: {error}"),
        }
        if self.since_checkpoint > 0 {
            self.since_checkpoint = 0;
            self.checkpointer.ask();
        }
    }

    /// Rebuilds the ready queue if another process has changed it. True if another process has committed anything: that
    /// may also have made a node eligible for work.
    fn pick_up_changes(&mut self) -> Result<bool> {
        let version = self.db.data_version()?;
        if version == self.seen {
            return Ok(false);
        }
        let changes = queue_rows::changes(&self.db)?;
        if changes != self.taken {
            queue_rows::rebuild(&self.ready, &self.db)?;
            self.taken = changes;
        }
        self.seen = version;
        self.ready.note_others();
        Ok(true)
    }

    /// One group commit.
    fn serve(&mut self, mut batch: Batch<Box<dyn Operation>>) {
        self.since_checkpoint += batch.operations.len();
        let committed = self.commit(&mut batch.operations);
        if let Err(error) = &committed {
            log::error!("a commit of {} operations failed: {error}", batch.operations.len());
            self.db.rollback();
            if let Err(error) = queue_rows::rebuild(&self.ready, &self.db) {
                log::error!("the ready queue could not be rebuilt: {error}");
                // Neither number ever occurs, so the next check rebuilds the queue.
                (self.seen, self.taken) = (-1, -1);
            }
        }
        for operation in batch.operations.drain(..) {
            operation.answer(committed.as_ref().map(drop).map_err(Error::clone));
        }
        // Wakes the callers.
        drop(batch);
        if committed.is_ok_and(|news| news) {
            self.news.ring();
        }
        self.pause_for_others();
    }

    /// Runs the operations in one transaction, each in a savepoint. True if waiting claims should be woken.
    fn commit(&mut self, operations: &mut [Box<dyn Operation>]) -> Result<bool> {
        self.db.begin()?;
        let mut news = self.pick_up_changes()?;
        for operation in operations {
            self.db.control("SAVEPOINT operation")?;
            let mut tx = Tx::new(&self.db, &self.ready);
            let succeeded = operation.run(&mut tx);
            let changes = tx.into_changes();
            if !self.db.in_transaction() {
                return Err(Error::internal("The store failed.", "SQLite rolled the transaction back by itself"));
            }
            if succeeded {
                news |= queue_rows::apply(&self.ready, &self.db, changes)?;
            } else {
                self.db.control("ROLLBACK TO operation")?;
            }
            self.db.control("RELEASE operation")?;
        }
        // As late as possible: operations may have waited.
        self.permit.check()?;
        self.db.commit()?;
        Ok(news)
    }

    /// Requests checkpoints and, under saturation, pauses now and then so that another process can take the write lock.
    fn pause_for_others(&mut self) {
        if self.since_checkpoint >= CHECKPOINT_OPERATIONS {
            self.since_checkpoint = 0;
            self.checkpointer.ask();
        }
        self.commits_in_a_row = if self.queue.len() == 0 { 0 } else { self.commits_in_a_row + 1 };
        if self.commits_in_a_row >= COMMITS_BEFORE_PAUSE {
            self.commits_in_a_row = 0;
            pause(PAUSE_FOR_OTHERS);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;
    use crate::domain::account::AccountStatus;
    use crate::domain::id::JobId;
    use crate::domain::job::Renderer;
    use crate::domain::key::KeyClass;
    use crate::domain::offer::Needs;
    use crate::domain::schedule::ReadyJob;
    use crate::store::{Store, Writing, accounts};

    /// Violates a constraint that is checked only at commit.
    fn break_the_commit(tx: &mut Tx<'_>) -> Result<()> {
        tx.batch("PRAGMA defer_foreign_keys = ON")?;
        tx.execute("INSERT INTO dinks_history (account, dinks, at_ms) VALUES (4711, 1, 0)", [])?;
        Ok(())
    }

    #[test]
    fn failed_commit_acknowledges_nobody_and_the_next_one_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::serve(dir.path(), Arc::default()).unwrap();
        let (began, begun) = mpsc::channel();
        let queued = Barrier::new(2);
        std::thread::scope(|scope| {
            // Holds the first commit until a good and a bad operation are queued, so that those two share the second
            // one.
            let (let_go, held) = mpsc::channel::<()>();
            let gate = scope.spawn(|| {
                store.write(move |_| {
                    began.send(()).unwrap();
                    held.recv().unwrap();
                    Ok(())
                })
            });
            begun.recv().unwrap();
            let good = scope.spawn(|| {
                queued.wait();
                store.write(|tx| accounts::insert(tx, uuid::Uuid::from_u128(1), "studio", 0))
            });
            queued.wait();
            let bad = scope.spawn(|| store.write(break_the_commit));
            let Writing::Server { writer, .. } = &store.writing else { panic!("a server's store") };
            while writer.queue.len() < 2 {
                std::thread::yield_now();
            }
            let_go.send(()).unwrap();
            gate.join().unwrap().unwrap();
            assert!(good.join().unwrap().is_err(), "it shared the commit that failed");
            assert!(bad.join().unwrap().is_err());
        });
        assert!(store.read(accounts::all).unwrap().is_empty());
        store.write(|tx| accounts::insert(tx, uuid::Uuid::from_u128(1), "studio", 0)).unwrap();
        assert_eq!(store.read(accounts::all).unwrap().len(), 1);
    }

    #[test]
    fn queue_is_rebuilt_only_after_another_process_changed_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::serve(dir.path(), Arc::default()).unwrap();
        let beside = Store::beside(dir.path()).unwrap();
        let account = beside.write(|tx| accounts::insert(tx, uuid::Uuid::from_u128(1), "studio", 0)).unwrap().id;
        // Present in memory only: rebuilding the queue from rows drops it.
        let (id, class) = (JobId(1), KeyClass::Metered);
        let needs = Needs { renderer: Renderer::Builtin, resolution: 1080, demo_build: None };
        store.ready.lock().insert(ReadyJob { id, account, class, needs, avoids: Vec::new() });
        let waits = || {
            store.write(|_| Ok(())).unwrap();
            store.waiting(id).is_some()
        };
        beside.write(move |tx| accounts::rename(tx, account, "atelier")).unwrap();
        assert!(waits());
        beside.write(move |tx| accounts::set_status(tx, account, AccountStatus::Active)).unwrap();
        assert!(!waits());
    }
}
