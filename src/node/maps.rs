//! What a node knows of maps: see [`crate::render::map_grounds`]. Kept across restarts; each reader checks the
//! file it reads.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::os::files;
use crate::render::map_grounds::{FILE_BYTES, KNOWN, NEW};
use crate::render::scene::Ground;

/// Maximum number of maps that a node knows. The one learnt longest ago goes first.
const MAPS: usize = 64;

/// A folder with a file for each map.
#[derive(Debug)]
pub struct Maps {
    dir: PathBuf,
}

impl Maps {
    /// Creates the folder if it is missing.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Gives a renderer a folder with everything that is known: copies, because what reads demos must not be able to
    /// change the node's own files.
    pub fn lend(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (file, _) in self.known()? {
            if let Some(name) = file.file_name() {
                fs::copy(&file, folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Takes over what a renderer has left in that folder. Anything but one whole file is ignored.
    pub fn take_back(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension() != Some(OsStr::new(NEW)) {
                continue;
            }
            let Some(stem) = path.file_stem() else { continue };
            let size = fs::symlink_metadata(&path)?;
            if size.is_file() && size.len() <= FILE_BYTES {
                Ground::read_from(File::open(&path)?)?;
                let to = self.dir.join(stem).with_extension(KNOWN);
                files::write_durably(&to, &fs::read(&path)?)?;
                return self.forget_oldest();
            }
        }
        Ok(())
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let mut known = self.known()?;
        known.sort_by_key(|(_, changed)| *changed);
        for (file, _) in known.iter().take(known.len().saturating_sub(MAPS)) {
            fs::remove_file(file)?;
        }
        Ok(())
    }

    /// The files, and when each was last written.
    fn known(&self) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let mut known = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.path().extension() == Some(OsStr::new(KNOWN)) {
                known.push((entry.path(), entry.metadata()?.modified()?));
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Cell, Level};

    fn leave(folder: &Path, name: &str, content: &[u8]) {
        fs::write(folder.join(name), content).unwrap();
    }

    fn whole() -> Vec<u8> {
        let cell = Cell { low: Level { dwell: 3, z_min: 0.0, z_max: 8.0 }, high: None };
        let mut bytes = Vec::new();
        Ground { cells: [((1, 2), cell)].into() }.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_a_renderer_leaves_is_lent_to_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let maps = Maps::open(dir.path().join("maps")).unwrap();
        let (first, second) = (dir.path().join("1"), dir.path().join("2"));
        maps.lend(&first).unwrap();
        assert_eq!(fs::read_dir(&first).unwrap().count(), 0);
        leave(&first, "de_nuke.new", &whole());
        maps.take_back(&first).unwrap();
        maps.lend(&second).unwrap();
        assert_eq!(fs::read(second.join("de_nuke.ground")).unwrap(), whole());
    }

    #[test]
    fn only_a_whole_file_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let maps = Maps::open(dir.path().join("maps")).unwrap();
        let folder = dir.path().join("work");
        fs::create_dir(&folder).unwrap();
        for (name, content) in [("de_nuke.new", &b"DKGR"[..]), ("de_nuke.txt", &whole()), ("de_nuke.ground", &whole())]
        {
            leave(&folder, name, content);
            let _ = maps.take_back(&folder);
            fs::remove_file(folder.join(name)).unwrap();
            assert_eq!(maps.known().unwrap().len(), 0, "{name}");
        }
    }

    #[test]
    fn map_learnt_longest_ago_is_forgotten_first() {
        let dir = tempfile::tempdir().unwrap();
        let maps = Maps::open(dir.path().join("maps")).unwrap();
        let folder = dir.path().join("work");
        fs::create_dir(&folder).unwrap();
        for number in 0..=MAPS {
            let name = format!("map{number}.ground");
            leave(&maps.dir, &name, &whole());
            let age = std::time::Duration::from_secs(1_000 - number as u64);
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000) - age;
            File::options().write(true).open(maps.dir.join(&name)).unwrap().set_modified(written).unwrap();
        }
        leave(&folder, "de_new.new", &whole());
        maps.take_back(&folder).unwrap();
        let known = maps.known().unwrap();
        let has = |name: &str| known.iter().any(|(file, _)| file.ends_with(name));
        assert_eq!(known.len(), MAPS);
        assert!(has("de_new.ground") && has("map2.ground") && !has("map0.ground") && !has("map1.ground"));
    }
}
