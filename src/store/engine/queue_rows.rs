//! Keeps the ready queue in step with the rows.

use std::collections::HashMap;

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::id::{JobId, NodeId};
use crate::domain::schedule::entry::Rows;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};
use crate::store::engine::ready::{Change, Ready};
use crate::store::{accounts, clips, unfinished};

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

/// Served by the row's number.
const BEYOND_DINKS: &str = "
    SELECT beyond_dinks FROM queue_changes WHERE id = 1
";

/// When reserved jobs beyond their account's dinks are started.
pub fn beyond_dinks(db: &Db) -> Result<ReservedBeyondDinks> {
    db.always(BEYOND_DINKS, [], |row| columns::word(row, "beyond_dinks", ReservedBeyondDinks::parse))
}

/// Served by the row's number.
const SET_BEYOND_DINKS: &str = "
    UPDATE queue_changes SET beyond_dinks = :beyond WHERE id = 1
";

/// Sets it, and rebuilds the queue.
pub fn set_beyond_dinks(tx: &mut Tx<'_>, beyond: ReservedBeyondDinks) -> Result<()> {
    tx.execute(SET_BEYOND_DINKS, named_params! { ":beyond": beyond.as_str() })?;
    tx.reload();
    Ok(())
}

/// Clips that say how long jobs take, after a start.
const SPEED_CLIPS: u32 = 50;

/// Rebuilds the queue from the rows.
pub fn rebuild(ready: &Ready, db: &Db) -> Result<()> {
    let rows = rows(db)?;
    let (beyond, speeds) = (beyond_dinks(db)?, clips::speeds(db, SPEED_CLIPS)?);
    let mut queue = ready.lock();
    queue.set_beyond(beyond);
    queue.rebuild(rows);
    speeds.into_iter().for_each(|(renderer, took_ms)| queue.seed_speed(renderer, took_ms));
    Ok(())
}

/// Compares the queue with the rows. If they differ, returns in what, and rebuilds the queue.
pub fn compare(ready: &Ready, db: &Db) -> Result<Option<String>> {
    let mut rows = rows(db)?;
    rows.ready.sort_by_key(|job| job.id);
    rows.running.sort_by_key(|job| job.id);
    rows.dinks.sort_unstable();
    let held = ready.lock().rows();
    let differs = |what: &str, held: usize, rows: usize| format!("{what}: {held} in memory, {rows} in the store");
    let difference = if held.ready != rows.ready {
        differs("queued jobs", held.ready.len(), rows.ready.len())
    } else if held.running != rows.running {
        differs("running jobs", held.running.len(), rows.running.len())
    } else if held.dinks != rows.dinks {
        differs("accounts with dinks", held.dinks.len(), rows.dinks.len())
    } else {
        return Ok(None);
    };
    rebuild(ready, db)?;
    Ok(Some(difference))
}

fn rows(db: &Db) -> Result<Rows> {
    let mut avoided: HashMap<JobId, Vec<NodeId>> = HashMap::new();
    for (job, node) in unfinished::avoided_nodes(db)? {
        avoided.entry(job).or_default().push(node);
    }
    let mut ready = unfinished::ready(db)?;
    for job in &mut ready {
        job.avoids = avoided.remove(&job.id).unwrap_or_default();
        // A job may have failed on a node more than once.
        job.avoids.sort_unstable();
        job.avoids.dedup();
    }
    Ok(Rows { ready, running: unfinished::running(db)?, dinks: accounts::with_dinks(db)? })
}

/// Applies an operation's changes. True if waiting claims should be woken.
pub fn apply(ready: &Ready, db: &Db, changes: Vec<Change>) -> Result<bool> {
    let mut news = false;
    for change in changes {
        match change {
            Change::Wait(job) => ready.lock().insert(job),
            // The node has a free slot.
            Change::Stop(job, stopped) => ready.lock().stop(job, stopped),
            Change::News => {}
            Change::Reload => rebuild(ready, db)?,
            Change::Leave(job) => {
                ready.lock().remove(job);
                continue;
            }
            Change::Start(job) => {
                ready.lock().start(job);
                continue;
            }
            Change::Dinks(account, dinks) => {
                ready.lock().set_dinks(account, dinks);
                continue;
            }
        }
        news = true;
    }
    Ok(news)
}
