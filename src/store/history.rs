//! Rows of the history by half hour: ended jobs and samples. They outlive the jobs.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::history::{EndedJobs, Sample, half_hour};
use crate::domain::id::JobId;
use crate::domain::job::{Job, JobStatus};
use crate::domain::key::KeyClass;
use crate::domain::list::LIST_ROWS;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// Milliseconds of history that are deleted at once: a day.
const DELETED_AT_ONCE_MS: i64 = 86_400_000;

/// Served by the primary key.
const COUNT_ENDED: &str = "
    INSERT INTO ended_jobs (at_ms, status, class, code, jobs, last_job, last_at_ms)
    VALUES (:at, :status, :class, :code, 1, :job, :now)
    ON CONFLICT (at_ms, status, class, code) DO UPDATE
    SET jobs = jobs + 1, last_job = excluded.last_job, last_at_ms = excluded.last_at_ms
";

/// Counts a job that ends now. `code`: why it failed, if it did.
pub fn count_ended(tx: &mut Tx<'_>, job: &Job, end: JobStatus, code: Option<FailureCode>, now_ms: i64) -> Result<()> {
    tx.execute(
        COUNT_ENDED,
        named_params! {
            ":at": half_hour(now_ms),
            ":status": end.as_str(),
            ":class": job.class.as_str(),
            ":code": code.map_or("", FailureCode::as_str),
            ":job": job.id.0,
            ":now": now_ms,
        },
    )?;
    Ok(())
}

/// Served by the primary key: about ten rows for each half hour.
const ENDED_SINCE: &str = "
    SELECT at_ms, status, class, code, jobs, last_job, last_at_ms
    FROM ended_jobs
    WHERE at_ms >= :from
    ORDER BY at_ms, status, class, code
    LIMIT :limit
";

/// Jobs that ended in the half hours since a time, oldest first.
pub fn ended_since(db: &Db, from_ms: i64) -> Result<Vec<EndedJobs>> {
    db.rows(ENDED_SINCE, named_params! { ":from": from_ms, ":limit": LIST_ROWS }, |row| {
        let code: String = row.get("code")?;
        Ok(EndedJobs {
            at_ms: row.get("at_ms")?,
            status: columns::word(row, "status", JobStatus::parse)?,
            class: columns::word(row, "class", KeyClass::parse)?,
            code: if code.is_empty() { None } else { Some(columns::word(row, "code", FailureCode::parse)?) },
            jobs: row.get("jobs")?,
            last_job: JobId(row.get("last_job")?),
            last_at_ms: row.get("last_at_ms")?,
        })
    })
}

/// Served by the primary key.
const SAMPLE: &str = "
    INSERT INTO samples (at_ms, waiting, free_bytes, stored_bytes)
    VALUES (:at, :waiting, :free, :stored)
    ON CONFLICT (at_ms) DO UPDATE
    SET waiting = MAX(waiting, excluded.waiting),
        free_bytes = COALESCE(excluded.free_bytes, free_bytes),
        stored_bytes = COALESCE(excluded.stored_bytes, stored_bytes)
";

/// Adds to the sample of a half hour: the most jobs waiting, and the latest bytes that are known.
pub fn add_sample(tx: &mut Tx<'_>, sample: &Sample) -> Result<()> {
    tx.execute(
        SAMPLE,
        named_params! {
            ":at": sample.at_ms,
            ":waiting": sample.waiting,
            ":free": sample.free_bytes,
            ":stored": sample.stored_bytes,
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const SAMPLES_SINCE: &str = "
    SELECT at_ms, waiting, free_bytes, stored_bytes
    FROM samples
    WHERE at_ms >= :from
    ORDER BY at_ms
    LIMIT :limit
";

/// The samples since a time, oldest first.
pub fn samples_since(db: &Db, from_ms: i64) -> Result<Vec<Sample>> {
    db.rows(SAMPLES_SINCE, named_params! { ":from": from_ms, ":limit": LIST_ROWS }, read_sample)
}

/// Served by the primary key.
const SAMPLE_AT: &str = "
    SELECT at_ms, waiting, free_bytes, stored_bytes FROM samples WHERE at_ms = :at
";

/// The sample of the half hour that starts at this time.
pub fn sample_at(db: &Db, at_ms: i64) -> Result<Option<Sample>> {
    db.row(SAMPLE_AT, named_params! { ":at": at_ms }, read_sample)
}

fn read_sample(row: &Row<'_>) -> rusqlite::Result<Sample> {
    Ok(Sample {
        at_ms: row.get("at_ms")?,
        waiting: row.get("waiting")?,
        free_bytes: row.get("free_bytes")?,
        stored_bytes: row.get("stored_bytes")?,
    })
}

/// Served by the primary key. At most a day's rows.
const DELETE_ENDED: &str = "
    DELETE FROM ended_jobs
    WHERE at_ms < MIN(:before, (SELECT MIN(at_ms) FROM ended_jobs) + :span)
";

/// Served by the primary key. At most a day's rows.
const DELETE_SAMPLES: &str = "
    DELETE FROM samples
    WHERE at_ms < MIN(:before, (SELECT MIN(at_ms) FROM samples) + :span)
";

/// Deletes history before a time, at most a day of it; returns how many rows.
pub fn delete_before(tx: &mut Tx<'_>, before_ms: i64) -> Result<usize> {
    let params = named_params! { ":before": before_ms, ":span": DELETED_AT_ONCE_MS };
    Ok(tx.execute(DELETE_ENDED, params)? + tx.execute(DELETE_SAMPLES, params)?)
}

/// Walks `clips_oldest` alone: about 100 ms for a million clips.
const CLIP_BYTES: &str = "
    SELECT COALESCE(SUM(bytes), 0) FROM clips
";

/// Walks `demos_content` and its rows: the disk holds some thousands. Demos of several accounts are stored once.
const DEMO_BYTES: &str = "
    SELECT COALESCE(SUM(bytes), 0) FROM (SELECT sha256, MAX(bytes) AS bytes FROM demos GROUP BY sha256)
";

/// Bytes of all clips and demos.
pub fn stored_bytes(db: &Db) -> Result<u64> {
    let clips: u64 = db.always(CLIP_BYTES, [], |row| row.get(0))?;
    let demos: u64 = db.always(DEMO_BYTES, [], |row| row.get(0))?;
    Ok(clips + demos)
}
