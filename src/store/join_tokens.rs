//! Rows of join tokens.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::join_token::{JoinToken, Terms};
use crate::domain::key::KeyHash;
use crate::domain::list::LIST_ROWS;
use crate::store::engine::db::{Db, Tx};

/// Served by `join_tokens_expiry`.
const SWEEP: &str = "
    DELETE FROM join_tokens WHERE expires_at_ms <= :now
";

const INSERT: &str = "
    INSERT INTO join_tokens (hash, uses, name_prefix, ephemeral, created_at_ms, expires_at_ms)
    VALUES (:hash, :uses, :name_prefix, :ephemeral, :now, :expires)
";

/// Adds a token and deletes expired ones. The caller has checked the terms.
pub fn insert(tx: &mut Tx<'_>, hash: &KeyHash, terms: &Terms, now_ms: i64) -> Result<JoinToken> {
    tx.execute(SWEEP, named_params! { ":now": now_ms })?;
    let Terms { uses, seconds, name_prefix, ephemeral } = terms.clone();
    let expires_at_ms = now_ms + (seconds * 1_000).cast_signed();
    let id = tx.insert(
        INSERT,
        named_params! {
            ":hash": hash.0,
            ":uses": uses,
            ":name_prefix": name_prefix,
            ":ephemeral": ephemeral,
            ":now": now_ms,
            ":expires": expires_at_ms,
        },
    )?;
    Ok(JoinToken { id, uses, used: 0, name_prefix, ephemeral, created_at_ms: now_ms, expires_at_ms })
}

/// Served by the unique index on the hash.
const VALID: &str = "
    SELECT id, uses, used, name_prefix, ephemeral, created_at_ms, expires_at_ms
    FROM join_tokens
    WHERE hash = :hash AND expires_at_ms > :now
";

/// The token with this secret, unless it has expired or was revoked. It may be used up.
pub fn valid(db: &Db, hash: &KeyHash, now_ms: i64) -> Result<Option<JoinToken>> {
    db.row(VALID, named_params! { ":hash": hash.0, ":now": now_ms }, read)
}

/// Served by the row's number.
const USE: &str = "
    UPDATE join_tokens SET used = used + 1 WHERE id = :id AND used < uses
";

/// Uses a token once more. False if it is used up.
pub fn use_once(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    Ok(tx.execute(USE, named_params! { ":id": id })? == 1)
}

/// Walks the table backwards.
const ALL: &str = "
    SELECT id, uses, used, name_prefix, ephemeral, created_at_ms, expires_at_ms
    FROM join_tokens
    WHERE expires_at_ms > :now
    ORDER BY id DESC
    LIMIT :limit
";

/// The tokens that have not expired, newest first.
pub fn all(db: &Db, now_ms: i64) -> Result<Vec<JoinToken>> {
    db.rows(ALL, named_params! { ":now": now_ms, ":limit": LIST_ROWS }, read)
}

/// Served by the row's number.
const DELETE: &str = "
    DELETE FROM join_tokens WHERE id = :id AND expires_at_ms > :now
";

/// Revokes a token. False if there is none with this number that has not expired.
pub fn revoke(tx: &mut Tx<'_>, id: i64, now_ms: i64) -> Result<bool> {
    Ok(tx.execute(DELETE, named_params! { ":id": id, ":now": now_ms })? == 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<JoinToken> {
    Ok(JoinToken {
        id: row.get("id")?,
        uses: row.get("uses")?,
        used: row.get("used")?,
        name_prefix: row.get("name_prefix")?,
        ephemeral: row.get("ephemeral")?,
        created_at_ms: row.get("created_at_ms")?,
        expires_at_ms: row.get("expires_at_ms")?,
    })
}
