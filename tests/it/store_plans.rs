//! Query plans of all statements of the store in a golden file, so that a statement that starts to scan is noticed.
//!
//! The statements are extracted from `src/store/`, so none can be left out. To update the golden file after an intended
//! change: `UPDATE_GOLDEN=1 cargo test --test it store_plans`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text in the first pair of quotes, and the rest.
fn literal(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('"')?;
    rest.split_once('"')
}

/// The concatenated literals of an expression, with the file's macro expanded.
fn expression(code: &str, shared: &str) -> String {
    let (mut sql, mut rest) = (String::new(), code);
    while let Some((text, after)) = literal(rest) {
        if rest[..rest.find('"').unwrap()].contains("!()") {
            sql.push_str(shared);
        }
        sql.push_str(text);
        rest = after;
    }
    sql
}

/// The SQL constants of a source file, by name.
fn statements(source: &str) -> Vec<(String, String)> {
    let shared = source.split_once("macro_rules!").and_then(|(_, rest)| literal(rest)).map_or("", |(sql, _)| sql);
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("\nconst ")
        .skip(1)
        .filter_map(|rest| rest.split_once(": &str ="))
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .map(|(name, rest)| (name, rest.split_once(';').unwrap().0))
        .filter(|(_, code)| !code.contains("include_str!"))
        .map(|(name, code)| (name.to_owned(), expression(code, shared)))
        // Constants without spaces are file names.
        .filter(|(_, sql)| sql.contains(' '))
        .collect()
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut explained =
        db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap_or_else(|error| panic!("{error}: {sql}"));
    // The plan does not depend on the parameters.
    let (mut rows, mut steps) = (explained.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

#[test]
fn query_plans_match_the_golden_file_and_none_scans_jobs() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&fs::read_to_string(root().join("schema.sql")).unwrap()).unwrap();
    let mut plans = BTreeMap::new();
    for entry in fs::read_dir(root().join("src/store")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (name, sql) in statements(&fs::read_to_string(&path).unwrap()) {
            let steps = plan(&db, &sql);
            for step in &steps {
                assert!(!step.starts_with("SCAN jobs"), "{file}::{name} scans the jobs: {steps:?}");
            }
            plans.insert(format!("{file}::{name}"), steps);
        }
    }
    assert!(plans.len() > 40, "too few statements found: {}", plans.len());
    assert!(plans.contains_key("jobs::PAGE") && plans.contains_key("keys::OWNER"));

    let mut text = String::new();
    for (name, steps) in plans {
        text += &format!("{name}\n");
        for step in steps {
            text += &format!("    {step}\n");
        }
    }
    let golden: PathBuf = root().join("tests/it/golden/plans.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n");
    assert!(text == expected, "the query plans have changed to:\n{text}");
}
