//! `node check` and `node install`: what they find, and what they refuse.

use serde_json::Value;

use crate::support::cli::{Cli, Ended};
use crate::support::cli_server::CliServer;

/// Whether each precondition is met, by name.
fn verdicts(ended: &Ended) -> Vec<(String, bool)> {
    let checks = ended.json()["checks"].as_array().unwrap().clone();
    let verdict = |check: &Value| (check["name"].as_str().unwrap().to_owned(), check["ok"].as_bool().unwrap());
    checks.iter().map(verdict).collect()
}

fn expected(identity: bool, server: bool) -> Vec<(String, bool)> {
    let names = ["directory", "identity", "server", "renderer", "sandbox"];
    names.map(str::to_owned).into_iter().zip([true, identity, server, true, true]).collect()
}

#[test]
fn a_node_is_checked_as_it_would_work_and_each_fault_is_named() {
    let cli = Cli::new();
    let check = ["node", "check", "--state-dir", "node", "--json"];
    let ended = cli.run(&check);
    assert_eq!((ended.status, verdicts(&ended)), (1, expected(false, false)), "{ended:?}");
    assert!(ended.err.contains("2 of 5"), "{ended:?}");
    if cfg!(target_os = "linux") {
        // A kernel without it is named in its place; the node works there, too.
        assert!(ended.out.contains("Landlock") && ended.out.contains("MiB of memory"), "{ended:?}");
    }

    let server = CliServer::start(&cli, &[]);
    let token = cli.run(&["admin", "nodes", "token", "--json"]).json()["join_token"].as_str().unwrap().to_owned();
    let join =
        ["node", "--join", "-", "--server", &server.url, "--state-dir", "node", "--name", "n1", "--idle-exit", "0"];
    let ended = cli.run_with_input(&token, &join);
    assert_eq!(ended.status, 0, "{ended:?}");
    let ended = cli.run(&check);
    assert_eq!((ended.status, verdicts(&ended)), (0, expected(true, true)), "{ended:?}");
    let left: Vec<_> =
        std::fs::read_dir(cli.home().join("node")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("check-")), "{left:?}");

    assert_eq!(cli.run(&["admin", "nodes", "remove", "n1"]).status, 0);
    let ended = cli.run(&check);
    assert_eq!((ended.status, verdicts(&ended)), (1, expected(true, false)), "{ended:?}");
    assert!(ended.out.contains("join again"), "{ended:?}");
    drop(server);
    assert_eq!(verdicts(&cli.run(&check)), expected(true, false));
}

#[test]
fn a_machine_without_the_packages_service_is_not_made_a_node() {
    let cli = Cli::new();
    let ended = cli.run_with_input("token", &["node", "install", "-", "--state-dir", "node"]);
    assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{ended:?}");
    assert!(ended.err.contains("systemd"), "{ended:?}");
    assert!(!cli.home().join("node").exists(), "nothing is begun");
}
