//! The page Usage, its statements, its CSV and its prices.

use std::time::Duration;

use dinkem_appliance::app::accounts::dinks;
use dinkem_appliance::app::billing::prices;
use dinkem_appliance::domain::job::Renderer;
use dinkem_appliance::domain::money::Micros;
use dinkem_appliance::domain::rates::{FootageKind, RateChange};

use crate::support::csv;
use crate::support::dashboard::Dashboard;
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };
/// Longer than counts of few jobs are kept.
const LATER: Duration = Duration::from_secs(10);

/// An account with a dink at 215 USD and a price for footage: two metered clips in USD, one in EUR, a reserved one, a
/// failed job.
fn with_usage() -> Dashboard {
    let dashboard = Dashboard::start();
    let (app, operator) = (&dashboard.appliance.app, crate::support::operator());
    let set = |change| prices::set(app, &operator, change).unwrap();
    set(RateChange::Hour(KIND, Micros::parse_price("3600").unwrap()));
    set(RateChange::Dink(Micros::parse_price("215").unwrap()));
    let keys = dashboard.appliance.account_with_dinks("=1+1", 1);
    dashboard.appliance.account("idle");
    let worker = Worker::new(app);
    let metered = worker.caller(&keys.metered);
    worker.complete_job(&metered, KIND);
    worker.complete_job(&metered, KIND);
    worker.complete_job(&worker.caller(&keys.reserved), KIND);
    worker.fail_job(&metered, KIND);
    dashboard.done_with_code("rates.currency", &[("currency", "EUR")]);
    worker.complete_job(&metered, KIND);
    dashboard
}

#[test]
fn usage_lists_accounts_with_exact_amounts_in_each_currency() {
    let dashboard = with_usage();
    let html = dashboard.html("usage");
    // Every video has five frames: a sixth of a second, measured as 166 ms.
    for part in ["0.332 USD", "215.166 EUR", "3 clips", "1 failed", "November 2026", "usage-2026-11.csv", "as of"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains(">idle<"), "an account that used nothing is left out");
    let html = dashboard.html("usage?month=2026-10");
    assert!(html.contains("October 2026") && html.contains("No account used anything"), "{html}");
    for wrong in ["2026-12", "2026-13", "x"] {
        dashboard.view(&format!("usage?month={wrong}")).expect(400);
    }
}

#[test]
fn usage_is_counted_again_after_a_while() {
    let dashboard = with_usage();
    assert!(dashboard.html("usage").contains("3 clips"));
    let keys = dashboard.appliance.account("late");
    let worker = Worker::new(&dashboard.appliance.app);
    let caller = worker.caller(&keys.metered);
    worker.complete_job(&caller, KIND);
    assert!(dashboard.html("usage").contains("late"), "an account that was not counted yet");
    worker.complete_job(&caller, KIND);
    let kept = dashboard.html("usage/statement?account=late");
    dashboard.appliance.clock.advance(LATER);
    let counted = dashboard.html("usage/statement?account=late");
    assert!(kept.contains("0.166 EUR") && counted.contains("0.332 EUR"), "{kept} {counted}");
}

#[test]
fn statement_is_a_bill_to_print() {
    let dashboard = with_usage();
    let html = dashboard.html("usage/statement?month=2026-11&account=%3D1%2B1");
    let parts = [
        "=1+1",
        "1 Nov 2026 to 30 Nov 2026 (UTC)",
        "provisional",
        "metered footage, builtin 1080p30",
        "covered by dinks",
        "215.00 per dink",
        "0.332 USD",
        "215.166 EUR",
        "data-prints",
    ];
    for part in parts {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(dashboard.html("usage/statement?account=idle").contains("Nothing was used."));
    dashboard.view("usage/statement?account=nobody").expect(404);
    dashboard.view("usage/statement").expect(400);
}

#[test]
fn csv_is_the_one_of_admin_usage() {
    let dashboard = with_usage();
    let answer = dashboard.file("usage.csv?month=2026-11").expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let rows = csv::parse(answer.text());
    assert_eq!(rows[0][..3], ["month", "account_id", "account"]);
    let amounts: Vec<_> = rows[1..].iter().map(|row| [&row[2], &row[3], &row[10], &row[11]]).collect();
    let expected = [
        ["'=1+1", "reserved", "USD", "0.000000"],
        ["'=1+1", "metered", "EUR", "0.166000"],
        ["'=1+1", "metered", "USD", "0.332000"],
        ["'=1+1", "dinks", "EUR", "215.000000"],
    ];
    assert_eq!(amounts, expected);
    dashboard.file("usage.csv?month=x").expect(400);
}

#[test]
fn prices_are_set_with_a_fresh_code() {
    let mut dashboard = Dashboard::start();
    let fields = [("of", "builtin 1080p30"), ("price", "0.47")];
    dashboard.act("rates.set", &fields).expect(400).expect_bad_field("code");
    dashboard.done_with_code("rates.set", &fields);
    dashboard.done_with_code("rates.set", &[("of", "dink"), ("price", "199.5")]);
    dashboard.done_with_code("rates.currency", &[("currency", "CHF")]);
    let (list, history) = prices::show(&dashboard.appliance.app).unwrap();
    assert_eq!((list.dink.to_string().as_str(), list.currency.as_str(), history.len()), ("199.500000", "CHF", 3));
    let html = dashboard.html("usage");
    assert!(html.contains("hour of builtin 1080 at 30 fps: 0.47") && html.contains("Price in CHF"), "{html}");
    for (of, price, field) in [("dink", "-1", "price"), ("hour", "1", "of")] {
        let code = dashboard.code();
        dashboard
            .act("rates.set", &[("of", of), ("price", price), ("code", &code)])
            .expect(400)
            .expect_bad_field(field);
    }
    dashboard.sign_in(true);
    dashboard.act("rates.set", &fields).expect(403);
    assert!(!dashboard.html("usage").contains("rates.set"));
}

#[test]
fn dinks_are_billed_by_the_months_peak_at_once() {
    let dashboard = with_usage();
    dashboard.html("usage");
    dinks::set(&dashboard.appliance.app, &crate::support::operator(), "=1+1", 3).unwrap();
    assert!(dashboard.html("usage").contains("645.00 EUR"));
}
