//! Ctrl-C while a clip is being made: the message is true and the exit status is 130.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;

struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

/// Runs a command until it has started rendering.
fn start_rendering(cli: &Cli, args: &[&str]) -> Running {
    let temp = cli.home().join("temp");
    fs::create_dir_all(&temp).unwrap();
    let mut command = cli.command(&[("TMPDIR", temp.to_str().unwrap())], args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let begun = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with(" %  rendering"));
    assert!(begun, "it renders");
    Running { child, lines }
}

/// Sends SIGINT: exit status and last line.
fn interrupt(mut running: Running) -> (Option<i32>, String) {
    let id = running.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let last = running.lines.map_while(Result::ok).last().unwrap();
    (running.child.wait().unwrap().code(), last)
}

#[test]
fn interrupted_quickstart_reports_that_nothing_is_left_and_exits_with_130() {
    let cli = Cli::with_empty_home();
    let (status, last) = interrupt(start_rendering(&cli, &["quickstart", "--exit"]));
    assert_eq!(status, Some(130), "{last}");
    assert!(last.contains("Interrupted: ") && last.contains("no clip was written"), "{last}");
    assert!(!last.contains("goes on"), "{last}");
    assert!(!cli.home().join("clip.mp4").exists());
    assert_eq!(fs::read_dir(cli.home().join("temp")).unwrap().count(), 0, "the scratch folder must be deleted");
}

#[test]
fn interrupted_render_says_so_and_exits_with_130() {
    let cli = Cli::with_empty_home();
    let printed = cli.run(&["sample", "-o", "sample.dem", "--json"]).json();
    let (player, round) = (printed["steam64_id"].as_str().unwrap().to_owned(), printed["round"].to_string());
    let args = ["render", "sample.dem", "--player", &player, "--round", &round, "-o", "clip.mp4"];
    let (status, last) = interrupt(start_rendering(&cli, &args));
    assert_eq!((status, last.as_str()), (Some(130), "error: Interrupted: no clip was written."));
    let left: Vec<_> = fs::read_dir(cli.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("clip.")), "{left:?}");
}

#[test]
fn interrupted_submit_says_that_the_job_continues_and_exits_with_130() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &[]);
    let made = cli.run(&["admin", "account", "create", "studio", "--json"]).json();
    assert_eq!(cli.run(&["admin", "activate"]).status, 0);
    fs::write(cli.home().join("key"), made["metered_key"].as_str().unwrap()).unwrap();
    let line = ["submit", "https://demos.lan/x.dem", "--player", "76561197991272318", "--round", "1", "--wait"];
    let args = [&line[..], &["--server", &server.url, "--key-file", "key"]].concat();
    let mut child = cli.command(&[], &args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let waits = lines.by_ref().map_while(Result::ok).any(|line| line.contains("queued"));
    assert!(waits, "it waits");
    let (status, last) = interrupt(Running { child, lines });
    assert_eq!(status, Some(130), "{last}");
    assert!(last.contains("continues"), "{last}");
    let jobs = cli.run(&["admin", "jobs", "list", "--json"]).json();
    assert_eq!(jobs["jobs"][0]["status"], "queued", "the job is still queued: {jobs}");
}
