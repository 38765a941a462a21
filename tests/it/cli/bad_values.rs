//! Invalid values: the error names the argument in plain language, even if the value looks like a flag.

use crate::support::cli::{Cli, CliOutput};

/// Phrases of Rust parsers and of clap that must not appear.
const FOREIGN_WORDS: &[&str] = &[
    "invalid digit",
    "unexpected argument",
    "IP address syntax",
    "parse",
    "expected an optional prefix",
    "is not in",
    "target type",
    "attempted to convert",
];

/// Value names of flags that take free text.
const ANY_TEXT: &[&str] =
    &["FILE", "DIR", "URL", "TOKEN", "NAME", "NODE", "PLAYER", "CURSOR", "JOB.JSON", "SOURCE", "TEXT"];

/// Commands that have flags with values.
const COMMANDS: &[&str] = &[
    "quickstart",
    "serve",
    "node",
    "submit",
    "clips list",
    "render",
    "admin keys rotate",
    "admin jobs list",
    "admin rates set",
    "admin usage",
    "admin audit",
    "admin clips list",
    "admin retention set",
    "admin account quota",
];

fn args(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Flags in a command's help whose values are not free text.
fn flags_with_values(cli: &Cli, command: &str) -> Vec<String> {
    let help = cli.run(&[&args(command)[..], &["--help"]].concat()).out;
    let flag = |line: &str| {
        let (flag, rest) = line.trim_start().split_once(" <")?;
        let (value, _) = rest.split_once('>')?;
        let flag = flag.rsplit(' ').next().unwrap().to_owned();
        (flag.starts_with("--") && !ANY_TEXT.contains(&value)).then_some(flag)
    };
    help.lines().filter_map(flag).collect()
}

fn assert_names(output: &CliOutput, argument: &str, line: &[&str]) {
    assert_eq!((output.status, output.out.as_str()), (2, ""), "{line:?}: {output:?}");
    let sentence = output.err.lines().next().unwrap();
    assert!(sentence.contains(argument), "{line:?} must name {argument}: {output:?}");
    for foreign in FOREIGN_WORDS {
        assert!(!sentence.contains(foreign), "{line:?} says {foreign:?}: {output:?}");
    }
}

#[test]
fn every_typed_flag_rejects_nonsense_and_negative_numbers_by_name() {
    let cli = Cli::new();
    let mut tried = 0;
    for command in COMMANDS {
        let flags = flags_with_values(&cli, command);
        assert!(!flags.is_empty(), "{command}");
        for flag in flags {
            for value in ["nonsense", "-1", "-0.5", "99999999999999999999999"] {
                let line = [&args(command)[..], &[&flag, value]].concat();
                let output = cli.run(&line);
                // Some flags accept any large number.
                if value.starts_with('9') && output.status != 2 {
                    continue;
                }
                assert_names(&output, &flag, &line);
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn every_invalid_number_or_id_is_rejected_by_argument_name() {
    let cli = Cli::new();
    for (line, argument) in [
        ("admin dinks set studio x", "'<DINKS>'"),
        ("admin dinks set studio -1", "'<DINKS>'"),
        ("admin dinks set studio 1.5", "'<DINKS>'"),
        ("admin keys revoke seven", "'<KEY-ID>'"),
        ("admin rates dink -1", "'<PRICE>'"),
        ("admin rates dink -0.47", "'<PRICE>'"),
        ("admin rates dink 0,47", "'<PRICE>'"),
        ("admin rates set --renderer builtin --resolution 1080 --fps 30 -0.47", "'<PRICE>'"),
        ("admin jobs show 7", "'<ID>'"),
        ("clips show 7", "'<ID>'"),
        ("admin jobs cancel -7", "'<ID>'"),
        ("admin usage --month 2026-13", "--month"),
        ("admin keys rotate studio --class metered --overlap -1h", "--overlap"),
        ("admin --log loud audit", "--log"),
    ] {
        assert_names(&cli.run(&args(line)), argument, &args(line));
    }
}

#[test]
fn invalid_config_value_is_rejected_with_the_same_message_and_its_line() {
    let cli = Cli::new();
    std::fs::write(cli.home().join("set.toml"), "[serve]\nlease_seconds = 'soon'\n").unwrap();
    let line = ["serve", "--config", "set.toml"];
    let output = cli.run(&line);
    assert_names(&output, "\"lease_seconds\"", &line);
    for part in ["it must be a whole number", "set.toml, line 2: "] {
        assert!(output.err.contains(part), "{part}: {output:?}");
    }
}

#[test]
fn numeric_options_have_limits_and_name_them() {
    let cli = Cli::new();
    for (line, limit) in [
        ("serve --lease-seconds 4294967295", "from 1 to 86400"),
        ("serve --local-nodes 4294967295", "from 0 to 64"),
        ("serve --max-queued-jobs 1000000000000000", "from 1 to 999999999999999"),
        ("serve --http-threads 4294967295", "from 1 to 10000"),
        ("serve --stop-seconds 4294967295", "to 86400"),
        ("node --slots 4294967295", "from 1 to 64"),
        ("admin audit --limit 4294967295", "from 1 to 10000"),
        ("admin rates dink 1000000001", "at most 1000000000"),
        ("admin dinks set studio 4294967295", "from 0 to 100000"),
    ] {
        let output = cli.run(&args(line));
        assert!(output.status == 2 && output.err.contains(limit), "{line}: {output:?}");
    }
}
