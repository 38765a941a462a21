//! Checks of the programs that drive the game: found, new enough, and complete.

use std::path::Path;

use crate::domain::error::Result;
use crate::domain::node::RendererKind;
use crate::os::programs;
use crate::render::game::install::{Places, hlae_of};
use crate::render::game::versions::{OLDEST_CSDM, Version, answer, csdm_version, hlae_version};
use crate::render::game::{GameSetup, hlae_encoders, hlae_hook};

use super::{Check, WARNING, not_ready};

/// The oldest HLAE with the events that the script needs.
const OLDEST_HLAE: Version = Version(2, 190, 0);

/// The checks of a renderer's tools.
pub fn checks(setup: &GameSetup) -> Vec<Check> {
    let mut checks = match setup.kind {
        RendererKind::Hlae => vec![Check { name: "hlae", outcome: hlae(setup) }],
        RendererKind::Csdm => {
            let mut checks = vec![
                Check { name: "csdm", outcome: csdm(setup) },
                Check { name: "settings", outcome: settings(&Places::of_this_user()) },
            ];
            if cfg!(windows) {
                checks.push(Check { name: "hlae", outcome: hlae(setup) });
            }
            checks
        }
        RendererKind::Command => vec![Check { name: "program", outcome: program(setup) }],
        RendererKind::Builtin => Vec::new(),
    };
    checks.push(Check { name: "ffmpeg", outcome: ffmpeg(setup) });
    checks
}

fn program(setup: &GameSetup) -> Result<String> {
    let program = setup.program.as_deref().unwrap_or_default();
    let found = programs::find(program).ok_or_else(|| {
        not_ready(format!(
            "The program \"{program}\" was not found. Set program in [renderer] to its path, or install it in the search path."
        ))
    })?;
    if !is_executable(&found) {
        return Err(not_ready(format!("{} may not be run by this user. Make it executable.", found.display())));
    }
    Ok(found.display().to_string())
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}

fn hlae(setup: &GameSetup) -> Result<String> {
    let hlae = hlae_of(setup).ok_or_else(|| {
        not_ready("HLAE is not configured. Install it and set hlae in [renderer] to the path of HLAE.exe.")
    })?;
    let shown = hlae.display();
    if !hlae.is_file() {
        return Err(not_ready(format!(
            "HLAE is not at {shown}. Install it, or set hlae in [renderer] to the path of HLAE.exe."
        )));
    }
    let hook = hlae_hook(&hlae);
    if !hook.is_file() {
        return Err(not_ready(format!("{} is missing. Install HLAE again, completely.", hook.display())));
    }
    let encoder = hlae_encoders(&hlae);
    if setup.kind == RendererKind::Hlae && !encoder.iter().any(|file| file.is_file()) {
        return Err(not_ready(format!(
            "HLAE has no ffmpeg of its own. Put it at {}, or its path into {}.",
            encoder[0].display(),
            encoder[1].display()
        )));
    }
    match hlae_version(&hlae) {
        Some(version) if version < OLDEST_HLAE => Err(not_ready(format!(
            "HLAE {version} is too old: {OLDEST_HLAE} or newer is needed. Install the newest version."
        ))),
        Some(version) => Ok(format!("HLAE {version}, {shown}")),
        None => Err(not_ready(format!(
            "The version of {shown} cannot be read. Install HLAE {OLDEST_HLAE} or newer, with its changelog.xml."
        ))),
    }
}

fn csdm(setup: &GameSetup) -> Result<String> {
    let Some(csdm) = setup.csdm.as_deref() else {
        return Err(not_ready(
            "CS Demo Manager is not configured. Install it and set csdm in [renderer] to its program.",
        ));
    };
    let shown = csdm.display();
    let version = csdm_version(csdm).map_err(|why| {
        not_ready(format!(
            "The command line of CS Demo Manager, {shown}, does not run: {why}. Install it again, or correct csdm in [renderer]."
        ))
    })?;
    if version < OLDEST_CSDM {
        return Err(not_ready(format!(
            "CS Demo Manager {version} is too old: {OLDEST_CSDM} or newer is needed. Install the newest version."
        )));
    }
    Ok(format!("CS Demo Manager {version}, {shown}"))
}

/// Without its settings, it does not know its database, and downloads what it misses.
fn settings(places: &Places) -> Result<String> {
    let file = places.csdm_settings_file().ok_or_else(|| {
        not_ready(
            "This user has no home directory for the settings of CS Demo Manager. Run the node as the user who plays.",
        )
    })?;
    if !file.is_file() {
        return Err(not_ready(format!(
            "CS Demo Manager has no settings at {}. Open it once as this user and connect it to its PostgreSQL database.",
            file.display()
        )));
    }
    Ok(file.display().to_string())
}

fn ffmpeg(setup: &GameSetup) -> Result<String> {
    let is_needed = setup.kind != RendererKind::Command;
    let Some(ffmpeg) = programs::find(&setup.ffmpeg) else {
        let missing = format!("ffmpeg was not found as \"{}\".", setup.ffmpeg);
        return if is_needed {
            Err(not_ready(format!("{missing} Install it, or set ffmpeg in [renderer] to its path.")))
        } else {
            Ok(format!(
                "{WARNING}{missing} Clips are checked by their structure only, not for black or frozen pictures."
            ))
        };
    };
    let version = version_line(&ffmpeg)
        .map_err(|why| not_ready(format!("{} does not run: {why}. Install ffmpeg again.", ffmpeg.display())))?;
    let ffprobe = ffmpeg.with_file_name(if cfg!(windows) { "ffprobe.exe" } else { "ffprobe" });
    let beside = version_line(&ffprobe).unwrap_or_else(|_| "no ffprobe beside it, which is not needed".to_owned());
    Ok(format!("{version}, {beside}"))
}

/// `ffmpeg 5.1.9`.
fn version_line(program: &Path) -> Result<String, String> {
    let lines = answer(program, &["-version".into()], &[])?;
    let mut words = lines.first().map(String::as_str).unwrap_or_default().split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(name), Some("version"), Some(version)) => Ok(format!("{name} {version}")),
        _ => Err("it does not say its version".to_owned()),
    }
}
