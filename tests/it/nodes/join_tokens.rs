//! Join tokens are read from stdin, a file or the environment, and help and messages never put one on a command line.

use crate::support::cli::Cli;

/// A token; the connection error shows that it was read.
fn token(cli: &Cli) -> String {
    cli.make_data_dir("data");
    cli.run(&["--json", "admin", "--data-dir", "data", "nodes", "token"]).json()["join_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

const WARNING: &str = "visible to other users";
const SERVER: &str = "http://127.0.0.1:1";

#[test]
fn token_is_read_from_stdin_file_or_environment_without_a_warning() {
    let cli = Cli::new();
    let token = token(&cli);
    std::fs::write(cli.home().join("token"), format!("{token}\n")).unwrap();
    let line = ["node", "--server", SERVER, "--state-dir", "n"];
    let join = |more: &[&'static str]| [&line, more].concat();
    let ways = [
        ("standard input", cli.run_with_input(&format!("{token}\n"), &join(&["--join", "-"]))),
        ("a file", cli.run(&join(&["--join-file", "token"]))),
        ("the environment", cli.run_in(&[("DINKEM_JOIN", &token)], &line)),
        ("a file named in the environment", cli.run_in(&[("DINKEM_JOIN_FILE", "token")], &line)),
    ];
    for (way, output) in ways {
        assert_eq!(output.status, 1, "{way}: {output:?}");
        assert!(output.err.contains("127.0.0.1:1"), "{way}: the token was read and its server contacted: {output:?}");
        assert!(!output.err.contains(WARNING) && !output.err.contains(&token), "{way}: {output:?}");
    }
}

#[test]
fn token_on_the_command_line_works_with_a_warning() {
    let cli = Cli::new();
    let token = token(&cli);
    for args in [vec!["--join", &*token], vec![&*format!("--join={token}")]] {
        let output = cli.run(&[&["node", "--server", SERVER, "--state-dir", "n"], &args[..]].concat());
        assert!(output.err.contains("127.0.0.1:1") && output.err.contains(WARNING), "{output:?}");
        assert!(output.err.contains("--join -") && output.err.contains("--join-file FILE"), "{output:?}");
    }
}

#[test]
fn missing_token_is_reported_with_its_source() {
    let cli = Cli::new();
    std::fs::write(cli.home().join("empty"), "\n").unwrap();
    let empty = format!("No join token was read from {}", cli.home().join("empty").display());
    let cases: [(&[&str], i32, &str); 5] = [
        (&["node", "--join", "-"], 1, "No join token was read from standard input"),
        (&["node", "--join-file", "empty"], 1, &empty),
        (&["node", "--join-file", "nowhere"], 1, "nowhere"),
        (&["node", "--join", "-", "--join-file", "empty"], 2, "--join-file"),
        (&["node", "install"], 2, "SOURCE"),
    ];
    for (args, status, message) in cases {
        let output = cli.run(args);
        assert!(output.status == status && output.err.contains(message), "{args:?}: {output:?}");
    }
}

#[test]
fn hints_and_service_units_never_put_a_token_on_the_command_line() {
    let cli = Cli::new();
    cli.make_data_dir("data");
    let mut texts = vec![
        ("node --help", cli.run(&["node", "--help"]).out),
        ("node install --help", cli.run(&["node", "install", "--help"]).out),
        ("admin nodes token --help", cli.run(&["admin", "nodes", "token", "--help"]).out),
        ("admin nodes token", cli.run(&["admin", "--data-dir", "data", "nodes", "token"]).err),
        ("node", cli.run(&["node", "--state-dir", "n"]).err),
    ];
    for (name, text) in &texts {
        assert!(text.contains("--join -") || text.contains("node install -"), "{name}: {text}");
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["README.md", "packaging/deb/dinkem-appliance-node.service", "packaging/deb/systest.sh"] {
        texts.push((file, std::fs::read_to_string(root.join(file)).unwrap()));
    }
    for (name, text) in &texts {
        for argument in
            ["--join TOKEN", "--join <TOKEN", "--join=", "install TOKEN", "install <TOKEN", "--join \"$", "--join $"]
        {
            assert!(!text.contains(argument), "{name} puts a token on the command line: {argument}");
        }
    }
}
