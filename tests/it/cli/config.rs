//! Settings: where they can be set, which source wins, and which one an error blames.

use std::fs;

use crate::support::cli::{Cli, CliOutput};

/// The port of `--server` that was used, taken from the connection error.
fn port_used(output: &CliOutput) -> Option<&str> {
    let (_, rest) = output.err.split_once("127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()
}

#[test]
fn flags_override_environment_variables_which_override_the_file() {
    let cli = Cli::new();
    fs::write(cli.home().join("set.toml"), "[client]\nserver = \"http://127.0.0.1:3\"\n").unwrap();
    let key = ("DINKEM_API_KEY", "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234");
    let variable = ("DINKEM_SERVER", "http://127.0.0.1:2");
    let flag = ["--server", "http://127.0.0.1:1"];
    let file = ["--config", "set.toml"];
    for (flag, variable, file, expected) in [
        (Some(flag), Some(variable), Some(file), "1"),
        (Some(flag), None, Some(file), "1"),
        (Some(flag), Some(variable), None, "1"),
        (None, Some(variable), Some(file), "2"),
        (None, Some(variable), None, "2"),
        (None, None, Some(file), "3"),
        (None, Some(("DINKEM_SERVER", "")), Some(file), "3"),
    ] {
        let mut args = vec!["submit", "https://demos.lan/x.dem", "--player", "76561197991272318", "--round", "1"];
        args.extend(flag.iter().chain(&file).flatten());
        let environment: Vec<_> = [key].into_iter().chain(variable).collect();
        let output = cli.run_in(&environment, &args);
        assert_eq!(port_used(&output), Some(expected), "{args:?} {environment:?}: {output:?}");
        assert_eq!(output.status, 1, "{output:?}");
    }
}

#[test]
fn data_directory_and_config_file_follow_the_same_precedence() {
    let cli = Cli::new();
    // Each directory has an account of its own name.
    let [flag, variable, file, own, _] =
        ["flag", "variable", "file", "own", ".local/share/dinkem-appliance"].map(|name| {
            let data = cli.make_data_dir(name);
            let output = cli.run(&["--data-dir", name, "admin", "account", "create", name]);
            assert_eq!(output.status, 0, "{output:?}");
            data
        });
    let list = ["admin", "account", "list", "--json"];
    let is_of = |output: &CliOutput, name: &str| output.json()["accounts"][0]["name"] == name;
    let set = format!("data_dir = '{}'\n", file.display());
    fs::write(cli.home().join("set.toml"), &set).unwrap();
    let variable_text = variable.to_str().unwrap();

    let output = cli.run_in(&[("DINKEM_CONFIG", "set.toml")], &list);
    assert!(is_of(&output, "file"), "the variable names the config file: {output:?}");
    let output = cli.run_in(&[("DINKEM_CONFIG", "set.toml"), ("DINKEM_DATA_DIR", variable_text)], &list);
    assert!(is_of(&output, "variable"), "{output:?}");
    let args = [&["--data-dir", flag.to_str().unwrap()], list.as_slice()].concat();
    let output = cli.run_in(&[("DINKEM_DATA_DIR", variable_text)], &args);
    assert!(is_of(&output, "flag"), "{output:?}");

    // Without any setting: the user's config file in the platform's default place, or else the default data directory.
    #[cfg(target_os = "linux")]
    {
        let place = cli.home().join(".config/dinkem-appliance");
        let output = cli.run(&list);
        assert!(is_of(&output, ".local/share/dinkem-appliance"), "{output:?}");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("config.toml"), format!("data_dir = '{}'\n", own.display())).unwrap();
        let output = cli.run(&list);
        assert!(is_of(&output, "own"), "{output:?}");
    }
}

#[test]
fn global_flags_may_stand_anywhere() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let data = data.to_str().unwrap();
    for args in [
        vec!["--json", "--data-dir", data, "--log", "off", "admin", "account", "list"],
        vec!["admin", "--json", "account", "--data-dir", data, "list", "--log", "off"],
        vec!["admin", "account", "list", "--log", "off", "--json", "--data-dir", data],
    ] {
        assert!(cli.run(&args).json()["accounts"].is_array());
    }
}

/// Runs a command with this config file.
fn run_with_file(cli: &Cli, text: &str, args: &[&str]) -> CliOutput {
    fs::write(cli.home().join("set.toml"), text).unwrap();
    cli.run(&[args, &["--config", "set.toml"]].concat())
}

