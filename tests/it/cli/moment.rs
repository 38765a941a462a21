//! Finding the moment on the command line: best rounds in `inspect` and `quickstart`, players by name.

use std::path::Path;

use crate::support::cli::Cli;
use crate::support::quick;

/// The first terrorist and the followed player have three kills each, in rounds 1 and 2 (`forge::quick`).
const FIRST: &str = "76561202200000001";

fn cli() -> Cli {
    let cli = Cli::with_empty_home();
    std::fs::write(cli.home().join("quick.dem"), dinkem_appliance::render::forge::quick()).unwrap();
    cli
}

fn exists(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

#[test]
fn inspect_lists_the_best_rounds_with_the_line_to_type() {
    let cli = cli();
    let output = cli.run(&["inspect", "quick.dem"]);
    assert_eq!(output.status, 0, "{output:?}");
    let (_, best) = output.out.split_once("Best rounds:\n").unwrap();
    let rows: Vec<_> = best.lines().skip(1).collect();
    let tern = quick::PLAYER.to_string();
    for (row, (name, player, round)) in rows.iter().zip([("saltlick", FIRST, 1), ("tern", tern.as_str(), 2)]) {
        let command = format!("quick.dem --player {player} --round {round}");
        assert!(row.contains(name) && row.contains("3 kills in 1.1 s") && row.ends_with(&command), "{row}");
        assert!(row.contains("dinkem-appliance quickstart /"), "{row}");
    }
    assert_eq!(rows.len(), 2, "{output:?}");
    for word in ["Breakwater", "Lantern Row", "elimination", "DEATHS"] {
        assert!(output.out.contains(word), "{word}: {output:?}");
    }
    let printed = cli.run(&["inspect", "quick.dem", "--json"]).json();
    let highlights = printed["highlights"].as_array().unwrap();
    assert_eq!((&highlights[0]["player"], &highlights[1]["player"]), (&FIRST.into(), &tern.into()));
}

#[test]
fn quickstart_without_a_player_makes_the_best_round_and_names_the_others() {
    let cli = cli();
    let output = cli.run(&["quickstart", "quick.dem", "--exit", "--json"]);
    assert_eq!(output.status, 0, "{output:?}");
    let job = &output.json()["job"];
    assert_eq!((&job["steam64_id"], &job["round"]), (&FIRST.into(), &1.into()));
    assert!(exists(&cli.home().join("clip.mp4")));
    assert!(output.err.contains("Making the clip of saltlick in round 1: 3 kills in 1.1 s"), "{output:?}");
    let other = format!("--player {} --round 2", quick::PLAYER);
    assert!(output.err.lines().any(|line| line.contains("tern") && line.ends_with(&other)), "{output:?}");
}

#[test]
fn quickstart_takes_the_players_best_round() {
    let cli = cli();
    let output = cli.run(&["quickstart", "quick.dem", "--player", "TERN", "--exit", "--json"]);
    assert_eq!(output.status, 0, "{output:?}");
    let job = &output.json()["job"];
    assert_eq!((&job["steam64_id"], &job["round"]), (&quick::PLAYER.to_string().into(), &2.into()));
    assert!(!output.err.contains("saltlick"), "only the player's other rounds are named: {output:?}");
}

#[test]
fn render_takes_a_player_by_name() {
    let cli = cli();
    let line = |player: &'static str| ["render", "quick.dem", "--player", player, "--round", "2", "-o", "clip.mp4"];
    let output = cli.run(&line("波止場"));
    assert!(output.status == 0 && exists(&cli.home().join("clip.mp4")), "{output:?}");
    let output = cli.run(&line("nobody"));
    assert_eq!(output.status, 1, "{output:?}");
    let last = output.err.lines().last().unwrap();
    assert!(last.contains("called \"nobody\"") && last.contains("tern (76561202200000008)"), "{output:?}");
}

#[test]
fn quickstart_reports_a_round_or_a_player_that_is_not_in_the_demo() {
    let cli = cli();
    for (args, words) in [
        (&["--round", "9"][..], "The demo has 2 rounds; round 9 is not among them."),
        (&["--player", "nobody"], "No player in this demo is called \"nobody\"."),
        (&["--player", "[U:1:1]"], "Player 76561197960265729 does not play in this demo."),
    ] {
        let output = cli.run(&[&["quickstart", "quick.dem", "--exit"], args].concat());
        assert!(output.status == 1 && output.err.contains(words), "{args:?}: {output:?}");
        assert!(!output.err.contains("An appliance is running"), "{args:?}: {output:?}");
    }
}
