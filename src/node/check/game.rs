//! Checks of the game's files, of the disks, and of the paths that the game is given.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::domain::error::Result;
use crate::domain::node::RendererKind;
use crate::os::files;
use crate::render::game::versions::game_build;
use crate::render::game::{GameSetup, csgo, game_info_is_writable};

use super::{Check, not_ready};

/// Bytes that must be free for recording, 10 GiB: raw pictures and sound of the longest clip, and the game's own files.
const RECORDING_BYTES: u64 = 10 << 30;
/// Characters of a path. The game and its tools add up to a hundred of their own, and Windows allows 260.
const PATH_CHARS: usize = 120;
/// Characters that end a string, a command or a comment in a config file of the game or its tools.
const FORBIDDEN: &[char] = &['"', '\'', '`', ';', '#', '{', '}', '<', '>', '|', '?', '*'];
/// The first bytes of a demo.
const DEMO_MAGIC: &[u8; 8] = b"PBDEMS2\0";

/// The checks of the game itself. Without its directory, as with a program of the studio's own, there are fewer.
pub fn checks(setup: &GameSetup, state_dir: &Path, canary: Option<&Path>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(game_dir) = &setup.game_dir {
        checks.push(Check { name: "game", outcome: game(setup, game_dir) });
        if setup.kind == RendererKind::Csdm {
            checks.push(Check { name: "gameinfo", outcome: game_info(game_dir) });
        }
    }
    checks.push(Check { name: "disk", outcome: disks(setup, state_dir) });
    checks.push(Check { name: "paths", outcome: paths(setup, state_dir) });
    checks.push(Check { name: "canary", outcome: canary_demo(canary) });
    checks
}

fn game(setup: &GameSetup, game_dir: &Path) -> Result<String> {
    let build = game_build(game_dir).ok_or_else(|| {
        not_ready(format!(
            "The game is not in {}: game/csgo/steam.inf names no build. Install it with Steam, or correct game_dir in [renderer].",
            game_dir.display()
        ))
    })?;
    let program = setup.game_program().filter(|program| !program.is_file());
    if let Some(missing) = program {
        return Err(not_ready(format!(
            "The game's program {} is missing. Let Steam verify the game's files.",
            missing.display()
        )));
    }
    Ok(format!("build {build}, {}", game_dir.display()))
}

/// CS Demo Manager loads its plugin by a line in this file, and hangs if it cannot write it.
fn game_info(game_dir: &Path) -> Result<String> {
    let csgo = csgo(game_dir);
    let path = csgo.join("gameinfo.gi");
    match game_info_is_writable(&csgo) {
        Ok(()) => Ok(format!("{} can be written", path.display())),
        Err(error) => Err(not_ready(format!(
            "CS Demo Manager must write to {}: {error}. Let this user change the file.",
            path.display()
        ))),
    }
}

fn disks(setup: &GameSetup, state_dir: &Path) -> Result<String> {
    let places = [Some(state_dir), setup.game_dir.as_deref()];
    let mut found = Vec::new();
    for place in places.into_iter().flatten() {
        let Some(free) = files::free_bytes(place) else { continue };
        if free < RECORDING_BYTES {
            return Err(not_ready(format!(
                "The disk of {} has {} GiB free; recording needs {}. Free some space.",
                place.display(),
                free >> 30,
                RECORDING_BYTES >> 30
            )));
        }
        found.push(format!("{} GiB free for {}", free >> 30, place.display()));
    }
    Ok(found.join(", "))
}

