//! Codes and keys with which operators use the dashboard. Only hashes are stored.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::key::KeyHash;
use crate::domain::operator::{OPERATOR_CODES, OPERATOR_KEY_DAYS, OPERATOR_KEYS, Operator, OperatorKey};
use crate::store::engine::db::{Db, Tx};

/// Who asked for a code, and whether it may only look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The operating system user.
    pub actor: String,
    /// Whether keys made from it are read-only.
    pub read_only: bool,
    /// Unix time in milliseconds.
    pub expires_at_ms: i64,
}

/// A full scan: there are never many codes.
const SWEEP_CODES: &str = "
    DELETE FROM operator_codes
    WHERE expires_at_ms <= :now
        OR hash NOT IN (SELECT hash FROM operator_codes ORDER BY expires_at_ms DESC LIMIT :most)
";

const INSERT_CODE: &str = "
    INSERT INTO operator_codes (hash, actor, read_only, expires_at_ms)
    VALUES (:hash, :actor, :read_only, :expires)
";

/// Adds a code; deletes expired ones, and the oldest when there are too many.
pub fn insert_code(tx: &mut Tx<'_>, hash: &KeyHash, code: &Code, now_ms: i64) -> Result<()> {
    tx.execute(SWEEP_CODES, named_params! { ":now": now_ms, ":most": OPERATOR_CODES - 1 })?;
    tx.execute(
        INSERT_CODE,
        named_params! {
            ":hash": hash.0,
            ":actor": code.actor,
            ":read_only": code.read_only,
            ":expires": code.expires_at_ms,
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const FIND_CODE: &str = "
    SELECT actor, read_only, expires_at_ms FROM operator_codes WHERE hash = :hash AND expires_at_ms > :now
";

/// Served by the primary key.
const DELETE_CODE: &str = "
    DELETE FROM operator_codes WHERE hash = :hash
";

/// Uses up a code. `None`: it is unknown, used or expired.
pub fn use_code(tx: &mut Tx<'_>, hash: &KeyHash, now_ms: i64) -> Result<Option<Code>> {
    let code = tx.row(FIND_CODE, named_params! { ":hash": hash.0, ":now": now_ms }, |row| {
        Ok(Code {
            actor: row.get("actor")?,
            read_only: row.get("read_only")?,
            expires_at_ms: row.get("expires_at_ms")?,
        })
    })?;
    tx.execute(DELETE_CODE, named_params! { ":hash": hash.0 })?;
    Ok(code)
}

/// Full scans: there are never many keys. The newest `:most` of the valid ones stay.
const END_OLDEST: &str = "
    UPDATE operator_keys SET ended_at_ms = :now
    WHERE ended_at_ms IS NULL
        AND id NOT IN (SELECT id FROM operator_keys WHERE ended_at_ms IS NULL ORDER BY id DESC LIMIT :most)
";

const SWEEP_KEYS: &str = "
    DELETE FROM operator_keys WHERE created_at_ms < :since
";

const INSERT_KEY: &str = "
    INSERT INTO operator_keys (hash, actor, read_only, source, created_at_ms, used_at_ms)
    VALUES (:hash, :actor, :read_only, :source, :now, :now)
";

/// Adds a key and returns its row. Deletes those that ended long ago, and ends the oldest when there are too many.
pub fn insert_key(tx: &mut Tx<'_>, hash: &KeyHash, operator: &Operator, read_only: bool, now_ms: i64) -> Result<i64> {
    let days_ms = (OPERATOR_KEY_DAYS * 86_400_000).cast_signed();
    tx.execute(SWEEP_KEYS, named_params! { ":since": now_ms - days_ms })?;
    tx.execute(END_OLDEST, named_params! { ":now": now_ms, ":most": OPERATOR_KEYS - 1 })?;
    tx.insert(
        INSERT_KEY,
        named_params! {
            ":hash": hash.0,
            ":actor": operator.name(),
            ":read_only": read_only,
            ":source": operator.source(),
            ":now": now_ms,
        },
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<OperatorKey> {
    Ok(OperatorKey {
        id: row.get("id")?,
        operator: Operator::named(row.get::<_, String>("actor")?).from_address(row.get::<_, String>("source")?),
        read_only: row.get("read_only")?,
        created_at_ms: row.get("created_at_ms")?,
        used_at_ms: row.get("used_at_ms")?,
        ended_at_ms: row.get("ended_at_ms")?,
    })
}

/// Served by the unique index on the hash. Runs on every request of the dashboard.
const BY_HASH: &str = "
    SELECT id, actor, source, read_only, created_at_ms, used_at_ms, ended_at_ms
    FROM operator_keys
    WHERE hash = :hash
";

/// The key with this hash, valid or not.
pub fn by_hash(db: &Db, hash: &KeyHash) -> Result<Option<OperatorKey>> {
    db.row(BY_HASH, named_params! { ":hash": hash.0 }, read)
}

/// Walks the table backwards.
const ALL: &str = "
    SELECT id, actor, source, read_only, created_at_ms, used_at_ms, ended_at_ms
    FROM operator_keys
    ORDER BY id DESC
    LIMIT :limit
";

/// The latest keys, newest first.
pub fn all(db: &Db, limit: u32) -> Result<Vec<OperatorKey>> {
    db.rows(ALL, named_params! { ":limit": limit }, read)
}

/// Served by the primary key.
const USED: &str = "
    UPDATE operator_keys SET used_at_ms = :now WHERE id = :id AND used_at_ms < :now
";

/// Records a key's use.
pub fn used(tx: &mut Tx<'_>, id: i64, now_ms: i64) -> Result<()> {
    tx.execute(USED, named_params! { ":id": id, ":now": now_ms }).map(drop)
}

/// Served by the primary key.
const END: &str = "
    UPDATE operator_keys SET ended_at_ms = :now WHERE id = :id AND ended_at_ms IS NULL
";

/// Ends a key. False if it does not exist or has ended.
pub fn end(tx: &mut Tx<'_>, id: i64, now_ms: i64) -> Result<bool> {
    Ok(tx.execute(END, named_params! { ":id": id, ":now": now_ms })? == 1)
}
