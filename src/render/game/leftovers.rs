//! What the tools leave behind when they or the game are killed, and how to remove it.

use std::fs;
use std::io;
use std::path::Path;

use super::files::csgo;
use super::setup::GameSetup;
use crate::os::{files, programs};

/// What CS Demo Manager adds to `gameinfo.gi` while its plugin is installed.
const PATCH: &str = "csgo/csdm";
/// Start of the names of its temporary sound files.
const AUDIO: &str = "csdm-audio.";
/// Start of the names of the game's own recordings under CS Demo Manager.
pub const RAW: &str = "sequence-";

/// Ends the game on this machine and restores its directory to how Steam installed it. For a node at start and before
/// each attempt: a preset does the same at its own end, unless it was killed. Tries everything, and returns the first
/// error.
pub fn sweep(setup: &GameSetup) -> io::Result<()> {
    let mut first = Ok(());
    let mut note = |result: io::Result<()>| {
        if let Err(error) = result {
            log::warn!("Cannot remove a leftover of the game: {error}");
            if first.is_ok() {
                first = Err(error);
            }
        }
    };
    if let Some(game) = setup.game_program() {
        let ended = programs::kill(&game);
        if ended > 0 {
            log::warn!("Killed a leftover process of the game: {}", game.display());
        }
    }
    if let Some(dir) = &setup.game_dir {
        let csgo = csgo(dir);
        note(restore_game_info(&csgo));
        note(remove_dir(&csgo.join("csdm")));
        note(files::remove(&csgo.join(super::state_integration::CFG)));
        note(remove_matching(&csgo, RAW));
        note(remove_matching(&csgo.join("movie"), RAW));
    }
    note(remove_matching(&tempfile::env::temp_dir(), AUDIO));
    first
}

/// Removes what CS Demo Manager puts next to a demo.
pub fn sweep_demo(demo: &Path) -> io::Result<()> {
    let mut actions = demo.as_os_str().to_owned();
    actions.push(".json");
    files::remove(Path::new(&actions))
}

/// Whether `gameinfo.gi` can be changed, without changing it: the plugin's installation fails silently otherwise.
pub fn game_info_is_writable(csgo: &Path) -> io::Result<()> {
    fs::OpenOptions::new().append(true).open(csgo.join("gameinfo.gi")).map(drop)
}

/// Takes the plugin out of `gameinfo.gi`. The backup is used only while the file is patched: otherwise the game was
/// updated since, and the backup is stale.
fn restore_game_info(csgo: &Path) -> io::Result<()> {
    let (info, backup) = (csgo.join("gameinfo.gi"), csgo.join("gameinfo.gi.backup"));
    let content = match fs::read(&info) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return files::remove(&backup),
        content => content?,
    };
    if !is_patched(&content) {
        return files::remove(&backup);
    }
    let original = match fs::read(&backup) {
        Ok(original) if !is_patched(&original) && !original.is_empty() => original,
        // Without a usable backup, only the plugin's lines go.
        _ => {
            content.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_patched(line)).flatten().copied().collect()
        }
    };
    files::write_durably(&info, &original)?;
    files::remove(&backup)
}

fn is_patched(content: &[u8]) -> bool {
    content.windows(PATCH.len()).any(|part| part == PATCH.as_bytes())
}

fn remove_dir(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes files and folders whose names start like this.
fn remove_matching(folder: &Path, start: &str) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(start) {
            continue;
        }
        if entry.file_type()?.is_dir() { remove_dir(&entry.path())? } else { files::remove(&entry.path())? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node::RendererKind;

    const CLEAN: &str = "\t\t\tGame\tcsgo\n\t\t\tGame\tcsgo_imported\n";
    const PATCHED: &str = "\t\t\tGame\tcsgo/csdm\n\t\t\tGame\tcsgo\n\t\t\tGame\tcsgo_imported\n";

    /// The content of `gameinfo.gi` after a sweep, given itself and its backup.
    fn swept(info: &str, backup: Option<&str>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let setup = setup(dir.path());
        let csgo = csgo(dir.path());
        fs::create_dir_all(csgo.join("csdm/bin")).unwrap();
        fs::write(csgo.join("csdm/bin/server.dll"), "x").unwrap();
        fs::create_dir(csgo.join("sequence-1-tick-1-to-2")).unwrap();
        fs::write(csgo.join("sequence-1.wav"), "x").unwrap();
        fs::write(csgo.join("gameinfo.gi"), info).unwrap();
        backup.inspect(|backup| fs::write(csgo.join("gameinfo.gi.backup"), backup).unwrap());
        sweep(&setup).unwrap();
        let names: Vec<_> = fs::read_dir(&csgo).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["gameinfo.gi"]);
        fs::read_to_string(csgo.join("gameinfo.gi")).unwrap()
    }

    fn setup(game_dir: &Path) -> GameSetup {
        GameSetup { game_dir: Some(game_dir.to_owned()), ..GameSetup::new(RendererKind::Csdm) }
    }

    #[test]
    fn game_info_is_restored_only_while_it_is_patched() {
        assert_eq!(swept(PATCHED, Some(CLEAN)), CLEAN);
        assert_eq!(swept(PATCHED, None), CLEAN);
        assert_eq!(swept(PATCHED, Some(PATCHED)), CLEAN);
        assert_eq!(swept("updated", Some(CLEAN)), "updated", "a stale backup does not undo an update");
        assert_eq!(swept(CLEAN, None), CLEAN);
    }

    #[test]
    fn missing_game_directory_is_clean() {
        let dir = tempfile::tempdir().unwrap();
        sweep(&setup(&dir.path().join("none"))).unwrap();
        sweep_demo(&dir.path().join("none.dem")).unwrap();
    }

    #[test]
    fn actions_file_of_the_demo_is_removed_and_the_demo_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let demo = dir.path().join("a.dem");
        for name in ["a.dem", "a.dem.json"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        sweep_demo(&demo).unwrap();
        assert!(demo.exists() && !dir.path().join("a.dem.json").exists());
    }
}
