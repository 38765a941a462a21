//! `admin rates` and `admin usage`: prices and their history, statements as text, JSON and CSV.

use std::time::Duration;

use dinkem_appliance::app::accounts::dinks;
use dinkem_appliance::app::billing::prices;
use dinkem_appliance::domain::job::Renderer;
use dinkem_appliance::domain::money::Micros;
use dinkem_appliance::domain::rates::{FootageKind, RateChange};
use serde_json::{Value, json};

use crate::support::appliance::Appliance;
use crate::support::cli::{Cli, CliOutput};
use crate::support::worker::Worker;

/// 2024-01-25T12:00:00Z.
const START_MS: i64 = 1_706_184_000_000;
const BUILTIN: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };

fn admin(cli: &Cli, args: &str) -> CliOutput {
    let output = cli.run(&[&["admin"], args.split(' ').collect::<Vec<_>>().as_slice()].concat());
    assert_eq!(output.status, 0, "{args}: {output:?}");
    output
}

fn set(appliance: &Appliance, change: RateChange) {
    prices::set(&appliance.app, &crate::support::operator(), change).unwrap();
}

fn price(text: &str) -> Micros {
    Micros::parse_price(text).unwrap()
}

#[test]
fn prices_stay_until_changed_and_history_keeps_every_one() {
    let cli = Cli::new();
    let shown = || admin(&cli, "rates show --json").json();
    let before = shown();
    assert_eq!(
        (&before["currency"], &before["dink"]),
        (&json!("USD"), &json!({"price": "0.000000", "price_micros": 0}))
    );
    assert_eq!((before["hours"].as_array().unwrap().len(), &before["history"]), (8, &json!([])));

    admin(&cli, "rates set --renderer builtin --resolution 1080 --fps 30 0.47");
    admin(&cli, "rates set --renderer game --resolution 1440 --fps 60 0.85");
    admin(&cli, "rates set --renderer builtin --resolution 1080 --fps 30 0.470001");
    let printed = admin(&cli, "rates dink 215");
    assert_eq!(printed.out, "dink per month: 215.00 USD from now on\n");
    let printed = admin(&cli, "rates currency EUR");
    assert_eq!(printed.out, "currency: EUR from now on\n");
    assert!(printed.err.contains("keep their numeric values"), "{printed:?}");

    let after = shown();
    let of = |renderer: &str, resolution: u32, fps: u32| -> Value {
        let hours = after["hours"].as_array().unwrap();
        let found =
            hours.iter().find(|h| h["renderer"] == renderer && h["resolution"] == resolution && h["fps"] == fps);
        found.unwrap()["price_micros"].clone()
    };
    assert_eq!(
        (of("builtin", 1080, 30), of("game", 1440, 60), of("game", 1080, 30)),
        (json!(470_001), json!(850_000), json!(0))
    );
    assert_eq!((&after["currency"], &after["dink"]["price"]), (&json!("EUR"), &json!("215.000000")));
    let mut history: Vec<_> = after["history"].as_array().unwrap().clone();
    assert_eq!(history.len(), 5);
    for line in &mut history {
        assert!(line.as_object_mut().unwrap().remove("at").unwrap().as_str().unwrap().ends_with('Z'));
    }
    for line in [
        json!({"currency": "EUR"}),
        json!({"dink": {"price": "215.000000", "price_micros": 215_000_000}}),
        json!({"hour": {"renderer": "builtin", "resolution": 1080, "fps": 30, "price": "0.470000", "price_micros": 470_000}}),
    ] {
        assert!(history.contains(&line), "{line} is not in {history:?}");
    }
    assert!(admin(&cli, "rates show").out.contains("currency: EUR"));

    let audit = admin(&cli, "audit --json").json();
    let acts: Vec<_> = audit["entries"].as_array().unwrap_or_else(|| panic!("{audit}")).iter().collect();
    let third = acts.iter().find(|act| act["details"] == "0.470000 to 0.470001").unwrap();
    assert_eq!((&third["action"], &third["subject"]), (&json!("rates.set"), &json!("builtin 1080 30")));
    assert!(acts.iter().any(|act| act["action"] == "rates.currency" && act["details"] == "USD to EUR"));
    assert!(acts.iter().any(|act| act["action"] == "rates.dink" && act["details"] == "0.000000 to 215.000000"));
}

#[test]
fn invalid_price_currency_or_month_is_wrong_usage() {
    let cli = Cli::new();
    let cases = [
        ("rates set --renderer builtin --resolution 1080 --fps 30 0.4700000", "like 0.47"),
        ("rates set --renderer builtin --resolution 1080 --fps 30 1e3", "like 0.47"),
        ("rates set --renderer builtin --resolution 1080 --fps 30 1000000000.1", "at most 1000000000"),
        ("rates set --renderer builtin --resolution 1080 --fps 30", "PRICE"),
        ("rates set --renderer builtin --resolution 1080 --fps 50 1", "30 or 60"),
        ("rates set --renderer builtin --resolution 720 --fps 30 1", "1080 or 1440"),
        ("rates set --renderer csdm --resolution 1080 --fps 30 1", "builtin and game"),
        ("rates set --renderer builtin --resolution 1080 1", "--fps"),
        ("rates dink -1", "-1"),
        ("rates dink ,5", "like 0.47"),
        ("rates currency eur", "capital letters"),
        ("rates currency EURO", "capital letters"),
        ("usage --month 2026-13", "like 2026-11"),
        ("usage --month november", "like 2026-11"),
        ("usage --csv --json", "choose one"),
    ];
    for (args, part) in cases {
        let output = cli.run(&[&["admin"], args.split(' ').collect::<Vec<_>>().as_slice()].concat());
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{args}: {output:?}");
        assert!(output.err.contains(part), "{args}: {output:?}");
    }
    for (args, part) in [("usage --month 9998-12", "has not begun"), ("usage --account nobody", "nobody")] {
        let output = cli.run(&[&["admin"], args.split(' ').collect::<Vec<_>>().as_slice()].concat());
        assert_eq!((output.status, output.out.as_str()), (1, ""), "{args}: {output:?}");
        assert!(output.err.contains(part), "{args}: {output:?}");
    }
}

