//! A directory whose content is replaced in place, because it is a mount point or a link and cannot be moved itself.
//! Everything stays within its file system; the link or mount is untouched.
//!
//! The complete new content is in `restore.part` inside it. Old content is set aside, then `restore.part` is renamed to
//! `restore.ready` and its content moves up, so the names show how far an interrupted restore got.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::os::files;
use crate::store::restore::{PART, READY, Stuck, at};

/// Prefix of every directory that holds data set aside.
const ASIDE_PREFIX: &str = "replaced-";
/// Reserved by the file system in its root directory.
const LOST_AND_FOUND: &str = "lost+found";

/// The staging directory for the new content.
pub fn part(folder: &Path) -> PathBuf {
    folder.join(PART)
}

/// Creates it, empty; this also checks that the directory is writable.
pub fn begin(folder: &Path) -> Result<(), Stuck> {
    discard(folder)?;
    files::create_private_dir(&part(folder)).map_err(at(folder))
}

/// Removes the leftovers of an abandoned or completed restore.
pub fn discard(folder: &Path) -> Result<(), Stuck> {
    for left in [folder.join(PART), folder.join(READY)] {
        match fs::remove_dir_all(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&left)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the new content is or was staged here. If not, another disk is mounted than before, or none.
pub fn is_staged(folder: &Path) -> bool {
    folder.join(PART).is_dir() || folder.join(READY).is_dir()
}

/// Moves the new content into place and the old content into a directory named `aside`. Safe to repeat after an
/// interruption; an empty `restore.ready` remains to mark completion.
pub fn move_in(folder: &Path, aside: &str) -> Result<(), Stuck> {
    let (part, ready) = (folder.join(PART), folder.join(READY));
    if part.is_dir() {
        move_entries(folder, &folder.join(aside))?;
        fs::rename(&part, &ready).and_then(|()| files::sync_dir(folder)).map_err(at(&ready))?;
    }
    move_entries(&ready, folder)
}

/// Undoes [`move_in`] from any point: the old content is back in place, the new one in `restore.part`.
pub fn move_out(folder: &Path, aside: &str) -> Result<(), Stuck> {
    let (part, ready, aside) = (folder.join(PART), folder.join(READY), folder.join(aside));
    if !part.is_dir() {
        files::create_private_dir(&ready).map_err(at(&ready))?;
        move_entries(folder, &ready)?;
        fs::rename(&ready, &part).and_then(|()| files::sync_dir(folder)).map_err(at(&part))?;
    }
    if aside.is_dir() {
        move_entries(&aside, folder)?;
        fs::remove_dir(&aside).map_err(at(&aside))?;
    }
    Ok(())
}

/// Moves a directory's content, except what belongs to this restore, to an earlier one, or to the file system itself.
fn move_entries(from: &Path, to: &Path) -> Result<(), Stuck> {
    let entries = fs::read_dir(from).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(at(from))?;
    for entry in entries {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        let stays = [PART, READY, LOST_AND_FOUND].contains(&&*text) || text.starts_with(ASIDE_PREFIX);
        if stays || text.starts_with('.') {
            continue;
        }
        files::create_private_dir(to).map_err(at(to))?;
        fs::rename(entry.path(), to.join(&name)).map_err(at(&entry.path()))?;
    }
    [from, to]
        .into_iter()
        .filter(|folder| folder.is_dir())
        .try_for_each(|folder| files::sync_dir(folder).map_err(at(folder)))
}
