//! `node init`: finds the game and its tools on this machine, and writes the table `[renderer]` of the config file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::node::renderer_table::{Drafted, appended, draft, found_paths, has_table, replaced};
use crate::cli::node::{Call, output, wrong_usage};
use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::node::RendererKind;
use crate::render::game::install::{Found, Places, find};

/// Find the game and its tools on this machine, and write the [renderer] table of the config file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The table is added to the config file; everything else in the file stays as it is. A table that is
there is replaced only with --force. What was not found is a line to complete by hand.

Example: as the user who is logged in to Steam:
  dinkem-appliance node init --kind hlae
  dinkem-appliance node check")]
pub struct Args {
    /// Renderer: the game through hlae, csdm or command, a program of your own; or builtin
    #[arg(long, value_name = "KIND", value_parser = super::renderer_args::kind)]
    kind: RendererKind,
    /// Config file to write [default: the one that --config names, else the user's own; for builtin the one that is read]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a [renderer] table that is there
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    // The game runs in the session of one user, so its settings are that user's.
    let is_shared = args.kind == RendererKind::Builtin;
    let path = args.output.clone().or_else(|| config::file_to_write(is_shared));
    let path = path.ok_or_else(|| wrong_usage("There is no home directory for the file. Name one with --output."))?;
    let found = find(&Places::of_this_user());
    let draft = draft(args.kind, &found);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            let message = format!("Cannot read {}: {error}.", path.display());
            return Err(Error::new(Kind::Invalid, ErrorCode::UnreadableFile, message));
        }
    };
    if has_table(&before) && !args.force {
        if call.json {
            output::json(&report(args.kind, &path, false, &found, &draft));
        } else {
            output::line(draft.text.trim_end());
        }
        return Err(unwritable(format!(
            "{} already has a [renderer] table and was not changed. Replace it with the table above: --force.",
            path.display()
        )));
    }
    let after = if has_table(&before) {
        replaced(&before, &draft.text).ok_or_else(|| {
            unwritable(format!(
                "The [renderer] settings in {} cannot be replaced automatically. Remove them, then run the same command again.",
                path.display()
            ))
        })?
    } else {
        appended(&before, &draft.text)
    };
    write(&path, &after)?;
    if call.json {
        output::json(&report(args.kind, &path, true, &found, &draft));
        return Ok(());
    }
    output::line(&format!("Wrote the [renderer] table to {}.", path.display()));
    for key in &draft.missing {
        output::line(&format!("Not found: {key}. Set it in the file."));
    }
    let named = args.output.as_ref().map_or_else(String::new, |path| format!(" --config \"{}\"", path.display()));
    output::line(&format!("Next: dinkem-appliance node check{named}"));
    Ok(())
}

/// Written in place, so that the file keeps its owner and permissions.
fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, text)).map_err(|error| {
        unwritable(format!("Cannot write {}: {error}. Name another file with --output.", path.display()))
    })
}

fn unwritable(message: String) -> Error {
    Error::new(Kind::Invalid, ErrorCode::UnwritableFile, message)
}

fn report(kind: RendererKind, path: &Path, written: bool, found: &Found, draft: &Drafted) -> serde_json::Value {
    let mut places = serde_json::Map::new();
    for (name, path) in found_paths(found) {
        places.insert(name.to_owned(), json!(path));
    }
    places.insert("steam_id".to_owned(), json!(found.steam_id.map(|id| id.to_string())));
    json!({
        "kind": kind.as_str(),
        "file": path,
        "written": written,
        "found": places,
        "missing": draft.missing,
        "table": draft.text,
    })
}
