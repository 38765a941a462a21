//! The webhook of the caller's account, and its deliveries.

use rouille::Response;

use crate::app::webhooks::owner;
use crate::domain::delivery::DeliveryState;
use crate::domain::error::Result;
use crate::domain::id::DeliveryId;
use crate::domain::job::Caller;
use crate::http::kit::call::Call;
use crate::http::kit::{answer, body, cursor};
use crate::wire::webhook::{self, DeliveryList, RemovedWebhookView};

/// `GET /api/webhook`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    answer::json(200, &webhook::view(&owner::get(call.app, caller)?, None))
}

/// `PUT /api/webhook`: sets the URL; `rotate_secret` also replaces the secret.
pub fn set(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let (url, rotates_secret) = webhook::read_webhook(&body::json(call)?)?;
    let set = owner::set(call.app, caller, url, rotates_secret)?;
    answer::json(200, &webhook::view(&set.webhook, set.secret.as_ref()))
}

/// `DELETE /api/webhook`.
pub fn remove(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let removed = owner::remove(call.app, caller)?;
    answer::json(200, &RemovedWebhookView { url: removed.url, status: "deleted".into() })
}

/// `POST /api/webhook/test`: sends a `webhook.test` event.
pub fn test(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    answer::json(202, &webhook::delivery(&owner::test(call.app, caller)?))
}

/// `GET /api/webhook/deliveries?status=&limit=&cursor=`: newest first.
pub fn deliveries(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    call.only_query(&["status", "limit", "cursor"])?;
    let state = call.word("status", &DeliveryState::ALL, DeliveryState::as_str)?;
    let limit = call.limit()?;
    let before = call.query("cursor").map(|text| cursor::read(&text).map(DeliveryId)).transpose()?;
    let page = owner::deliveries(call.app, caller, state, limit, before)?;
    let deliveries = page.deliveries.iter().map(webhook::delivery).collect();
    answer::json(200, &DeliveryList { deliveries, next_cursor: page.next.map(|last| cursor::text(last.0)) })
}

/// `POST /api/webhook/deliveries/{id}/replay`: sends a delivery again, with the same `webhook-id`.
pub fn replay(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let id = call.uuid().map_err(|_| owner::unknown())?;
    answer::json(202, &webhook::delivery(&owner::replay(call.app, caller, id)?))
}