fn assert_refused(output: &CliOutput, sentence: &str, case: &str) {
    assert_eq!((output.status, output.out.as_str()), (2, ""), "{case:?}: {output:?}");
    assert!(output.err.starts_with(&format!("error: {sentence}")), "{case:?} is not {sentence:?}: {output:?}");
}

#[test]
fn unknown_keys_and_tables_are_refused_with_file_and_line() {
    let cli = Cli::new();
    for (text, sentence) in [
        ("# ours\n\n[serve]\noutptu = 1\n", r#"set.toml, line 4: unknown key "outptu" in [serve]"#),
        (
            "[serve]\nlisen = '0.0.0.0:1'\n",
            r#"set.toml, line 2: unknown key "lisen" in [serve]; did you mean "listen"?"#,
        ),
        (
            "[serve]\nfetch-allow = '::1'\n",
            r#"set.toml, line 2: unknown key "fetch-allow" in [serve]; did you mean "fetch_allow"?"#,
        ),
        ("data_dirr = 'x'\n", r#"set.toml, line 1: unknown key "data_dirr"; did you mean "data_dir"?"#),
        ("lisen = '0.0.0.0:1'\n", r#"set.toml, line 1: unknown key "lisen"; did you mean "listen" in [serve]?"#),
        ("TOKEN = 'x'\n", r#"set.toml, line 1: unknown key "TOKEN""#),
        ("\n[server]\nlisten = '0.0.0.0:1'\n", "set.toml, line 2: unknown table [server]; did you mean [serve]?"),
        ("[x]\n", "set.toml, line 1: unknown table [x]; the tables are [serve], [node], [client], [renderer]"),
        ("[serve.limits]\nmax_uploads = 1\n", r#"set.toml, line 1: unknown key "limits" in [serve]"#),
        ("serve = 3\n", r#"set.toml, line 1: "serve" must be a table, written as [serve]"#),
        ("[renderer]\nkind = 'builtin'\nspeed = 'high'\n", r#"set.toml, line 3: unknown key "speed" in [renderer]"#),
        ("data_dir = ['a', 'b']\n", r#"set.toml, line 1: "data_dir" must be one plain value"#),
        ("[serve]\nlisten = 0x1F\n", r#"set.toml, line 2: "listen" in [serve] must be one plain value"#),
        (
            "[serve]\nfetch_allow = [['::1']]\n",
            r#"set.toml, line 2: "fetch_allow" in [serve] must be a list of plain values"#,
        ),
        ("\nlog = \n", "set.toml, line 2: not valid TOML"),
    ] {
        assert_refused(&run_with_file(&cli, text, &["admin", "account", "list"]), sentence, text);
    }
    let output = cli.run(&["admin", "account", "list", "--config", "missing.toml"]);
    assert_refused(&output, "cannot read the config file missing.toml", "missing.toml");
}

#[test]
fn key_in_the_wrong_table_is_told_where_it_belongs() {
    let cli = Cli::new();
    for (text, sentence) in [
        ("listen = '0.0.0.0:1'\n", r#"set.toml, line 1: "listen" belongs in [serve]"#),
        ("log = 'off'\nslots = 2\n", r#"set.toml, line 2: "slots" belongs in [node]"#),
        ("fetch_allow = '::1'\n", r#"set.toml, line 1: "fetch_allow" belongs in [serve] or in [node]"#),
        ("server = 'x'\n", r#"set.toml, line 1: "server" belongs in [node] or in [client]"#),
        ("[node]\nlisten = '0.0.0.0:1'\n", r#"set.toml, line 2: "listen" belongs in [serve]"#),
        ("[node]\nrenderer = 'builtin'\n", r#"set.toml, line 2: "renderer" belongs in [renderer], as "kind""#),
        ("[serve]\ndata_dir = 'x'\n", r#"set.toml, line 2: "data_dir" belongs at the top, above all tables"#),
    ] {
        assert_refused(&run_with_file(&cli, text, &["admin", "account", "list"]), sentence, text);
    }
}

#[test]
fn options_of_a_single_call_cannot_be_set_in_the_file() {
    let cli = Cli::new();
    for key in [
        "config",
        "json",
        "fix",
        "output",
        "limit",
        "exit",
        "wait",
        "player",
        "round",
        "fps",
        "resolution",
        "set",
        "join",
        "join_file",
        "yes",
        "no_keys",
        "csv",
        "month",
        "class",
        "overlap",
        "videos",
        "job",
        "child",
    ] {
        for table in ["", "[serve]\n", "[node]\n", "[client]\n", "[renderer]\n"] {
            let text = format!("{table}{key} = 'x'\n");
            let output = run_with_file(&cli, &text, &["admin", "account", "list"]);
            let line = text.lines().count();
            assert_refused(&output, &format!("set.toml, line {line}: unknown key \"{key}\""), &text);
        }
    }
}

#[test]
fn options_of_a_single_call_cannot_be_set_in_the_environment() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let list = ["admin", "account", "list", "--data-dir", data.to_str().unwrap()];
    let output = cli.run_in(&[("DINKEM_JSON", "1")], &list);
    assert!(output.status == 0 && output.out.starts_with("NAME"), "{output:?}");
    let audit = ["admin", "audit", "--data-dir", data.to_str().unwrap()];
    assert_eq!(cli.run_in(&[("DINKEM_LIMIT", "nonsense")], &audit).status, 0);
    let output = cli.run_in(&[("DINKEM_OUTPUT", "evil.dem")], &["sample"]);
    assert!(output.status == 2 && output.err.contains("--output"), "{output:?}");
    assert!(!cli.home().join("evil.dem").exists());
}

/// Arguments, environment, file, expected message, and the command whose usage is shown.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);

#[test]
fn error_blames_the_place_of_the_value_and_shows_the_usage_of_the_subcommand() {
    let cli = Cli::new();
    let serve = "[serve]\nlease_seconds = 'soon'\nplain_http = 'never'\n";
    let (variable, file) = (("DINKEM_LEASE_SECONDS", "soon"), "[serve]\n\nlease_seconds = 'soon'\n");
    let number = "it must be a whole number";
    let on_the_line = format!("invalid value 'soon' for '--lease-seconds <N>': {number}");
    let in_the_environment = format!("DINKEM_LEASE_SECONDS: invalid value 'soon': {number}");
    let cases: &[Case<'_>] = &[
        (&["serve", "--lease-seconds", "soon"], &[variable], file, &on_the_line, "serve"),
        (&["serve"], &[variable], file, &in_the_environment, "serve"),
        (
            &["serve"],
            &[],
            file,
            "set.toml, line 3: invalid value 'soon' for \"lease_seconds\" in [serve]: it must",
            "serve",
        ),
        (
            &["serve"],
            &[("DINKEM_LEASE_SECONDS", "9")],
            serve,
            "set.toml, line 3: invalid value 'never' for \"plain_http\" in [serve]: it must be loopback or anywhere",
            "serve",
        ),
        (
            &["serve"],
            &[("DINKEM_PLAIN_HTTP", "x")],
            "",
            "DINKEM_PLAIN_HTTP: invalid value 'x': it must be loopback or",
            "serve",
        ),
        (
            &["serve"],
            &[("DINKEM_FETCH_ALLOW", "::1/128,x")],
            "",
            "DINKEM_FETCH_ALLOW: invalid value 'x': it must be a network",
            "serve",
        ),
        (
            &["node"],
            &[],
            "[renderer]\nkind = 'vr'\n",
            "set.toml, line 2: invalid value 'vr' for \"kind\" in [renderer]:",
            "node",
        ),
        (&["node"], &[("DINKEM_RENDERER", "vr")], "", "DINKEM_RENDERER: invalid value 'vr':", "node"),
        (&["node"], &[("DINKEM_SLOTS", "0")], "", "DINKEM_SLOTS: invalid value '0': it must be from 1 to 64", "node"),
        (
            &["admin", "audit"],
            &[],
            "log = 'loud'\n",
            "set.toml, line 1: invalid value 'loud' for \"log\":",
            "admin audit",
        ),
        (&["admin", "audit"], &[("DINKEM_LOG", "loud")], "", "DINKEM_LOG: invalid value 'loud':", "admin audit"),
        (&["admin", "audit", "--limit", "x"], &[], "", "invalid value 'x' for '--limit <N>':", "admin audit"),
        (&["--data-dir", "serve", "admin", "audit", "--limit", "x"], &[], "", "invalid value 'x' for", "admin audit"),
    ];
    for (args, environment, text, sentence, command) in cases {
        fs::write(cli.home().join("set.toml"), text).unwrap();
        let output = cli.run_in(environment, &[args, &["--config", "set.toml"][..]].concat());
        let case = format!("{args:?} {environment:?} {text:?}");
        assert_refused(&output, sentence, &case);
        assert!(output.err.contains(&format!("Usage: dinkem-appliance {command} [")), "{case}: {output:?}");
    }
}

#[test]
fn settings_of_one_command_do_not_disturb_the_others() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let text =
        format!("data_dir = '{}'\n[serve]\nlisten = 'x'\n[node]\nslots = 'x'\n[client]\nca = 'x'\n", data.display());
    let output = run_with_file(&cli, &text, &["admin", "account", "list"]);
    assert_eq!(output.status, 0, "{output:?}");
    let output = cli.run_in(&[("DINKEM_SLOTS", "2")], &["node", "check", "--state-dir", "state"]);
    assert_ne!(output.status, 2, "{output:?}");
    // `doctor` checks the certificate that the file gives the server.
    let text = format!("data_dir = '{}'\n[serve]\ntls_cert = 'missing.pem'\n", data.display());
    let output = run_with_file(&cli, &text, &["admin", "doctor", "--json"]);
    assert!(output.out.contains("missing.pem"), "{output:?}");
}

#[test]
fn help_shows_variable_and_default_of_every_setting_but_no_value() {
    let cli = Cli::new();
    for (command, least, without) in [
        // Flags that are not settings; a required one has no default.
        ("serve", 49, &["json", "help"][..]),
        ("node", 13, &["json", "help"]),
        (
            "submit",
            6,
            &[
                "json",
                "help",
                "player",
                "round",
                "fps",
                "resolution",
                "set",
                "wait",
                "output",
                "all-rounds",
                "highlights",
                "renderer",
            ],
        ),
        ("quickstart", 3, &["json", "help", "player", "round", "output", "exit"]),
        ("admin audit", 3, &["json", "help", "limit"]),
    ] {
        let args: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let help = cli.run_in(&[("DINKEM_DATA_DIR", "secret"), ("DINKEM_JOIN", "secret")], &args).out;
        assert!(!help.contains("secret"), "{help}");
        let mut shown = 0;
        let mut options: Vec<String> = Vec::new();
        for line in help.lines() {
            match line.strip_prefix("      --").or_else(|| Some(line.strip_prefix("  -")?.split_once(", --")?.1)) {
                Some(option) => options.push(option.to_owned()),
                None => options.iter_mut().next_back().into_iter().for_each(|last| *last += &format!(" {line}")),
            }
        }
        for option in &options {
            let words = option.split_whitespace().collect::<Vec<_>>().join(" ");
            let flag = words.split(' ').next().unwrap();
            let variable = format!("[env: DINKEM_{}]", flag.replace('-', "_").to_uppercase());
            if without.contains(&flag) {
                assert!(!words.contains("[env:"), "{command} --{flag}: {words}");
                continue;
            }
            assert!(words.contains(&variable), "{command} --{flag}: {words}");
            let has_default = words.contains("[default: ") || ["join", "join-file"].contains(&flag);
            assert!(has_default || (command, flag) == ("submit", "server"), "{command} --{flag}: {words}");
            shown += 1;
        }
        assert!(shown >= least, "{command}: {shown}\n{help}");
    }
}

#[test]
fn help_is_shown_although_the_file_is_broken() {
    let output = run_with_file(&Cli::new(), "listen = 1\n", &["serve", "--help"]);
    assert!(output.status == 0 && output.out.contains("--listen"), "{output:?}");
}

#[test]
fn config_files_of_the_packages_are_accepted() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    for package in ["deb", "msi"] {
        let file = format!("{}/packaging/{package}/config.toml", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(file).unwrap().replace("# public_url", "public_url").replace("# tls", "tls");
        let text = text.replace("# fetch_allow", "fetch_allow").replace("# [renderer]", "[renderer]");
        let keys = ["kind", "game_dir", "hlae", "csdm", "steam_id"];
        let text = keys.iter().fold(text, |text, key| text.replace(&format!("# {key} ="), &format!("{key} =")));
        let output = run_with_file(&cli, &text, &["admin", "account", "list", "--data-dir", data.to_str().unwrap()]);
        assert_eq!(output.status, 0, "{package}: {output:?}");
    }
}
