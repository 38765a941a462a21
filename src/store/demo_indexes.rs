//! What is in uploaded demos: one row for each content, whoever uploaded it.

use rusqlite::{Row, named_params};

use super::db::{Db, Tx};
use super::words;
use crate::domain::demo::Indexing;
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::id::AccountId;

/// A demo that could not be read gets another chance when it is uploaded again; else the first upload's row stays.
const WAIT: &str = "
    INSERT INTO demo_indexes (sha256, state, since_ms)
    VALUES (:sha256, 'waiting', :now)
    ON CONFLICT (sha256) DO UPDATE
    SET state = 'waiting', since_ms = :now, failure_code = NULL, failure_message = NULL
    WHERE state = 'failed'
";

/// The demo is to be read, unless it has been.
pub fn wait(tx: &mut Tx<'_>, sha256: &[u8; 32], now_ms: i64) -> Result<()> {
    tx.execute(WAIT, named_params! { ":sha256": sha256, ":now": now_ms })?;
    Ok(())
}

/// Served by `demo_indexes_waiting`.
const WAITING: &str = "
    SELECT sha256
    FROM demo_indexes
    WHERE state = 'waiting'
    ORDER BY since_ms, sha256
    LIMIT :limit
";

/// Demos that wait to be read, the longest waiting first.
pub fn waiting(db: &Db, limit: usize) -> Result<Vec<[u8; 32]>> {
    db.rows(WAITING, named_params! { ":limit": limit }, |row| row.get(0))
}

/// Served by the primary key.
const INDEXED: &str = "
    UPDATE demo_indexes
    SET state = 'indexed', since_ms = :now, content = :content
    WHERE sha256 = :sha256 AND state = 'waiting'
";

/// A waiting demo has been read: this is in it, in the words of `inspect --json`.
pub fn indexed(tx: &mut Tx<'_>, sha256: &[u8; 32], content: &str, now_ms: i64) -> Result<()> {
    tx.execute(INDEXED, named_params! { ":content": content, ":now": now_ms, ":sha256": sha256 })?;
    Ok(())
}

/// Served by the primary key.
const FAILED: &str = "
    UPDATE demo_indexes
    SET state = 'failed', since_ms = :now, failure_code = :code, failure_message = :message
    WHERE sha256 = :sha256 AND state = 'waiting'
";

/// A waiting demo cannot be read, and why.
pub fn failed(tx: &mut Tx<'_>, sha256: &[u8; 32], code: FailureCode, message: &str, now_ms: i64) -> Result<()> {
    tx.execute(
        FAILED,
        named_params! { ":code": code.as_str(), ":message": message, ":now": now_ms, ":sha256": sha256 },
    )?;
    Ok(())
}

/// Served by the primary key.
const POSTPONE: &str = "
    UPDATE demo_indexes
    SET since_ms = :now
    WHERE sha256 = :sha256 AND state = 'waiting'
";

/// A waiting demo could not be read now: it goes to the end of the line.
pub fn postpone(tx: &mut Tx<'_>, sha256: &[u8; 32], now_ms: i64) -> Result<()> {
    tx.execute(POSTPONE, named_params! { ":now": now_ms, ":sha256": sha256 })?;
    Ok(())
}

/// Served by the primary key.
const FORGET: &str = "
    DELETE FROM demo_indexes WHERE sha256 = :sha256
";

/// Forgets what is in a demo that no account has any more.
pub fn forget(tx: &mut Tx<'_>, sha256: &[u8; 32]) -> Result<()> {
    tx.execute(FORGET, named_params! { ":sha256": sha256 })?;
    Ok(())
}

/// Served by both tables' primary keys.
const OF_ACCOUNT: &str = "
    SELECT demo_indexes.state, demo_indexes.content, demo_indexes.failure_code, demo_indexes.failure_message
    FROM demos
    JOIN demo_indexes ON demo_indexes.sha256 = demos.sha256
    WHERE demos.account = :account AND demos.sha256 = :sha256
";

/// What is known of a demo that the account uploaded, else `None`.
pub fn of_account(db: &Db, account: AccountId, sha256: &[u8; 32]) -> Result<Option<Indexing>> {
    db.row(OF_ACCOUNT, named_params! { ":account": account.0, ":sha256": sha256 }, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Indexing> {
    let state: String = row.get("state")?;
    match state.as_str() {
        "waiting" => Ok(Indexing::Waiting),
        "indexed" => Ok(Indexing::Indexed(row.get("content")?)),
        "failed" => Ok(Indexing::Failed {
            code: words::word(row, "failure_code", FailureCode::parse)?,
            message: row.get("failure_message")?,
        }),
        _ => Err(words::strange(row, "state", &state)),
    }
}
