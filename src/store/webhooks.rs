//! Rows of webhooks, and the private hosts that they may reach.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::webhook::{AllowedHost, Disabled, Failing, SigningSecret, Webhook};
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// Served by the primary key.
const OF_ACCOUNT: &str = "
    SELECT
        account, url, secret, old_secret, old_secret_until_ms, created_at_ms, failing_since_ms, failed_at_ms,
        disabled_at_ms, disabled_because
    FROM webhooks
    WHERE account = :account
";

/// An account's webhook.
pub fn of_account(db: &Db, account: AccountId) -> Result<Option<Webhook>> {
    db.row(OF_ACCOUNT, named_params! { ":account": account.0 }, read)
}

/// Replaces the account's row.
const PUT: &str = "
    INSERT OR REPLACE INTO webhooks (
        account, url, secret, old_secret, old_secret_until_ms, created_at_ms, failing_since_ms, failed_at_ms,
        disabled_at_ms, disabled_because
    )
    VALUES (
        :account, :url, :secret, :old_secret, :old_secret_until_ms, :created_at_ms, :failing_since_ms, :failed_at_ms,
        :disabled_at_ms, :disabled_because
    )
";

/// Stores an account's webhook in place of the one before.
pub fn put(tx: &mut Tx<'_>, webhook: &Webhook) -> Result<()> {
    let (old_secret, old_until) = webhook.old_secret.as_ref().map(|(old, until)| (old.0, *until)).unzip();
    let (failing_since, failed_at) = webhook.failing.map(|run| (run.since_ms, run.last_ms)).unzip();
    let (disabled_at, because) = webhook.disabled.as_ref().map(|off| (off.at_ms, &off.because)).unzip();
    tx.execute(
        PUT,
        named_params! {
            ":account": webhook.account.0,
            ":url": webhook.url,
            ":secret": webhook.secret.0,
            ":old_secret": old_secret,
            ":old_secret_until_ms": old_until,
            ":created_at_ms": webhook.created_at_ms,
            ":failing_since_ms": failing_since,
            ":failed_at_ms": failed_at,
            ":disabled_at_ms": disabled_at,
            ":disabled_because": because,
        },
    )?;
    Ok(())
}

/// Served by the primary key.
const DELETE: &str = "
    DELETE FROM webhooks WHERE account = :account
";

/// Deletes an account's webhook.
pub fn delete(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    tx.execute(DELETE, named_params! { ":account": account.0 })?;
    Ok(())
}

/// Served by the primary key.
const HOSTS: &str = "
    SELECT host
    FROM webhook_hosts
    WHERE account = :account
    ORDER BY host
";

/// The private hosts that an account's webhook may reach.
pub fn hosts(db: &Db, account: AccountId) -> Result<Vec<AllowedHost>> {
    db.rows(HOSTS, named_params! { ":account": account.0 }, |row| {
        columns::word(row, "host", |text| AllowedHost::parse(text).ok())
    })
}

const ALLOW: &str = "
    INSERT INTO webhook_hosts (account, host)
    VALUES (:account, :host)
    ON CONFLICT (account, host) DO NOTHING
";

/// Allows a private host. Idempotent.
pub fn allow(tx: &mut Tx<'_>, account: AccountId, host: &AllowedHost) -> Result<()> {
    tx.execute(ALLOW, named_params! { ":account": account.0, ":host": host.shown() })?;
    Ok(())
}

/// Served by the primary key.
const DISALLOW: &str = "
    DELETE FROM webhook_hosts WHERE account = :account AND host = :host
";

/// Removes a private host; false if it was not allowed.
pub fn disallow(tx: &mut Tx<'_>, account: AccountId, host: &AllowedHost) -> Result<bool> {
    Ok(tx.execute(DISALLOW, named_params! { ":account": account.0, ":host": host.shown() })? == 1)
}

/// Walks the webhooks, one row per account that has one, and looks up each one's next delivery in `outbox_pending`.
const DUE: &str = "
    SELECT
        webhooks.account, webhooks.failing_since_ms IS NOT NULL AS is_failing,
        (SELECT MIN(outbox.next_at_ms) FROM outbox
         WHERE outbox.account = webhooks.account AND outbox.state = 'pending') AS next_at_ms
    FROM webhooks
    WHERE webhooks.disabled_at_ms IS NULL
    ORDER BY next_at_ms
";

/// A webhook with events to deliver.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Whose webhook.
    pub account: AccountId,
    /// Whether its last attempt failed.
    pub is_failing: bool,
    /// When its next delivery is due. Unix time in milliseconds.
    pub at_ms: i64,
}

/// The webhooks with pending deliveries, the earliest due first.
pub fn due(db: &Db) -> Result<Vec<Due>> {
    let found = db.rows(DUE, [], |row| {
        let at_ms: Option<i64> = row.get("next_at_ms")?;
        let (account, is_failing) = (AccountId(row.get("account")?), row.get("is_failing")?);
        Ok(at_ms.map(|at_ms| Due { account, is_failing, at_ms }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Walks the webhooks, one row per account that has one.
const DISABLED: &str = "
    SELECT accounts.name, webhooks.disabled_because
    FROM webhooks
    JOIN accounts ON accounts.id = webhooks.account
    WHERE webhooks.disabled_at_ms IS NOT NULL
    ORDER BY accounts.name
";

/// The names of accounts whose webhook is disabled, and why.
pub fn disabled(db: &Db) -> Result<Vec<(String, String)>> {
    db.rows(DISABLED, [], |row| Ok((row.get("name")?, row.get("disabled_because")?)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let old_secret = row.get::<_, Option<[u8; 32]>>("old_secret")?.map(SigningSecret);
    let old_until: Option<i64> = row.get("old_secret_until_ms")?;
    let (since, last): (Option<i64>, Option<i64>) = (row.get("failing_since_ms")?, row.get("failed_at_ms")?);
    let (disabled_at, because): (Option<i64>, Option<String>) =
        (row.get("disabled_at_ms")?, row.get("disabled_because")?);
    Ok(Webhook {
        account: AccountId(row.get("account")?),
        url: row.get("url")?,
        secret: SigningSecret(row.get("secret")?),
        old_secret: old_secret.zip(old_until),
        created_at_ms: row.get("created_at_ms")?,
        failing: since.zip(last).map(|(since_ms, last_ms)| Failing { since_ms, last_ms }),
        disabled: disabled_at.zip(because).map(|(at_ms, because)| Disabled { at_ms, because }),
    })
}
