//! The webhook of the caller's own account.

use uuid::Uuid;

use crate::app::App;
use crate::domain::delivery::{Delivery, DeliveryState, Event};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{AccountId, DeliveryId};
use crate::domain::job::Caller;
use crate::domain::list::cut;
use crate::domain::webhook::Webhook;
use crate::os::url::address_of;
use crate::store::{self, Db, Tx};

use crate::app::webhooks::settings::{self, Change, none};
use crate::app::webhooks::{PENDING_TESTS, Page, Set, deliver};

/// Sets the account's webhook. An address that would be refused at delivery is refused at once.
pub fn set(app: &App, caller: &Caller, url: String, rotates_secret: bool) -> Result<Set> {
    let change = Change::new(app, url, rotates_secret)?;
    check_address(app, caller.account.id, &change.url)?;
    let (account, now) = (caller.account.id, app.clock.now_ms());
    let set = app.store.write(move |tx| settings::set(tx, account, change, now))?;
    app.outbox.news.ring();
    Ok(set)
}

/// Only literal addresses can be checked without asking a name server; names are checked with each delivery.
fn check_address(app: &App, account: AccountId, url: &str) -> Result<()> {
    let policy = app.store.read(|db| deliver::policy(app, db, account, url))?;
    if address_of(url).is_none_or(|address| policy.permit(address)) {
        return Ok(());
    }
    let message = "url must not lead to the appliance's own machine or to a private address. The operator can allow an \
                   address with `admin webhook allow`.";
    Err(Error::invalid("url", message))
}

/// The account's webhook.
pub fn get(app: &App, caller: &Caller) -> Result<Webhook> {
    app.store.read(|db| store::webhooks::of_account(db, caller.account.id))?.ok_or_else(none)
}

/// Removes the account's webhook; its pending deliveries are given up.
pub fn remove(app: &App, caller: &Caller) -> Result<Webhook> {
    let account = caller.account.id;
    app.store.write(move |tx| settings::remove(tx, account))
}

/// Adds a `webhook.test` event to the outbox.
pub fn test(app: &App, caller: &Caller) -> Result<Delivery> {
    let (account, now, id) = (caller.account.id, app.clock.now_ms(), app.random_uuid()?);
    let delivery = app.store.write(move |tx| insert_test(tx, account, id, now))?;
    app.outbox.news.ring();
    Ok(delivery)
}

/// Adds a `webhook.test` event; too many pending ones are refused.
pub(in crate::app) fn insert_test(tx: &mut Tx<'_>, account: AccountId, id: Uuid, now_ms: i64) -> Result<Delivery> {
    check_enabled(tx, account)?;
    if store::outbox::pending(tx, account, Event::Test)? >= PENDING_TESTS {
        let message = format!("{PENDING_TESTS} tests are still pending. See the deliveries for why.");
        return Err(Error::new(Kind::TooMany, ErrorCode::TooManyTests, message));
    }
    if !store::outbox::insert(tx, account, id, Event::Test, None, now_ms)? {
        return Err(none());
    }
    store::outbox::by_public_id(tx, id)?.ok_or_else(|| Error::internal("The store failed.", "the test is not there"))
}

/// The account's deliveries, newest first; `before`: only those with a smaller row number.
pub fn deliveries(
    app: &App,
    caller: &Caller,
    state: Option<DeliveryState>,
    limit: u32,
    before: Option<DeliveryId>,
) -> Result<Page> {
    let mut deliveries =
        app.store.read(|db| store::outbox::page(db, caller.account.id, state, before, limit.saturating_add(1)))?;
    let more = cut(&mut deliveries, limit);
    let next = deliveries.last().filter(|_| more).map(|delivery| delivery.id);
    Ok(Page { deliveries, next })
}

/// Sends a delivery again, whatever became of it before, with the same id.
pub fn replay(app: &App, caller: &Caller, id: Uuid) -> Result<Delivery> {
    let (account, now) = (caller.account.id, app.clock.now_ms());
    let delivery = app.store.write(move |tx| {
        let delivery = store::outbox::by_public_id(tx, id)?.filter(|delivery| delivery.account == account);
        set_due(tx, delivery.ok_or_else(unknown)?, now)
    })?;
    app.outbox.news.ring();
    Ok(delivery)
}

/// Makes a delivery due again.
pub(in crate::app) fn set_due(tx: &mut Tx<'_>, delivery: Delivery, now_ms: i64) -> Result<Delivery> {
    check_enabled(tx, delivery.account)?;
    store::outbox::replay(tx, delivery.id, now_ms)?;
    Ok(Delivery { state: DeliveryState::Pending, attempts: 0, next_at_ms: Some(now_ms), ..delivery })
}

/// An error without a webhook, or for one to which nothing is sent.
fn check_enabled(db: &Db, account: AccountId) -> Result<()> {
    let webhook = store::webhooks::of_account(db, account)?.ok_or_else(none)?;
    match webhook.disabled {
        None => Ok(()),
        Some(disabled) => {
            let message = format!("The webhook is disabled. {} Set it again to enable it.", disabled.because);
            Err(Error::conflict(ErrorCode::WebhookDisabled, message))
        }
    }
}

/// The error for a delivery that does not exist or belongs to another account.
pub fn unknown() -> Error {
    Error::not_found("There is no such delivery. Deliveries are kept for 30 days.")
}
