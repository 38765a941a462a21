//! Rows of uploaded demos, one for each account that uploaded the same content.

use rusqlite::{Row, named_params};

use crate::domain::demo::UploadedDemo;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::retention::Scope;
use crate::domain::sha256::Sha256;
use crate::store::engine::db::{Db, Tx};
use crate::store::retention;

/// Keeps the time of the first upload.
const INSERT: &str = "
    INSERT INTO demos (account, sha256, bytes, uploaded_at_ms)
    VALUES (:account, :sha256, :bytes, :now)
    ON CONFLICT (account, sha256) DO NOTHING
";

/// Records that an account uploaded a demo. Idempotent.
pub fn insert(tx: &mut Tx<'_>, account: AccountId, sha256: &Sha256, bytes: u64, now_ms: i64) -> Result<()> {
    tx.execute(INSERT, named_params! { ":account": account.0, ":sha256": sha256, ":bytes": bytes, ":now": now_ms })?;
    Ok(())
}

/// Served by the primary key.
const BYTES: &str = "
    SELECT bytes
    FROM demos
    WHERE account = :account AND sha256 = :sha256
";

/// The length of a demo, or `None` if the account did not upload it.
pub fn bytes(db: &Db, account: AccountId, sha256: &Sha256) -> Result<Option<u64>> {
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

/// Bytes of the account's longest demo; 0 if it has none.
pub fn longest(db: &Db, account: AccountId) -> Result<u64> {
    db.always(LONGEST, named_params! { ":account": account.0 }, |row| row.get(0))
}

/// Served by `demos_content`.
const HAS_ANY: &str = "
    SELECT EXISTS (SELECT 1 FROM demos WHERE sha256 = :sha256)
";

/// Whether any account has this demo.
pub fn has_any(db: &Db, sha256: &Sha256) -> Result<bool> {
    db.always(HAS_ANY, named_params! { ":sha256": sha256 }, |row| row.get(0))
}

/// Served by the primary key.
const USED: &str = "
    UPDATE demos
    SET used_at_ms = :now
    WHERE account = :account AND sha256 = :sha256
";

/// Records that a job for a demo was submitted, if the account uploaded it.
pub fn used(tx: &mut Tx<'_>, account: AccountId, sha256: &Sha256, now_ms: i64) -> Result<()> {
    tx.execute(USED, named_params! { ":now": now_ms, ":account": account.0, ":sha256": sha256 })?;
    Ok(())
}

/// Served by `demos_uploaded`, walked backwards, and the other table's primary key. The hash orders uploads of
/// the same millisecond.
const PAGE: &str = "
    SELECT
        demos.sha256, demos.bytes, demos.uploaded_at_ms, demos.used_at_ms, demo_indexes.state,
        json_extract(demo_indexes.content, '$.map') AS map
    FROM demos
    LEFT JOIN demo_indexes ON demo_indexes.sha256 = demos.sha256
    WHERE demos.account = :account AND (demos.uploaded_at_ms, demos.sha256) < (:uploaded, :sha256)
    ORDER BY demos.uploaded_at_ms DESC, demos.sha256 DESC
    LIMIT :limit
";

/// Where a page of demos continues: after the upload with this time and hash.
pub type After = (i64, Sha256);

/// An account's demos, newest first.
pub fn page(db: &Db, account: AccountId, after: Option<After>, limit: u32) -> Result<Vec<UploadedDemo>> {
    let (uploaded, sha256) = after.unwrap_or((i64::MAX, Sha256([u8::MAX; 32])));
    let params = named_params! { ":account": account.0, ":uploaded": uploaded, ":sha256": sha256, ":limit": limit };
    db.rows(PAGE, params, read_uploaded)
}

/// An uploaded demo of any account, with its index.
#[derive(Clone, Debug)]
pub struct Latest {
    /// The account that uploaded it.
    pub account: AccountId,
    /// The demo.
    pub demo: UploadedDemo,
    /// How many players are in it, if it has been indexed.
    pub players: Option<u64>,
    /// Why it cannot be read, for people.
    pub failure: Option<String>,
}

/// Where a demo is in the order of uploads: its time, its account and its hash.
pub type Place = (i64, AccountId, Sha256);

/// Sorts all demos: the disk holds some thousands. Then served by the primary key of the indexes.
const LATEST: &str = "
    SELECT
        latest.account, latest.sha256, latest.bytes, latest.uploaded_at_ms, latest.used_at_ms, demo_indexes.state,
        demo_indexes.failure_message, json_extract(demo_indexes.content, '$.map') AS map,
        json_array_length(demo_indexes.content, '$.players') AS players
    FROM (
        SELECT account, sha256, bytes, uploaded_at_ms, used_at_ms
        FROM demos
        WHERE (:account IS NULL OR account = :account)
            AND (uploaded_at_ms, account, sha256) < (:uploaded, :after_account, :sha256)
        ORDER BY uploaded_at_ms DESC, account DESC, sha256 DESC
        LIMIT :limit
    ) AS latest
    LEFT JOIN demo_indexes ON demo_indexes.sha256 = latest.sha256
    ORDER BY latest.uploaded_at_ms DESC, latest.account DESC, latest.sha256 DESC
    LIMIT :limit
";

/// Demos of one or all accounts, newest first, behind `after`.
pub fn latest(db: &Db, account: Option<AccountId>, after: Option<Place>, limit: u32) -> Result<Vec<Latest>> {
    let (uploaded, after_account, sha256) = after.unwrap_or((i64::MAX, AccountId(i64::MAX), Sha256([u8::MAX; 32])));
    let params = named_params! {
        ":account": account.map(|account| account.0),
        ":uploaded": uploaded,
        ":after_account": after_account.0,
        ":sha256": sha256,
        ":limit": limit,
    };
    db.rows(LATEST, params, |row| {
        Ok(Latest {
            account: AccountId(row.get("account")?),
            demo: read_uploaded(row)?,
            players: row.get("players")?,
            failure: row.get("failure_message")?,
        })
    })
}

fn read_uploaded(row: &Row<'_>) -> rusqlite::Result<UploadedDemo> {
    Ok(UploadedDemo {
        sha256: row.get("sha256")?,
        bytes: row.get("bytes")?,
        uploaded_at_ms: row.get("uploaded_at_ms")?,
        used_at_ms: row.get("used_at_ms")?,
        state: row.get::<_, Option<String>>("state")?.unwrap_or_else(|| "waiting".to_owned()),
        map: row.get("map")?,
    })
}

/// Served by `jobs_of_demo`. The last line excludes URLs that merely end like an uploaded demo's: in a real
/// one, the first slash after `://` begins `/api/demos/`.
const UNFINISHED_JOBS: &str = "
    SELECT COUNT(*)
    FROM jobs
    WHERE (status = 'queued' OR status = 'rendering') AND substr(demo_url, -75, 11) = '/api/demos/'
        AND account = :account AND lower(substr(demo_url, -64)) = :hash
        AND instr(substr(demo_url, instr(demo_url, '://') + 3), '/')
            = length(demo_url) - 74 - (instr(demo_url, '://') + 2)
";

/// How many of an account's unfinished jobs need a demo. `hash`: its hash in lower-case hexadecimal.
pub fn unfinished_jobs(db: &Db, account: AccountId, hash: &str) -> Result<u64> {
    db.always(UNFINISHED_JOBS, named_params! { ":account": account.0, ":hash": hash }, |row| row.get(0))
}

/// A demo, with the time of its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The account that uploaded it.
    pub account: AccountId,
    /// Its content's hash.
    pub sha256: Sha256,
    /// When it was last used: uploaded, or named by a new job. Unix time in milliseconds.
    pub used_at_ms: i64,
    /// Its length.
    pub bytes: u64,
}

