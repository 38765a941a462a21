//! Responses to submissions with an `Idempotency-Key`, kept to replay them.

use rusqlite::named_params;
use uuid::Uuid;

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::sha256::Sha256;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// A submission that already has a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of the request body.
    pub body_sha256: Sha256,
    /// The job it created.
    pub job: Uuid,
    /// The response body, byte for byte.
    pub answer: String,
}

/// Served by the unique index on account and key.
const FIND: &str = "
    SELECT submissions.body_sha256, submissions.answer, jobs.public_id
    FROM submissions
    JOIN jobs ON jobs.id = submissions.job
    WHERE submissions.account = :account AND submissions.key = :key AND submissions.created_at_ms > :since
";

/// The response to this account's key, if newer than `since_ms`.
pub fn find(db: &Db, account: AccountId, key: &IdempotencyKey, since_ms: i64) -> Result<Option<Answered>> {
    db.row(FIND, named_params! { ":account": account.0, ":key": key.as_str(), ":since": since_ms }, |row| {
        Ok(Answered {
            body_sha256: row.get("body_sha256")?,
            job: columns::uuid(row, "public_id")?,
            answer: row.get("answer")?,
        })
    })
}

/// Replaces an older row of the same key, so that rows stay in order of time, as [`SWEEP`] requires.
const INSERT: &str = "
    INSERT OR REPLACE INTO submissions (account, key, body_sha256, job, answer, created_at_ms)
    VALUES (:account, :key, :body_sha256, :job, :answer, :now)
";

/// Stores the response to a key.
pub fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    key: &IdempotencyKey,
    body_sha256: &Sha256,
    job: JobId,
    answer: &str,
    now_ms: i64,
) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":account": account.0,
            ":key": key.as_str(),
            ":body_sha256": body_sha256,
            ":job": job.0,
            ":answer": answer,
            ":now": now_ms,
        },
    )?;
    Ok(())
}

/// Rows are in order of time, so the oldest come first without an index on the time.
const SWEEP: &str = "
    DELETE FROM submissions
    WHERE id IN (SELECT id FROM submissions ORDER BY id LIMIT :limit) AND created_at_ms <= :before
";

/// Deletes at most `limit` responses given up to `before_ms`; returns how many.
pub fn sweep(tx: &mut Tx<'_>, before_ms: i64, limit: usize) -> Result<usize> {
    tx.execute(SWEEP, named_params! { ":before": before_ms, ":limit": limit })
}
