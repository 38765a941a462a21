//! The store's epochs, and how one store takes the place of another.

pub mod file;

use rusqlite::named_params;

use crate::domain::epoch::{Begun, Epoch, Epochs, LostWindow};
use crate::domain::error::Result;
use crate::domain::id::LeaseId;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// How far lease numbers skip ahead in a store that replaces another, so that leases issued by the other one since then
/// match none here.
const LEASE_GAP: i64 = 1_000_000;
/// Most epochs that are read, the newest: each takes a person a minute.
const EPOCHS: u32 = 10_000;
/// Milliseconds by which an id may be older than its commit: jobs that were lost may have ids a little older than the
/// last one that was not.
const LATE_COMMIT_MS: i64 = 10_000;

/// Served by the row's number.
const ALL: &str = "
    SELECT first_lease, epoch, lost_from_ms, lost_until_ms
    FROM epochs
    ORDER BY first_lease DESC
    LIMIT :limit
";

/// The store's epochs.
pub fn all(db: &Db) -> Result<Epochs> {
    let mut begun: Vec<Begun> = db.rows(ALL, named_params! { ":limit": EPOCHS }, |row| {
        let lost = Option::zip(row.get("lost_from_ms")?, row.get("lost_until_ms")?);
        Ok(Begun {
            first: LeaseId(row.get("first_lease")?),
            epoch: columns::word(row, "epoch", Epoch::parse)?,
            lost: lost.map(|(from_ms, until_ms)| LostWindow { from_ms, until_ms }),
        })
    })?;
    begun.reverse();
    Ok(Epochs::new(begun))
}

/// Served by the row's number.
const CURRENT: &str = "
    SELECT epoch FROM epochs ORDER BY first_lease DESC LIMIT 1
";

/// The current epoch; `None` if no server has served the store yet.
pub fn current(db: &Db) -> Result<Option<Epoch>> {
    db.row(CURRENT, [], |row| columns::word(row, "epoch", Epoch::parse))
}

const BEGIN: &str = "
    INSERT INTO epochs (first_lease, epoch, began_at_ms, lost_from_ms, lost_until_ms)
    VALUES (:first, :epoch, :now, :from, :until)
";

/// Begins an epoch with the next lease.
pub fn begin(tx: &mut Tx<'_>, epoch: Epoch, lost: Option<LostWindow>, now_ms: i64) -> Result<()> {
    let first = highest_lease(tx)? + 1;
    tx.execute(
        BEGIN,
        named_params! {
            ":first": first,
            ":epoch": epoch.to_string(),
            ":now": now_ms,
            ":from": lost.map(|lost| lost.from_ms),
            ":until": lost.map(|lost| lost.until_ms),
        },
    )?;
    Ok(())
}

/// SQLite's own table, which has only a few rows.
const HIGHEST_LEASE: &str = "
    SELECT seq FROM sqlite_sequence WHERE name = 'leases'
";

/// The highest lease number ever issued; 0 if there was none.
pub fn highest_lease(db: &Db) -> Result<i64> {
    Ok(db.row(HIGHEST_LEASE, [], |row| row.get(0))?.unwrap_or(0))
}

/// Row numbers only grow: the newest job is never deleted, and the audit log is append-only.
const HIGHEST_ROW: &str = "
    SELECT (SELECT COALESCE(MAX(id), 0) FROM jobs) + (SELECT COALESCE(MAX(id), 0) FROM audit)
";

/// A number that grows with each job and each change by the operator.
pub fn highest_row(db: &Db) -> Result<i64> {
    db.always(HIGHEST_ROW, [], |row| row.get(0))
}

/// What only a server writes: the newest job and lease by their row numbers, and the few epochs and half hours. Not the
/// operator's changes: they may have been made in the copy.
const LAST_WRITE: &str = "
    SELECT COALESCE(MAX(at_ms), 0)
    FROM (
        SELECT created_at_ms AS at_ms FROM jobs WHERE id = (SELECT MAX(id) FROM jobs)
        UNION ALL
        SELECT started_at_ms FROM leases WHERE id = (SELECT MAX(id) FROM leases)
        UNION ALL
        SELECT MAX(began_at_ms) FROM epochs
        UNION ALL
        SELECT MAX(at_ms) FROM samples
    )
";

/// Deletes all of them: some may have been used since.
const VOID_TOKENS: &str = "
    DELETE FROM join_tokens
";

/// SQLite's own table, which has only a few rows.
const JUMP: &str = "
    UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = 'leases'
";

/// If no lease was ever issued, there is no row to update.
const FIRST_JUMP: &str = "
    INSERT INTO sqlite_sequence (name, seq) VALUES ('leases', :gap)
";

/// Lets this store take the place of another: lease numbers skip ahead, a new epoch begins, and join tokens are revoked.
/// Returns the time in which the other may have accepted jobs that this one lacks.
pub fn replace(tx: &mut Tx<'_>, epoch: Epoch, now_ms: i64) -> Result<LostWindow> {
    let last_ms: i64 = tx.always(LAST_WRITE, [], |row| row.get(0))?;
    // A clock that is behind that of the other makes no window end before it begins.
    let lost = LostWindow { from_ms: (last_ms - LATE_COMMIT_MS).max(0), until_ms: now_ms.max(last_ms) };
    tx.execute(VOID_TOKENS, [])?;
    if tx.execute(JUMP, named_params! { ":gap": LEASE_GAP })? == 0 {
        tx.execute(FIRST_JUMP, named_params! { ":gap": LEASE_GAP })?;
    }
    begin(tx, epoch, Some(lost), now_ms)?;
    Ok(lost)
}
