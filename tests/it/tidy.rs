//! House rules that can be checked by machine: ranks of folders, restricted APIs, the form of files.

mod uses;

use std::fs;
use std::path::{Path, PathBuf};

use uses::Uses;

/// Maximum number of lines of a file.
const FILE_LINES: usize = 400;

/// The ranks in ARCHITECTURE.md. A folder may use only folders of a lower rank, never its peers.
const RANKS: &[(&str, u8)] = &[
    ("domain", 0),
    ("os", 1),
    ("store", 2),
    ("wire", 2),
    ("render", 2),
    ("config", 2),
    ("app", 3),
    ("http", 4),
    ("scheduler", 4),
    ("node", 4),
    ("appliance", 5),
    ("cli", 6),
];

/// APIs that may be used only in certain places (path prefixes below `src/`).
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["store/"]),
    ("rouille", &["http/", "os/loopback"]),
    ("tiny_http", &["http/server", "http/kit/options", "http/kit/transport"]),
    ("ureq", &["os/"]),
    ("rusty_s3", &["os/s3"]),
    ("rcgen", &["os/certificates"]),
    ("tar::", &["os/archive"]),
    ("webpki", &["os/certificates"]),
    ("x509_parser", &["os/certificates"]),
    ("if_addrs", &["os/"]),
    ("rustix", &["os/"]),
    ("landlock::", &["os/sandbox"]),
    ("seccompiler", &["os/sandbox"]),
    ("process_wrap", &["os/"]),
    ("sysinfo::", &["os/programs"]),
    ("windows_service::", &["os/service", "cli/"]),
    ("sd_notify", &["os/systemd"]),
    ("clap_mangen", &["cli/manual"]),
    ("getrandom", &["os/"]),
    ("sysinfo::", &["os/programs"]),
    ("fs4", &["os/"]),
    ("ctrlc", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("SystemTime::now", &["os/"]),
    ("Instant::now", &["os/"]),
    ("thread::sleep", &["os/"]),
    // Windows programs need one variable to start, which is passed to children.
    ("std::env", &["config", "os/process", "os/programs"]),
    ("env::var", &["config", "os/process"]),
    ("println!", &["cli/", "render/command"]),
    ("eprintln!", &["cli/", "render/command"]),
    ("std::process::Command", &["os/"]),
];

/// "One concept, one name in every layer": where a newcomer looks for a concept.
const CONCEPT_FILES: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "job.rs",
            "clip.rs",
            "lease.rs",
            "demo.rs",
            "account.rs",
            "key.rs",
            "money.rs",
            "rates.rs",
            "ledger.rs",
            "retention.rs",
        ],
    ),
    (
        "store",
        &[
            "jobs.rs",
            "clips.rs",
            "leases.rs",
            "demos.rs",
            "accounts.rs",
            "keys.rs",
            "ledger.rs",
            "retention.rs",
            "engine/mod.rs",
        ],
    ),
    ("app/jobs", &["submit.rs", "owner.rs", "operator.rs", "lifecycle.rs"]),
    ("app/clips", &["mod.rs", "files.rs"]),
    ("app/leases", &["mod.rs", "held.rs", "heartbeats.rs", "uploads.rs", "complete.rs"]),
    ("app/demos", &["mod.rs", "index.rs"]),
    ("app/accounts", &["mod.rs", "keys.rs", "dinks.rs", "auth.rs"]),
    ("app/billing", &["prices.rs", "usage.rs", "statements.rs"]),
    ("app/upkeep", &["sweep.rs", "retention/mod.rs", "health.rs", "doctor/mod.rs", "backup/mod.rs"]),
    ("http", &["jobs.rs", "clips.rs", "leases.rs", "demos.rs", "account.rs", "usage.rs", "health.rs", "metrics.rs"]),
    (
        "http/kit",
        &["call.rs", "body.rs", "answer.rs", "front.rs", "files.rs", "range.rs", "proxies.rs", "request_log.rs"],
    ),
    ("node", &["lease.rs", "heartbeat.rs", "child.rs", "api.rs", "fetch.rs", "cache.rs"]),
    ("wire", &["node_requests.rs", "submit.rs", "job.rs"]),
];

/// Signs of unfinished work, not allowed anywhere.
const NOWHERE: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore", "FIXME", "XXX"];

struct Source {
    /// Relative to the project's root, with forward slashes.
    path: String,
    text: String,
}

fn rust_files(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| Source {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
        })
        .collect()
}

/// Numbered lines of code before the unit tests, without comments.
fn code_lines(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .enumerate()
        .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
}

/// The folders that code names as `crate::folder`, also inside groups like `crate::{a::b, c}` over several lines.
fn parts_named(code: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut parts = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            parts.push(&rest[..word(rest)]);
            continue;
        };
        let mut depth = 0;
        for item in group.split_inclusive(['{', '}', ',']) {
            let name = item.trim_start();
            if depth == 0 && word(name) > 0 {
                parts.push(&name[..word(name)]);
            }
            match item.chars().last() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => break,
                Some('}') => depth -= 1,
                _ => {}
            }
        }
    }
    parts
}

