//! Rows of accounts.

use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::list::LIST_ROWS;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

const INSERT: &str = "
    INSERT INTO accounts (public_id, name, status, dinks, created_at_ms)
    VALUES (:public_id, :name, 'inactive', 0, :now)
";

/// Adds an inactive account. The caller has checked that the name is free.
pub fn insert(tx: &mut Tx<'_>, public_id: Uuid, name: &str, now_ms: i64) -> Result<Account> {
    let id = tx.insert(INSERT, named_params! { ":public_id": public_id.as_bytes(), ":name": name, ":now": now_ms })?;
    Ok(Account {
        id: AccountId(id),
        public_id,
        name: name.to_owned(),
        status: AccountStatus::Inactive,
        dinks: 0,
        created_at_ms: now_ms,
    })
}

/// Served by the unique index on the name.
const BY_NAME: &str = "
    SELECT id, public_id, name, status, dinks, created_at_ms
    FROM accounts
    WHERE name = :name
";

/// The account with this name.
pub fn by_name(db: &Db, name: &str) -> Result<Option<Account>> {
    db.row(BY_NAME, named_params! { ":name": name }, read)
}

/// Served by the row's number.
const BY_ID: &str = "
    SELECT id, public_id, name, status, dinks, created_at_ms
    FROM accounts
    WHERE id = :id
";

/// The account with this row number.
pub fn by_id(db: &Db, id: AccountId) -> Result<Account> {
    db.always(BY_ID, named_params! { ":id": id.0 }, read)
}

/// Served by the row's number.
const PAGE: &str = "
    SELECT id, public_id, name, status, dinks, created_at_ms
    FROM accounts
    WHERE id > :after
    ORDER BY id
    LIMIT :limit
";

/// Accounts after the given one, oldest first.
pub fn page(db: &Db, after: AccountId, limit: u32) -> Result<Vec<Account>> {
    db.rows(PAGE, named_params! { ":after": after.0, ":limit": limit }, read)
}

/// As many accounts as a list shows, oldest first.
pub fn all(db: &Db) -> Result<Vec<Account>> {
    page(db, AccountId(0), LIST_ROWS)
}

/// Served by the unique index on the public id.
const BY_PUBLIC_ID: &str = "
    SELECT id, public_id, name, status, dinks, created_at_ms
    FROM accounts
    WHERE public_id = :public_id
";

/// The account with this UUID.
pub fn by_public_id(db: &Db, public_id: Uuid) -> Result<Option<Account>> {
    db.row(BY_PUBLIC_ID, named_params! { ":public_id": public_id.as_bytes() }, read)
}

/// Walks the unique index on the name. ASCII letters match in either case.
const MATCHING: &str = "
    SELECT id, public_id, name, status, dinks, created_at_ms
    FROM accounts
    WHERE name > :after AND (:status IS NULL OR status = :status)
        AND instr(lower(name), lower(:part)) > 0
    ORDER BY name
    LIMIT :limit
";

/// Accounts with this status (`None`: any) and this part in their names, by name, after the given one.
pub fn matching(db: &Db, status: Option<AccountStatus>, part: &str, after: &str, limit: u32) -> Result<Vec<Account>> {
    let status = status.map(AccountStatus::as_str);
    let params = named_params! { ":status": status, ":part": part, ":after": after, ":limit": limit };
    db.rows(MATCHING, params, read)
}

/// Scans the accounts: there are few.
const DINKS_SOLD: &str = "
    SELECT COALESCE(SUM(dinks), 0) FROM accounts
";

/// The dinks of all accounts.
pub fn dinks_sold(db: &Db) -> Result<u64> {
    db.always(DINKS_SOLD, [], |row| row.get(0))
}

/// Scans the accounts: there are few.
const WITH_DINKS: &str = "
    SELECT id, dinks FROM accounts WHERE dinks > 0
";

