//! Scratch folders: their owner's alone whatever the umask, gone with their process, and removed by the next process of
//! their kind where that one was killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::TempDir;

use super::files;

/// The file in a scratch folder that its process holds locked while it lives.
const LOCK: &str = "lock";
/// Seconds after which a folder without a lock is nobody's: its process was killed before it had made one.
const UNLOCKED_SECONDS: u64 = 3_600;

/// A scratch folder. It goes away with this value.
#[derive(Debug)]
pub struct Scratch {
    // Let go before the folder is removed: Windows removes no open file.
    _lock: File,
    dir: TempDir,
}

impl Scratch {
    /// Makes one in the platform's place for such things. `prefix`: what its kind is called.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::new_in(&tempfile::env::temp_dir(), prefix)
    }

    /// The same in a folder. What killed processes of the kind have left there is removed first.
    pub fn new_in(folder: &Path, prefix: &str) -> io::Result<Self> {
        if let Err(error) = sweep(folder, prefix) {
            log::debug!("{} was not searched for what killed processes left: {error}", folder.display());
        }
        let dir = private_builder(prefix).tempdir_in(folder)?;
        close(dir.path())?;
        let lock = files::create_private(&dir.path().join(LOCK))?;
        // A file system without locks has none to respect either: the folder is then swept by its age only.
        if let Err(error) = lock.try_lock() {
            log::debug!("{} could not be locked: {error}", dir.path().display());
        }
        Ok(Self { _lock: lock, dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

fn private_builder(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
}

/// A umask can only take rights away, the owner's too: they are given back.
fn close(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700));
    #[cfg(not(unix))]
    {
        let _ = dir;
        Ok(())
    }
}

/// Removes the scratch folders of a kind whose processes are gone.
fn sweep(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_of_the_kind = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if !is_of_the_kind || !entry.file_type()?.is_dir() || !is_left_over(&entry.path()) {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            Ok(()) => log::warn!("removed {}, which was left by a process that was killed", entry.path().display()),
            Err(error) => log::warn!("{} is left over and could not be removed: {error}", entry.path().display()),
        }
    }
    Ok(())
}

/// Whether no process holds it. One that cannot be looked into is another user's.
fn is_left_over(dir: &Path) -> bool {
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
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not() {
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
