//! Retention rules and the audit log.

use rusqlite::params;

use crate::accounts::Account;
use crate::nodes::Node;
use crate::store::{DAY, HOUR, MINUTE, Seed};
use crate::words::OPERATORS;

/// Entries of the audit log besides those of accounts.
const ENTRIES: i64 = 240;

/// Rules that delete nothing now: everything is younger.
pub fn create_retention(seed: &mut Seed, accounts: &[Account]) {
    let account = |at: usize| accounts.get(at).map(|account| account.id);
    let rules = [
        ("clips", None, Some(60 * DAY), None),
        ("demos", None, Some(90 * DAY), Some(20_i64 << 40)),
        ("jobs", None, Some(400 * DAY), None),
        // Everything of this account is kept.
        ("clips", account(1), None, None),
        ("clips", account(4), Some(365 * DAY), Some(2_i64 << 40)),
    ];
    for (kind, account, max_age, max_bytes) in rules {
        seed.insert(
            "INSERT INTO retention_rules (kind, account, max_age_ms, max_bytes) VALUES (?, ?, ?, ?)",
            params![kind, account, max_age, max_bytes],
        );
    }
}

/// What operators did, oldest first.
pub fn create_audit(seed: &mut Seed, accounts: &[Account], nodes: &[Node]) {
    for account in accounts.iter().filter(|account| account.status != "inactive") {
        for action in ["account.create", "account.activate"] {
            entry(seed, seed.now - 39 * DAY, action, &account.name, "");
        }
    }
    for number in 0..ENTRIES {
        let at = seed.now - (ENTRIES - number) * 3 * HOUR + seed.rng.between(0, 170) * MINUTE;
        let account = &seed.rng.pick(accounts).name;
        let node = &seed.rng.pick(nodes).name;
        let (action, subject, details) = match number % 8 {
            0 => ("nodes.drain", node, ""),
            1 => ("nodes.resume", node, ""),
            2 => ("dinks.set", account, "2 to 4"),
            3 => ("keys.rotate", account, "metered key 3f8c1a2b, overlap 24 h"),
            4 => ("webhook.set", account, "to a URL of hooks.example"),
            5 => ("account.quota", account, "demos: the default to 200 GiB"),
            6 => ("webhook.allow", account, "<img src=x onerror=alert(1)>.lan"),
            _ => ("retention.set", account, "nothing to 365 days"),
        };
        entry(seed, at, action, subject, details);
    }
    let inactive = accounts.iter().filter(|account| account.status == "inactive");
    inactive.for_each(|account| entry(seed, seed.now - 20 * HOUR, "account.create", &account.name, ""));
}

fn entry(seed: &mut Seed, at: i64, action: &str, subject: &str, details: &str) {
    let operators = seed.wanted(&OPERATORS);
    let actor = *seed.rng.pick(&operators);
    let source = if seed.rng.percent(50) { "127.0.0.1" } else { "" };
    seed.insert(
        "INSERT INTO audit (at_ms, actor, action, subject, details, source) VALUES (?, ?, ?, ?, ?, ?)",
        params![at, actor, action, subject, details, source],
    );
}
