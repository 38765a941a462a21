//! Which webhooks are being called: one worker per webhook at a time, so that a slow one does not delay the others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::os::address::Addresses;
use crate::os::doorbell::Doorbell;
use crate::os::http::{Client, ClientOptions};
use crate::store;

/// Webhooks that are called at the same time.
pub const WORKERS: usize = 32;
/// Of these, webhooks whose last attempt failed: they never occupy all workers, however many hang.
const FAILING_WORKERS: usize = WORKERS / 2;
/// Seconds for one attempt, from resolving the name to the end of the response.
pub const ATTEMPT_SECONDS: u64 = 15;
/// Time for the body of a response, which does not count: the status has already decided.
const BODY: Duration = Duration::from_secs(1);
/// HTTP clients that are kept, one per address policy: most accounts share one.
const CLIENTS: usize = 64;

/// What the workers share.
#[derive(Default)]
pub struct Outbox {
    /// Rings when there is something new to send, and when a worker becomes free.
    pub news: Doorbell,
    /// The webhooks being called, and whether they are failing.
    busy: Mutex<HashMap<AccountId, bool>>,
    clients: Mutex<HashMap<Addresses, Client>>,
}

impl Outbox {
    /// The HTTP client for a policy. Redirects are not followed.
    pub(super) fn client(&self, addresses: Addresses) -> Result<Client> {
        let mut clients = lock(&self.clients);
        if let Some(client) = clients.get(&addresses) {
            return Ok(client.clone());
        }
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        let client = Client::new(ClientOptions {
            addresses: addresses.clone(),
            ca_pem: None,
            redirects: 0,
            connect_timeout: Duration::from_secs(ATTEMPT_SECONDS),
            stall_timeout: Duration::from_secs(ATTEMPT_SECONDS),
            body_timeout: Some(BODY),
        })?;
        clients.insert(addresses, client.clone());
        Ok(client)
    }

    /// Breaks off all requests: the server is shutting down.
    pub(in crate::app) fn stop(&self) {
        lock(&self.clients).values().for_each(Client::shut_down);
        self.news.ring();
    }
}

/// A webhook's turn: no other worker calls it until this is dropped.
pub struct Turn<'a> {
    pub(super) app: &'a App,
    pub(super) account: AccountId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.app.outbox.busy).remove(&self.account);
        self.app.outbox.news.ring();
    }
}

/// Begins the turns of webhooks with due deliveries, as many as there are free workers.
pub fn begin(app: &App) -> Result<Vec<Turn<'_>>> {
    let now = app.clock.now_ms();
    let due = app.store.read(store::webhooks::due)?;
    let mut busy = lock(&app.outbox.busy);
    let mut turns = Vec::new();
    for webhook in due.iter().take_while(|webhook| webhook.at_ms <= now) {
        let failing = busy.values().filter(|is_failing| **is_failing).count();
        let has_worker = busy.len() < WORKERS && !(webhook.is_failing && failing >= FAILING_WORKERS);
        if has_worker && !busy.contains_key(&webhook.account) {
            busy.insert(webhook.account, webhook.is_failing);
            turns.push(Turn { app, account: webhook.account });
        }
    }
    Ok(turns)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
