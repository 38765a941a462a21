//! Uploaded demos' rows, one for each account that uploaded the bytes.

use rusqlite::named_params;

use super::db::{Db, Tx};
use crate::domain::error::Result;
use crate::domain::id::AccountId;

/// The first upload's time stays.
const INSERT: &str = "
    INSERT INTO demos (account, sha256, bytes, uploaded_at_ms)
    VALUES (:account, :sha256, :bytes, :now)
    ON CONFLICT (account, sha256) DO NOTHING
";

/// Notes that an account uploaded a demo; the same again changes nothing.
pub fn insert(tx: &mut Tx<'_>, account: AccountId, sha256: &[u8; 32], bytes: u64, now_ms: i64) -> Result<()> {
    tx.execute(INSERT, named_params! { ":account": account.0, ":sha256": sha256, ":bytes": bytes, ":now": now_ms })?;
    Ok(())
}

/// Served by the primary key.
const BYTES: &str = "
    SELECT bytes
    FROM demos
    WHERE account = :account AND sha256 = :sha256
";

/// The length of a demo that the account uploaded, else `None`.
pub fn bytes(db: &Db, account: AccountId, sha256: &[u8; 32]) -> Result<Option<u64>> {
    db.row(BYTES, named_params! { ":account": account.0, ":sha256": sha256 }, |row| row.get(0))
}

/// Served by the primary key's first column: an account's quota holds a few hundred demos.
const ACCOUNT_BYTES: &str = "
    SELECT COALESCE(SUM(bytes), 0)
    FROM demos
    WHERE account = :account
";

/// Bytes of all demos that the account uploaded.
pub fn account_bytes(db: &Db, account: AccountId) -> Result<u64> {
    db.always(ACCOUNT_BYTES, named_params! { ":account": account.0 }, |row| row.get(0))
}

/// Served by the primary key's first column.
const HAS_LENGTH: &str = "
    SELECT EXISTS (SELECT 1 FROM demos WHERE account = :account AND bytes = :bytes)
";

/// Whether the account has a demo of this length.
pub fn has_length(db: &Db, account: AccountId, bytes: u64) -> Result<bool> {
    db.always(HAS_LENGTH, named_params! { ":account": account.0, ":bytes": bytes }, |row| row.get(0))
}

/// Served by the primary key's first column.
const LONGEST: &str = "
    SELECT COALESCE(MAX(bytes), 0)
    FROM demos
    WHERE account = :account
";

/// Bytes of the account's longest demo; 0 where it has none.
pub fn longest(db: &Db, account: AccountId) -> Result<u64> {
    db.always(LONGEST, named_params! { ":account": account.0 }, |row| row.get(0))
}

/// Served by `demos_content`.
const HAS_ANY: &str = "
    SELECT EXISTS (SELECT 1 FROM demos WHERE sha256 = :sha256)
";

/// Whether any account has this demo.
pub fn has_any(db: &Db, sha256: &[u8; 32]) -> Result<bool> {
    db.always(HAS_ANY, named_params! { ":sha256": sha256 }, |row| row.get(0))
}

/// Hashes of all demos, page by page. Served by `demos_content`.
const HASHES: &str = "
    SELECT DISTINCT sha256
    FROM demos
    WHERE sha256 > :after
    ORDER BY sha256
    LIMIT :limit
";

/// Hashes of uploaded demos in order, after the given one.
pub fn hashes(db: &Db, after: &[u8], limit: u32) -> Result<Vec<[u8; 32]>> {
    db.rows(HASHES, named_params! { ":after": after, ":limit": limit }, |row| row.get(0))
}
