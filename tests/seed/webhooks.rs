//! Webhooks that work, fail and are disabled, with their latest deliveries.

use dinkem_appliance::domain::delivery::{Event, id_of};
use rusqlite::params;
use uuid::Uuid;

use crate::accounts::Account;
use crate::jobs::Stock;
use crate::store::{DAY, HOUR, Seed};

/// Latest ended jobs of an account with a delivery.
const DELIVERIES: usize = 60;

/// How a webhook does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Failing,
    Disabled,
}

/// Gives every second account a webhook, and most of them good ones.
pub fn create(seed: &mut Seed, accounts: &[Account], stock: &Stock<'_>) {
    let mut deliveries = 0;
    for (at, account) in accounts.iter().step_by(2).enumerate().filter(|(_, account)| account.status == "active") {
        let health = match at {
            1 => Health::Failing,
            2 => Health::Disabled,
            _ => Health::Good,
        };
        webhook(seed, account, health);
        let events = stock.events.get(&account.id).map_or(&[][..], Vec::as_slice);
        for (job, status, ended) in &events[events.len().saturating_sub(DELIVERIES)..] {
            deliveries += 1;
            delivery(seed, deliveries, account, Some((job.0, status)), *ended, health);
        }
        deliveries += 1;
        delivery(seed, deliveries, account, None, seed.now - 2 * HOUR, health);
    }
}

fn webhook(seed: &mut Seed, account: &Account, health: Health) {
    let failing = (health != Health::Good).then_some(seed.now - 8 * DAY);
    let disabled = (health == Health::Disabled).then_some(seed.now - DAY);
    let url = match health {
        Health::Good => format!("https://hooks.example/dinkem/{}", account.id),
        _ => "https://hooks.example/<script>alert(1)</script>?a=1&b=2".to_owned(),
    };
    let secret: [u8; 32] = seed.rng.bytes();
    seed.insert(
        "INSERT INTO webhooks (
             account, url, secret, created_at_ms, failing_since_ms, failed_at_ms, disabled_at_ms, disabled_because
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            account.id,
            url,
            secret,
            seed.now - 30 * DAY,
            failing,
            failing.map(|_| seed.now - DAY),
            disabled,
            disabled.map(|_| "The receiver failed for 7 days."),
        ],
    );
}

fn delivery(seed: &mut Seed, id: i64, account: &Account, job: Option<(i64, &str)>, at: i64, health: Health) {
    let event = match job.map(|(_, status)| status) {
        Some("done") => Event::ClipDone,
        Some("failed") => Event::ClipFailed,
        Some(_) => Event::ClipCancelled,
        None => Event::Test,
    };
    let public_id = id_of(Uuid::from_u128(id.cast_unsigned().into()), event, at);
    let is_recent = at > seed.now - DAY;
    let (state, attempts, status, error) = match health {
        Health::Good => ("delivered", 1 + i64::from(id % 23 == 0), Some(204), None),
        // What is pending is due later, so that a server on this store calls nobody.
        Health::Failing | Health::Disabled if is_recent => {
            ("pending", 4, Some(503), Some("The receiver answered 503."))
        }
        Health::Failing | Health::Disabled => {
            ("failed", 10, None, Some("The receiver <hooks.example> did not answer in 15 s."))
        }
    };
    seed.insert(
        "INSERT INTO outbox (
             id, public_id, account, event, job, at_ms, state, attempts, next_at_ms, attempted_at_ms, status, error
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            public_id.as_bytes(),
            account.id,
            event.as_str(),
            job.map(|(job, _)| job),
            at,
            state,
            attempts,
            (state == "pending").then_some(seed.now + 12 * HOUR),
            (at + attempts * 1_000).min(seed.now),
            status,
            error,
        ],
    );
}
