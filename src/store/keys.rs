//! Rows of API keys. Only the hash of a key is stored.

use rusqlite::{Row, named_params};

use crate::domain::account::Account;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, KeyId};
use crate::domain::key::{KeyClass, KeyHash, KeyInfo};
use crate::domain::list::LIST_ROWS;
use crate::store::accounts;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

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

/// The caller with this key: served by the primary key and the account's row. Runs on every request.
const OWNER: &str = "
    SELECT
        api_keys.id AS key, api_keys.class,
        accounts.id, accounts.public_id, accounts.name, accounts.status, accounts.dinks, accounts.created_at_ms
    FROM api_keys
    JOIN accounts ON accounts.id = api_keys.account
    WHERE api_keys.hash = :hash AND (api_keys.revoked_at_ms IS NULL OR api_keys.revoked_at_ms > :now)
";

/// The account of a live key, whatever its status, with the key's row and class.
pub fn owner(db: &Db, hash: &KeyHash, now_ms: i64) -> Result<Option<(Account, KeyId, KeyClass)>> {
    db.row(OWNER, named_params! { ":hash": hash.0, ":now": now_ms }, |row| {
        Ok((accounts::read(row)?, KeyId(row.get("key")?), columns::word(row, "class", KeyClass::parse)?))
    })
}

/// Served by `api_keys_account`.
const OF_ACCOUNT: &str = "
    SELECT hash, id, account, class, created_at_ms, revoked_at_ms, used_at_ms
    FROM api_keys
    WHERE account = :account
    ORDER BY id
    LIMIT :limit
";

/// An account's keys, including revoked ones, oldest first.
pub fn of_account(db: &Db, account: AccountId) -> Result<Vec<KeyInfo>> {
    db.rows(OF_ACCOUNT, named_params! { ":account": account.0, ":limit": LIST_ROWS }, read)
}

/// Served by the primary key, in its order.
const LIVE: &str = "
    SELECT hash
    FROM api_keys
    WHERE revoked_at_ms IS NULL OR revoked_at_ms > :now
    ORDER BY hash
    LIMIT :limit
";

/// The hashes of the first `limit` live keys, in their order, whatever the status of their accounts.
pub fn live(db: &Db, now_ms: i64, limit: u32) -> Result<Vec<KeyHash>> {
    db.rows(LIVE, named_params! { ":now": now_ms, ":limit": limit }, |row| row.get("hash").map(KeyHash))
}

/// Served by `api_keys_account`.
const LAST_USED: &str = "
    SELECT MAX(used_at_ms) FROM api_keys WHERE account = :account
";

/// When any of the account's keys was last used. Unix time in milliseconds.
pub fn last_used(db: &Db, account: AccountId) -> Result<Option<i64>> {
    db.always(LAST_USED, named_params! { ":account": account.0 }, |row| row.get(0))
}

/// Served by the unique index on the number.
const BY_ID: &str = "
    SELECT hash, id, account, class, created_at_ms, revoked_at_ms, used_at_ms
    FROM api_keys
    WHERE id = :id
";

/// The key with this number, live or not.
pub fn by_id(db: &Db, id: KeyId) -> Result<Option<KeyInfo>> {
    db.row(BY_ID, named_params! { ":id": id.0 }, read)
}

/// Served by the primary key.
const BY_HASH: &str = "
    SELECT hash, id, account, class, created_at_ms, revoked_at_ms, used_at_ms
    FROM api_keys
    WHERE hash = :hash
";

/// The key with this hash, live or not.
pub fn by_hash(db: &Db, hash: &KeyHash) -> Result<Option<KeyInfo>> {
    db.row(BY_HASH, named_params! { ":hash": hash.0 }, read)
}

/// Served by the unique index on the number. An expiry is only ever moved to an earlier time.
const END: &str = "
    UPDATE api_keys
    SET revoked_at_ms = MIN(COALESCE(revoked_at_ms, :end), :end)
    WHERE id = :id
";

/// Makes a key expire at this time, unless it expires earlier.
pub fn end(tx: &mut Tx<'_>, id: KeyId, end_ms: i64) -> Result<()> {
    tx.execute(END, named_params! { ":end": end_ms, ":id": id.0 })?;
    Ok(())
}

/// Served by the unique index on the number. The time never goes backwards.
const USED: &str = "
    UPDATE api_keys SET used_at_ms = MAX(COALESCE(used_at_ms, :at), :at) WHERE id = :id
";

/// Records when a key was last used.
pub fn used(tx: &mut Tx<'_>, id: KeyId, at_ms: i64) -> Result<()> {
    tx.execute(USED, named_params! { ":at": at_ms, ":id": id.0 })?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyInfo> {
    Ok(KeyInfo {
        id: KeyId(row.get("id")?),
        account: AccountId(row.get("account")?),
        class: columns::word(row, "class", KeyClass::parse)?,
        fingerprint: KeyHash(row.get("hash")?).fingerprint(),
        created_at_ms: row.get("created_at_ms")?,
        revoked_at_ms: row.get("revoked_at_ms")?,
        used_at_ms: row.get("used_at_ms")?,
    })
}
