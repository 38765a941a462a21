//! A folder whose content is replaced where it is, because the folder itself cannot be moved: it is a mount point, or a link
//! to a place elsewhere. Everything stays within its file system, and link and mount stay as they are.
//!
//! What is to come stands whole in `restore.part` inside it. What was there goes aside, then `restore.part` becomes
//! `restore.ready`, whose content moves up: so a look at the names tells how far an interrupted move came.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::os::files;
use crate::store::restore::{PART, READY, Stuck, at};

/// Begins the name of every folder that something was set aside in.
const ASIDE_PREFIX: &str = "replaced-";
/// What a file system keeps in its top folder for itself.
const LOST_AND_FOUND: &str = "lost+found";

/// Where the new content of a folder is put together.
pub fn part(folder: &Path) -> PathBuf {
    folder.join(PART)
}

/// Makes that place, empty, and so tells whether the folder can be written to.
pub fn begin(folder: &Path) -> Result<(), Stuck> {
    discard(folder)?;
    files::create_private_dir(&part(folder)).map_err(at(folder))
}

/// Removes what a restore that was given up, or is over, has left.
pub fn discard(folder: &Path) -> Result<(), Stuck> {
    for left in [folder.join(PART), folder.join(READY)] {
        match fs::remove_dir_all(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&left)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the new content is there, or was: where it is not, another disk is mounted there than before, or none.
pub fn is_staged(folder: &Path) -> bool {
    folder.join(PART).is_dir() || folder.join(READY).is_dir()
}

/// Puts the new content in its place and what was there into a folder named `aside`. Goes on where an earlier call was
/// interrupted; an empty `restore.ready` stays as the mark that it is done.
pub fn move_in(folder: &Path, aside: &str) -> Result<(), Stuck> {
    let (part, ready) = (folder.join(PART), folder.join(READY));
    if part.is_dir() {
        move_entries(folder, &folder.join(aside))?;
        fs::rename(&part, &ready).and_then(|()| files::sync_dir(folder)).map_err(at(&ready))?;
    }
    move_entries(&ready, folder)
}

/// The way back from wherever [`move_in`] came to: the old content is in its place, the new one in `restore.part`.
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

/// Moves what a folder holds, but not what stands there for a restore, of an earlier one, or for the file system itself.
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
