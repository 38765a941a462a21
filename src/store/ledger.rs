//! The ledger's rows: one a completed job, never two, never changed.

use rusqlite::named_params;

use super::db::{Db, Tx};
use super::words;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::Renderer;
use crate::domain::key::KeyClass;
use crate::domain::ledger::LedgerRow;

const INSERT: &str = "
    INSERT INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms)
    VALUES (:job, :account, :class, :renderer, :footage_ms, :fps, :resolution, :at_ms)
";

/// Bills a job. A second row for the same job is an error, and undoes the transaction that wants it.
pub fn insert(tx: &mut Tx<'_>, row: &LedgerRow) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":job": row.job.0,
            ":account": row.account.0,
            ":class": row.class.as_str(),
            ":renderer": row.renderer.as_str(),
            ":footage_ms": row.footage_ms,
            ":fps": row.fps,
            ":resolution": row.resolution,
            ":at_ms": row.at_ms,
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const PAGE: &str = "
    SELECT job, account, class, renderer, footage_ms, fps, resolution, at_ms
    FROM ledger
    WHERE job > :after
    ORDER BY job
    LIMIT :limit
";

/// The ledger's rows by job, after the given one.
pub fn page(db: &Db, after: JobId, limit: u32) -> Result<Vec<LedgerRow>> {
    db.rows(PAGE, named_params! { ":after": after.0, ":limit": limit }, |row| {
        Ok(LedgerRow {
            job: JobId(row.get("job")?),
            account: AccountId(row.get("account")?),
            class: words::word(row, "class", KeyClass::parse)?,
            renderer: words::word(row, "renderer", Renderer::parse)?,
            footage_ms: row.get("footage_ms")?,
            fps: row.get("fps")?,
            resolution: row.get("resolution")?,
            at_ms: row.get("at_ms")?,
        })
    })
}
