//! The table `[renderer]` as text: written for what was found on this machine, and put into a config file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::domain::node::RendererKind;
use crate::render::game::install::Found;

/// The header of the table.
const HEADER: &str = "[renderer]";

/// A table and the keys that are needed but were not found.
#[derive(Debug, PartialEq, Eq)]
pub struct Drafted {
    pub text: String,
    pub missing: Vec<&'static str>,
}

/// Writes the table for a renderer. What was not found is a line that is commented out and says what to put there.
pub fn draft(kind: RendererKind, found: &Found) -> Drafted {
    let mut draft = Drafted { text: String::new(), missing: Vec::new() };
    draft.line("# What this node renders with. After a change: `dinkem-appliance node check`");
    draft.line(HEADER);
    draft.line(&format!("kind = \"{}\"", kind.as_str()));
    if kind == RendererKind::Builtin {
        return draft;
    }
    draft.line(&format!("# kind = [\"builtin\", \"{}\"]   # tactical replays, too", kind.as_str()));
    match kind {
        RendererKind::Command => {
            draft.line(
                "\n# Your program and its arguments; placeholders like {demo} and {out} are in docs/game-nodes.md.",
            );
            draft.path("program", None, if cfg!(windows) { r"C:\tools\render.exe" } else { "/opt/tools/render" });
            draft.line("args = [\"{job_json}\"]");
        }
        RendererKind::Hlae => {
            draft.line("\n# HLAE 2.190.0 or newer: https://www.advancedfx.org");
            draft.path("hlae", found.hlae.as_deref(), r"C:\Program Files\HLAE\HLAE.exe");
        }
        RendererKind::Csdm => {
            draft.line("\n# CS Demo Manager 3.20.1 or newer: https://cs-demo-manager.com. Not the .cmd file, and not an AppImage:");
            draft.line("# unpack one with --appimage-extract.");
            let usual = r"C:\Users\render\AppData\Local\Programs\cs-demo-manager\cs-demo-manager.exe";
            draft.path(
                "csdm",
                found.csdm.as_deref(),
                if cfg!(windows) { usual } else { "/opt/cs-demo-manager/cs-demo-manager" },
            );
        }
        RendererKind::Builtin => {}
    }
    if kind != RendererKind::Command {
        draft.line("\n# The game, as Steam has installed it.");
        let usual = if cfg!(windows) {
            r"C:\Program Files (x86)\Steam\steamapps\common\Counter-Strike Global Offensive"
        } else {
            "/home/render/.local/share/Steam/steamapps/common/Counter-Strike Global Offensive"
        };
        draft.path("game_dir", found.game_dir.as_deref(), usual);
        draft.line("\n# The Steam account that is logged in here: demos in which it plays go to other nodes.");
        match found.steam_id {
            Some(id) => draft.line(&format!("steam_id = \"{id}\"")),
            None => draft.missing("steam_id", "\"76561198000000000\""),
        }
    }
    draft.line("\n# ffmpeg puts picture and sound together, and finds black and frozen pictures.");
    draft.path("ffmpeg", found.ffmpeg.as_deref(), "ffmpeg");
    draft.line("\n# Deliver a clip only if it is proven that it shows the right player.");
    draft.line("require_pov = true");
    draft.line("\n# Whether clips must have sound.");
    draft.line(if kind == RendererKind::Command { "# audio = true" } else { "audio = true" });
    draft.line("\n# A demo to try the game with after each of its updates. Without one: that of the last good clip.");
    draft.line("# canary = 'canary.dem'");
    draft
}

impl Drafted {
    fn line(&mut self, line: &str) {
        _ = writeln!(self.text, "{line}");
    }

    fn path(&mut self, key: &'static str, path: Option<&Path>, usual: &str) {
        match path {
            Some(path) => self.line(&format!("{key} = {}", quoted(&path.to_string_lossy()))),
            None => self.missing(key, &quoted(usual)),
        }
    }

    fn missing(&mut self, key: &'static str, example: &str) {
        self.line(&format!("# {key} = {example}   # not found: put it here and remove the first #"));
        self.missing.push(key);
    }
}

/// A TOML string; literal if possible, so that backslashes stay as they are.
fn quoted(text: &str) -> String {
    if text.contains('\'') || text.contains(char::is_control) {
        toml::Value::String(text.to_owned()).to_string()
    } else {
        format!("'{text}'")
    }
}

/// Whether a file has the table already.
pub fn has_table(file: &str) -> bool {
    file.parse::<toml::Table>().is_ok_and(|tables| tables.contains_key("renderer"))
}

/// The file with the table at its end.
pub fn appended(file: &str, table: &str) -> String {
    let gap = if file.trim().is_empty() { "" } else { "\n" };
    let file = file.trim_end();
    let end = if file.is_empty() { "" } else { "\n" };
    format!("{file}{end}{gap}{table}")
}

