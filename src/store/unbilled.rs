//! Failed and cancelled jobs, for an account's usage. Completed jobs are in the ledger. Rows outlive their job's row.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::{Job, JobStatus};
use crate::domain::key::KeyClass;
use crate::domain::ledger::Ended;
use crate::domain::rates::FootageKind;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// A job that failed permanently or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbilled {
    /// When it ended.
    pub ended: Ended,
    /// Whether it failed or was cancelled.
    pub end: JobStatus,
    /// Metered or reserved.
    pub class: KeyClass,
    /// The kind of clip.
    pub kind: FootageKind,
}

const INSERT: &str = "
    INSERT INTO unbilled (account, at_ms, job, status, class, renderer, resolution, fps)
    VALUES (:account, :now, :job, :status, :class, :renderer, :resolution, :fps)
";

/// Records that a job failed permanently or was cancelled.
pub fn insert(tx: &mut Tx<'_>, job: &Job, end: JobStatus, now_ms: i64) -> Result<()> {
    tx.execute(
        INSERT,
        named_params! {
            ":account": job.account.0,
            ":now": now_ms,
            ":job": job.id.0,
            ":status": end.as_str(),
            ":class": job.class.as_str(),
            ":renderer": job.spec.renderer.as_str(),
            ":resolution": job.spec.resolution,
            ":fps": job.spec.fps,
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const DELETE: &str = "
    DELETE FROM unbilled WHERE account = :account AND at_ms = :at AND job = :job
";

/// A failed or cancelled job is tried again.
pub fn delete(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    tx.execute(DELETE, named_params! { ":account": job.account.0, ":at": job.finished_at_ms, ":job": job.id.0 })?;
    Ok(())
}

/// Served by the primary key.
const OF_ACCOUNT: &str = "
    SELECT job, at_ms, status, class, renderer, resolution, fps
    FROM unbilled
    WHERE account = :account AND (at_ms, job) > (:after_ms, :after_job) AND at_ms < :to_ms
    ORDER BY at_ms, job
    LIMIT :limit
";

/// A page of an account's failed and cancelled jobs: after a position, before a time.
pub fn of_account(db: &Db, account: AccountId, after: Ended, to_ms: i64, limit: u32) -> Result<Vec<Unbilled>> {
    let params = named_params! {
        ":account": account.0,
        ":after_ms": after.at_ms,
        ":after_job": after.job.0,
        ":to_ms": to_ms,
        ":limit": limit,
    };
    db.rows(OF_ACCOUNT, params, |row| {
        Ok(Unbilled {
            ended: Ended { at_ms: row.get("at_ms")?, job: JobId(row.get("job")?) },
            end: columns::word(row, "status", JobStatus::parse)?,
            class: columns::word(row, "class", KeyClass::parse)?,
            kind: columns::footage_kind(row)?,
        })
    })
}
