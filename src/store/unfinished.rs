//! Unfinished jobs: counted by account, and as the scheduler's queue needs them.

use rusqlite::Row;

use crate::domain::account::AccountStatus;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId, NodeId};
use crate::domain::job::{JobStatus, Renderer};
use crate::domain::key::KeyClass;
use crate::domain::offer::Needs;
use crate::domain::schedule::ReadyJob;
use crate::domain::schedule::entry::RunningJob;
use crate::store::engine::columns;
use crate::store::engine::db::Db;

/// Unfinished jobs of an account with the same status and class.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub account: String,
    /// Whether it is active.
    pub account_status: AccountStatus,
    /// Its dinks.
    pub dinks: u32,
    /// Queued or rendering.
    pub status: JobStatus,
    /// Their class.
    pub class: KeyClass,
    /// How many.
    pub jobs: u64,
    /// The one that was submitted first.
    pub first: JobId,
}

/// Served by `jobs_unfinished` alone, in its order, and the accounts' rows.
const BY_ACCOUNT: &str = "
    SELECT counted.status, counted.class, counted.jobs, counted.first, accounts.id, accounts.name,
        accounts.status AS account_status, accounts.dinks
    FROM (
        SELECT status, account, class, COUNT(*) AS jobs, MIN(id) AS first
        FROM jobs
        WHERE status = 'queued'
        GROUP BY account, class
        UNION ALL
        SELECT status, account, class, COUNT(*) AS jobs, MIN(id) AS first
        FROM jobs
        WHERE status = 'rendering'
        GROUP BY account, class
    ) AS counted
    JOIN accounts ON accounts.id = counted.account
";

/// All unfinished jobs by account, status and class; unordered, but accounts are not mixed within a status.
pub fn by_account(db: &Db) -> Result<Vec<Unfinished>> {
    db.rows(BY_ACCOUNT, [], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Unfinished> {
    Ok(Unfinished {
        id: AccountId(row.get("id")?),
        account: row.get("name")?,
        account_status: columns::word(row, "account_status", AccountStatus::parse)?,
        dinks: row.get("dinks")?,
        status: columns::word(row, "status", JobStatus::parse)?,
        class: columns::word(row, "class", KeyClass::parse)?,
        jobs: row.get("jobs")?,
        first: JobId(row.get("first")?),
    })
}

/// The whole ready queue: served by `jobs_unfinished`, read at startup and after another process has changed it.
const READY: &str = "
    SELECT jobs.id, jobs.account, jobs.class, jobs.renderer, jobs.resolution, jobs.demo_build
    FROM jobs
    JOIN accounts ON accounts.id = jobs.account
    WHERE jobs.status = 'queued' AND accounts.status = 'active'
";

/// Waiting jobs of active accounts, unordered, without the nodes that they avoid: see [`avoided_nodes`].
pub fn ready(db: &Db) -> Result<Vec<ReadyJob>> {
    db.rows(READY, [], |row| {
        Ok(ReadyJob {
            id: JobId(row.get("id")?),
            account: AccountId(row.get("account")?),
            class: columns::word(row, "class", KeyClass::parse)?,
            needs: Needs {
                renderer: columns::word(row, "renderer", Renderer::parse)?,
                resolution: row.get("resolution")?,
                demo_build: row.get("demo_build")?,
            },
            avoids: Vec::new(),
        })
    })
}

/// Served by `jobs_unfinished`.
const RUNNING: &str = "
    SELECT id, account, class, renderer
    FROM jobs
    WHERE status = 'rendering'
";

/// Jobs that nodes are working on, unordered.
pub fn running(db: &Db) -> Result<Vec<RunningJob>> {
    db.rows(RUNNING, [], |row| {
        Ok(RunningJob {
            id: JobId(row.get("id")?),
            account: AccountId(row.get("account")?),
            class: columns::word(row, "class", KeyClass::parse)?,
            renderer: columns::word(row, "renderer", Renderer::parse)?,
        })
    })
}

/// Served by `jobs_unfinished` and `leases_avoid`.
const AVOIDED: &str = "
    SELECT leases.job, leases.node
    FROM jobs
    JOIN leases ON leases.job = jobs.id AND leases.avoid = 1
    WHERE jobs.status = 'queued'
";

/// The nodes that waiting jobs avoid, unordered.
pub fn avoided_nodes(db: &Db) -> Result<Vec<(JobId, NodeId)>> {
    db.rows(AVOIDED, [], |row| Ok((JobId(row.get("job")?), NodeId(row.get("node")?))))
}
