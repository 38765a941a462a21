//! Commands suggested in messages work as printed.

use crate::support::cli::{Cli, CliOutput};

/// The commands in a text, each up to the closing backtick or the end of the line.
fn commands(text: &str) -> Vec<String> {
    let ends = |rest: &str| rest.find(['`', '\n']).unwrap_or(rest.len());
    text.split("dinkem-appliance ").skip(1).map(|rest| format!("dinkem-appliance {}", &rest[..ends(rest)])).collect()
}

/// Runs a command in a shell whose `PATH` contains the binary under test.
#[cfg(unix)]
fn run_in_shell(cli: &Cli, command: &str) -> std::process::Output {
    let binary = std::path::Path::new(crate::support::process::BINARY).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]).current_dir(cli.home()).env_clear().env("HOME", cli.home()).env("PATH", path);
    shell.output().unwrap()
}

#[cfg(unix)]
#[test]
fn activate_hint_names_data_directory_and_account_and_runs_in_a_shell() {
    let cli = Cli::with_empty_home();
    cli.make_data_dir("it's my data");
    let name = "Studio \"One\" & $Two";
    let output = cli.run(&["--data-dir", "it's my data", "admin", "account", "create", name]);
    assert_eq!(output.status, 0, "{output:?}");
    let hint = commands(&output.err).pop().unwrap_or_else(|| panic!("{output:?}"));
    let typed = run_in_shell(&cli, &hint);
    assert!(typed.status.success(), "{hint}: {}", String::from_utf8_lossy(&typed.stderr));
    assert_eq!(String::from_utf8(typed.stdout).unwrap().trim(), format!("{name}: active"));
}

/// Commands, and the start of the hints that they print, after the program's name and data directory.
const CASES: &[(&[&str], &[&str])] = &[
    (&["activate"], &["admin activate one", "admin activate 'number two'"]),
    (&["account", "show", "nobody"], &["admin account list"]),
    (&["keys", "mint", "number two"], &["admin keys rotate 'number two' --class metered"]),
    (&["keys", "revoke", "99"], &["admin keys list NAME"]),
    (&["nodes", "drain", "nobody"], &["admin nodes list"]),
    (&["jobs", "show", "01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d"], &["admin jobs list"]),
    (&["dinks", "undo", "one"], &["admin dinks show", "admin dinks set one N"]),
    (&["dinks", "set", "number two", "500"], &["admin dinks set 'number two' 500 --yes"]),
];

#[cfg(unix)]
#[test]
fn hints_repeat_the_given_data_directory() {
    let cli = Cli::new();
    cli.make_data_dir("here");
    let both = [&["--data-dir", "here"][..], &[]];
    for given in both {
        for name in ["one", "number two"] {
            assert_eq!(cli.run(&[given, &["admin", "account", "create", name]].concat()).status, 0);
        }
    }
    let assert_hints = |output: &CliOutput, dir: &str, hints: &[&str]| {
        let found = commands(&output.err);
        for hint in hints {
            let whole = format!("dinkem-appliance {dir}{hint}");
            assert!(found.iter().any(|command| command.starts_with(&whole)), "{whole}: {output:?}");
        }
    };
    for (args, hints) in CASES {
        let line = |given: &[&'static str]| [given, &["admin"], *args].concat();
        assert_hints(&cli.run(&line(&["--data-dir", "here"])), "--data-dir here ", hints);
        assert_hints(&cli.run_in(&[("DINKEM_DATA_DIR", "here")], &line(&[])), "--data-dir here ", hints);
        assert_hints(&cli.run(&line(&[])), "", hints);
    }
    // A config file given for one call does not apply to the next.
    std::fs::write(cli.home().join("set.toml"), "data_dir = 'here'\n").unwrap();
    let output = cli.run(&["--config", "set.toml", "admin", "account", "show", "nobody"]);
    assert_hints(&output, "--data-dir here ", &["admin account list"]);
}

#[test]
fn identified_key_is_shown_with_commands_for_its_account() {
    let cli = Cli::new();
    let made = cli.run(&["--json", "admin", "account", "create", "number two"]).json();
    assert_eq!(cli.run(&["admin", "activate"]).status, 0);
    let output = cli.run_with_input(made["metered_key"].as_str().unwrap(), &["admin", "keys", "identify"]);
    let found = commands(&output.err);
    let begins = |start: &str| found.iter().any(|command| command.starts_with(start));
    assert!(begins("dinkem-appliance admin jobs list --key "), "{output:?}");
    #[cfg(unix)]
    assert!(begins("dinkem-appliance admin keys rotate 'number two' --class metered"), "{output:?}");
    assert!(begins("dinkem-appliance admin keys revoke "), "{output:?}");
}
