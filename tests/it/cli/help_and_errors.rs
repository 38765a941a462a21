//! Help texts, exit statuses and the output streams.

use std::collections::BTreeSet;

use dinkem_appliance::wire::join_token::JoinTicket;

use crate::support::cli::Cli;

/// The commands that a help text lists.
fn commands_in(help: &str) -> Vec<String> {
    let section = help.split("Commands:\n").nth(1).unwrap_or_default();
    section
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()))
        .map(str::to_owned)
        .collect()
}

/// Every subcommand, as its arguments.
fn tree(cli: &Cli, above: &[String], found: &mut Vec<Vec<String>>) {
    let mut args: Vec<&str> = above.iter().map(String::as_str).collect();
    args.push("--help");
    let help = cli.run(&args);
    assert_eq!((help.status, help.err.as_str()), (0, ""), "{above:?}");
    for command in commands_in(&help.out) {
        let path = [above, &[command]].concat();
        tree(cli, &path, found);
        found.push(path);
    }
}

#[test]
fn help_lists_every_command_and_each_help_ends_with_an_example() {
    let cli = Cli::new();
    let mut paths = Vec::new();
    tree(&cli, &[], &mut paths);
    let lines: BTreeSet<String> = paths.iter().map(|path| path.join(" ")).collect();
    for expected in [
        "quickstart",
        "serve",
        "node",
        "submit",
        "clips list",
        "clips show",
        "clips wait",
        "clips download",
        "clips cancel",
        "render",
        "inspect",
        "sample",
        "admin account create",
        "admin account list",
        "admin account show",
        "admin account deactivate",
        "admin account rename",
        "admin account quota",
        "admin clips list",
        "admin clips pin",
        "admin clips delete",
        "admin demos list",
        "admin demos delete",
        "admin retention show",
        "admin retention set",
        "admin storage",
        "admin activate",
        "admin keys mint",
        "admin keys list",
        "admin keys revoke",
        "admin dinks set",
        "admin dinks show",
        "admin nodes token",
        "admin nodes list",
        "admin rates set",
        "admin rates dink",
        "admin rates currency",
        "admin rates show",
        "admin usage",
        "admin tls show",
        "admin tls export",
    ] {
        assert!(lines.contains(expected), "{expected} is not in {lines:?}");
    }
    for path in paths {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = cli.run(&args).out;
        let (_, example) = help.rsplit_once("Example").unwrap_or_else(|| panic!("{path:?} has no example"));
        assert!(example.contains(&format!("dinkem-appliance {}", path[0])), "{path:?}: {example}");
        assert!(!example.contains("Options"), "{path:?}: the example comes last");
    }
}

