//! Relative paths work everywhere, even when passed to child processes with another working directory.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use dinkem_appliance::render::forge;

use crate::support::cli::Cli;
use crate::support::quick;
use crate::support::wait::until;

/// A process that is killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(cli: &Cli, environment: &[(&str, &str)], args: &[&str]) -> Self {
        let mut command = cli.command(environment, args);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for the server's address.
fn address(port_file: &Path) -> String {
    let read = || fs::read_to_string(port_file).ok().filter(|text| text.ends_with('\n'));
    until("the port file", read).trim().to_owned()
}

fn is_mp4(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.get(4..8) == Some(b"ftyp"))
}

/// Renders a clip of the short demo through the server at this address.
fn submit(cli: &Cli, data_dir: &str, address: &str, to: &str) {
    let home = cli.home();
    fs::write(home.join("quick.dem"), forge::quick()).unwrap();
    let made = cli.run(&["--json", "--data-dir", data_dir, "admin", "account", "create", "studio"]).json();
    assert_eq!(cli.run(&["--data-dir", data_dir, "admin", "activate", "studio"]).status, 0);
    let (player, round) = (quick::PLAYER.to_string(), quick::ROUND.to_string());
    let server = format!("http://{address}");
    let key = [("DINKEM_API_KEY", made["metered_key"].as_str().unwrap())];
    let line = ["submit", "quick.dem", "--player", &player, "--round", &round, "--server", &server, "-o", to];
    let output = cli.run_in(&key, &line);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(is_mp4(&home.join(to)), "{output:?}");
}

const PLAIN: [&str; 6] = ["--listen", "127.0.0.1:0", "--plain-http", "loopback", "--port-file", "port"];

#[test]
fn server_renders_with_a_relative_data_dir() {
    let cli = Cli::new();
    let line = [&["serve", "--data-dir", "data", "--local-nodes", "1"], &PLAIN[..]].concat();
    let _server = Running::start(&cli, &[], &line);
    submit(&cli, "data", &address(&cli.home().join("port")), "clip.mp4");
}

#[test]
fn node_renders_with_relative_paths_from_config_files() {
    let cli = Cli::new();
    let config = "data_dir = 'data'\n[serve]\nlisten = '127.0.0.1:0'\nplain_http = 'loopback'\nport_file = 'port'\n";
    fs::write(cli.home().join("serve.toml"), config).unwrap();
    fs::write(cli.home().join("node.toml"), "[node]\nstate_dir = 'state'\n").unwrap();
    let _server = Running::start(&cli, &[("DINKEM_CONFIG", "serve.toml")], &["serve"]);
    let address = address(&cli.home().join("port"));
    let token = cli.run(&["--json", "--data-dir", "data", "admin", "nodes", "token"]).json();
    let environment = [("DINKEM_CONFIG", "node.toml"), ("DINKEM_JOIN", token["join_token"].as_str().unwrap())];
    let _node = Running::start(&cli, &environment, &["node"]);
    submit(&cli, "data", &address, "clip.mp4");
    assert!(cli.home().join("state/node.json").is_file());
}

#[test]
fn render_and_quickstart_write_to_relative_outputs() {
    let cli = Cli::new();
    fs::write(cli.home().join("quick.dem"), forge::quick()).unwrap();
    fs::create_dir(cli.home().join("out")).unwrap();
    let (player, round) = (quick::PLAYER.to_string(), quick::ROUND.to_string());
    let demo = ["quick.dem", "--player", &player, "--round", &round];
    let rendered = cli.run(&[&["render"], &demo[..], &["-o", "out/render.mp4"]].concat());
    assert!(rendered.status == 0 && is_mp4(&cli.home().join("out/render.mp4")), "{rendered:?}");
    let quick = cli.run(&[&["quickstart"], &demo[..], &["-o", "out/quick.mp4", "--exit"]].concat());
    assert!(quick.status == 0 && is_mp4(&cli.home().join("out/quick.mp4")), "{quick:?}");
}