fn rank(part: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == part).map(|(_, rank)| *rank)
}

fn assert_none(what: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{what}:\n  {}", offences.join("\n  "));
}

#[test]
fn use_parser_handles_multi_line_groups() {
    let cases = [
        ("use crate::domain::error::Result;", vec!["domain"]),
        (
            "use crate::{\n    app::{App, jobs},\n    domain::id,\n};\nfn x() { crate::os::clock() }",
            vec!["app", "domain", "os"],
        ),
        ("use std::fs;", vec![]),
    ];
    for (code, expected) in cases {
        assert_eq!(parts_named(code), expected, "{code}");
    }
}

#[test]
fn folders_use_only_folders_of_lower_rank() {
    let mut offences = Vec::new();
    let sources = rust_files("src");
    assert!(sources.len() > RANKS.len(), "too few sources found");
    for source in &sources {
        let below = source.path.trim_start_matches("src/");
        let part = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if ["main", "lib"].contains(&part) {
            continue;
        }
        let Some(own) = rank(part) else {
            offences.push(format!("{}: the folder has no rank", source.path));
            continue;
        };
        let code: String = code_lines(source).flat_map(|(_, line)| [line, "\n"]).collect();
        for named in parts_named(&code) {
            if named != part && rank(named).is_some_and(|other| other >= own) {
                offences.push(format!("{}: {part} (rank {own}) uses {named}", source.path));
            }
        }
    }
    assert_none("uses of folders of the same or a higher rank", offences);
}

#[test]
fn files_have_no_cyclic_dependencies() {
    for root in ["src/", "crates/transport/src/"] {
        let sources = rust_files(root);
        let code = |source| code_lines(source).flat_map(|(_, line)| [line, "\n"]).collect::<String>();
        let files = sources.iter().map(|source| (source.path.trim_start_matches(root), code(source)));
        assert_none("files with cyclic dependencies", Uses::of(files).circles());
    }
}

#[test]
fn every_concept_has_its_file_in_each_rank() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files =
        CONCEPT_FILES.iter().flat_map(|(folder, names)| names.iter().map(move |name| format!("{folder}/{name}")));
    assert_none("concepts without their file", files.filter(|path| !root.join(path).is_file()).collect());
}

#[test]
fn architecture_page_names_files_and_functions_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let names = page.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs"));
    let is_there = |name: &str| {
        let (path, item) = name.split_once(':').unwrap_or((name, ""));
        let text =
            [root.join("src").join(path), root.join(path)].into_iter().find_map(|path| fs::read_to_string(path).ok());
        let defines =
            |text: String| ["fn", "struct", "enum"].iter().any(|kind| text.contains(&format!("{kind} {item}")));
        text.is_some_and(|text| item.is_empty() || defines(text))
    };
    assert!(names.clone().count() > 50, "the names were found");
    assert_none("not there", names.filter(|name| !is_there(name)).map(str::to_owned).collect());
}

#[test]
fn restricted_apis_are_used_only_in_their_place() {
    let mut offences = Vec::new();
    for source in rust_files("src") {
        let below = source.path.trim_start_matches("src/");
        for (number, line) in code_lines(&source) {
            for (thing, places) in ONLY_IN {
                if line.contains(thing) && !places.iter().any(|place| below.starts_with(place)) {
                    offences.push(format!("{}:{number}: {thing} belongs in {}", source.path, places.join(", ")));
                }
            }
        }
    }
    assert_none("restricted APIs outside their place", offences);
}

#[test]
fn no_unfinished_code_and_no_sleeping_tests() {
    let mut offences = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        for source in rust_files(folder).iter().filter(|source| !source.path.ends_with("tidy.rs")) {
            for (at, line) in source.text.lines().enumerate() {
                for thing in NOWHERE {
                    if line.contains(thing) {
                        offences.push(format!("{}:{}: {thing}", source.path, at + 1));
                    }
                }
                if folder != "src" && line.contains("thread::sleep") {
                    offences.push(format!("{}:{}: a test that sleeps", source.path, at + 1));
                }
            }
        }
    }
    assert_none("unfinished work or sleeping tests", offences);
}

#[test]
fn every_file_has_a_module_comment_and_at_most_400_lines() {
    let mut offences = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        for source in rust_files(folder) {
            if !source.text.starts_with("//!") {
                offences.push(format!("{}: does not begin with //!", source.path));
            }
            let lines = source.text.lines().count();
            if lines > FILE_LINES {
                offences.push(format!("{}: {lines} lines, more than {FILE_LINES}", source.path));
            }
        }
    }
    assert_none("files without a module comment or with too many lines", offences);
}

#[test]
fn top_level_has_only_agreed_entries() {
    let agreed = [
        ".cargo",
        ".ci",
        ".editorconfig",
        ".git",
        ".github",
        ".gitignore",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "clippy.toml",
        "crates",
        "deny.toml",
        "docs",
        "fuzz",
        "packaging",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "schema.sql",
        "src",
        "target",
        "tests",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let strangers = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !agreed.contains(&name.as_str()))
        .collect();
    assert_none("unexpected entries at the top level", strangers);
}
