//! Installs a restored data directory. Existing data is set aside, name by name, so that after a crash the next start
//! completes the restore, and after a failure everything is moved back: the server starts with the old data.
//!
//! The complete new content is in `restore.ready` before anything is touched; a name missing there has been moved
//! already. Directories that are mount points or links are staged separately, see [`behind`].

mod links;
mod plan;
mod staging;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::files;
use crate::store::data_dir::{DataDir, EPOCH, SERVED, STORE};

use crate::store::restore::plan::Plan;
pub use crate::store::restore::staging::{Staging, begin};

/// The staging directory while it is being filled.
const PART: &str = "restore.part";
/// The same, once it is complete.
const READY: &str = "restore.ready";

/// Names that a backup may replace, each with the files set aside with it: an old log must never be applied to a new
/// store, and what the last server wrote about the old one does not fit it.
const PLACES: [(&str, &[&str]); 10] = [
    (STORE, &["store.db-wal", "store.db-shm", SERVED, EPOCH]),
    (EPOCH, &[]),
    ("tls", &[]),
    ("local-nodes", &[]),
    ("server-url", &[]),
    ("server-local-url", &[]),
    ("server-ca.pem", &[]),
    ("demos", &[]),
    ("clips", &[]),
    ("archive", &[]),
];
/// Those that are directories: each may be a link or a separate disk.
const FOLDERS: [&str; 5] = ["tls", "local-nodes", "demos", "clips", "archive"];

/// The path at which the restore failed, and why.
#[derive(Debug)]
struct Stuck(PathBuf, io::Error);

fn at(path: &Path) -> impl FnOnce(io::Error) -> Stuck + '_ {
    |error| Stuck(path.to_owned(), error)
}

/// Moves what was staged by [`begin`] into place; old data goes into directories named `aside`, one per file system.
/// Returns those that were needed.
pub fn install(folder: &DataDir, staging: &Staging, aside: &str) -> Result<Vec<PathBuf>> {
    let (part, ready) = (folder.path().join(PART), folder.path().join(READY));
    let plan = staging.plan(aside);
    staging
        .behind
        .iter()
        .try_for_each(|name| sync_tree(&staging.path(name)))
        .and_then(|()| plan.write(&part))
        .and_then(|()| sync_tree(&part))
        .and_then(|()| fs::rename(&part, &ready))
        .and_then(|()| files::sync_dir(folder.path()))
        .map_err(|error| {
            let message = format!("Could not stage the restored files in {}.", folder.path().display());
            Error::internal(message, error)
        })?;
    finish(folder)?;
    let behind = plan.behind().map(|name| folder.path().join(name));
    let places = [folder.path().to_owned()].into_iter().chain(behind);
    Ok(places.map(|place| place.join(&plan.aside)).filter(|aside| aside.exists()).collect())
}

/// Whether a restore was interrupted after it had started to move existing data.
pub fn is_unfinished(folder: &DataDir) -> bool {
    folder.path().join(READY).join(plan::FILE).exists()
}

/// Completes an interrupted restore, if there is one. Requires the data directory's lock.
///
/// Errors: [`ErrorCode::RestoreUndone`] if it failed and everything was moved back.
pub fn finish(folder: &DataDir) -> Result<()> {
    if !is_unfinished(folder) {
        // What a restore had unpacked when it was killed. It does no harm, so it must not keep the server from starting.
        let part = folder.path().join(PART);
        match fs::remove_dir_all(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                log::warn!("could not remove {}, which an interrupted restore left: {error}", part.display());
            }
            _ => {}
        }
        return Ok(());
    }
    let folder = folder.path();
    let plan = Plan::read(folder).map_err(|error| unfinished(&folder.join(READY), &error))?;
    if let Some(missing) = plan.behind().map(|name| folder.join(name)).find(|path| !links::is_staged(path)) {
        let error = io::Error::new(ErrorKind::NotFound, "the files unpacked there are gone: is its disk mounted?");
        return Err(unfinished(&missing, &error));
    }
    let Err(Stuck(path, error)) = move_all(folder, &plan) else { return Ok(()) };
    if plan.names.is_empty() {
        return Err(unfinished(&path, &error));
    }
    put_back(folder, &plan).map_err(|Stuck(path, error)| unfinished(&path, &error))?;
    let message = format!(
        "The restore failed at {0} and was undone. Make sure that {0} can be replaced, then restore again.",
        path.display()
    );
    Err(Error::new(Kind::Internal, ErrorCode::RestoreUndone, message).because(error))
}

fn move_all(folder: &Path, plan: &Plan) -> Result<(), Stuck> {
    let (ready, aside) = (folder.join(READY), folder.join(&plan.aside));
    for (name, companions) in PLACES {
        let (next, place) = (ready.join(name), folder.join(name));
        if plan.names.contains(&(name, true)) {
            links::move_in(&place, &plan.aside)?;
            continue;
        }
        if !next.exists() {
            continue;
        }
        for old in companions.iter().chain([&name]) {
            set_aside(&folder.join(old), &aside)?;
        }
        fs::rename(next, &place).map_err(at(&place))?;
    }
    files::sync_dir(folder).map_err(at(folder))?;
    end(folder, plan)
}