/// The game, its console and its tools mangle other characters.
fn paths(setup: &GameSetup, state_dir: &Path) -> Result<String> {
    let given = [
        ("state directory", "--state-dir", Some(state_dir.to_owned())),
        ("game's directory", "game_dir", setup.game_dir.clone()),
        ("path of HLAE", "hlae", setup.hlae.clone()),
        ("path of CS Demo Manager", "csdm", setup.csdm.clone()),
        ("path of ffmpeg", "ffmpeg", Some(PathBuf::from(&setup.ffmpeg))),
    ];
    for (what, setting, path) in given {
        let Some(path) = path else { continue };
        let text = path.to_string_lossy();
        let shown = path.display();
        let plain = text.replace('\\', "/");
        if !text.is_ascii() || text.contains(FORBIDDEN) || plain.contains("//") {
            return Err(not_ready(format!(
                "The {what}, {shown}, has characters that the game's tools cannot handle. Use one on a local disk of plain English letters, digits and spaces, and change {setting}."
            )));
        }
        if text.chars().count() > PATH_CHARS {
            return Err(not_ready(format!(
                "The {what}, {shown}, is longer than {PATH_CHARS} characters. Use a shorter one, and change {setting}."
            )));
        }
    }
    Ok("all paths are plain and short".to_owned())
}

fn canary_demo(canary: Option<&Path>) -> Result<String> {
    let Some(canary) = canary else {
        return Ok("none is set: after an update, the demo of the last good clip is tried".to_owned());
    };
    let mut head = [0; DEMO_MAGIC.len()];
    let unusable = |why: &str| {
        not_ready(format!(
            "The canary {} {why}. Set canary in [renderer] to a demo of the game's current version.",
            canary.display()
        ))
    };
    let read = File::open(canary).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    if head != *DEMO_MAGIC {
        return Err(unusable("is not a CS2 demo"));
    }
    Ok(canary.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(game_dir: &Path) -> GameSetup {
        GameSetup { game_dir: Some(game_dir.to_owned()), ..GameSetup::new(RendererKind::Csdm) }
    }

    fn message(outcome: Result<String>) -> String {
        outcome.unwrap_or_else(|error| error.message)
    }

    #[test]
    fn game_must_be_complete_and_gameinfo_writable() {
        let dir = tempfile::tempdir().unwrap();
        let setup = setup(dir.path());
        assert!(message(game(&setup, dir.path())).starts_with("The game is not in"));
        std::fs::create_dir_all(dir.path().join("game/csgo")).unwrap();
        std::fs::write(dir.path().join("game/csgo/steam.inf"), "PatchVersion=1.41.5.2\n").unwrap();
        assert!(message(game(&setup, dir.path())).starts_with("The game's program"));
        let program = setup.game_program().unwrap();
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(program, "").unwrap();
        assert_eq!(game(&setup, dir.path()).unwrap(), format!("build 14152, {}", dir.path().display()));
        assert!(message(game_info(dir.path())).starts_with("CS Demo Manager must write to"));
        std::fs::write(dir.path().join("game/csgo/gameinfo.gi"), "").unwrap();
        assert!(game_info(dir.path()).is_ok());
    }

    #[test]
    fn paths_must_be_plain_and_short() {
        let long = format!("/{}", "x".repeat(PATH_CHARS));
        let cases = [
            ("/games/Counter-Strike Global Offensive", "all paths are plain and short"),
            ("/spiele/Zähler", "has characters that the game's tools cannot handle"),
            ("/games/#1", "has characters that the game's tools cannot handle"),
            ("/games/it's", "has characters that the game's tools cannot handle"),
            (r"\\server\games", "has characters that the game's tools cannot handle"),
            ("/Program Files (x86)/Steam", "all paths are plain and short"),
            (&long, "is longer than 120 characters"),
        ];
        for (path, part) in cases {
            let outcome = message(paths(&setup(Path::new(path)), Path::new("/var/node")));
            assert!(outcome.contains(part), "{path}: {outcome}");
        }
    }

    #[test]
    fn canary_must_be_a_demo() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("canary.dem");
        assert!(canary_demo(None).is_ok());
        assert!(message(canary_demo(Some(&path))).contains("cannot be read"));
        for (content, part) in
            [(&b"HL2DEMO\0..."[..], "is not a CS2 demo"), (b"PBD", "cannot be read"), (b"PBDEMS2\0..", "canary.dem")]
        {
            std::fs::write(&path, content).unwrap();
            assert!(message(canary_demo(Some(&path))).contains(part));
        }
    }
}
