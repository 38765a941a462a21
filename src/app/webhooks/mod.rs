//! Webhooks: set up by an account's owner or the operator, and called when the account's jobs end.
//!
//! The event is written by `app/jobs/lifecycle.rs` in the transaction that ends the job (`store/outbox.rs`). It is sent
//! later, at least once, by [`turns`] and [`deliver`], which the scheduler runs.

pub mod deliver;
pub mod operator;
pub mod owner;
pub(in crate::app) mod settings;
pub mod turns;

use crate::app::App;
use crate::domain::delivery::Delivery;
use crate::domain::error::Result;
use crate::domain::id::DeliveryId;
use crate::domain::key::Secret;
use crate::domain::webhook::Webhook;
use crate::store;

/// How long deliveries are kept as a log: 30 days, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Tests of one account that may be pending at once.
const PENDING_TESTS: u64 = 10;

/// A webhook after it was set.
pub struct Set {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret, if it is new: shown this once.
    pub secret: Option<Secret>,
}

/// A page of deliveries.
pub struct Page {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// Cursor of the next page, if there is one.
    pub next: Option<DeliveryId>,
}

/// Deletes deliveries that are too old for the log, also those to a webhook that has been disabled since; returns how
/// many.
pub fn forget_old(app: &App) -> Result<usize> {
    let before = app.clock.now_ms() - KEPT_MS;
    app.delete_in_batches(move |tx, limit| store::outbox::sweep(tx, before, limit))
}