/// Sorts all demos in scope: the disk holds some thousands.
const LEAST_USED: &str = "
    SELECT account, sha256, COALESCE(used_at_ms, uploaded_at_ms) AS last_used_ms, bytes
    FROM demos
    WHERE (COALESCE(used_at_ms, uploaded_at_ms), account, sha256) > (:used, :after_account, :sha256)
        AND CASE WHEN :account IS NULL THEN account NOT IN (SELECT value FROM json_each(:others)) ELSE account = :account END
    ORDER BY last_used_ms, account, sha256
    LIMIT :limit
";

/// Demos of these accounts, least recently used first.
pub fn least_used(db: &Db, scope: &Scope, after: Option<&Unused>, limit: u32) -> Result<Vec<Unused>> {
    let params = named_params! {
        ":account": scope.one().map(|account| account.0),
        ":others": retention::others(scope),
        ":used": after.map_or(i64::MIN, |last| last.used_at_ms),
        ":after_account": after.map_or(0, |last| last.account.0),
        ":sha256": after.map_or(Sha256([0; 32]), |last| last.sha256),
        ":limit": limit,
    };
    db.rows(LEAST_USED, params, |row| {
        Ok(Unused {
            account: AccountId(row.get("account")?),
            sha256: row.get("sha256")?,
            used_at_ms: row.get("last_used_ms")?,
            bytes: row.get("bytes")?,
        })
    })
}

/// Walks all demos in scope.
const SCOPE_BYTES: &str = "
    SELECT COALESCE(SUM(bytes), 0)
    FROM demos
    WHERE CASE WHEN :account IS NULL THEN account NOT IN (SELECT value FROM json_each(:others)) ELSE account = :account END
";

/// Bytes of all demos of these accounts.
pub fn scope_bytes(db: &Db, scope: &Scope) -> Result<u64> {
    let account = scope.one().map(|account| account.0);
    let params = named_params! { ":account": account, ":others": retention::others(scope) };
    db.always(SCOPE_BYTES, params, |row| row.get(0))
}

/// Served by the primary key.
const COUNT: &str = "
    SELECT COUNT(*) FROM demos WHERE account = :account
";

/// How many demos the account has.
pub fn count(db: &Db, account: AccountId) -> Result<u64> {
    db.always(COUNT, named_params! { ":account": account.0 }, |row| row.get(0))
}

/// Served by the primary key.
const DELETE: &str = "
    DELETE FROM demos
    WHERE account = :account AND sha256 = :sha256
";

/// Deletes an account's upload; false if there is none.
pub fn delete(tx: &mut Tx<'_>, account: AccountId, sha256: &Sha256) -> Result<bool> {
    Ok(tx.execute(DELETE, named_params! { ":account": account.0, ":sha256": sha256 })? == 1)
}

/// Hashes and lengths of all demos, page by page. Served by `demos_content`.
const CONTENTS: &str = "
    SELECT sha256, MAX(bytes)
    FROM demos
    WHERE sha256 > :after
    GROUP BY sha256
    ORDER BY sha256
    LIMIT :limit
";

/// Hashes and lengths of uploaded demos in the order of hashes, after the given one.
pub fn contents(db: &Db, after: Option<&Sha256>, limit: u32) -> Result<Vec<(Sha256, u64)>> {
    let after = after.map_or(&[][..], |sha256| &sha256.0);
    db.rows(CONTENTS, named_params! { ":after": after, ":limit": limit }, |row| Ok((row.get(0)?, row.get(1)?)))
}