/// Undoes [`move_all`] from any point. Safe to repeat after an interruption.
fn put_back(folder: &Path, plan: &Plan) -> Result<(), Stuck> {
    let (ready, aside) = (folder.join(READY), folder.join(&plan.aside));
    for (name, companions) in PLACES.iter().rev() {
        let (next, place) = (ready.join(name), folder.join(name));
        match plan.names.iter().find(|(planned, _)| planned == name) {
            None => continue,
            Some((_, true)) => {
                links::move_out(&place, &plan.aside)?;
                continue;
            }
            Some((_, false)) => {}
        }
        if !next.exists() && place.exists() {
            fs::rename(&place, &next).map_err(at(&place))?;
        }
        for old in companions.iter().chain([name]).filter(|old| aside.join(old).exists()) {
            fs::rename(aside.join(old), folder.join(old)).map_err(at(&folder.join(old)))?;
        }
    }
    match fs::remove_dir(&aside) {
        // Its remaining content does not belong to this restore.
        Err(error) if error.kind() != ErrorKind::NotFound => {
            log::warn!("could not remove {}: {error}", aside.display());
        }
        _ => {}
    }
    files::sync_dir(folder).map_err(at(folder))?;
    end(folder, plan)
}

/// Ends the restore by removing the plan, then removes its leftovers.
fn end(folder: &Path, plan: &Plan) -> Result<(), Stuck> {
    let ready = folder.join(READY);
    let plan_file = ready.join(plan::FILE);
    files::remove(&plan_file).and_then(|()| files::sync_dir(&ready)).map_err(at(&plan_file))?;
    let removed = plan.behind().try_for_each(|name| links::discard(&folder.join(name)));
    if let Err(Stuck(path, error)) = removed.and_then(|()| fs::remove_dir_all(&ready).map_err(at(&ready))) {
        log::warn!("{} is left over from the restore and could not be removed: {error}", path.display());
    }
    Ok(())
}

fn set_aside(old: &Path, aside: &Path) -> Result<(), Stuck> {
    let Some(name) = old.file_name().filter(|_| old.exists()) else { return Ok(()) };
    // An empty directory is not worth keeping.
    if old.is_dir() && fs::remove_dir(old).is_ok() {
        return Ok(());
    }
    files::create_private_dir(aside).map_err(at(aside))?;
    fs::rename(old, aside.join(name)).map_err(at(old))?;
    files::sync_dir(aside).map_err(at(aside))
}

/// Syncs a directory and its subdirectories. The files in them are synced already.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    files::sync_dir(folder)
}

fn unfinished(path: &Path, error: &io::Error) -> Error {
    let message = format!(
        "A restore could not be completed at {}. Fix the problem, then start the server to complete it.",
        path.display()
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

    fn staged(folder: &DataDir) -> Staging {
        let staging = begin(folder).unwrap();
        for name in ["local-nodes", "demos", "clips"] {
            files::create_private_dir(&staging.path(name)).unwrap();
        }
        for name in ["store.db", "clips/1.mp4"] {
            fs::write(staging.path(name), "new").unwrap();
        }
        staging
    }

    #[test]
    fn old_data_is_set_aside_and_an_old_wal_is_never_used_with_a_new_store() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder_with(dir.path(), "old");
        let staging = staged(&folder);
        let aside = install(&folder, &staging, "replaced-1").unwrap().remove(0);
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
    fn restore_interrupted_at_any_point_is_completed() {
        let moves = ["store.db-wal", "store.db", "demos", "clips"];
        for done in 0..=moves.len() {
            let dir = tempfile::tempdir().unwrap();
            let folder = folder_with(dir.path(), "old");
            std::mem::forget(staged(&folder));
            fs::write(dir.path().join(PART).join(plan::FILE), "replaced-1").unwrap();
            fs::rename(dir.path().join(PART), dir.path().join(READY)).unwrap();
            // State after an interrupted run: old data is set aside, the last new name may not be in place yet.
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

    #[test]
    fn a_restore_that_fails_midway_is_undone_and_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder_with(dir.path(), "old");
        fs::remove_file(dir.path().join("store.db-wal")).unwrap();
        fs::remove_file(dir.path().join("store.db")).unwrap();
        let staging = staged(&folder);
        fs::write(staging.path("server-url"), "new").unwrap();
        let part = dir.path().join(PART);
        Plan { aside: "replaced-1".into(), ..staging.plan("") }.write(&part).unwrap();
        fs::rename(part, dir.path().join(READY)).unwrap();
        // The store is moved into place; then setting the next name aside fails.
        fs::write(dir.path().join("replaced-1"), "in the way").unwrap();
        let error = finish(&folder).unwrap_err();
        assert_eq!(error.code, ErrorCode::RestoreUndone);
        assert!(error.message.contains("replaced-1"), "{error}");
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
        assert_eq!((read("store.db"), read("server-url").as_deref()), (None, Some("old")));
        assert_eq!(read("clips/1.mp4").as_deref(), Some("old"));
        assert!(!is_unfinished(&folder) && !dir.path().join(READY).exists());
    }

    #[test]
    fn unused_staged_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder_with(dir.path(), "old");
        drop(staged(&folder));
        assert!(!dir.path().join(PART).exists());
    }
}
