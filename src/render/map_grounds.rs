//! Where players stood on each map, kept from one demo to the next: a short demo alone shows a map as a few tunnels.
//!
//! A folder holds a file for each map. A render reads the one of its map and leaves a new one beside it; whoever owns
//! the folder takes that over.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::scene::Ground;

/// Extension of the files.
pub const KNOWN: &str = "ground";
/// Extension of a file that a render leaves.
pub const NEW: &str = "new";
/// Maximum size of a file in bytes, 8 MiB: compressed, a whole map takes less than one.
pub const FILE_BYTES: u64 = 8 << 20;
/// Ticks that players must have spent on a map, together, before a demo is no longer searched for more of it: as many
/// as in two matches.
const ENOUGH_TICKS: u64 = 2_000_000;
/// Maximum length of a map's name in characters; longer ones are not kept.
const NAME_CHARS: usize = 64;

/// A map's ground as other demos have shown it.
pub struct MapGround {
    /// Where the new file goes; `None` for a name that cannot be a file's.
    path: Option<PathBuf>,
    known: Option<Ground>,
    is_enough: bool,
}

impl MapGround {
    /// Reads what a folder knows of a map. Damaged files and those of other versions count as missing.
    pub fn read(folder: &Path, map: &str) -> Self {
        let path = file_name(map).map(|name| folder.join(name));
        let read = |path: &PathBuf| File::open(path.with_extension(KNOWN)).and_then(Ground::read_from);
        let known = path.as_ref().and_then(|path| match read(path) {
            Ok(ground) => Some(ground),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                log::warn!("What is known of {map} cannot be read and is collected anew: {error}");
                None
            }
        });
        let is_enough = known.as_ref().is_some_and(|known| ticks(known) >= ENOUGH_TICKS);
        Self { path, known, is_enough }
    }

    /// What is known, if it is enough.
    pub fn enough(&self) -> Option<Ground> {
        self.known.clone().filter(|_| self.is_enough)
    }

    /// Adds what is known to a ground, and leaves both as a new file.
    pub fn add_to(self, ground: &mut Ground) -> io::Result<()> {
        if let Some(known) = self.known.filter(|_| !self.is_enough) {
            ground.add(&known);
        }
        let Some(path) = self.path else { return Ok(()) };
        let new = path.with_extension(NEW);
        let written = File::create(&new).and_then(|file| ground.write_to(BufWriter::new(file)));
        if written.is_err() {
            // Half a file is of no use; nothing else can be done about it.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

/// Player-ticks spent on a ground.
fn ticks(ground: &Ground) -> u64 {
    let levels = ground.cells.values().flat_map(|cell| [Some(cell.low), cell.high]).flatten();
    levels.map(|level| u64::from(level.dwell)).sum()
}

/// A map's name as the name of a file without its extension. Demos can claim any name.
pub(super) fn file_name(map: &str) -> Option<String> {
    let safe = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    let fits = !map.is_empty() && map.chars().count() <= NAME_CHARS && map.chars().all(safe);
    fits.then(|| map.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Cell, Level};

    fn ground(x: i32, dwell: u32) -> Ground {
        let cell = Cell { low: Level { dwell, z_min: 0.0, z_max: 0.0 }, high: None };
        Ground { cells: [((x, 0), cell)].into() }
    }

    /// Takes a new file over, as the owner of the folder does.
    fn take_over(folder: &Path, map: &str) {
        fs::rename(folder.join(map).with_extension(NEW), folder.join(map).with_extension(KNOWN)).unwrap();
    }

    #[test]
    fn ground_grows_from_demo_to_demo_until_it_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        for (x, dwell, enough) in [(1, 1_000_000, false), (2, 1_500_000, true)] {
            let map = MapGround::read(folder.path(), "de_nuke");
            assert!(map.enough().is_none());
            let mut walked = ground(x, dwell);
            map.add_to(&mut walked).unwrap();
            assert_eq!(walked.cells.len(), x as usize);
            take_over(folder.path(), "de_nuke");
            assert_eq!(MapGround::read(folder.path(), "de_nuke").enough().is_some(), enough);
        }
        assert!(MapGround::read(folder.path(), "de_dust2").known.is_none(), "maps are kept apart");
    }

    #[test]
    fn names_that_are_no_file_names_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        for map in ["", "../de_nuke", "de nuke", "a/b", "de_nuke\0", "ä", &"x".repeat(65)] {
            MapGround::read(folder.path(), map).add_to(&mut ground(1, 1)).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn damaged_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("de_nuke.ground"), b"DKGR\x01 nonsense").unwrap();
        assert!(MapGround::read(folder.path(), "de_nuke").known.is_none());
    }
}
