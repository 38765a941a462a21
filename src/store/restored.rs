//! A restored data directory takes its place: what was there is set aside, name by name, so that a crash in between
//! leaves what the next start finishes.
//!
//! What is to come stands whole in `restore.ready` before anything is touched; a name that stands there no more has
//! been moved.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::folder::{DataDir, SERVED, STORE};
use crate::domain::error::{Error, Result};
use crate::os::files;

/// Where a restored data directory is put together.
const PART: &str = "restore.part";
/// The same, once it is whole.
const READY: &str = "restore.ready";
/// In it: the name of the folder that what was there goes into.
const ASIDE: &str = "aside";

/// Names that a backup may replace, each with those that go aside with it: an old log must never meet a new store, and
/// no server has served the new one here.
const PLACES: [(&str, &[&str]); 8] = [
    (STORE, &["store.db-wal", "store.db-shm", SERVED]),
    ("tls", &[]),
    ("local-nodes", &[]),
    ("server-url", &[]),
    ("server-local-url", &[]),
    ("server-ca.pem", &[]),
    ("demos", &[]),
    ("clips", &[]),
];

/// An empty place to put a restored data directory together.
pub fn begin(folder: &DataDir) -> io::Result<DataDir> {
    let part = folder.path().join(PART);
    files::empty_dir(&part)?;
    // Whatever was moved is moved: only the empty rest of an earlier restore can be there.
    match fs::remove_dir_all(folder.path().join(READY)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(DataDir::at(&part)),
    }
}

/// Puts what stands in [`begin`]'s place where it belongs; what was there goes into a folder named `aside`. The folder,
/// if anything was there.
pub fn install(folder: &DataDir, aside: &str) -> Result<Option<PathBuf>> {
    let (part, ready) = (folder.path().join(PART), folder.path().join(READY));
    files::write_durably(&part.join(ASIDE), aside.as_bytes())
        .and_then(|()| sync_tree(&part))
        .and_then(|()| fs::rename(&part, &ready))
        .and_then(|()| files::sync_dir(folder.path()))
        .map_err(|error| unusable(folder, &error))?;
    finish(folder)?;
    Ok(Some(folder.path().join(aside)).filter(|aside| aside.exists()))
}

/// Whether a restore was interrupted after it had begun to touch what was there.
pub fn is_unfinished(folder: &DataDir) -> bool {
    folder.path().join(READY).join(ASIDE).exists()
}

/// Goes on with a restore that was interrupted, if one was. Only under the data directory's lock.
pub fn finish(folder: &DataDir) -> Result<()> {
    if is_unfinished(folder) { move_all(folder).map_err(|error| unusable(folder, &error)) } else { Ok(()) }
}

fn move_all(folder: &DataDir) -> io::Result<()> {
    let ready = folder.path().join(READY);
    let aside = folder.path().join(fs::read_to_string(ready.join(ASIDE))?);
    for (name, companions) in PLACES {
        let (next, place) = (ready.join(name), folder.path().join(name));
        if !next.exists() {
            continue;
        }
        for old in companions.iter().chain([&name]) {
            set_aside(&folder.path().join(old), &aside)?;
        }
        fs::rename(next, place)?;
    }
    files::sync_dir(folder.path())?;
    files::remove(&ready.join(ASIDE))?;
    fs::remove_dir_all(ready)
}

fn set_aside(old: &Path, aside: &Path) -> io::Result<()> {
    let Some(name) = old.file_name().filter(|_| old.exists()) else { return Ok(()) };
    // An empty folder is nothing to keep.
    if old.is_dir() && fs::remove_dir(old).is_ok() {
        return Ok(());
    }
    files::create_private_dir(aside)?;
    fs::rename(old, aside.join(name))?;
    files::sync_dir(aside)
}

/// Makes the names in a folder and in those below it durable. Their files are already.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    files::sync_dir(folder)
}

fn unusable(folder: &DataDir, error: &io::Error) -> Error {
    let message = format!(
        "The restored files could not take their places in {}: mend that and start the server, which goes on with it.",
        folder.path().display()
    );
    Error::internal(message, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(dir: &Path, content: &str) -> DataDir {
        let folder = DataDir::create(dir).unwrap();
        for name in ["store.db", "store.db-wal", "server-url", "clips/1.mp4"] {
            fs::write(dir.join(name), content).unwrap();
        }
        folder
    }

    fn staged(folder: &DataDir) {
        let part = begin(folder).unwrap();
        for name in ["local-nodes", "demos", "clips"] {
            files::create_private_dir(&part.path().join(name)).unwrap();
        }
        for name in ["store.db", "clips/1.mp4"] {
            fs::write(part.path().join(name), "new").unwrap();
        }
    }

    #[test]
    fn what_was_there_is_set_aside_and_an_old_log_never_meets_a_new_store() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder_with(dir.path(), "old");
        staged(&folder);
        let aside = install(&folder, "replaced-1").unwrap().unwrap();
        let read = |path: PathBuf| fs::read_to_string(path).ok();
        for name in ["store.db", "clips/1.mp4"] {
            assert_eq!(read(dir.path().join(name)).as_deref(), Some("new"), "{name}");
        }
        for name in ["store.db", "store.db-wal", "clips/1.mp4"] {
            assert_eq!(read(aside.join(name)).as_deref(), Some("old"), "{name}");
        }
        assert_eq!(read(dir.path().join("store.db-wal")), None);
        assert_eq!(read(dir.path().join("server-url")).as_deref(), Some("old"), "the backup had none");
        assert!(!is_unfinished(&folder) && !dir.path().join(READY).exists());
    }

    #[test]
    fn a_restore_that_was_interrupted_anywhere_is_finished() {
        let moves = ["store.db-wal", "store.db", "demos", "clips"];
        for done in 0..=moves.len() {
            let dir = tempfile::tempdir().unwrap();
            let folder = folder_with(dir.path(), "old");
            staged(&folder);
            fs::write(dir.path().join(PART).join(ASIDE), "replaced-1").unwrap();
            fs::rename(dir.path().join(PART), dir.path().join(READY)).unwrap();
            // As far as an earlier run came: old things are aside, the last new one may not be there yet.
            for (at, name) in moves.iter().take(done).enumerate() {
                set_aside(&dir.path().join(name), &dir.path().join("replaced-1")).unwrap();
                let next = dir.path().join(READY).join(name);
                if at + 1 < done && next.exists() {
                    fs::rename(next, dir.path().join(name)).unwrap();
                }
            }
            assert!(is_unfinished(&folder));
            finish(&folder).unwrap();
            let read = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
            assert_eq!(read("store.db").as_deref(), Some("new"), "{done} done");
            assert_eq!(read("store.db-wal"), None, "{done} done");
            assert_eq!(read("clips/1.mp4").as_deref(), Some("new"), "{done} done");
            assert_eq!(read("replaced-1/store.db-wal").as_deref(), Some("old"), "{done} done");
            assert!(!is_unfinished(&folder));
        }
    }
}