/// The file with this table in place of its own; `None` if that has another form than a header and lines.
pub fn replaced(file: &str, table: &str) -> Option<String> {
    let lines: Vec<&str> = file.lines().collect();
    let bare = |line: &str| line.split('#').next().unwrap_or_default().replace([' ', '\t'], "");
    let from = lines.iter().position(|line| bare(line) == HEADER)?;
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    let next = lines[from + 1..].iter().position(is_header).map_or(lines.len(), |at| from + 1 + at);
    // Comments above a table belong to it.
    let is_own = |line: &&&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let to =
        if next < lines.len() { next - lines[from + 1..next].iter().rev().take_while(is_own).count() } else { next };
    let rest = lines[to..].iter().fold(String::new(), |rest, line| rest + line + "\n");
    let new = appended(&lines[..from].join("\n"), table) + if rest.is_empty() { "" } else { "\n" } + rest.trim_start();
    let others = |file: &str| {
        let mut tables = file.parse::<toml::Table>().ok()?;
        tables.remove("renderer");
        Some(tables)
    };
    (others(&new)? == others(file)?).then_some(new)
}

/// The keys of what was found, for `--json`.
pub fn found_paths(found: &Found) -> [(&'static str, &Option<PathBuf>); 5] {
    [
        ("steam", &found.steam),
        ("game_dir", &found.game_dir),
        ("hlae", &found.hlae),
        ("csdm", &found.csdm),
        ("ffmpeg", &found.ffmpeg),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Found {
        Found {
            steam: Some("/home/x/.steam/steam".into()),
            steam_id: Some(76_561_197_960_265_730),
            game_dir: Some("/home/x/it's here".into()),
            hlae: Some(r"C:\Program Files\HLAE\HLAE.exe".into()),
            csdm: Some("/opt/csdm".into()),
            ffmpeg: Some("/usr/bin/ffmpeg".into()),
        }
    }

    #[test]
    fn table_has_what_was_found_and_names_what_was_not() {
        for kind in RendererKind::ALL {
            for (found, expects) in [(found(), true), (Found::default(), false)] {
                let draft = draft(kind, &found);
                let table: toml::Table = draft.text.parse().unwrap();
                let table = table["renderer"].as_table().unwrap();
                assert_eq!(table["kind"].as_str(), Some(kind.as_str()));
                let (needed, path): (&[&str], _) = match kind {
                    RendererKind::Builtin => (&[], None),
                    RendererKind::Hlae => {
                        (&["hlae", "game_dir", "steam_id", "ffmpeg"], Some(("hlae", r"C:\Program Files\HLAE\HLAE.exe")))
                    }
                    RendererKind::Csdm => {
                        (&["csdm", "game_dir", "steam_id", "ffmpeg"], Some(("game_dir", "/home/x/it's here")))
                    }
                    RendererKind::Command => (&["program", "ffmpeg"], None),
                };
                for key in needed {
                    assert_eq!(table.contains_key(*key), expects && *key != "program", "{kind:?} {key}");
                    assert_eq!(draft.missing.contains(key), !expects || *key == "program", "{kind:?} {key}");
                }
                if let Some((key, path)) = path.filter(|_| expects) {
                    assert_eq!(table[key].as_str(), Some(path));
                }
            }
        }
    }

    #[test]
    fn table_is_put_into_a_file_without_touching_the_rest() {
        let table = "# new\n[renderer]\nkind = \"builtin\"\n";
        let cases = [
            ("", None, "# new\n[renderer]\nkind = \"builtin\"\n"),
            ("# ours\nlog = 'off'\n", None, "# ours\nlog = 'off'\n\n# new\n[renderer]\nkind = \"builtin\"\n"),
            (
                "log = 'off'\n[ renderer ] # old\nkind = 'csdm'\nargs = [\n 'x',\n]\n\n# of the server\n[serve]\nlisten = 'x'\n",
                Some(()),
                "log = 'off'\n\n# new\n[renderer]\nkind = \"builtin\"\n\n# of the server\n[serve]\nlisten = 'x'\n",
            ),
            ("[renderer]\nkind = 'csdm'\n", Some(()), "# new\n[renderer]\nkind = \"builtin\"\n"),
        ];
        for (file, has, new) in cases {
            assert_eq!(has_table(file), has.is_some(), "{file}");
            let written = if has.is_some() { replaced(file, table) } else { Some(appended(file, table)) };
            assert_eq!(written.as_deref(), Some(new), "{file}");
        }
        assert!(has_table("renderer.kind = 'csdm'") && has_table("renderer = { kind = 'csdm' }"));
        assert_eq!(replaced("renderer.kind = 'csdm'", table), None);
        assert_eq!(replaced("[renderer]\nargs = [\n['x'],\n]\n", table), None, "a line like a header within a value");
    }
}
