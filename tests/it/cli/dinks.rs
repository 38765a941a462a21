//! Setting dinks by mistake: rejected, confirmed first, or undone without being billed.

use std::time::Duration;

use dinkem_appliance::app::accounts::dinks;
use dinkem_appliance::domain::month::Month;
use dinkem_appliance::os::clock::Clock;
use serde_json::{Value, json};

use crate::support::cli::{Cli, CliOutput};
use crate::support::test_app::TestApp;

fn studio() -> Cli {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
    cli
}

fn current_dinks(cli: &Cli) -> Value {
    cli.run(&["--json", "admin", "dinks", "show"]).json()["accounts"][0]["dinks"].clone()
}

/// This month's peak, as it would be billed.
fn billed_peak(cli: &Cli) -> Value {
    let usage = cli.run(&["--json", "admin", "usage", "--account", "studio"]).json();
    usage["statements"][0]["dinks"]["peak"].clone()
}

#[test]
fn dinks_above_the_limit_are_rejected() {
    let cli = studio();
    for number in ["4294967295", "100001", "-1", "99999999999999999999"] {
        let output = cli.run(&["admin", "dinks", "set", "studio", number, "--yes"]);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{number}: {output:?}");
        assert!(output.err.contains("'<DINKS>'"), "{number}: {output:?}");
    }
    let output = cli.run(&["admin", "dinks", "set", "studio", "100001", "--yes"]);
    assert!(output.err.contains("from 0 to 100000"), "{output:?}");
    assert_eq!((current_dinks(&cli), billed_peak(&cli)), (json!(0), json!(0)));
    assert_eq!(cli.run(&["admin", "dinks", "set", "studio", "100000", "--yes"]).status, 0);
}

#[test]
fn without_a_terminal_far_more_dinks_than_live_slots_require_yes_flag() {
    let cli = studio();
    let set = |number: &str, flags: &[&str]| cli.run(&[&["admin", "dinks", "set", "studio", number], flags].concat());
    assert_eq!(set("10", &[]).status, 0, "without slots, ten dinks are plausible");
    for flags in [&[][..], &["--json"]] {
        let output = set("11", flags);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{output:?}");
        for part in ["11 dinks for studio", "0 live render slots", "--yes"] {
            assert!(output.err.contains(part), "{part}: {output:?}");
        }
    }
    assert_eq!((current_dinks(&cli), billed_peak(&cli)), (json!(10), json!(10)));
    assert_eq!((set("500", &["--yes"]).status, current_dinks(&cli)), (0, json!(500)));
    assert_eq!((set("499", &[]).status, current_dinks(&cli)), (0, json!(499)), "reducing dinks needs no confirmation");
    let output = cli.run(&["admin", "dinks", "set", "nobody", "500"]);
    assert!(output.status == 1 && output.err.contains("no account named nobody"), "{output:?}");
}

/// Runs the binary on a terminal and types this.
#[cfg(target_os = "linux")]
pub fn on_a_terminal(cli: &Cli, typed: &str, args: &str) -> CliOutput {
    let line = format!("'{}' {args}", crate::support::process::BINARY);
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(cli.home());
    command.env_clear().env("HOME", cli.home()).env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "dumb");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    CliOutput { status: output.status.code().unwrap_or(-1), out, err: String::new() }
}

#[cfg(target_os = "linux")]
#[test]
pub fn on_a_terminal_far_more_dinks_than_live_slots_require_confirmation() {
    if !crate::support::tools::have("script", "the question on a terminal") {
        return;
    }
    let cli = studio();
    for (typed, status, dinks) in [("\n", 1, 0), ("n\n", 1, 0), ("nonsense\n", 1, 0), ("y\n", 0, 50)] {
        let output = on_a_terminal(&cli, typed, "admin dinks set studio 50");
        assert_eq!((output.status, current_dinks(&cli)), (status, json!(dinks)), "{typed:?}: {output:?}");
        assert!(output.out.contains("50 dinks for studio, but only 0 live render slots"), "{output:?}");
        assert_eq!(output.out.contains("Nothing was changed."), status == 1, "{output:?}");
    }
    let output = on_a_terminal(&cli, "y\n", "admin dinks set studio 60 --json");
    assert_eq!(output.status, 2, "--json never prompts: {output:?}");
}

