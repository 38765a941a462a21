//! Commands that make clips: `sample`, `inspect` and `render` without a server, `quickstart` and `submit` with one.

use std::path::Path;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::quick;

fn assert_is_mp4(path: &Path) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(bytes.get(4..8), Some(b"ftyp".as_slice()), "{}", path.display());
}

fn sample(cli: &Cli) -> (String, String) {
    let output = cli.run(&["sample", "-o", "sample.dem", "--json"]);
    assert_eq!((output.status, output.err.as_str()), (0, ""), "{output:?}");
    let printed = output.json();
    (printed["steam64_id"].as_str().unwrap().to_owned(), printed["round"].to_string())
}

#[test]
fn sample_is_written_inspected_and_rendered_without_a_server() {
    let cli = Cli::new();
    let (player, round) = sample(&cli);
    let output = cli.run(&["inspect", "sample.dem", "--json"]);
    assert_eq!(output.status, 0, "{output:?}");
    let index = output.json();
    let players = index["players"].as_array().unwrap();
    let ours = players.iter().find(|known| known["steam64_id"] == player.as_str()).unwrap();
    assert!(ours["kills_by_round"][&round].as_u64() > Some(0), "the player has kills: {ours}");
    let rounds = index["rounds"].as_array().unwrap();
    let ours = rounds.iter().find(|known| known["number"].as_u64() == round.parse().ok()).unwrap();
    assert!(ours["winner"] == "t" || ours["winner"] == "ct", "{ours}");
    let table = cli.run(&["inspect", "sample.dem"]);
    assert!(table.status == 0 && table.out.contains(&player) && table.out.contains("ROUND"), "{table:?}");

    let line = ["render", "sample.dem", "--player", &player, "--round", &round, "-o", "clip.mp4", "--json"];
    let output = cli.run(&line);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.json()["duration_seconds"].as_f64() > Some(1.0));
    assert!(output.err.lines().any(|line| line.ends_with(" %  rendering")), "plain lines of progress: {output:?}");
    assert_is_mp4(&cli.home().join("clip.mp4"));
    assert!(cli.home().join("clip.jpg").exists());

    let line = ["render", "sample.dem", "--player", &player, "--round", "99", "-o", "none.mp4"];
    let output = cli.run(&line);
    assert!(output.status == 1 && !cli.home().join("none.mp4").exists(), "{output:?}");
}

#[test]
fn quickstart_renders_a_clip_from_nothing_and_exits_with_exit_flag() {
    let cli = Cli::new();
    let output = cli.run(&["quickstart", "--exit"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert_is_mp4(&cli.home().join("clip.mp4"));
    assert!(output.out.contains("clip.mp4"), "{output:?}");
    assert!(output.err.contains("downloading"), "the clip is downloaded over HTTP: {output:?}");
}

#[test]
fn quickstart_reports_the_failed_jobs_error_code() {
    let cli = Cli::new();
    sample(&cli);
    let line = ["quickstart", "sample.dem", "--player", "76561197960265729", "--round", "1", "-o", "x.mp4"];
    let output = cli.run(&line);
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
    assert!(output.err.lines().last().unwrap().contains("player_not_in_demo"), "{output:?}");
    assert!(!cli.home().join("x.mp4").exists());
}

#[test]
fn submit_uploads_waits_downloads_and_exits_nonzero_for_a_failed_job() {
    let cli = Cli::new();
    let (player, round) = sample(&cli);
    let files = quick::server();
    let server = CliServer::start(&cli, &["--local-nodes", "1", "--fetch-allow", "127.0.0.0/8"]);
    let made = cli.run(&["admin", "account", "create", "studio", "--json"]).json();
    assert_eq!(cli.run(&["admin", "activate"]).status, 0);
    std::fs::write(cli.home().join("key"), format!("{}\n", made["metered_key"].as_str().unwrap())).unwrap();
    let submit_of = |demo: &str, round: &str, further: &[&str]| {
        let line = ["submit", demo, "--player", &player, "--round", round, "--server", &server.url];
        cli.run(&[&line[..], &["--key-file", "key", "--json"], further].concat())
    };
    let submit = |round: &str, further: &[&str]| submit_of("sample.dem", round, further);

    let output = submit(&round, &["--wait", "-o", "clip.mp4", "--set", "spec_show_xray=1"]);
    assert_eq!(output.status, 0, "{output:?}");
    let job = output.json();
    assert_eq!((&job["status"], &job["commands"]["spec_show_xray"]), (&"done".into(), &"1".into()));
    assert_is_mp4(&cli.home().join("clip.mp4"));
    assert!(output.err.lines().any(|line| line == "100 %  done"), "{output:?}");

    // By URL: an uploaded demo may have been indexed by now, and the job would be rejected at submission.
    let output = submit_of(&files.url("/quick.dem"), "99", &["--wait"]);
    assert_eq!((output.status, &output.json()["status"]), (1, &"failed".into()), "{output:?}");
    assert!(output.err.contains("round_not_in_demo"), "{output:?}");

    let output = submit(&round, &[]);
    assert_eq!((output.status, &output.json()["status"]), (0, &"queued".into()), "without --wait: {output:?}");

    std::fs::write(cli.home().join("key"), "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234").unwrap();
    let output = submit(&round, &[]);
    assert!(output.status == 1 && output.err.contains("401") && output.out.is_empty(), "{output:?}");
}
