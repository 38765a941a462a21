//! Accounts with their keys and dinks.

use dinkem_appliance::domain::key::{KeyHash, Secret};
use rusqlite::params;
use uuid::Builder;

use crate::store::{DAY, HOUR, Seed};
use crate::words::{DEACTIVATED_ACCOUNT, HARD_ACCOUNTS, INACTIVE_ACCOUNT, LARGE_ACCOUNTS, SMALL_ACCOUNTS};

/// Dinks of the first accounts; the others have none.
const DINKS: [i64; 6] = [8, 4, 0, 2, 1, 2];

/// An account as the other parts need it.
pub struct Account {
    pub id: i64,
    pub name: String,
    pub status: &'static str,
    pub dinks: i64,
    pub metered: Key,
    pub reserved: Key,
}

/// A live key.
pub struct Key {
    pub id: i64,
    pub clear: String,
}

/// Creates this many, the largest first.
pub fn create(seed: &mut Seed, count: usize) -> Vec<Account> {
    let names = names(seed, count);
    let mut keys = 0;
    let mut accounts = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let id = at as i64 + 1;
        let created = seed.now - seed.rng.between(40, 400) * DAY;
        let status = match name.as_str() {
            INACTIVE_ACCOUNT => "inactive",
            DEACTIVATED_ACCOUNT => "deactivated",
            _ => "active",
        };
        let created = if status == "inactive" { seed.now - 20 * HOUR } else { created };
        let dinks = DINKS.get(at).copied().unwrap_or_default();
        let public_id = Builder::from_random_bytes(seed.rng.bytes()).into_uuid();
        seed.insert(
            "INSERT INTO accounts (id, public_id, name, status, dinks, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            params![id, public_id.as_bytes(), name, status, dinks, created],
        );
        note_dinks(seed, id, dinks, created);
        if at.is_multiple_of(4) {
            // Two that were replaced: one long ago, one that still works for a few hours.
            key(seed, &mut keys, id, "metered", created, Some(created + 30 * DAY));
            let overlap = seed.now + 6 * HOUR;
            key(seed, &mut keys, id, "metered", created + 30 * DAY, Some(overlap));
        }
        let metered = key(seed, &mut keys, id, "metered", created, None);
        let reserved = key(seed, &mut keys, id, "reserved", created, None);
        accounts.push(Account { id, name, status, dinks, metered, reserved });
    }
    accounts
}

fn names(seed: &Seed, count: usize) -> Vec<String> {
    let special = [INACTIVE_ACCOUNT, DEACTIVATED_ACCOUNT];
    let hard = seed.wanted(&HARD_ACCOUNTS);
    let known = LARGE_ACCOUNTS.iter().chain(&hard).chain(&special).chain(&SMALL_ACCOUNTS);
    let further = (1..).map(|number| format!("Studio {number:03}"));
    known.map(|name| (*name).to_owned()).chain(further).take(count).collect()
}

/// The history that leads to the dinks an account has now, with one change that was undone.
fn note_dinks(seed: &mut Seed, account: i64, dinks: i64, created: i64) {
    if dinks == 0 {
        return;
    }
    let steps =
        [(dinks.min(1), created + DAY, None), (dinks * 10, created + 20 * DAY, Some(created + 20 * DAY + HOUR))];
    for (dinks, at, undone) in steps.into_iter().chain([(dinks, created + 35 * DAY, None)]) {
        seed.insert(
            "INSERT INTO dinks_history (account, dinks, at_ms, undone_at_ms) VALUES (?, ?, ?, ?)",
            params![account, dinks, at, undone],
        );
    }
}

fn key(seed: &mut Seed, keys: &mut i64, account: i64, class: &str, created: i64, revoked: Option<i64>) -> Key {
    *keys += 1;
    let clear = Builder::from_random_bytes(seed.rng.bytes()).into_uuid().hyphenated().to_string();
    let hash = KeyHash::of(&Secret::new(clear.as_str())).0;
    let used = seed.now.min(revoked.unwrap_or(i64::MAX)) - seed.rng.between(10, 90 * 60) * 1_000;
    seed.insert(
        "INSERT INTO api_keys (hash, id, account, class, created_at_ms, revoked_at_ms, used_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![hash, *keys, account, class, created, revoked, used.max(created)],
    );
    Key { id: *keys, clear }
}