#[test]
fn undone_change_is_not_billed_and_restores_the_previous_dinks() {
    let cli = studio();
    let undo = || cli.run(&["--json", "admin", "dinks", "undo", "studio"]);
    for number in ["2", "40000", "3"] {
        assert_eq!(cli.run(&["admin", "dinks", "set", "studio", number, "--yes"]).status, 0);
    }
    assert_eq!((current_dinks(&cli), billed_peak(&cli)), (json!(3), json!(40_000)));
    // Undoes changes from the latest to the first: the undone value, the new one, the billed peak.
    for (was, now, peak) in [(3, 40_000, 40_000), (40_000, 2, 2), (2, 0, 0)] {
        let output = undo();
        assert_eq!(output.status, 0, "{output:?}");
        let printed = output.json();
        assert_eq!(
            (&printed["undone"]["dinks"], &printed["account"]["dinks"]),
            (&json!(was), &json!(now)),
            "{printed}"
        );
        assert_eq!((current_dinks(&cli), billed_peak(&cli)), (json!(now), json!(peak)));
    }
    let output = undo();
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
    assert!(output.err.contains("no change of studio's dinks to undo"), "{output:?}");

    let history = cli.run(&["--json", "admin", "dinks", "show"]).json()["history"].clone();
    let history = history.as_array().unwrap();
    assert!(history.len() == 3 && history.iter().all(|change| change["undone_at"].is_string()), "{history:?}");
    let audit = cli.run(&["--json", "admin", "audit"]).json();
    let undone: Vec<_> = audit["entries"].as_array().unwrap().iter().filter(|e| e["action"] == "dinks.undo").collect();
    assert_eq!(undone.len(), 3, "{audit}");
    assert!(undone[1]["details"].as_str().unwrap().starts_with("40000 back to 2"), "{audit}");

    assert_eq!(cli.run(&["admin", "dinks", "set", "studio", "4"]).status, 0);
    assert_eq!((current_dinks(&cli), billed_peak(&cli)), (json!(4), json!(4)));
    let table = cli.run(&["admin", "dinks", "show"]).out;
    assert!(table.contains("UNDONE"), "{table}");
    let output = cli.run(&["admin", "dinks", "undo", "studio"]);
    assert!(
        output.status == 0 && output.err.contains("The change to 4 dinks (just now) is no longer billed."),
        "{output:?}"
    );
}

#[test]
fn change_undone_later_is_not_billed_in_the_following_months() {
    let test = TestApp::start();
    test.account("studio");
    dinks::set(&test.app, &crate::support::operator(), "studio", 2).unwrap();
    let first = Month::of(test.now_ms());
    let next_month = || test.clock.advance(Duration::from_secs(31 * 86_400));
    next_month();
    dinks::set(&test.app, &crate::support::operator(), "studio", 70_000).unwrap();
    let second = Month::of(test.clock.now_ms());
    next_month();
    let third = Month::of(test.clock.now_ms());
    let peaks = || {
        let peak = |month| {
            let made =
                dinkem_appliance::app::billing::statements::make(&test.app, Some(month), Some("studio")).unwrap();
            made.list[0].dinks.peak
        };
        [first, second, third].map(peak)
    };
    assert_eq!(peaks(), [2, 70_000, 70_000]);
    let undone = dinks::undo(&test.app, &crate::support::operator(), "studio").unwrap();
    assert_eq!((undone.account.dinks, undone.dinks, undone.changes_ended_months), (2, 70_000, true));
    assert_eq!(peaks(), [2, 2, 2]);
}