/// Accounts with dinks, and how many, unordered.
pub fn with_dinks(db: &Db) -> Result<Vec<(AccountId, u32)>> {
    db.rows(WITH_DINKS, [], |row| Ok((AccountId(row.get("id")?), row.get("dinks")?)))
}

/// Served by the row's number.
const RENAME: &str = "
    UPDATE accounts SET name = :name WHERE id = :id
";

/// Renames an account. The caller has checked that the name is free.
pub fn rename(tx: &mut Tx<'_>, id: AccountId, name: &str) -> Result<()> {
    tx.execute(RENAME, named_params! { ":name": name, ":id": id.0 })?;
    Ok(())
}

/// A full scan of at most 10,000 rows, cheap enough for what a person types.
const NAMES_FROM: &str = "
    SELECT name
    FROM (SELECT name FROM accounts ORDER BY id LIMIT :scanned)
    WHERE lower(substr(name, 1, length(:beginning))) = lower(:beginning)
    ORDER BY name
    LIMIT :limit
";

/// Names of accounts that begin with this text, in upper or lower case, in order.
pub fn names_from(db: &Db, beginning: &str, limit: u32) -> Result<Vec<String>> {
    let params = named_params! { ":beginning": beginning, ":scanned": LIST_ROWS, ":limit": limit };
    db.rows(NAMES_FROM, params, |row| row.get(0))
}

/// Served by the row's number.
const IS_ACTIVE: &str = "
    SELECT EXISTS (SELECT 1 FROM accounts WHERE id = :id AND status = 'active')
";

/// Whether an account's jobs may be claimed.
pub fn is_active(db: &Db, id: AccountId) -> Result<bool> {
    db.always(IS_ACTIVE, named_params! { ":id": id.0 }, |row| row.get(0))
}

/// Served by the row's number.
const SET_STATUS: &str = "
    UPDATE accounts SET status = :status WHERE id = :id
";

/// Activates or deactivates an account, which decides whether its queued jobs may be claimed.
pub fn set_status(tx: &mut Tx<'_>, id: AccountId, status: AccountStatus) -> Result<()> {
    tx.execute(SET_STATUS, named_params! { ":status": status.as_str(), ":id": id.0 })?;
    tx.reload();
    Ok(())
}

/// Served by the row's number.
const SET_DINKS: &str = "
    UPDATE accounts SET dinks = :dinks WHERE id = :id
";

/// Sets the dinks provisioned now; [`crate::store::dinks::record`] keeps the history.
pub fn set_dinks(tx: &mut Tx<'_>, id: AccountId, dinks: u32) -> Result<()> {
    tx.execute(SET_DINKS, named_params! { ":dinks": dinks, ":id": id.0 })?;
    tx.set_dinks(id, dinks);
    Ok(())
}

/// Served by the row's number.
const DEMO_BYTES: &str = "
    SELECT demo_bytes FROM accounts WHERE id = :id
";

/// Bytes of demos that the account may store; `None`: the server's default.
pub fn demo_bytes(db: &Db, id: AccountId) -> Result<Option<u64>> {
    db.always(DEMO_BYTES, named_params! { ":id": id.0 }, |row| row.get(0))
}

/// Served by the row's number.
const SET_DEMO_BYTES: &str = "
    UPDATE accounts SET demo_bytes = :bytes WHERE id = :id
";

/// Sets the bytes of demos that the account may store; `None`: the server's default.
pub fn set_demo_bytes(tx: &mut Tx<'_>, id: AccountId, bytes: Option<u64>) -> Result<()> {
    tx.execute(SET_DEMO_BYTES, named_params! { ":bytes": bytes, ":id": id.0 })?;
    Ok(())
}

/// Reads the columns of [`PAGE`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId(row.get("id")?),
        public_id: columns::uuid(row, "public_id")?,
        name: row.get("name")?,
        status: columns::word(row, "status", AccountStatus::parse)?,
        dinks: row.get("dinks")?,
        created_at_ms: row.get("created_at_ms")?,
    })
}