#[test]
fn serve_help_lists_every_limit_with_its_default() {
    let help = Cli::new().run(&["serve", "--help"]).out;
    let (_, limits) = help.split_once("\nLimits:\n").unwrap();
    for (flag, default) in [
        ("max-connections", "16384"),
        ("max-connections-per-address", "512"),
        ("max-requests", "1024"),
        ("http-threads", "128"),
        ("max-waiting-claims", "12288"),
        ("max-waiting-requests", "2048"),
        ("max-uploads", "64"),
        ("max-node-uploads", "32"),
        ("max-uploads-per-address", "8"),
        ("tls-handshake-seconds", "10"),
        ("head-seconds", "10"),
        ("max-head-kib", "32"),
        ("max-head-lines", "100"),
        ("max-uri-kib", "8"),
        ("idle-seconds", "60"),
        ("max-json-kib", "16"),
        ("body-idle-seconds", "30"),
        ("min-body-kib-per-second", "8"),
        ("body-window-seconds", "30"),
        ("answer-stall-seconds", "30"),
        ("drain-kib", "1024"),
        ("drain-seconds", "2"),
        ("stop-seconds", "10"),
    ] {
        let (_, text) = limits.split_once(&format!("--{flag} <")).unwrap_or_else(|| panic!("{flag}: {limits}"));
        let text = text.split("\n      --").next().unwrap();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("[default: {default}]")), "{flag}: {text}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_explains_why() {
    let cli = Cli::new();
    let player = "76561197991272318";
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["nonsense"], "unrecognized subcommand"),
        (&["serve", "--listen", "nowhere"], "--listen"),
        (&["serve", "--plain-http", "sometimes"], "--plain-http"),
        (&["serve", "--plain-http", "loopback", "--listen", "0.0.0.0:0"], "refuses 0.0.0.0:0"),
        (&["serve", "--tls-cert", "a.pem"], "--tls-key"),
        (&["serve", "--shard", "s1"], "--shard-map FILE"),
        (&["serve", "--shard-map", "s1.map"], "--shard NAME"),
        (&["serve", "--tls-key", "a.key"], "--tls-cert"),
        (&["serve", "--plain-http", "anywhere", "--tls-cert", "a.pem", "--tls-key", "a.key"], "--plain-http"),
        (&["serve", "--fetch-allow", "10.0.0.0/99"], "--fetch-allow"),
        (&["serve", "--public-url", "clips.lan"], "--public-url"),
        (&["serve", "--lease-seconds", "0"], "--lease-seconds"),
        (&["serve", "--trusted-proxy", "proxy.lan"], "--trusted-proxy"),
        (&["serve", "--max-connections", "0"], "--max-connections"),
        (&["serve", "--head-seconds", "0"], "--head-seconds"),
        (&["serve", "--max-json-kib", "2000"], "--max-json-kib"),
        (&["serve", "--max-uploads", "128"], "raise it above 160"),
        (&["serve", "--http-threads", "2000"], "raise --max-requests above it"),
        (&["serve", "--max-head-kib", "4"], "--max-uri-kib 8 does not fit"),
        (&["node"], "admin nodes token"),
        (&["node", "--renderer", "vr"], "builtin"),
        (&["node", "--renderer", "csdm"], "--renderer-csdm"),
        (&["node", "--renderer", "hlae", "--renderer-hlae", "HLAE.exe"], "--renderer-game-dir"),
        (&["node", "--renderer", "command"], "--renderer-program"),
        (&["node", "--renderer", "hlae,csdm"], "not with several"),
        (&["serve", "--default-renderer", "hlae"], "builtin or game"),
        (&["serve", "--reserved-beyond-dinks", "last"], "first or idle"),
        (&["node", "init", "--kind", "obs"], "builtin or hlae or csdm or command"),
        (&["node", "--slots", "0"], "--slots"),
        (&["submit", "x.dem", "--player", player, "--round", "1"], "--server"),
        (&["submit", "x.dem", "--player", player, "--round", "1", "--server", "http://127.0.0.1:1"], "DINKEM_API_KEY"),
        (&["render", "x.dem", "--player", "", "--round", "1", "-o", "x.mp4"], "--player"),
        (&["render", "x.dem", "--player", "steamcommunity.com/id/x", "--round", "1", "-o", "x.mp4"], "custom name"),
        (&["render", "x.dem", "--player", player, "--round", "0", "-o", "x.mp4"], "--round"),
        (&["render", "x.dem", "--player", player, "--round", "1"], "--output"),
        (&["render", "x.dem", "--player", player, "--round", "1", "-o", "x.mp4", "--fps", "50"], "30 or 60"),
        (
            &["render", "x.dem", "--player", player, "--round", "1", "-o", "x.mp4", "--resolution", "720"],
            "1080 or 1440",
        ),
        (
            &["render", "x.dem", "--player", player, "--round", "1", "-o", "x.mp4", "--set", "sv_cheats=1"],
            "the names are",
        ),
        (
            &["render", "x.dem", "--player", player, "--round", "1", "-o", "x.mp4", "--set", "camera=close"],
            "follow or map",
        ),
        (
            &[
                "submit",
                "x.dem",
                "--player",
                player,
                "--round",
                "1",
                "--set",
                "camera=map",
                "--server",
                "http://127.0.0.1:1",
            ],
            "`serve --camera`",
        ),
        (&["serve", "--camera", "1"], "follow or map"),
        (&["admin", "account", "create"], "NAME"),
        (&["admin", "account", "create", " padded "], "white space"),
        (&["admin", "dinks", "set", "a", "-1"], "-1"),
        (&["admin", "keys", "revoke", "seven"], "KEY-ID"),
        (&["inspect", "x.dem", "--log", "loud"], "--log"),
    ];
    for (args, part) in cases {
        let output = cli.run(args);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{args:?}: {output:?}");
        assert!(output.err.contains(part), "{args:?}: {output:?}");
    }
}

#[test]
fn failures_exit_with_1_and_print_one_line_on_stderr() {
    let cli = Cli::new();
    let page = cli.home().join("page.dem");
    std::fs::write(&page, "<!DOCTYPE html><html>not a demo</html>").unwrap();
    let page = page.to_str().unwrap();
    let player = "76561197991272318";
    let ticket = JoinTicket { server: Some("http://127.0.0.1:1".into()), ca: None, secret: "x".into() };
    for (name, token) in [("nonsense", "nonsense".to_owned()), ("token", ticket.encode().unwrap())] {
        std::fs::write(cli.home().join(name), token).unwrap();
    }
    let cases: &[(&[&str], &str)] = &[
        (&["inspect", "missing.dem"], "missing.dem"),
        (&["inspect", page, "--json"], "HTML"),
        (&["render", page, "--player", player, "--round", "1", "-o", "x.mp4"], "HTML"),
        (&["render", page, "--player", player, "--round", "1", "-o", "no/such/x.mp4"], "no/such/x.mp4"),
        (&["quickstart", "--exit", "-o", "no/such/x.mp4"], "no/such/x.mp4"),
        (&["sample", "-o", "no/such/folder/x.dem"], "no/such/folder"),
        (&["node", "--join-file", "nonsense"], "join token"),
        (&["node", "--join-file", "token"], "127.0.0.1:1"),
        (&["admin", "account", "show", "nobody"], "nobody"),
        (&["admin", "activate"], "No account is waiting"),
    ];
    for (args, part) in cases {
        let output = cli.run(args);
        assert_eq!((output.status, output.out.as_str()), (1, ""), "{args:?}: {output:?}");
        // Only progress lines may precede it.
        let actual: Vec<_> = output.err.lines().filter(|line| !line.contains(" %  ")).collect();
        assert!(
            matches!(actual[..], [line] if line.starts_with("error: ") && line.contains(part)),
            "{args:?}: {output:?}"
        );
    }
}
