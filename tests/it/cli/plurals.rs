//! Singular and plural in messages.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::Cli;

/// Source lines where the number is at least two.
const ALWAYS_PLURAL: &[&str] = &[
    "format!(\"{} rounds\", survey.rounds.len())",
    "[1, .., last] => format!(\"{last} rounds\"),",
    "_ => format!(\"{jobs} unfinished jobs need this demo. Wait for them, or cancel them.\"),",
];

/// Nouns that messages count.
const NOUNS: &[&str] = &[
    "accounts", "clips", "demos", "dinks", "faults", "files", "jobs", "nodes", "requests", "rounds", "slots", "videos",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Whether the noun follows a named limit, as in `{ACCOUNT_DINKS} dinks`.
fn counts_a_constant(line: &str) -> bool {
    NOUNS.iter().any(|noun| {
        let counted = line.split_once(&format!("}} {noun}")).and_then(|(before, _)| before.rsplit('{').next());
        counted
            .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    })
}

#[test]
fn no_message_uses_a_plural_for_a_count_that_may_be_one() {
    let (mut found, mut offences) = (Vec::new(), Vec::new());
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (at, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let is_counted = NOUNS.iter().any(|noun| line.contains(&format!("}} {noun}"))) && line.contains('"');
            // Limits are constants above 1; debug messages do not matter.
            if is_counted
                && !counts_a_constant(line)
                && !line.contains("debug!")
                && !ALWAYS_PLURAL.contains(&line.trim())
            {
                offences.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(offences.is_empty(), "use `counted`:\n{}", offences.join("\n"));
}

#[test]
fn counts_of_one_are_singular() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
    let printed = cli.run(&["admin", "backup", "one.tar"]).out;
    assert!(printed.contains("holds:   1 account, 0 jobs, 0 demos, "), "{printed}");
    assert_eq!(cli.run(&["admin", "dinks", "set", "studio", "1"]).status, 0);
    assert_eq!(cli.run(&["admin", "activate"]).out, "studio: active, 1 dink\n");
    let printed = cli.run(&["admin", "restore", "one.tar"]).out;
    assert!(printed.contains("holds:    1 account, 0 jobs, 0 videos"), "{printed}");
    let printed = cli.run(&["admin", "keys", "rotate", "studio", "--class", "metered", "--overlap", "1s"]).err;
    assert!(printed.contains("stays valid for 1 s.") && printed.contains("The key is not shown"), "{printed}");
}
