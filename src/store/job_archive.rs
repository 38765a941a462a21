//! Rows of finished jobs that may be archived, and of the files that archived jobs are in.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::Job;
use crate::domain::month::Month;
use crate::domain::retention::Scope;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};
use crate::store::retention;

/// A job, in order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its row.
    pub job: JobId,
    /// Its account.
    pub account: AccountId,
    /// When it was submitted. Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Whether it may be archived: finished, without a clip, and without an event that is still to be delivered.
    pub is_over: bool,
}

/// The columns that [`read_submitted`] reads, and the tables they come from.
macro_rules! submitted {
    () => {
        "
    SELECT
        jobs.id, jobs.account, jobs.created_at_ms,
        jobs.finished_at_ms IS NOT NULL AND clips.job IS NULL
            AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job = jobs.id AND outbox.state = 'pending') AS is_over
    FROM jobs
    LEFT JOIN clips ON clips.job = jobs.id
"
    };
}

/// Walks jobs by their row's number, except the newest: its number must not be used again.
const OLDEST: &str = concat!(
    submitted!(),
    "    WHERE jobs.id > :after AND jobs.id < (SELECT MAX(id) FROM jobs)
    ORDER BY jobs.id
    LIMIT :limit"
);

/// Served by `jobs_account`; see [`OLDEST`].
const OLDEST_OF_ACCOUNT: &str = concat!(
    submitted!(),
    "    WHERE jobs.account = :account AND jobs.id > :after AND jobs.id < (SELECT MAX(id) FROM jobs)
    ORDER BY jobs.id
    LIMIT :limit"
);

/// The next jobs of an account or of all accounts, oldest first, without the newest job of all.
pub fn oldest(db: &Db, account: Option<AccountId>, after: JobId, limit: u32) -> Result<Vec<Submitted>> {
    match account {
        Some(account) => db.rows(
            OLDEST_OF_ACCOUNT,
            named_params! { ":account": account.0, ":after": after.0, ":limit": limit },
            read_submitted,
        ),
        None => db.rows(OLDEST, named_params! { ":after": after.0, ":limit": limit }, read_submitted),
    }
}

fn read_submitted(row: &Row<'_>) -> rusqlite::Result<Submitted> {
    Ok(Submitted {
        job: JobId(row.get("id")?),
        account: AccountId(row.get("account")?),
        created_at_ms: row.get("created_at_ms")?,
        is_over: row.get("is_over")?,
    })
}

/// Served by `jobs_account` alone, account by account, and `jobs_unfinished` alone.
const SCOPE_JOBS: &str = "
    SELECT COALESCE(SUM(
        (SELECT COUNT(*) FROM jobs WHERE account = accounts.id)
        - (SELECT COUNT(*) FROM jobs WHERE status = 'queued' AND account = accounts.id)
        - (SELECT COUNT(*) FROM jobs WHERE status = 'rendering' AND account = accounts.id)
    ), 0)
    FROM accounts
    WHERE CASE WHEN :account IS NULL THEN id NOT IN (SELECT value FROM json_each(:others)) ELSE id = :account END
";

/// How many finished jobs these accounts have.
pub fn scope_jobs(db: &Db, scope: &Scope) -> Result<u64> {
    let account = scope.one().map(|account| account.0);
    let params = named_params! { ":account": account, ":others": retention::others(scope) };
    db.always(SCOPE_JOBS, params, |row| row.get(0))
}

/// Served by `leases_job`.
const DELETE_LEASES: &str = "
    DELETE FROM leases WHERE job = :job
";

/// Served by the row's number.
const DELETE: &str = "
    DELETE FROM jobs
    WHERE id = :job AND finished_at_ms = :finished
        AND NOT EXISTS (SELECT 1 FROM clips WHERE clips.job = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job = jobs.id AND outbox.state = 'pending')
";

/// Deletes a finished job, its attempts and its delivered events; false if it has changed since it was read. Its ledger
/// and usage rows stay.
pub fn delete(tx: &mut Tx<'_>, job: &Job) -> Result<bool> {
    tx.execute(DELETE_LEASES, named_params! { ":job": job.id.0 })?;
    Ok(tx.execute(DELETE, named_params! { ":job": job.id.0, ":finished": job.finished_at_ms })? == 1)
}

/// A file of archived jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobArchive {
    /// The UTC month in which its jobs finished.
    pub month: Month,
    /// Its length.
    pub bytes: u64,
    /// How many jobs are in it.
    pub jobs: u64,
}

/// Reads the whole table: one row for each month.
const ARCHIVES: &str = "
    SELECT month, bytes, jobs FROM job_archives ORDER BY month
";

/// All files of archived jobs, by month.
pub fn all(db: &Db) -> Result<Vec<JobArchive>> {
    db.rows(ARCHIVES, [], |row| {
        Ok(JobArchive {
            month: columns::word(row, "month", |text| Month::parse(text).ok())?,
            bytes: row.get("bytes")?,
            jobs: row.get("jobs")?,
        })
    })
}

const RECORD: &str = "
    INSERT INTO job_archives (month, bytes, jobs)
    VALUES (:month, :bytes, :jobs)
    ON CONFLICT (month) DO UPDATE SET bytes = :bytes, jobs = :jobs
";

/// Records a file's length and number of jobs, once its content is synced.
pub fn record(tx: &mut Tx<'_>, archive: &JobArchive) -> Result<()> {
    let month = archive.month.to_string();
    tx.execute(RECORD, named_params! { ":month": month, ":bytes": archive.bytes, ":jobs": archive.jobs })?;
    Ok(())
}

/// Served by the primary key.
const FORGET: &str = "
    DELETE FROM job_archives WHERE month = :month
";

/// Forgets a file that was moved away.
pub fn forget(tx: &mut Tx<'_>, month: Month) -> Result<()> {
    tx.execute(FORGET, named_params! { ":month": month.to_string() })?;
    Ok(())
}
