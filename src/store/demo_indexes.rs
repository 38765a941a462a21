//! Indexes of uploaded demos: one row per content, shared by all accounts that uploaded it.

use rusqlite::{Row, named_params};

use crate::domain::demo::Indexing;
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::id::AccountId;
use crate::domain::sha256::Sha256;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// A demo that could not be read is queued again when it is uploaded again; otherwise an existing row is kept.
const WAIT: &str = "
    INSERT INTO demo_indexes (sha256, state, since_ms)
    VALUES (:sha256, 'waiting', :now)
    ON CONFLICT (sha256) DO UPDATE
    SET state = 'waiting', since_ms = :now, failure_code = NULL, failure_message = NULL, exhaustions = 0
    WHERE state = 'failed'
";

/// Queues the demo for indexing, unless it is indexed already.
pub fn wait(tx: &mut Tx<'_>, sha256: &Sha256, now_ms: i64) -> Result<()> {
    tx.execute(WAIT, named_params! { ":sha256": sha256, ":now": now_ms })?;
    Ok(())
}

/// Read only at startup. Served by `demo_indexes_waiting` and `demos_content`.
const LINE: &str = "
    SELECT demos.account, demo_indexes.sha256
    FROM demo_indexes
    JOIN demos ON demos.sha256 = demo_indexes.sha256
    WHERE demo_indexes.state = 'waiting'
    ORDER BY demo_indexes.since_ms, demo_indexes.sha256
";

/// All demos waiting to be indexed, with the accounts that have them; the longest-waiting first.
pub fn line(db: &Db) -> Result<Vec<(AccountId, Sha256)>> {
    db.rows(LINE, [], |row| Ok((AccountId(row.get("account")?), row.get("sha256")?)))
}

/// Served by the primary keys.
const WAITS: &str = "
    SELECT EXISTS (SELECT 1 FROM demo_indexes WHERE sha256 = :sha256 AND state = 'waiting')
       AND EXISTS (SELECT 1 FROM demos WHERE account = :account AND sha256 = :sha256)
";

/// Whether a demo is waiting to be indexed and the account has it.
pub fn waits(db: &Db, account: AccountId, sha256: &Sha256) -> Result<bool> {
    db.always(WAITS, named_params! { ":account": account.0, ":sha256": sha256 }, |row| row.get(0))
}

/// Served by the primary key.
const INDEXED: &str = "
    UPDATE demo_indexes
    SET state = 'indexed', since_ms = :now, content = :content
    WHERE sha256 = :sha256 AND state = 'waiting'
";

/// Stores the index of a waiting demo, in the format of `inspect --json`.
pub fn indexed(tx: &mut Tx<'_>, sha256: &Sha256, content: &str, now_ms: i64) -> Result<()> {
    tx.execute(INDEXED, named_params! { ":content": content, ":now": now_ms, ":sha256": sha256 })?;
    Ok(())
}

/// Served by the primary key.
const FAILED: &str = "
    UPDATE demo_indexes
    SET state = 'failed', since_ms = :now, failure_code = :code, failure_message = :message
    WHERE sha256 = :sha256 AND state = 'waiting'
";

/// Records that a waiting demo cannot be read, and why.
pub fn failed(tx: &mut Tx<'_>, sha256: &Sha256, code: FailureCode, message: &str, now_ms: i64) -> Result<()> {
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

/// Moves a waiting demo that could not be read for now to the end of the queue.
pub fn postpone(tx: &mut Tx<'_>, sha256: &Sha256, now_ms: i64) -> Result<()> {
    tx.execute(POSTPONE, named_params! { ":now": now_ms, ":sha256": sha256 })?;
    Ok(())
}

/// Served by the primary key.
const EXHAUSTED: &str = "
    UPDATE demo_indexes
    SET exhaustions = exhaustions + 1, since_ms = :now
    WHERE sha256 = :sha256 AND state = 'waiting'
    RETURNING exhaustions
";

/// Counts that a waiting demo ran out of disk space. Returns the count, or `None` if it is no longer waiting.
pub fn exhausted(tx: &mut Tx<'_>, sha256: &Sha256, now_ms: i64) -> Result<Option<u32>> {
    tx.row(EXHAUSTED, named_params! { ":now": now_ms, ":sha256": sha256 }, |row| row.get(0))
}

/// Served by the primary key.
const FORGET: &str = "
    DELETE FROM demo_indexes WHERE sha256 = :sha256
";

/// Deletes the index of a demo that no account has any more.
pub fn forget(tx: &mut Tx<'_>, sha256: &Sha256) -> Result<()> {
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

/// The index state of a demo, or `None` if the account did not upload it.
pub fn of_account(db: &Db, account: AccountId, sha256: &Sha256) -> Result<Option<Indexing>> {
    db.row(OF_ACCOUNT, named_params! { ":account": account.0, ":sha256": sha256 }, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Indexing> {
    let state: String = row.get("state")?;
    match state.as_str() {
        "waiting" => Ok(Indexing::Waiting),
        "indexed" => Ok(Indexing::Indexed(row.get("content")?)),
        "failed" => Ok(Indexing::Failed {
            code: columns::word(row, "failure_code", FailureCode::parse)?,
            message: row.get("failure_message")?,
        }),
        _ => Err(columns::strange(row, "state", &state)),
    }
}
