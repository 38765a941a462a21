//! `/api/usage`.

use std::time::Duration;

use dinkem_appliance::app::billing::prices;
use dinkem_appliance::domain::job::Renderer;
use dinkem_appliance::domain::money::{Currency, Micros};
use dinkem_appliance::domain::rates::{FootageKind, RateChange};
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, Keys};
use crate::support::client::{Answer, Request};
use crate::support::worker::Worker;

/// 2026-11-30T23:59:59.999Z: the last moment of a month.
const LAST_MS: i64 = 1_796_083_199_999;
const DAY: Duration = Duration::from_secs(86_400);

fn kind(renderer: Renderer, resolution: u32, fps: u32) -> FootageKind {
    FootageKind { renderer, resolution, fps }
}

fn request(appliance: &Appliance, key: &str, query: &str) -> Answer {
    appliance.send(&Request::get(&format!("/api/usage{query}")).key(key))
}

fn usage(appliance: &Appliance, keys: &Keys, query: &str) -> Value {
    request(appliance, &keys.metered, query).expect(200).json()
}

fn set(appliance: &Appliance, kind: FootageKind, price: &str) {
    prices::set(
        &appliance.app,
        &crate::support::operator(),
        RateChange::Hour(kind, Micros::parse_price(price).unwrap()),
    )
    .unwrap();
}

fn usd(amount: &str, micros: u64) -> Value {
    json!([{"currency": "USD", "amount": amount, "amount_micros": micros}])
}

#[test]
fn usage_is_counted_by_class_renderer_resolution_and_fps_and_covers_both_keys() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let (builtin, game) = (kind(Renderer::Builtin, 1080, 30), kind(Renderer::Game, 1440, 60));
    set(&appliance, builtin, "0.47");
    set(&appliance, game, "0.85");
    let worker = Worker::new(&appliance.app);
    let (metered, reserved) = (worker.caller(&keys.metered), worker.caller(&keys.reserved));
    let deleted = worker.complete_job(&metered, builtin);
    worker.remove(&metered, deleted);
    worker.complete_job(&metered, builtin);
    worker.complete_job(&metered, game);
    worker.complete_job(&reserved, builtin);
    worker.fail_job(&metered, builtin);
    let cancelled = worker.submit(&reserved, game);
    worker.remove(&reserved, cancelled);
    // Queued jobs and other accounts' jobs are not counted.
    let waiting = worker.submit(&metered, builtin);
    let another = worker.caller(&appliance.account("another").metered);
    worker.remove(&metered, waiting);
    worker.complete_job(&another, builtin);
    worker.submit(&metered, builtin);

    // Five frames each: 166 ms at 30 fps, 83 ms at 60 fps. 0.47 × 166 / 3,600,000 = 21.67 micro-units, and 0.85 × 83 /
    // 3,600,000 = 19.60. Each clip is rounded separately.
    let line = |class: &str, kind: FootageKind, jobs: [u32; 3], seconds: f64, amount: &str, micros: u64| {
        json!({"class": class, "renderer": kind.renderer.as_str(), "resolution": kind.resolution, "fps": kind.fps,
               "jobs": {"done": jobs[0], "failed": jobs[1], "cancelled": jobs[2]}, "rendered_seconds": seconds,
               "money": usd(amount, micros)})
    };
    let expected = json!({
        "from": "2026-11-01T00:00:00.000Z", "to": "2026-12-01T00:00:00.000Z",
        "lines": [
            line("reserved", builtin, [1, 0, 0], 0.166, "0.000000", 0),
            line("reserved", game, [0, 0, 1], 0.0, "0.000000", 0),
            line("metered", builtin, [2, 1, 1], 0.332, "0.000044", 44),
            line("metered", game, [1, 0, 0], 0.083, "0.000020", 20),
        ],
        "totals": {"jobs": {"done": 4, "failed": 1, "cancelled": 2}, "rendered_seconds": 0.581,
                   "money": usd("0.000064", 64)},
    });
    assert_eq!(usage(&appliance, &keys, ""), expected);
    assert_eq!(
        request(&appliance, &keys.reserved, "?from=&to=").expect(200).json(),
        expected,
        "either key; empty parameters count as absent"
    );
}

#[test]
fn account_without_jobs_owes_zero_in_the_current_currency() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    prices::set(&appliance.app, &crate::support::operator(), RateChange::Currency(Currency::parse("EUR").unwrap()))
        .unwrap();
    let found = usage(&appliance, &keys, "");
    assert_eq!(found["lines"], json!([]));
    assert_eq!(
        found["totals"],
        json!({"jobs": {"done": 0, "failed": 0, "cancelled": 0}, "rendered_seconds": 0.0,
               "money": [{"currency": "EUR", "amount": "0.000000", "amount_micros": 0}]})
    );
}

