//! Keeps the ready queue in step with the rows.

use std::collections::HashMap;

use crate::domain::error::Result;
use crate::domain::id::{JobId, NodeId};
use crate::domain::schedule::ReadyQueue;
use crate::store::engine::db::{Db, Tx};
use crate::store::engine::ready::{Change, Ready};
use crate::store::jobs;

/// Served by the row's number.
const CHANGED: &str = "
    UPDATE queue_changes SET number = number + 1 WHERE id = 1
";

/// Records that another process than the server has changed the queue, so that the server rebuilds it.
pub fn note_change(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(CHANGED, [])?;
    Ok(())
}

/// Served by the row's number.
const CHANGES: &str = "
    SELECT number FROM queue_changes WHERE id = 1
";

/// The number of changes of the queue by other processes.
pub fn changes(db: &Db) -> Result<i64> {
    db.always(CHANGES, [], |row| row.get(0))
}

/// Rebuilds the queue from the rows.
pub fn rebuild(ready: &Ready, db: &Db) -> Result<()> {
    let mut avoided: HashMap<JobId, Vec<NodeId>> = HashMap::new();
    for (job, node) in jobs::avoided_nodes(db)? {
        avoided.entry(job).or_default().push(node);
    }
    let mut queue = ReadyQueue::default();
    for mut job in jobs::ready(db)? {
        job.avoids = avoided.remove(&job.id).unwrap_or_default();
        queue.insert(job);
    }
    *ready.lock() = queue;
    Ok(())
}

/// Applies an operation's changes. True if waiting claims should be woken.
pub fn apply(ready: &Ready, db: &Db, changes: Vec<Change>) -> Result<bool> {
    let mut news = false;
    for change in changes {
        match change {
            Change::Wait(job) => ready.lock().insert(job),
            Change::Leave(class, job) => {
                ready.lock().remove(class, job);
                continue;
            }
            Change::News => {}
            Change::Reload => rebuild(ready, db)?,
        }
        news = true;
    }
    Ok(news)
}
