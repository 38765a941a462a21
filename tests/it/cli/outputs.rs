//! Input and output paths are checked before work begins, and the messages about them are true.

use std::fs;
use std::path::Path;

use crate::support::cli::{Cli, CliOutput};
use crate::support::process::{Appliance, Process};
use crate::support::quick;
use crate::support::wait::until;

const PLAYER: &str = "76561197991272318";

/// Paths at which no file can be created.
fn unwritable(cli: &Cli) -> Vec<&'static str> {
    fs::create_dir_all(cli.home().join("folder")).unwrap();
    fs::write(cli.home().join("file"), "").unwrap();
    // Not even root can create files in /proc.
    let proc = if cfg!(target_os = "linux") { vec!["/proc/clip.mp4"] } else { vec![] };
    [vec!["folder", "no/such/clip.mp4", "file/clip.mp4"], proc].concat()
}

fn quick_demo(cli: &Cli) {
    fs::write(cli.home().join("quick.dem"), dinkem_appliance::render::forge::quick()).unwrap();
}

fn assert_no_work(output: &CliOutput, status: i32, args: &[&str]) {
    assert_eq!((output.status, output.out.as_str()), (status, ""), "{args:?}: {output:?}");
    assert!(output.err.lines().count() == 1, "no work was started: {args:?}: {output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error_and_a_closed_pipe_is_none() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let command = |args: &[&str], stdout: fs::File| {
        let args = [&["--data-dir", data.to_str().unwrap(), "admin"], args].concat();
        let output = cli.command(&[], &args).stdout(stdout).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [&["account", "create", "studio", "--json"][..], &["account", "list"], &["status"], &["audit"]] {
        let (status, err) = command(args, full());
        assert_eq!(status, Some(1), "{args:?}: {err}");
        assert!(err.contains("could not be written to standard output"), "{args:?}: {err}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (status, err) = command(&["account", "list"], fs::File::from(std::os::fd::OwnedFd::from(writer)));
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

#[test]
fn unwritable_output_is_reported_before_work_begins() {
    let cli = Cli::new();
    quick_demo(&cli);
    fs::write(cli.home().join("key"), "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234").unwrap();
    let commands: &[&[&str]] = &[
        &["quickstart", "--exit", "-o"],
        &["render", "quick.dem", "--player", PLAYER, "--round", "1", "-o"],
        // No server listens there; contacting it would print another error.
        &[
            "submit",
            "quick.dem",
            "--player",
            PLAYER,
            "--round",
            "1",
            "--server",
            "http://127.0.0.1:1",
            "--key-file",
            "key",
            "-o",
        ],
        &["sample", "-o"],
        &["admin", "tls", "export", "-o"],
    ];
    for place in unwritable(&cli) {
        for command in commands {
            let args = [command, &[place][..]].concat();
            let output = cli.run(&args);
            assert_no_work(&output, 1, &args);
            assert!(output.err.contains(place), "{args:?}: {output:?}");
        }
        let output = cli.run(&["admin", "backup", place]);
        assert!(output.status == 1 && output.err.contains(place), "{output:?}");
    }
    let left: Vec<_> =
        fs::read_dir(cli.home()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with(".dinkem-")), "the check leaves no files: {left:?}");
}

#[test]
fn unwritable_poster_is_reported_before_rendering() {
    let cli = Cli::with_empty_home();
    quick_demo(&cli);
    fs::create_dir(cli.home().join("clip.jpg")).unwrap();
    let args = ["render", "quick.dem", "--player", PLAYER, "--round", "1", "-o", "clip.mp4"];
    let output = cli.run(&args);
    assert_no_work(&output, 1, &args);
    assert!(output.err.contains("clip.jpg is a folder"), "{output:?}");
    let args = ["render", "quick.dem", "--player", PLAYER, "--round", "1", "-o", "other.jpg"];
    let output = cli.run(&args);
    assert_no_work(&output, 2, &args);
    assert!(output.err.contains("the name of its poster"), "{output:?}");
}

#[test]
fn stdout_is_rejected_where_a_file_is_required() {
    let cli = Cli::new();
    quick_demo(&cli);
    for args in [
        &["admin", "backup", "-"][..],
        &["admin", "tls", "export", "-o", "-"],
        &["sample", "-o", "-"],
        &["quickstart", "--exit", "-o", "-"],
        &["render", "quick.dem", "--player", PLAYER, "--round", "1", "-o", "-"],
    ] {
        let output = cli.run(args);
        assert_no_work(&output, 2, args);
        assert!(output.err.contains("name a file"), "{output:?}");
        assert!(!cli.home().join("-").exists(), "{args:?}");
    }
}

#[test]
fn folder_in_place_of_a_file_is_reported_as_a_folder() {
    let cli = Cli::new();
    fs::create_dir(cli.home().join("demos")).unwrap();
    fs::write(cli.home().join("key"), "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234").unwrap();
    let submit = ["submit", "--player", PLAYER, "--round", "1", "--server", "http://127.0.0.1:1"];
    for args in [
        &["quickstart", "demos", "--player", PLAYER, "--round", "1"][..],
        &["render", "demos", "--player", PLAYER, "--round", "1", "-o", "clip.mp4"],
        &["inspect", "demos"],
        &[&submit[..], &["demos", "--key-file", "key"]].concat(),
        &[&submit[..], &["key", "--key-file", "demos"]].concat(),
        &["admin", "restore", "demos"],
    ] {
        let output = cli.run(args);
        assert_no_work(&output, 1, args);
        assert!(output.err.contains("demos is a directory"), "{args:?}: {output:?}");
    }
}

#[test]
fn quickstart_with_a_player_or_a_round_but_no_demo_is_wrong_usage() {
    let cli = Cli::with_empty_home();
    for args in [&["quickstart", "--player", PLAYER][..], &["quickstart", "--round", "2"]] {
        let output = cli.run(args);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{output:?}");
        assert!(output.err.contains("<DEMO>") || output.err.contains("[DEMO]"), "{output:?}");
    }
}

#[test]
fn quickstart_with_exit_prints_no_url_or_key_that_no_longer_works() {
    let cli = Cli::with_empty_home();
    quick_demo(&cli);
    let player = quick::PLAYER.to_string();
    let line = ["quickstart", "quick.dem", "--player", &player, "--round", "1", "--exit"];
    let output = cli.run(&line);
    assert_eq!(output.status, 0, "{output:?}");
    let path = cli.home().join("clip.mp4");
    let shown = fs::canonicalize(&path).unwrap();
    assert!(output.out.lines().count() == 1 && output.out.contains(shown.to_str().unwrap()), "{output:?}");
    for gone in ["Ctrl-C", "curl", "/clips/", "Bearer"] {
        assert!(!output.err.contains(gone) && !output.out.contains(gone), "{gone}: {output:?}");
    }
    assert!(output.err.contains("The appliance has stopped"), "{output:?}");
    let printed = cli.run(&[&["--json"], &line[..]].concat()).json();
    assert!(Path::new(printed["clip"].as_str().unwrap()).exists() && printed["job"]["status"] == "done", "{printed}");
    for gone in ["address", "server", "ca", "metered_key"] {
        assert!(printed[gone].is_null(), "{gone}: {printed}");
    }
}

#[cfg(unix)]
#[test]
fn server_with_its_own_ca_explains_browser_warnings() {
    for (mut appliance, warns) in [(Appliance::start(&[]), true), (Appliance::start_plain(&[]), false)] {
        appliance.server().signal("TERM");
        let (_, lines) = appliance.server().wait();
        let warning = lines.iter().find(|line| line.starts_with("Browsers warn"));
        assert_eq!(warning.is_some_and(|line| line.contains("/ca.pem")), warns, "{lines:?}");
    }
}

#[test]
fn node_with_a_taken_name_uses_the_name_given_by_the_server() {
    let appliance = Appliance::start(&[]);
    let _first = appliance.node("rack", None);
    until("the first node", || {
        (appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().len() == 1).then_some(())
    });
    let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let state = appliance.scratch().join("second");
    let line = ["node", "--join", &token, "--server", &appliance.url(""), "--name", "rack", "--state-dir"];
    let second = Process::start(&[&line[..], &[state.to_str().unwrap()]].concat());
    let printed = until("the node's message", || {
        let line = second.line().filter(|line| line.starts_with("Joined "))?;
        line.split_once(" as ").map(|(_, name)| name.trim_end_matches('.').to_owned())
    });
    let nodes = appliance.admin(&["nodes", "list"]);
    let names: Vec<_> = nodes["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[1]), (2, printed.as_str()), "{names:?}");
    assert_ne!(printed, "rack");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(state.join("node.json")).unwrap()).unwrap();
    assert_eq!(kept["name"], printed.as_str());
}

#[test]
fn clip_never_overwrites_its_demo() {
    let cli = Cli::new();
    quick_demo(&cli);
    fs::write(cli.home().join("key"), "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234").unwrap();
    let demo = fs::read(cli.home().join("quick.dem")).unwrap();
    let clip = ["--player", PLAYER, "--round", "1", "-o", "./quick.dem"];
    let server = ["--server", "http://127.0.0.1:1", "--key-file", "key"];
    for args in [
        [&["quickstart", "quick.dem"][..], &clip].concat(),
        [&["render", "quick.dem"][..], &clip].concat(),
        [&["submit", "quick.dem"][..], &server, &clip].concat(),
    ] {
        let output = cli.run(&args);
        assert_no_work(&output, 2, &args);
        assert!(output.err.contains("would replace the demo"), "{args:?}: {output:?}");
        assert_eq!(fs::read(cli.home().join("quick.dem")).unwrap(), demo, "{args:?}");
    }
}

#[test]
fn backup_into_a_missing_folder_names_the_folder() {
    let cli = Cli::new();
    let output = cli.run(&["admin", "backup", "no/such.tar"]);
    assert_no_work(&output, 1, &["admin", "backup"]);
    assert!(output.err.contains("no/such.tar: its folder does not exist."), "{output:?}");
}
