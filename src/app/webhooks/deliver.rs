//! Sending a webhook's due deliveries, and recording what became of them.

use std::io::{self, Read};
use std::time::Duration;

use crate::app::App;
use crate::app::jobs::owner::{describe, only};
use crate::domain::delivery::{Attempt, Delivery, DeliveryState, next_attempt};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::AccountId;
use crate::domain::webhook::{AllowedHost, Disabled, Failing, Webhook};
use crate::os::address::Addresses;
use crate::os::http::{Body, Method, Request};
use crate::os::url::host_of;
use crate::store::{self, Db, Tx};
use crate::wire;
use crate::wire::base::Base;

use crate::app::webhooks::turns::{ATTEMPT_SECONDS, Turn};

/// Deliveries in one turn; then others are served first.
const TURN_DELIVERIES: usize = 64;
/// Time after which a turn begins no further delivery.
const TURN: Duration = Duration::from_secs(5);
/// Bytes read of a response's body: 16 KiB. They are not kept.
const RESPONSE_BYTES: u64 = 16 * 1024;

/// Sends a webhook's due deliveries, one after another, until one fails or it is another webhook's turn. Returns how
/// many were delivered. `base`: of URLs in the events.
pub fn deliver(turn: &Turn<'_>, base: &Base) -> Result<usize> {
    let app = turn.app;
    let began = app.clock.monotonic();
    for delivered in 0..TURN_DELIVERIES {
        if app.clock.monotonic().saturating_sub(began) >= TURN {
            return Ok(delivered);
        }
        let now = app.clock.now_ms();
        let next = app.store.read(|db| match store::webhooks::of_account(db, turn.account)? {
            Some(webhook) if webhook.disabled.is_none() => {
                Ok(store::outbox::next(db, turn.account, now)?.map(|delivery| (webhook, delivery)))
            }
            _ => Ok(None),
        })?;
        let Some((webhook, delivery)) = next else { return Ok(delivered) };
        let attempt = attempt(app, base, &webhook, &delivery)?;
        if app.stopping() && attempt.error.is_some() {
            // Broken off, most likely: the next start sends it again.
            return Ok(delivered);
        }
        let is_delivered = attempt.error.is_none();
        let counters = &app.counters;
        if is_delivered { &counters.webhooks_accepted } else { &counters.webhooks_failed }.add_one();
        record(app, &webhook, delivery, attempt)?;
        if !is_delivered {
            return Ok(delivered);
        }
    }
    Ok(TURN_DELIVERIES)
}

/// The addresses that a webhook may reach: public ones, those of private hosts that the operator has allowed for the
/// account, and the networks of `--fetch-allow`.
pub(super) fn policy(app: &App, db: &Db, account: AccountId, url: &str) -> Result<Addresses> {
    let mut allow = app.settings.fetch_allow.clone();
    let host = host_of(url).map(|host| host.trim_end_matches('.').to_owned());
    let mut private = false;
    for allowed in store::webhooks::hosts(db, account)? {
        match allowed {
            AllowedHost::Net(net) => allow.push(net),
            AllowedHost::Name(name) => private |= host.as_ref() == Some(&name),
        }
    }
    Ok(Addresses::Guarded { allow, private })
}

fn attempt(app: &App, base: &Base, webhook: &Webhook, delivery: &Delivery) -> Result<Attempt> {
    let (policy, job) = app.store.read(|db| {
        let job = delivery.job.map(|(id, _)| store::jobs::by_id(db, id)).transpose()?;
        Ok((policy(app, db, webhook.account, &webhook.url)?, job))
    })?;
    let job = job.map(|job| describe(app, vec![job]).map(only)).transpose()?;
    let body = wire::webhook::event(delivery, job.as_ref(), base)?;
    let (id, at_ms) = (delivery.public_id.to_string(), app.clock.now_ms());
    let timestamp = at_ms.div_euclid(1_000);
    let answer = app.outbox.client(policy)?.send(Request {
        content_type: Some("application/json"),
        headers: &[
            ("webhook-id", &id),
            ("webhook-timestamp", &timestamp.to_string()),
            ("webhook-signature", &webhook.signatures(&id, timestamp, body.as_bytes(), at_ms)),
        ],
        body: Body::Bytes(body.as_bytes()),
        ..Request::new(Method::POST, &webhook.url, Duration::from_secs(ATTEMPT_SECONDS))
    });
    let (status, error) = match answer {
        Ok(answer) => {
            let status = answer.status;
            // Only the status counts. Reading a short body lets the connection be used again.
            let _ended_early = io::copy(&mut answer.into_reader().take(RESPONSE_BYTES), &mut io::sink());
            (Some(status), refusal(status))
        }
        Err(error) => (None, Some(unanswered(&error))),
    };
    Ok(Attempt { at_ms: app.clock.now_ms(), status, error })
}

