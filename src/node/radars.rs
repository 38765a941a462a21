//! The studio's own pictures of maps: see [`crate::render::radars`]. The operator puts them into the node's folder. Each
//! renderer gets copies, because a process that reads demos must not be able to change the node's files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::render::radars::{FILE_BYTES, OVERVIEW, PICTURE};

/// Maximum bytes that a renderer gets, 256 MiB: pictures of a hundred maps and more. Copying them takes a blink.
const ALL_BYTES: u64 = 256 << 20;

/// The folder of a node's pictures.
#[derive(Debug)]
pub struct Radars {
    dir: PathBuf,
}

impl Radars {
    /// Creates the folder if it is missing.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Gives a renderer a folder with all pictures. Files for which there is no room are left out, and named.
    pub fn lend(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut left = ALL_BYTES;
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let is_one = [PICTURE, OVERVIEW].iter().any(|extension| path.extension() == Some(OsStr::new(extension)));
            let (Some(name), true) = (path.file_name().and_then(OsStr::to_str), is_one) else { continue };
            let bytes = match fs::metadata(&path) {
                Ok(found) if found.is_file() => found.len(),
                _ => {
                    log::warn!("{} is not used: it is not a file", path.display());
                    continue;
                }
            };
            if bytes > FILE_BYTES.min(left) {
                let (one, all) = (FILE_BYTES >> 20, ALL_BYTES >> 20);
                log::warn!("{} is not used: one file may have {one} MiB, and all {all} MiB", path.display());
                continue;
            }
            // Maps are named in lower case.
            fs::copy(&path, folder.join(name.to_ascii_lowercase()))?;
            left -= bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_overviews_are_lent_as_copies() {
        let dir = tempfile::tempdir().unwrap();
        let radars = Radars::open(dir.path().join("radars")).unwrap();
        for name in ["De_Nuke.png", "de_nuke.txt", "de_nuke_lower.png", "de_nuke.dds", "notes.md"] {
            fs::write(dir.path().join("radars").join(name), name).unwrap();
        }
        let huge = fs::File::create(dir.path().join("radars/de_huge.png")).unwrap();
        huge.set_len(FILE_BYTES + 1).unwrap();
        fs::create_dir(dir.path().join("radars/de_folder.png")).unwrap();
        let lent = dir.path().join("lent");
        radars.lend(&lent).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(&lent).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["de_nuke.png", "de_nuke.txt", "de_nuke_lower.png"]);
        fs::write(lent.join("de_nuke.txt"), "changed").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("radars/de_nuke.txt")).unwrap(), "de_nuke.txt");
    }
}
