//! The ballast: a file of a few MiB, removed when the disk is full. Opening the store and deleting clips both need to
//! write a little; without the ballast neither would work on a full disk.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::os::files;
use crate::os::room::Room;

/// Bytes of the ballast file, which is deleted when other programs fill the disk, so that the store can still be
/// written: 8 MiB.
const BALLAST_BYTES: u64 = 8 << 20;

const NAME: &str = "ballast";

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Removes the ballast if the disk is full. Called before the store is opened.
pub fn remove_if_full(data_dir: &Path, room: &Room) {
    let is_full = room.free().is_some_and(|free| free < BALLAST_BYTES / 2);
    if !is_full {
        return;
    }
    match fs::remove_file(path(data_dir)) {
        Ok(()) => log::warn!(
            "The disk of {} is full. {} MiB reserved for this case were freed so that clips can be deleted. Free \
             more space.",
            data_dir.display(),
            BALLAST_BYTES >> 20
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => log::warn!("{} could not be removed: {error}", path(data_dir).display()),
    }
}

/// Removes the ballast on a full disk and recreates it when there is room. A background pass; always returns 0.
pub fn keep(app: &App) -> Result<usize> {
    remove_if_full(app.data_dir(), &app.room);
    let path = path(app.data_dir());
    if path.exists() || !app.room.is_open() {
        return Ok(0);
    }
    let mut part = app.room.part();
    if part.need_exactly(BALLAST_BYTES).is_err() {
        return Ok(0);
    }
    files::reserve_file(&path, BALLAST_BYTES)
        .map_err(|error| Error::internal(format!("{} could not be written.", path.display()), error))?;
    Ok(0)
}
