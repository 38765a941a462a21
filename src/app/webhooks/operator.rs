//! Webhooks of any account, for the operator.

use uuid::Uuid;

use crate::app::accounts::named;
use crate::app::short_id::{CANDIDATES, Named, SEARCHED};
use crate::app::{App, audit};
use crate::domain::account::Account;
use crate::domain::delivery::Delivery;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::Operator;
use crate::domain::webhook::{ALLOWED_HOSTS, AllowedHost, Webhook};
use crate::os::url::{address_of, host_of};
use crate::store;

use crate::app::webhooks::settings::{self, Change};
use crate::app::webhooks::{Set, deliver, owner};

/// Sets the account's webhook. The address policy is left to delivery: only the server knows its `--fetch-allow`.
pub fn set(app: &App, operator: &Operator, name: &str, url: String, rotates_secret: bool) -> Result<Set> {
    let change = Change::new(app, url, rotates_secret)?;
    let name = name.to_owned();
    let set = audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let set = settings::set(tx, account.id, change, log.now_ms)?;
        let host = host_of(&set.webhook.url).unwrap_or_default();
        let new_secret = if set.secret.is_some() { ", with a new secret" } else { "" };
        log.note(tx, "webhook.set", &name, &format!("to a URL of {host}{new_secret}"))?;
        Ok(set)
    })?;
    app.outbox.news.ring();
    Ok(set)
}

/// Whether a URL names an address that only the operator's permission lets the account's webhook reach.
pub fn needs_permission(app: &App, name: &str, url: &str) -> Result<bool> {
    let policy = app.store.read(|db| deliver::policy(app, db, named(db, name)?.id, url))?;
    Ok(address_of(url).is_some_and(|address| !policy.permit(address)))
}

/// Removes the account's webhook; its pending deliveries are given up.
pub fn remove(app: &App, operator: &Operator, name: &str) -> Result<()> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        settings::remove(tx, account.id)?;
        log.note(tx, "webhook.remove", &name, "")
    })
}

/// An account's webhook as the operator sees it.
pub struct Overview {
    /// The account.
    pub account: Account,
    /// Its webhook, if it has one.
    pub webhook: Option<Webhook>,
    /// The private hosts that it may reach.
    pub hosts: Vec<AllowedHost>,
    /// Its latest deliveries, newest first.
    pub deliveries: Vec<Delivery>,
}

/// An account's webhook with its latest deliveries, at most `limit`.
pub fn show(app: &App, name: &str, limit: u32) -> Result<Overview> {
    app.store.read(|db| {
        let account = named(db, name)?;
        Ok(Overview {
            webhook: store::webhooks::of_account(db, account.id)?,
            hosts: store::webhooks::hosts(db, account.id)?,
            deliveries: store::outbox::page(db, account.id, None, None, limit)?,
            account,
        })
    })
}

/// Adds a `webhook.test` event to the account's outbox; the server sends it.
pub fn test(app: &App, operator: &Operator, name: &str) -> Result<Delivery> {
    let (name, id) = (name.to_owned(), app.random_uuid()?);
    let delivery = audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let delivery = owner::insert_test(tx, account.id, id, log.now_ms)?;
        log.note(tx, "webhook.test", &name, "")?;
        Ok(delivery)
    })?;
    app.outbox.news.ring();
    Ok(delivery)
}

/// The full id of a delivery.
pub fn id_of(app: &App, named: Named) -> Result<Uuid> {
    named.resolve("delivery", "admin webhook show NAME", SEARCHED, |ending| {
        app.store.read(|db| store::outbox::by_ending(db, ending, SEARCHED, CANDIDATES))
    })
}

/// Makes a delivery due again; the server sends it.
pub fn replay(app: &App, operator: &Operator, id: Uuid) -> Result<Delivery> {
    let delivery = audit::change(app, operator, move |tx, log| {
        let delivery = store::outbox::by_public_id(tx, id)?.ok_or_else(owner::unknown)?;
        let delivery = owner::set_due(tx, delivery, log.now_ms)?;
        log.note(tx, "webhook.replay", &id.to_string(), delivery.event.as_str())?;
        Ok(delivery)
    })?;
    app.outbox.news.ring();
    Ok(delivery)
}

/// The current state of a delivery.
pub fn delivery(app: &App, id: Uuid) -> Result<Delivery> {
    app.store.read(|db| store::outbox::by_public_id(db, id))?.ok_or_else(owner::unknown)
}

/// Allows the account's webhook to reach a private host. Idempotent. Returns all allowed ones.
pub fn allow(app: &App, operator: &Operator, name: &str, host: AllowedHost) -> Result<Vec<AllowedHost>> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let before = store::webhooks::hosts(tx, account.id)?;
        if !before.contains(&host) {
            if before.len() >= ALLOWED_HOSTS {
                let message = format!(
                    "An account can have at most {ALLOWED_HOSTS} private hosts. Allow a network in CIDR notation instead."
                );
                return Err(Error::conflict(ErrorCode::TooManyHosts, message));
            }
            store::webhooks::allow(tx, account.id, &host)?;
            log.note(tx, "webhook.allow", &name, &host.shown())?;
        }
        store::webhooks::hosts(tx, account.id)
    })
}

/// Removes a private host that was allowed. Returns those that remain.
pub fn disallow(app: &App, operator: &Operator, name: &str, host: AllowedHost) -> Result<Vec<AllowedHost>> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        if !store::webhooks::disallow(tx, account.id, &host)? {
            let message = format!("{} is not among the hosts allowed for {name}.", host.shown());
            return Err(Error::not_found(message));
        }
        log.note(tx, "webhook.disallow", &name, &host.shown())?;
        store::webhooks::hosts(tx, account.id)
    })
}

/// The names of accounts whose webhook is disabled, and why.
pub fn disabled(app: &App) -> Result<Vec<(String, String)>> {
    app.store.read(store::webhooks::disabled)
}
