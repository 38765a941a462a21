//! Jobs that came to nothing, as an account's usage counts them. What was completed stands in the ledger.

use rusqlite::named_params;

use super::db::Db;
use super::words;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
use crate::domain::month::Period;
use crate::domain::rates::FootageKind;

/// Served by `jobs_unbilled`. No limit: a count that leaves jobs out is wrong.
const OF_ACCOUNT: &str = "
    SELECT status, class, renderer, resolution, fps
    FROM jobs
    WHERE account = :account AND finished_at_ms >= :from AND finished_at_ms < :to
        AND (status = 'failed' OR status = 'cancelled')
";

/// Hands over class, kind and end of each of an account's jobs that failed or were cancelled in a period, in no order.
pub fn each(
    db: &Db,
    account: AccountId,
    period: Period,
    mut take: impl FnMut(KeyClass, FootageKind, JobStatus),
) -> Result<()> {
    let params = named_params! { ":account": account.0, ":from": period.from_ms, ":to": period.to_ms };
    db.rows(OF_ACCOUNT, params, |row| {
        let class = words::word(row, "class", KeyClass::parse)?;
        take(class, words::footage_kind(row)?, words::word(row, "status", JobStatus::parse)?);
        Ok(())
    })?;
    Ok(())
}