/// Why a response does not count as accepted.
fn refusal(status: u16) -> Option<String> {
    match status {
        200..=299 => None,
        300..=399 => Some(format!("The receiver answered with status {status}; redirects are not followed.")),
        410 => Some("The receiver answered with status 410: it wants no more events.".to_owned()),
        _ => Some(format!("The receiver answered with status {status}.")),
    }
}

/// Why there was no response. Never shows more of the URL than its host.
fn unanswered(error: &Error) -> String {
    match error.code {
        ErrorCode::AddressRefused => "The host's address is private, or the appliance's own machine. The operator can \
                                      allow this address with `admin webhook allow`."
            .to_owned(),
        _ => error.message.clone(),
    }
}

/// What is worth a line in the log.
enum News {
    Nothing,
    /// The first failure after a success.
    Failing,
    /// The first success after failures.
    Recovered,
    /// The delivery was given up.
    GivenUp,
    Disabled(String),
}

fn record(app: &App, webhook: &Webhook, delivery: Delivery, attempt: Attempt) -> Result<()> {
    let draw = app.random.bits()?;
    let (account, url, id) = (webhook.account, webhook.url.clone(), delivery.public_id);
    let why = attempt.error.clone().unwrap_or_default();
    let (name, news) = app.store.write(move |tx| {
        let name = store::accounts::by_id(tx, account)?.name;
        let is_gone = attempt.status == Some(410);
        let next = next_attempt(delivery.attempts + 1, attempt.at_ms, draw);
        let (state, next) = match (&attempt.error, next) {
            (None, _) => (DeliveryState::Delivered, None),
            (Some(_), Some(next)) => (DeliveryState::Pending, Some(next)),
            (Some(_), None) => (DeliveryState::Failed, None),
        };
        store::outbox::attempted(tx, &delivery, state, &attempt, next)?;
        let news = match store::webhooks::of_account(tx, account)? {
            // One that was set to another URL meanwhile starts afresh.
            Some(webhook) if webhook.url == url => note(tx, webhook, &attempt, is_gone)?,
            _ => News::Nothing,
        };
        Ok((name, if state == DeliveryState::Failed && matches!(news, News::Nothing) { News::GivenUp } else { news }))
    })?;
    match news {
        News::Nothing => {}
        News::Failing => log::warn!("the webhook of account {name:?} fails: {why} Event {id} will be sent again"),
        News::Recovered => log::info!("the webhook of account {name:?} works again"),
        News::GivenUp => log::warn!("event {id} for the webhook of account {name:?} was given up: {why}"),
        News::Disabled(because) => log::warn!("the webhook of account {name:?} is now disabled: {because}"),
    }
    Ok(())
}

/// Records the outcome of an attempt with its webhook: a run of failures begins, goes on or ends.
fn note(tx: &mut Tx<'_>, mut webhook: Webhook, attempt: &Attempt, is_gone: bool) -> Result<News> {
    let was_failing = webhook.failing.is_some();
    if attempt.error.is_none() {
        if was_failing {
            webhook.failing = None;
            store::webhooks::put(tx, &webhook)?;
        }
        return Ok(if was_failing { News::Recovered } else { News::Nothing });
    }
    let run = Failing::after(webhook.failing, attempt.at_ms);
    webhook.failing = Some(run);
    let hopeless = || run.is_hopeless().then(|| "All deliveries have failed for a week.".to_owned());
    let because = attempt.error.clone().filter(|_| is_gone).or_else(hopeless);
    if let Some(because) = because.clone().filter(|_| webhook.disabled.is_none()) {
        webhook.disabled = Some(Disabled { at_ms: attempt.at_ms, because });
    }
    store::webhooks::put(tx, &webhook)?;
    Ok(match because {
        Some(because) => News::Disabled(because),
        None if was_failing => News::Nothing,
        None => News::Failing,
    })
}
