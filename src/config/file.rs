//! Reads `config.toml` and rejects unknown or invalid settings by name and line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strsim::levenshtein;
use toml::de::{DeTable, DeValue};

use crate::config::settings::{TABLES, Table};

/// The value of one key.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The values, as they would be written on the command line.
    pub values: Vec<String>,
    line: usize,
}

/// Settings by table and key.
type Settings = BTreeMap<(&'static str, &'static str), Setting>;

/// An error with its line number.
type Fault = (usize, String);

/// A validated `config.toml`.
#[derive(Debug, Default)]
pub struct File {
    path: PathBuf,
    settings: Settings,
}

impl File {
    /// Reads and validates the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the config file {}: {error}", path.display()))?;
        let settings = settings(&text).map_err(|(line, fault)| at(path, line, &fault))?;
        Ok(Self { path: path.to_owned(), settings })
    }

    /// Looks up a key.
    pub fn get(&self, table: &Table, key: &'static str) -> Option<&Setting> {
        self.settings.get(&(table.name, key))
    }

    /// An error message about a setting.
    pub fn fault(&self, setting: &Setting, what: &str) -> String {
        at(&self.path, setting.line, what)
    }
}

fn at(path: &Path, line: usize, fault: &str) -> String {
    format!("{}, line {line}: {fault}", path.display())
}

fn settings(text: &str) -> Result<Settings, Fault> {
    let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let top = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        (line_of(offset), format!("not valid TOML: {}", error.message().replace('\n', ", ")))
    })?;
    let mut found = Settings::new();
    for (name, value) in top.get_ref() {
        let line = line_of(name.span().start);
        let named = TABLES.iter().find(|table| !table.name.is_empty() && table.name == name.get_ref());
        match (named, value.get_ref()) {
            (Some(table), DeValue::Table(inner)) => {
                for (key, value) in inner {
                    read(table, key.get_ref(), value.get_ref(), line_of(key.span().start), &mut found)?;
                }
            }
            (Some(table), _) => return Err((line, format!("\"{0}\" must be a table, written as [{0}]", table.name))),
            (None, DeValue::Table(_)) if !TABLES[0].keys.contains(&name.get_ref().as_ref()) => {
                return Err((line, unknown_table(name.get_ref())));
            }
            (None, value) => read(&TABLES[0], name.get_ref(), value, line, &mut found)?,
        }
    }
    Ok(found)
}

fn read(table: &Table, key: &str, value: &DeValue<'_>, line: usize, found: &mut Settings) -> Result<(), Fault> {
    let Some(key) = table.keys.iter().copied().find(|known| *known == key) else {
        return Err((line, unknown_key(table, key)));
    };
    let values = match value {
        DeValue::Array(items) if table.lists.contains(&key) => {
            let items: Option<_> = items.iter().map(|item| scalar(item.get_ref())).collect();
            items.ok_or_else(|| (line, format!("\"{key}\"{} must be a list of plain values", table.suffix())))?
        }
        other => {
            vec![scalar(other).ok_or_else(|| (line, format!("\"{key}\"{} must be one plain value", table.suffix())))?]
        }
    };
    found.insert((table.name, key), Setting { values, line });
    Ok(())
}

/// A scalar as it would be written on the command line.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn unknown_table(name: &str) -> String {
    let names = || TABLES.iter().map(|table| table.name).filter(|name| !name.is_empty());
    let advice = match nearest(name, names()) {
        Some(near) => format!("did you mean [{near}]?"),
        None => format!("the tables are {}", names().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ")),
    };
    format!("unknown table [{name}]; {advice}")
}

/// Suggests the right table for a misplaced key, otherwise the key with the most similar name.
fn unknown_key(table: &Table, key: &str) -> String {
    let others = || TABLES.iter().filter(|other| other.name != table.name);
    let flag = key.replace('_', "-");
    let here = table.suffix();
    if let Some(own) = table.key(&flag) {
        return format!("unknown key \"{key}\"{here}; did you mean \"{own}\"?");
    }
    let homes: Vec<_> = others().filter_map(|other| Some((other, other.key(&flag)?))).collect();
    if let Some((_, own)) = homes.first() {
        let places: Vec<_> = homes.iter().map(|(home, _)| place(home)).collect();
        let renamed = if *own == key { String::new() } else { format!(", as \"{own}\"") };
        return format!("\"{key}\" belongs {}{renamed}", places.join(" or "));
    }
    if let Some(near) = nearest(key, table.keys.iter().copied()) {
        return format!("unknown key \"{key}\"{here}; did you mean \"{near}\"?");
    }
    let elsewhere = others().find_map(|other| Some((other, nearest(key, other.keys.iter().copied())?)));
    match elsewhere {
        Some((home, near)) => format!("unknown key \"{key}\"{here}; did you mean \"{near}\" {}?", place(home)),
        None => format!("unknown key \"{key}\"{here}"),
    }
}

fn place(table: &Table) -> String {
    if table.name.is_empty() { "at the top, above all tables".to_owned() } else { format!("in [{}]", table.name) }
}

/// The name that was probably meant: at most a third of the letters differ.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = typed.chars().count().max(3) / 3;
    let near = names.map(|name| (levenshtein(typed, name), name)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_their_table() {
        let cases = [
            ("", vec![]),
            ("data_dir = 'x'\n[serve]\nlisten = '[::]:1'", vec![("", "data_dir", "x"), ("serve", "listen", "[::]:1")]),
            ("serve.lease_seconds = 9", vec![("serve", "lease_seconds", "9")]),
            ("[node]\nfetch_allow = ['10.0.0.0/8', '::1']", vec![("node", "fetch_allow", "10.0.0.0/8+::1")]),
            ("[node]\nfetch_allow = '10.0.0.0/8'", vec![("node", "fetch_allow", "10.0.0.0/8")]),
            (
                "[renderer]\nkind = 'command'\nargs = ['-x', '{out}']",
                vec![("renderer", "args", "-x+{out}"), ("renderer", "kind", "command")],
            ),
            ("[node]\nserver = 'a'\n[client]\nserver = 'b'", vec![("client", "server", "b"), ("node", "server", "a")]),
        ];
        for (text, expected) in cases {
            let found = settings(text).unwrap();
            let found: Vec<_> = found.iter().map(|((table, key), own)| (*table, *key, own.values.join("+"))).collect();
            let expected: Vec<_> = expected.into_iter().map(|(table, key, own)| (table, key, own.to_owned())).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn distance_counts_letters_that_differ() {
        for (left, right, letters) in [("", "", 0), ("a", "", 1), ("lisen", "listen", 1), ("outptu", "output", 2)] {
            assert_eq!(levenshtein(left, right), letters, "{left} {right}");
        }
    }
}
