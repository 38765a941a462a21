//! Webhooks and their deliveries as their owner sees them, and the body of an event.

use serde::{Deserialize, Serialize};

use crate::domain::delivery::Delivery;
use crate::domain::error::{Error, Result};
use crate::domain::job_info::JobInfo;
use crate::domain::key::Secret;
use crate::domain::webhook::Webhook;
use crate::wire;
use crate::wire::base::Base;
use crate::wire::fields::Fields;
use crate::wire::job::JobView;
use crate::wire::time::rfc3339;

/// The response of `GET` and `PUT /api/webhook`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WebhookView {
    /// Where events are sent.
    pub url: String,
    /// Only after it was created or rotated: `whsec_` and the key in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `enabled` or `disabled`.
    pub status: String,
    /// Why it is disabled, for people.
    pub disabled_because: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// Since when all attempts have failed; null if the last one succeeded. RFC 3339.
    pub failing_since: Option<String>,
    /// Until when the secret before the last rotation also signs. RFC 3339.
    pub old_secret_until: Option<String>,
}

/// A delivery in a response.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeliveryView {
    /// The `webhook-id` of all its attempts.
    pub id: String,
    /// `clip.done`, `clip.failed`, `clip.cancelled` or `webhook.test`.
    #[serde(rename = "type")]
    pub event: String,
    /// The job; null for a test.
    pub job_id: Option<String>,
    /// `pending`, `delivered` or `failed`.
    pub status: String,
    /// Attempts so far, since it was last replayed.
    pub attempts: u32,
    /// When the event happened. RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub last_attempt_at: Option<String>,
    /// The HTTP status of the latest response; null if there was none.
    pub response_status: Option<u16>,
    /// Why the latest attempt failed, for people.
    pub error: Option<String>,
    /// When the next attempt is due. RFC 3339.
    pub next_attempt_at: Option<String>,
}

/// The response of `GET /api/webhook/deliveries`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeliveryList {
    /// Newest first.
    pub deliveries: Vec<DeliveryView>,
    /// The `cursor` for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// The response of `DELETE /api/webhook`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RemovedWebhookView {
    /// Where events were sent.
    pub url: String,
    /// Always `deleted`.
    pub status: String,
}

/// An event's body.
#[derive(Serialize)]
struct EventBody<'a> {
    #[serde(rename = "type")]
    event: &'a str,
    timestamp: String,
    data: Data,
}

/// What an event is about.
#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Job(Box<JobView>),
    Test { message: &'static str },
}

/// Parses the body of `PUT /api/webhook`: the URL, and whether to rotate the secret.
pub fn read_webhook(body: &[u8]) -> Result<(String, bool)> {
    let fields = Fields::of_body(body, &["url", "rotate_secret"])?;
    let url = fields.require("url", fields.string("url")?)?;
    Ok((url, fields.boolean("rotate_secret")?.unwrap_or_default()))
}

/// A webhook; `secret`: if it is new.
pub fn view(webhook: &Webhook, secret: Option<&Secret>) -> WebhookView {
    WebhookView {
        url: webhook.url.clone(),
        secret: secret.map(|secret| secret.reveal().to_owned()),
        status: if webhook.disabled.is_some() { "disabled" } else { "enabled" }.to_owned(),
        disabled_because: webhook.disabled.as_ref().map(|disabled| disabled.because.clone()),
        created_at: rfc3339(webhook.created_at_ms),
        failing_since: webhook.failing.map(|run| rfc3339(run.since_ms)),
        old_secret_until: webhook.old_secret.as_ref().map(|(_, until_ms)| rfc3339(*until_ms)),
    }
}

/// A delivery.
pub fn delivery(delivery: &Delivery) -> DeliveryView {
    let last = delivery.last.as_ref();
    DeliveryView {
        id: delivery.public_id.to_string(),
        event: delivery.event.as_str().to_owned(),
        job_id: delivery.job.map(|(_, id)| id.to_string()),
        status: delivery.state.as_str().to_owned(),
        attempts: delivery.attempts,
        created_at: rfc3339(delivery.at_ms),
        last_attempt_at: last.map(|attempt| rfc3339(attempt.at_ms)),
        response_status: last.and_then(|attempt| attempt.status),
        error: last.and_then(|attempt| attempt.error.clone()),
        next_attempt_at: delivery.next_at_ms.map(rfc3339),
    }
}

/// The body of an event: its type, when it happened, and the job as it is now.
pub fn event(delivery: &Delivery, job: Option<&JobInfo>, base: &Base) -> Result<String> {
    let data = match job {
        Some(job) => Data::Job(Box::new(wire::job::view(job, base)?)),
        None => Data::Test { message: "This is a test of your webhook." },
    };
    let body = EventBody { event: delivery.event.as_str(), timestamp: rfc3339(delivery.at_ms), data };
    serde_json::to_string(&body).map_err(|error| Error::internal("An event could not be written as JSON.", error))
}