/// An account with some usage in January 2024, and a function that runs `admin` on it.
fn january() -> (Appliance, impl Fn(&str) -> CliOutput) {
    let appliance = Appliance::start_at(START_MS, |_| {});
    let keys = appliance.account_with_dinks("studio", 2);
    set(&appliance, RateChange::Hour(BUILTIN, price("0.47")));
    set(&appliance, RateChange::Dink(price("215")));
    let worker = Worker::new(&appliance.app);
    let (metered, reserved) = (worker.caller(&keys.metered), worker.caller(&keys.reserved));
    worker.complete_job(&metered, BUILTIN);
    worker.complete_job(&metered, BUILTIN);
    worker.complete_job(&reserved, BUILTIN);
    worker.fail_job(&metered, BUILTIN);
    let cli = Cli::new();
    let data_dir = appliance.app.data_dir().to_str().unwrap().to_owned();
    let run = move |args: &str| admin(&cli, &format!("--data-dir {data_dir} {args}"));
    (appliance, run)
}

#[test]
fn statement_is_a_printable_page() {
    let (_appliance, run) = january();
    let printed = run("usage --month 2024-01 --account studio");
    let account = run("usage --month 2024-01 --json").json()["statements"][0]["account"]["id"].clone();
    let made = printed.out.lines().find(|line| line.starts_with("Issued")).unwrap();
    assert!(made.ends_with(" UTC, final"), "{made}");
    let expected = format!(
        "\
STATEMENT                                                                2024-01
================================================================================
Account   studio
          {}
Period    1 Jan 2024 to 31 Jan 2024 (UTC)
{made}

Metered footage, per hour
renderer resolution fps  clips         hours    hourly price              amount
builtin        1080  30      2   0:00:00.332            0.47        0.000044 USD

Reserved footage, covered by dinks
renderer resolution fps  clips         hours    hourly price              amount
builtin        1080  30      1   0:00:00.166            0.00            0.00 USD

Dinks, per month
2 at the month's peak                                 215.00          430.00 USD
================================================================================
Total                                                             430.000044 USD

Each clip's amount is rounded half up to a millionth; sums are exact.
Failed and cancelled jobs and retried attempts are not billed.
",
        account.as_str().unwrap()
    );
    assert_eq!(printed.out, expected);
    let wide: Vec<_> = printed.out.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, [""; 0]);
}

#[test]
fn dinks_are_billed_by_monthly_peak_at_the_months_final_price() {
    let (appliance, run) = january();
    let dinks_of = |month: &str| {
        let actual = run(&format!("usage --month {month} --account studio --json")).json();
        let dinks = &actual["statements"][0]["dinks"];
        (dinks["peak"].as_u64().unwrap(), dinks["amount"].as_str().unwrap().to_owned())
    };
    let days = |number: u32| appliance.clock.advance(Duration::from_secs(86_400) * number);
    let hold =
        |number: u32| dinks::set(&appliance.app, &crate::support::operator(), "studio", number).map(|_| ()).unwrap();
    // Only for a moment.
    hold(5);
    hold(0);
    days(31); // 25 February
    set(&appliance, RateChange::Dink(price("100.5")));
    hold(3);
    days(31); // 27 March: nothing happens
    days(31); // 27 April
    hold(1);
    set(&appliance, RateChange::Dink(price("99.999999")));
    for (month, peak, amount) in [
        ("2023-12", 0, "0.000000"),
        ("2024-01", 5, "1075.000000"),
        ("2024-02", 3, "301.500000"),
        ("2024-03", 3, "301.500000"),
        ("2024-04", 3, "299.999997"),
        ("2024-05", 1, "99.999999"),
    ] {
        assert_eq!(dinks_of(month), (peak, amount.to_owned()), "{month}");
    }
}

#[test]
fn month_without_usage_has_no_statements_and_a_zero_total() {
    let (_appliance, run) = january();
    let actual = run("usage --month 2023-12 --json").json();
    assert_eq!(
        (&actual["month"], &actual["ended"], &actual["statements"]),
        (&json!("2023-12"), &json!(true), &json!([]))
    );
    assert_eq!(actual["totals"], json!([{"currency": "USD", "amount": "0.000000", "amount_micros": 0}]));
    assert_eq!(run("usage --month 2023-12 --csv").out.lines().count(), 1);
    assert!(run("usage --month 2023-12").out.ends_with("\nTotal for 2023-12: 0.00 USD\n"));
    let named = run("usage --month 2023-12 --account studio");
    assert!(named.out.lines().any(|line| line.starts_with("Total ") && line.ends_with("0.00 USD")), "{named:?}");
}
