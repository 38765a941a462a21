//! The ledger: exactly one row per completed job, never changed.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::key::KeyClass;
use crate::domain::ledger::{Ended, LedgerRow};
use crate::domain::money::Currency;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

const INSERT: &str = "
    INSERT INTO ledger (
        job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount, currency
    )
    VALUES (
        :job, :account, :class, :renderer, :footage_ms, :fps, :resolution, :at_ms, :rate, :amount, :currency
    )
";

/// Bills a job. A second row for the same job is an error and rolls back its transaction.
pub fn insert(tx: &mut Tx<'_>, row: &LedgerRow) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":job": row.job.0,
            ":account": row.account.0,
            ":class": row.class.as_str(),
            ":renderer": row.kind.renderer.as_str(),
            ":footage_ms": row.footage_ms,
            ":fps": row.kind.fps,
            ":resolution": row.kind.resolution,
            ":at_ms": row.at_ms,
            ":rate": columns::stored(row.rate)?,
            ":amount": columns::stored(row.amount)?,
            ":currency": row.currency.as_str(),
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const PAGE: &str = "
    SELECT job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount, currency
    FROM ledger
    WHERE job > :after
    ORDER BY job
    LIMIT :limit
";

/// Ledger rows in order of their jobs, after the given one.
pub fn page(db: &Db, after: JobId, limit: u32) -> Result<Vec<LedgerRow>> {
    db.rows(PAGE, named_params! { ":after": after.0, ":limit": limit }, read)
}

/// Served by `ledger_account`.
const OF_ACCOUNT: &str = "
    SELECT job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount, currency
    FROM ledger
    WHERE account = :account AND (at_ms, job) > (:after_ms, :after_job) AND at_ms < :to_ms
    ORDER BY at_ms, job
    LIMIT :limit
";

/// A page of an account's rows: after a position, before a time. Summed page by page, because one long read would keep
/// the write-ahead log from being reused; not in SQL, because SQLite would sort the rows first.
pub fn of_account(db: &Db, account: AccountId, after: Ended, to_ms: i64, limit: u32) -> Result<Vec<LedgerRow>> {
    let params = named_params! {
        ":account": account.0,
        ":after_ms": after.at_ms,
        ":after_job": after.job.0,
        ":to_ms": to_ms,
        ":limit": limit,
    };
    db.rows(OF_ACCOUNT, params, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    Ok(LedgerRow {
        job: JobId(row.get("job")?),
        account: AccountId(row.get("account")?),
        class: columns::word(row, "class", KeyClass::parse)?,
        kind: columns::footage_kind(row)?,
        footage_ms: row.get("footage_ms")?,
        at_ms: row.get("at_ms")?,
        rate: columns::micros(row, "rate")?,
        amount: columns::micros(row, "amount")?,
        currency: columns::word(row, "currency", Currency::parse)?,
    })
}
