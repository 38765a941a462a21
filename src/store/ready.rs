//! The ready queue in memory: owned by the writer thread, looked at by others, always derivable from the rows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::db::{Change, Db, Tx};
use super::jobs;
use crate::domain::error::Result;
use crate::domain::id::{JobId, NodeId};
use crate::domain::schedule::ReadyQueue;

/// Served by the row's number.
const CHANGED: &str = "
    UPDATE queue_changes SET number = number + 1 WHERE id = 1
";

/// Notes, beside a server, that what waits has changed: the server takes it in.
pub fn note_change(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(CHANGED, [])?;
    Ok(())
}

/// Served by the row's number.
const CHANGES: &str = "
    SELECT number FROM queue_changes WHERE id = 1
";

/// How often what waits was changed beside the server.
pub fn changes(db: &Db) -> Result<i64> {
    db.always(CHANGES, [], |row| row.get(0))
}

/// The queue behind its lock. Held for moments only.
#[derive(Default)]
pub struct Ready(Mutex<ReadyQueue>);

impl Ready {
    pub fn lock(&self) -> MutexGuard<'_, ReadyQueue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the queue what the rows say.
    pub fn rebuild(&self, db: &Db) -> Result<()> {
        let mut avoided: HashMap<JobId, Vec<NodeId>> = HashMap::new();
        for (job, node) in jobs::avoided_nodes(db)? {
            avoided.entry(job).or_default().push(node);
        }
        let mut queue = ReadyQueue::default();
        for mut job in jobs::ready(db)? {
            job.avoids = avoided.remove(&job.id).unwrap_or_default();
            queue.insert(job);
        }
        *self.lock() = queue;
        Ok(())
    }

    /// Takes in what an operation changed. True when waiting claims should look again.
    pub fn apply(&self, db: &Db, changes: Vec<Change>) -> Result<bool> {
        let mut news = false;
        for change in changes {
            match change {
                Change::Wait(job) => self.lock().insert(job),
                Change::Leave(class, job) => {
                    self.lock().remove(class, job);
                    continue;
                }
                Change::News => {}
                Change::Reload => self.rebuild(db)?,
            }
            news = true;
        }
        Ok(news)
    }
}
