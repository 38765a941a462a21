//! Failed and cancelled jobs, for an account's usage. Completed jobs are in the ledger.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
use crate::domain::ledger::Ended;
use crate::domain::rates::FootageKind;
use crate::store::engine::columns;
use crate::store::engine::db::Db;

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

/// Served by `jobs_unbilled`.
const OF_ACCOUNT: &str = "
    SELECT id, finished_at_ms, status, class, renderer, resolution, fps
    FROM jobs
    WHERE account = :account AND (finished_at_ms, id) > (:after_ms, :after_job) AND finished_at_ms < :to_ms
        AND (status = 'failed' OR status = 'cancelled')
    ORDER BY finished_at_ms, id
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
            ended: Ended { at_ms: row.get("finished_at_ms")?, job: JobId(row.get("id")?) },
            end: columns::word(row, "status", JobStatus::parse)?,
            class: columns::word(row, "class", KeyClass::parse)?,
            kind: columns::footage_kind(row)?,
        })
    })
}
