//! API keys' rows: only the hash of a key is here.

use rusqlite::{Row, named_params};

use super::accounts;
use super::db::{Db, Tx};
use super::words;
use crate::domain::account::Account;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, KeyId};
use crate::domain::key::{KeyClass, KeyHash, KeyInfo};
use crate::domain::limits;

const NEXT_ID: &str = "
    SELECT COALESCE(MAX(id), 0) + 1 FROM api_keys
";

const INSERT: &str = "
    INSERT INTO api_keys (hash, id, account, class, created_at_ms)
    VALUES (:hash, :id, :account, :class, :now)
";

/// Adds a live key.
pub fn insert(tx: &mut Tx<'_>, hash: &KeyHash, account: AccountId, class: KeyClass, now_ms: i64) -> Result<KeyId> {
    let id: i64 = tx.always(NEXT_ID, [], |row| row.get(0))?;
    tx.execute(
        INSERT,
        named_params! {
            ":hash": hash.0,
            ":id": id,
            ":account": account.0,
            ":class": class.as_str(),
            ":now": now_ms,
        },
    )?;
    Ok(KeyId(id))
}

/// Who calls with this key: served by the primary key and the account's row. Every request asks this.
const OWNER: &str = "
    SELECT
        api_keys.id AS key, api_keys.class,
        accounts.id, accounts.public_id, accounts.name, accounts.status, accounts.dinks, accounts.created_at_ms
    FROM api_keys
    JOIN accounts ON accounts.id = api_keys.account
    WHERE api_keys.hash = :hash AND api_keys.revoked_at_ms IS NULL
";

/// The account of a live key, whatever its status, with the key's row and class.
pub fn owner(db: &Db, hash: &KeyHash) -> Result<Option<(Account, KeyId, KeyClass)>> {
    db.row(OWNER, named_params! { ":hash": hash.0 }, |row| {
        Ok((accounts::read(row)?, KeyId(row.get("key")?), words::word(row, "class", KeyClass::parse)?))
    })
}

/// Served by `api_keys_account`.
const OF_ACCOUNT: &str = "
    SELECT hash, id, account, class, created_at_ms, revoked_at_ms
    FROM api_keys
    WHERE account = :account
    ORDER BY id
    LIMIT :limit
";

/// An account's keys, revoked ones too, the oldest first.
pub fn of_account(db: &Db, account: AccountId) -> Result<Vec<KeyInfo>> {
    db.rows(OF_ACCOUNT, named_params! { ":account": account.0, ":limit": limits::LIST_ROWS }, read)
}

/// Served by the unique index on the number. A second revocation changes nothing.
const REVOKE: &str = "
    UPDATE api_keys
    SET revoked_at_ms = COALESCE(revoked_at_ms, :now)
    WHERE id = :id
    RETURNING hash, id, account, class, created_at_ms, revoked_at_ms
";

/// Revokes a key for good; `None` if there is no such key.
pub fn revoke(tx: &mut Tx<'_>, id: KeyId, now_ms: i64) -> Result<Option<KeyInfo>> {
    tx.row(REVOKE, named_params! { ":now": now_ms, ":id": id.0 }, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyInfo> {
    let hash: [u8; 32] = row.get("hash")?;
    Ok(KeyInfo {
        id: KeyId(row.get("id")?),
        account: AccountId(row.get("account")?),
        class: words::word(row, "class", KeyClass::parse)?,
        fingerprint: hash[..4].iter().map(|byte| format!("{byte:02x}")).collect(),
        created_at_ms: row.get("created_at_ms")?,
        revoked_at_ms: row.get("revoked_at_ms")?,
    })
}
