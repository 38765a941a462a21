//! `node check` and `node install`.

use serde_json::Value;

use crate::support::cli::{Cli, CliOutput};
use crate::support::cli_server::CliServer;

fn verdicts(output: &CliOutput) -> Vec<(String, bool)> {
    let checks = output.json()["checks"].as_array().unwrap().clone();
    let verdict = |check: &Value| (check["name"].as_str().unwrap().to_owned(), check["ok"].as_bool().unwrap());
    checks.iter().map(verdict).collect()
}

fn expected(identity: bool, server: bool) -> Vec<(String, bool)> {
    let names = ["directory", "identity", "server", "renderer", "sandbox"];
    names.map(str::to_owned).into_iter().zip([true, identity, server, true, true]).collect()
}

#[test]
fn node_check_reports_each_precondition() {
    let cli = Cli::new();
    let check = ["node", "check", "--state-dir", "node", "--json"];
    let output = cli.run(&check);
    assert_eq!((output.status, verdicts(&output)), (1, expected(false, false)), "{output:?}");
    assert!(output.err.contains("2 of 5"), "{output:?}");
    if cfg!(target_os = "linux") {
        // If the kernel lacks Landlock, the output says so.
        assert!(output.out.contains("Landlock") && output.out.contains("MiB of memory"), "{output:?}");
    }

    let server = CliServer::start(&cli, &[]);
    let token = cli.run(&["admin", "nodes", "token", "--json"]).json()["join_token"].as_str().unwrap().to_owned();
    let join =
        ["node", "--join", "-", "--server", &server.url, "--state-dir", "node", "--name", "n1", "--idle-exit", "0"];
    let output = cli.run_with_input(&token, &join);
    assert_eq!(output.status, 0, "{output:?}");
    let output = cli.run(&check);
    assert_eq!((output.status, verdicts(&output)), (0, expected(true, true)), "{output:?}");
    let left: Vec<_> =
        std::fs::read_dir(cli.home().join("node")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("check-")), "{left:?}");

    assert_eq!(cli.run(&["admin", "nodes", "remove", "n1"]).status, 0);
    let output = cli.run(&check);
    assert_eq!((output.status, verdicts(&output)), (1, expected(true, false)), "{output:?}");
    assert!(output.out.contains("Join again"), "{output:?}");
    drop(server);
    assert_eq!(verdicts(&cli.run(&check)), expected(true, false));
}

#[test]
fn node_install_fails_without_the_packaged_service() {
    let cli = Cli::new();
    let output = cli.run_with_input("token", &["node", "install", "-", "--state-dir", "node"]);
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
    assert!(output.err.contains("systemd"), "{output:?}");
    assert!(!cli.home().join("node").exists(), "nothing must be created");
}

#[test]
#[cfg(target_os = "linux")]
fn node_install_refuses_to_make_a_service_of_a_game_node() {
    let cli = Cli::new();
    std::fs::write(cli.home().join("node.toml"), "[renderer]\nkind = 'command'\nprogram = 'x'\n").unwrap();
    let output = cli.run_with_input("token", &["node", "install", "-", "--config", "node.toml"]);
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
    assert!(output.err.contains("systemctl --user enable --now dinkem-appliance-game-node"), "{output:?}");
    let help = cli.run(&["node", "install", "--help"]).out;
    assert!(!help.contains("--renderer"), "{help}");
}
