//! Setting and removing a webhook, for its owner and the operator alike. Each runs inside the caller's transaction.

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::domain::webhook::{SECRET_OVERLAP_MS, SigningSecret, Webhook, check_webhook_url};
use crate::store::{self, Tx};

use crate::app::webhooks::Set;

/// What is to be set.
pub struct Change {
    /// Where events are sent from now on.
    pub url: String,
    /// Replaces the secret; the old one also signs for [`SECRET_OVERLAP_MS`].
    pub rotates_secret: bool,
    /// Used if there is no secret yet, or if it is rotated.
    fresh: SigningSecret,
}

impl Change {
    /// A valid change, with a new secret in case one is needed.
    pub fn new(app: &App, url: String, rotates_secret: bool) -> Result<Self> {
        check_webhook_url(&url)?;
        Ok(Self { url, rotates_secret, fresh: SigningSecret::from_bits(app.random.bits()?, app.random.bits()?) })
    }
}

/// Sets an account's webhook. A disabled one is enabled again: what is still pending is sent at once.
pub fn set(tx: &mut Tx<'_>, account: AccountId, change: Change, now_ms: i64) -> Result<Set> {
    let Change { url, rotates_secret, fresh } = change;
    let before = store::webhooks::of_account(tx, account)?;
    let is_new = before.is_none();
    let mut webhook = before.unwrap_or_else(|| Webhook {
        account,
        url: String::new(),
        secret: fresh.clone(),
        old_secret: None,
        created_at_ms: now_ms,
        failing: None,
        disabled: None,
    });
    if rotates_secret && !is_new {
        webhook.old_secret = Some((webhook.secret, now_ms + SECRET_OVERLAP_MS));
        webhook.secret = fresh;
    }
    // A new URL, or a receiver that has been repaired, gets a fresh start.
    if webhook.disabled.is_some() || webhook.failing.is_some() || webhook.url != url {
        store::outbox::wake(tx, account, now_ms)?;
        (webhook.failing, webhook.disabled) = (None, None);
    }
    webhook.url = url;
    store::webhooks::put(tx, &webhook)?;
    let secret = (is_new || rotates_secret).then(|| webhook.secret.shown());
    Ok(Set { webhook, secret })
}

/// Removes an account's webhook; its pending deliveries are given up. Returns what it was.
pub fn remove(tx: &mut Tx<'_>, account: AccountId) -> Result<Webhook> {
    let webhook = store::webhooks::of_account(tx, account)?.ok_or_else(none)?;
    store::webhooks::delete(tx, account)?;
    store::outbox::give_up(tx, account, "The webhook was removed.")?;
    Ok(webhook)
}

/// The error for an account without a webhook.
pub fn none() -> Error {
    Error::not_found("The account has no webhook.")
}
