//! The outbox: events for webhooks, written in the transaction in which they happen.

use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::domain::delivery::{Attempt, Delivery, DeliveryState, Event};
use crate::domain::error::Result;
use crate::domain::id::{AccountId, DeliveryId, JobId};
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// The columns that [`read`] reads, and the tables they come from.
macro_rules! delivery_and_job {
    () => {
        "
    SELECT
        outbox.id, outbox.public_id, outbox.account, outbox.event, outbox.job, outbox.at_ms, outbox.state,
        outbox.attempts, outbox.next_at_ms, outbox.attempted_at_ms, outbox.status, outbox.error,
        jobs.public_id AS job_public_id
    FROM outbox
    LEFT JOIN jobs ON jobs.id = outbox.job
"
    };
}

/// Adds nothing for an account without a webhook, nor for an event that is already there: a clock that was set back can
/// end a retried job at the same time again.
const INSERT: &str = "
    INSERT INTO outbox (public_id, account, event, job, at_ms, state, next_at_ms)
    SELECT :public_id, webhooks.account, :event, :job, :now, 'pending', :now
    FROM webhooks
    WHERE webhooks.account = :account
    ON CONFLICT (public_id) DO NOTHING
";

/// Adds an event, due at once; false if the account has no webhook.
pub fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    public_id: Uuid,
    event: Event,
    job: Option<JobId>,
    now_ms: i64,
) -> Result<bool> {
    let added = tx.execute(
        INSERT,
        named_params! {
            ":public_id": public_id.as_bytes(),
            ":event": event.as_str(),
            ":job": job.map(|job| job.0),
            ":now": now_ms,
            ":account": account.0,
        },
    )?;
    Ok(added == 1)
}

/// Served by `outbox_pending`.
const NEXT: &str = concat!(
    delivery_and_job!(),
    "    WHERE outbox.account = :account AND outbox.state = 'pending' AND outbox.next_at_ms <= :now
    ORDER BY outbox.next_at_ms, outbox.id
    LIMIT 1"
);

/// The account's delivery that has been due the longest.
pub fn next(db: &Db, account: AccountId, now_ms: i64) -> Result<Option<Delivery>> {
    db.row(NEXT, named_params! { ":account": account.0, ":now": now_ms }, read)
}

/// Served by the unique index on the public id.
const BY_PUBLIC_ID: &str = concat!(delivery_and_job!(), "    WHERE outbox.public_id = :public_id");

/// The delivery with this `webhook-id`.
pub fn by_public_id(db: &Db, public_id: Uuid) -> Result<Option<Delivery>> {
    db.row(BY_PUBLIC_ID, named_params! { ":public_id": public_id.as_bytes() }, read)
}

/// Searches only the newest deliveries, because no index covers the end of an id.
const BY_ENDING: &str = "
    SELECT public_id
    FROM outbox
    WHERE id > (SELECT MAX(id) FROM outbox) - :newest AND substr(public_id, 13) = :ending
    ORDER BY id DESC
    LIMIT :limit
";

/// Ids with this ending among the `newest` deliveries, newest first.
pub fn by_ending(db: &Db, ending: [u8; 4], newest: u32, limit: u32) -> Result<Vec<Uuid>> {
    let params = named_params! { ":newest": newest, ":ending": ending, ":limit": limit };
    db.rows(BY_ENDING, params, |row| row.get(0).map(Uuid::from_bytes))
}

/// Served by `outbox_account`, walked backwards.
const PAGE: &str = concat!(
    delivery_and_job!(),
    "    WHERE outbox.account = :account AND outbox.id < :before AND (:state IS NULL OR outbox.state = :state)
    ORDER BY outbox.id DESC
    LIMIT :limit"
);