#[test]
fn job_belongs_to_the_period_in_which_it_ended() {
    let appliance = Appliance::start_at(LAST_MS, |_| {});
    let keys = appliance.account("studio");
    let (worker, builtin) = (Worker::new(&appliance.app), kind(Renderer::Builtin, 1080, 30));
    let metered = worker.caller(&keys.metered);
    let counts = |query: &str| {
        let jobs = usage(&appliance, &keys, query)["totals"]["jobs"].clone();
        (jobs["done"].as_u64().unwrap(), jobs["failed"].as_u64().unwrap())
    };
    worker.complete_job(&metered, builtin);
    worker.fail_job(&metered, builtin);
    assert_eq!(counts(""), (1, 1));
    // Submitted in November, done in December.
    worker.submit(&metered, builtin);
    appliance.clock.advance(Duration::from_millis(1));
    worker.complete(&worker.claim());
    assert_eq!(counts(""), (1, 0), "it is December now");
    assert_eq!(counts("?from=2026-11-01&to=2026-12-01"), (1, 1));
    assert_eq!(counts("?to=2026-12-01"), (1, 1), "from defaults to the month in which the period ends");
    assert_eq!(counts("?from=2026-11-30T23:59:59.999Z"), (2, 1));
    assert_eq!(counts("?from=2026-12-01&to=2026-12-01T00:00:00.001Z"), (1, 0));
    assert_eq!(counts("?from=2026-12-01T01:00:00%2B01:00&to=2026-12-02"), (1, 0));
    appliance.clock.advance(DAY * 31);
    assert_eq!(counts(""), (0, 0), "and now January");
    assert_eq!(counts("?from=2026-11-01"), (2, 1));
}

#[test]
fn invalid_period_is_rejected_with_the_parameter_named() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let cases = [
        ("?from=yesterday", "from"),
        ("?from=2026-11-31", "from"),
        ("?from=2026-11-01T00:00:00", "from"),
        // An unescaped plus is a space.
        ("?from=2026-11-01T00:00:00+01:00", "from"),
        ("?from=1793491200", "from"),
        ("?from=2025-01-01", "from"),
        ("?from=2027-01-01", "from"),
        ("?to=soon", "to"),
        ("?from=2026-11-02&to=2026-11-01", "to"),
        ("?from=2026-11-02&to=2026-11-02", "to"),
        ("?from=%00", "from"),
    ];
    for (query, field) in cases {
        request(&appliance, &keys.metered, query).expect_bad_field(field);
    }
}

#[test]
fn sums_never_mix_currencies() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let builtin = kind(Renderer::Builtin, 1080, 30);
    set(&appliance, builtin, "21.686747");
    let worker = Worker::new(&appliance.app);
    let metered = worker.caller(&keys.metered);
    worker.complete_job(&metered, builtin);
    appliance.clock.advance(DAY);
    prices::set(&appliance.app, &crate::support::operator(), RateChange::Currency(Currency::parse("EUR").unwrap()))
        .unwrap();
    worker.complete_job(&metered, builtin);
    worker.complete_job(&metered, builtin);
    let found = usage(&appliance, &keys, "");
    // The price keeps its number: 21.686747 × 166 / 3,600,000 is 1000 micro-units.
    let money = json!([{"currency": "EUR", "amount": "0.002000", "amount_micros": 2_000},
                       {"currency": "USD", "amount": "0.001000", "amount_micros": 1_000}]);
    assert_eq!((&found["lines"][0]["money"], &found["totals"]["money"]), (&money, &money));
    assert_eq!(found["lines"].as_array().unwrap().len(), 1);
}

#[test]
fn long_ledger_is_counted_completely() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let db = rusqlite::Connection::open(appliance.app.data_dir().join("store.db")).unwrap();
    // More rows than one batch, half of them in the same millisecond.
    let jobs = 25_000;
    db.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF;
         BEGIN;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
         INSERT INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount)
         SELECT 100000 + i, accounts.id, 'metered', 'builtin', 1000, 30, 1080, {LAST_MS} - i / 12500, 0, i
         FROM n, accounts;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
         INSERT INTO unbilled (account, at_ms, job, status, class, renderer, resolution, fps)
         SELECT accounts.id, {LAST_MS} - i / 12500, 200000 + i, 'cancelled', 'metered', 'builtin', 1080, 30
         FROM n, accounts;
         COMMIT"
    ))
    .unwrap();
    let totals = usage(&appliance, &keys, "")["totals"].clone();
    assert_eq!(totals["jobs"], json!({"done": jobs, "failed": 0, "cancelled": jobs}));
    assert_eq!((&totals["rendered_seconds"], &totals["money"]), (&json!(25_000.0), &usd("312.512500", 312_512_500)));
}
