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

/// Hashes of all demos: read at start only, page by page.
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