/// An account's deliveries, newest first, below a row number.
pub fn page(
    db: &Db,
    account: AccountId,
    state: Option<DeliveryState>,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<Delivery>> {
    db.rows(
        PAGE,
        named_params! {
            ":account": account.0,
            ":before": before.map_or(i64::MAX, |delivery| delivery.0),
            ":state": state.map(DeliveryState::as_str),
            ":limit": limit,
        },
        read,
    )
}

/// Served by `outbox_pending`.
const PENDING: &str = "
    SELECT COUNT(*) FROM outbox
    WHERE account = :account AND state = 'pending' AND event = :event
";

/// How many of an account's events of one kind are pending.
pub fn pending(db: &Db, account: AccountId, event: Event) -> Result<u64> {
    db.always(PENDING, named_params! { ":account": account.0, ":event": event.as_str() }, |row| row.get(0))
}

/// Served by the row's number. A replay, a new URL or the removal of the webhook during
/// the attempt has precedence: each changes the state or the time at which the delivery is due.
const ATTEMPTED: &str = "
    UPDATE outbox
    SET state = :state, attempts = attempts + 1, next_at_ms = :next, attempted_at_ms = :at, status = :status,
        error = :error
    WHERE id = :id AND state = 'pending' AND attempts = :attempts AND next_at_ms = :due
";

/// Records an attempt of a pending delivery; `next_at_ms`: when to try again. False if it has changed meanwhile.
pub fn attempted(
    tx: &mut Tx<'_>,
    delivery: &Delivery,
    state: DeliveryState,
    attempt: &Attempt,
    next_at_ms: Option<i64>,
) -> Result<bool> {
    let changed = tx.execute(
        ATTEMPTED,
        named_params! {
            ":state": state.as_str(),
            ":next": next_at_ms,
            ":at": attempt.at_ms,
            ":status": attempt.status,
            ":error": attempt.error,
            ":id": delivery.id.0,
            ":attempts": delivery.attempts,
            ":due": delivery.next_at_ms,
        },
    )?;
    Ok(changed == 1)
}

/// Served by the row's number.
const REPLAY: &str = "
    UPDATE outbox
    SET state = 'pending', attempts = 0, next_at_ms = :now
    WHERE id = :id
";

/// Makes a delivery due at once, with all its attempts ahead of it.
pub fn replay(tx: &mut Tx<'_>, id: DeliveryId, now_ms: i64) -> Result<()> {
    tx.execute(REPLAY, named_params! { ":now": now_ms, ":id": id.0 })?;
    Ok(())
}

/// Served by `outbox_pending`.
const GIVE_UP: &str = "
    UPDATE outbox
    SET state = 'failed', next_at_ms = NULL, error = :error
    WHERE account = :account AND state = 'pending'
";

/// Gives up an account's pending deliveries.
pub fn give_up(tx: &mut Tx<'_>, account: AccountId, why: &str) -> Result<usize> {
    tx.execute(GIVE_UP, named_params! { ":error": why, ":account": account.0 })
}

/// Served by `outbox_pending`.
const WAKE: &str = "
    UPDATE outbox
    SET next_at_ms = :now, attempts = 0
    WHERE account = :account AND state = 'pending'
";

/// Makes an account's pending deliveries due at once, with all their attempts ahead of them.
pub fn wake(tx: &mut Tx<'_>, account: AccountId, now_ms: i64) -> Result<()> {
    tx.execute(WAKE, named_params! { ":now": now_ms, ":account": account.0 })?;
    Ok(())
}

/// Rows are nearly in order of time, so the oldest come first without an index on the time.
const SWEEP: &str = "
    DELETE FROM outbox
    WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT :limit) AND at_ms <= :before
";

/// Deletes at most `limit` deliveries of events up to `before_ms`; returns how many.
pub fn sweep(tx: &mut Tx<'_>, before_ms: i64, limit: usize) -> Result<usize> {
    tx.execute(SWEEP, named_params! { ":before": before_ms, ":limit": limit })
}

/// Reads the columns of [`delivery_and_job`].
fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let job = match row.get::<_, Option<i64>>("job")? {
        Some(id) => Some((JobId(id), columns::uuid(row, "job_public_id")?)),
        None => None,
    };
    let last = match row.get("attempted_at_ms")? {
        Some(at_ms) => Some(Attempt { at_ms, status: row.get("status")?, error: row.get("error")? }),
        None => None,
    };
    Ok(Delivery {
        id: DeliveryId(row.get("id")?),
        public_id: columns::uuid(row, "public_id")?,
        account: AccountId(row.get("account")?),
        event: columns::word(row, "event", Event::parse)?,
        job,
        at_ms: row.get("at_ms")?,
        state: columns::word(row, "state", DeliveryState::parse)?,
        attempts: row.get("attempts")?,
        next_at_ms: row.get("next_at_ms")?,
        last,
    })
}
