//! The dependencies between the files of a crate, read from `use` lines and paths, for the test of cycles.

use std::collections::{BTreeMap, BTreeSet};

/// A module by its path: `app::jobs` is `["app", "jobs"]`.
type Module = Vec<String>;

/// Each module of a crate with the modules it uses. Uses of the `mod.rs` above a file are not counted, because it
/// contains what the folder shares.
pub struct Uses(BTreeMap<Module, BTreeSet<Module>>);

impl Uses {
    /// From files, each given by its path below the crate's `src` and its code without comments and unit tests.
    pub fn of<'a>(files: impl Iterator<Item = (&'a str, String)>) -> Self {
        let files: BTreeMap<Module, String> = files.map(|(path, code)| (module(path), code)).collect();
        let used = |own: &Module, code: &str| {
            let targets = paths(code).into_iter().filter_map(|path| target(own, &path, &files));
            targets.filter(|target| !own.starts_with(target)).collect()
        };
        Self(files.iter().map(|(own, code)| (own.clone(), used(own, code))).collect())
    }

    /// The modules that are part of a dependency cycle or depend on one.
    pub fn circles(mut self) -> Vec<String> {
        loop {
            let known: BTreeSet<Module> = self.0.keys().cloned().collect();
            let before = known.len();
            self.0.retain(|_, used| used.iter().any(|module| known.contains(module)));
            if self.0.len() == before {
                break;
            }
        }
        let known: BTreeSet<&Module> = self.0.keys().collect();
        let names = |used: &BTreeSet<Module>| {
            used.iter().filter(|module| known.contains(module)).map(|module| module.join("::")).collect::<Vec<_>>()
        };
        self.0.iter().map(|(own, used)| format!("{} uses {}", own.join("::"), names(used).join(", "))).collect()
    }
}

fn module(path: &str) -> Module {
    let path = path.trim_end_matches(".rs");
    let mut parts: Module = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// The file that a path refers to; `None` for other crates and for names that are not files.
fn target(own: &Module, path: &[String], files: &BTreeMap<Module, String>) -> Option<Module> {
    let mut full: Module = match path.first()?.as_str() {
        "crate" => path[1..].to_vec(),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            own[..own.len().checked_sub(up)?].iter().chain(&path[up..]).cloned().collect()
        }
        "self" => own.iter().chain(&path[1..]).cloned().collect(),
        _ => own.iter().chain(path).cloned().collect(),
    };
    while !full.is_empty() && !files.contains_key(&full) {
        full.pop();
    }
    // A relative path that names no child only leads back to its own file.
    (!full.is_empty() && full != *own).then_some(full)
}

/// Every path in code: each leaf of its `use` trees, and `crate::…` and `super::…` anywhere.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code.to_owned();
    let statements: Vec<String> = rest.split_inclusive(';').map(str::to_owned).collect();
    for statement in statements {
        let Some(at) = statement.rfind("use ").filter(|at| is_use(&statement[..*at])) else { continue };
        let tree = statement[at + 4..].trim_end_matches(';');
        flatten("", tree, &mut found);
        rest = rest.replacen(&statement[at..], "", 1);
    }
    for root in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(root) {
            if rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let end = rest[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            found.push(parts(&rest[at..end.map_or(rest.len(), |end| at + end)]));
        }
    }
    found
}

/// Whether the text before `use ` ends a line, or is only a visibility such as `pub`.
fn is_use(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with("pub")
}

fn flatten(prefix: &str, tree: &str, found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let leaf = tree.split(" as ").next().unwrap_or_default().trim();
        let path = if leaf == "self" { prefix.trim_end_matches("::").to_owned() } else { format!("{prefix}{leaf}") };
        return found.push(parts(&path));
    };
    let (mut depth, mut item) = (0, String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&format!("{prefix}{head}"), &std::mem::take(&mut item), found);
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    if !item.trim().is_empty() {
        flatten(&format!("{prefix}{head}"), &item, found);
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[test]
fn cycles_are_found_through_use_trees_and_paths() {
    let crate_of = |files: &[(&'static str, &str)]| {
        Uses::of(files.iter().map(|(path, code)| (*path, (*code).to_owned())).collect::<Vec<_>>().into_iter()).circles()
    };
    let line = [
        ("a/mod.rs", "mod b; mod c;\npub use b::B;"),
        ("a/b.rs", "use super::c::{self, C};\nfn f() { crate::d::g() }"),
        ("a/c.rs", "use crate::a::Shared;"),
        ("d.rs", ""),
    ];
    assert!(crate_of(&line).is_empty());
    let circle = [("a/b.rs", "use super::{\n    c::{self, C},\n    e,\n};"), ("a/c.rs", "fn f() { crate::a::b::g() }")];
    assert_eq!(crate_of(&circle), ["a::b uses a::c", "a::c uses a::b"]);
}
