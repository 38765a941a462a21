//! Unfinished jobs by account, counted without reading the jobs themselves.

use rusqlite::Row;

use crate::domain::account::AccountStatus;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
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
