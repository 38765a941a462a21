//! Scratch directories: private whatever the umask, removed with their process, and cleaned up by the next process of
//! the same kind if that one was killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::TempDir;

use super::files;

/// Lock file that the process holds while it lives.
const LOCK: &str = "lock";
/// Age in seconds from which a directory without a lock file is stale: its process was killed before creating one.
const UNLOCKED_SECONDS: u64 = 3_600;

/// A scratch directory, removed on drop.
#[derive(Debug)]
pub struct Scratch {
    // Dropped before the directory is removed: Windows cannot remove an open file.
    _lock: File,
    dir: TempDir,
}

impl Scratch {
    /// Creates one in the platform's temporary directory. `prefix`: its kind.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::new_in(&tempfile::env::temp_dir(), prefix)
    }

    /// Creates one in `folder`, after removing those that killed processes of this kind left there.
    pub fn new_in(folder: &Path, prefix: &str) -> io::Result<Self> {
        if let Err(error) = sweep(folder, prefix) {
            log::debug!("Could not search {} for stale scratch directories: {error}", folder.display());
        }
        let dir = files::private_tempdir_in(folder, prefix)?;
        let lock = files::create_private(&dir.path().join(LOCK))?;
        // Without file locks on this file system, cleanup goes by age only.
        if let Err(error) = lock.try_lock() {
            log::debug!("Could not lock {}: {error}", dir.path().display());
        }
        Ok(Self { _lock: lock, dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes scratch directories of this kind whose processes are gone.
fn sweep(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_of_the_kind = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if !is_of_the_kind || !entry.file_type()?.is_dir() || !is_stale(&entry.path()) {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            Ok(()) => log::warn!("Removed {}, left behind by a killed process", entry.path().display()),
            Err(error) => log::warn!("Could not remove the stale directory {}: {error}", entry.path().display()),
        }
    }
    Ok(())
}

/// Whether no process holds it. One that cannot be read belongs to another user.
fn is_stale(dir: &Path) -> bool {
    match OpenOptions::new().write(true).open(dir.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let age = fs::metadata(dir).and_then(|dir| dir.modified()).ok().and_then(|time| time.elapsed().ok());
            age.is_some_and(|age| age.as_secs() >= UNLOCKED_SECONDS)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_directories_are_removed_and_those_in_use_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (name, has_lock) in [("x-dead", true), ("x-young", false), ("y-dead", true)] {
            fs::create_dir(folder.path().join(name)).unwrap();
            if has_lock {
                fs::write(folder.path().join(name).join(LOCK), "").unwrap();
            }
            fs::write(folder.path().join(name).join("store.db"), "secret").unwrap();
        }
        let living = Scratch::new_in(folder.path(), "x-").unwrap();
        let other = Scratch::new_in(folder.path(), "x-").unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        assert!(!there("x-dead") && there("x-young") && there("y-dead"));
        assert!(living.path().exists() && other.path().exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists() && other.path().exists());
    }
}
