//! The files of uploaded demos: one that is still coming belongs to its upload, a whole one to the accounts that have a
//! row for it. A file that belongs to nobody goes, and none goes that another account has or is just uploading.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::{App, stored_files};
use crate::domain::error::Result;
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::store;

/// The extension of an upload that is not complete.
pub(in crate::app) const PARTIAL: &str = "part";

/// What the uploads that are going on hold.
#[derive(Default)]
pub struct DemoFiles(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Files of uploads that are not whole.
    partial: HashSet<PathBuf>,
    /// Whole demos that are about to get a row, by how many uploads.
    whole: HashMap<Sha256, u32>,
}

impl DemoFiles {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of an upload. It goes unless it is kept.
pub struct Partial<'a> {
    held: &'a DemoFiles,
    path: PathBuf,
    /// Locked, so that other processes see that it has an owner.
    file: File,
}

impl<'a> Partial<'a> {
    /// A new, empty one.
    pub fn create(app: &'a App, name: &str) -> io::Result<Self> {
        let path = app.store.folder.demos().join(format!("{name}.{PARTIAL}"));
        let held = &app.demo_files;
        held.lock().partial.insert(path.clone());
        match files::create_private(&path) {
            Ok(file) => {
                // A file system without locks has no second process that would look for them.
                let _unlocked = file.try_lock();
                Ok(Self { held, path, file })
            }
            Err(error) => {
                held.lock().partial.remove(&path);
                Err(error)
            }
        }
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives the whole file its name, durably. Where the same bytes lie there already, those stay.
    pub fn keep(&self, demo: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        if fs::metadata(demo).is_ok_and(|there| there.is_file() && there.len() == bytes) {
            return Ok(());
        }
        fs::rename(&self.path, demo)?;
        demo.parent().map_or(Ok(()), files::sync_dir)
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        // Renamed away, as a rule; else what cannot be removed is swept later.
        let _gone = fs::remove_file(&self.path);
        self.held.lock().partial.remove(&self.path);
    }
}

/// A demo's content that is getting its name and its row.
pub struct Hold<'a> {
    app: &'a App,
    sha256: Sha256,
}

impl<'a> Hold<'a> {
    /// From now on nobody else removes the file of this content.
    pub fn take(app: &'a App, sha256: &Sha256) -> Self {
        *app.demo_files.lock().whole.entry(*sha256).or_default() += 1;
        Self { app, sha256: *sha256 }
    }

    /// The upload came to nothing: the file goes, unless an account has it or another upload is at it.
    pub fn give_up(self) {
        let (app, sha256) = (self.app, self.sha256);
        drop(self);
        if let Err(error) = remove_unwanted(app, &sha256) {
            log::warn!("whether a refused demo's file is still needed could not be looked up: {error}");
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.app.demo_files.lock();
        if let Some(count) = held.whole.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                held.whole.remove(&self.sha256);
            }
        }
    }
}

/// Removes a demo's file that no account has a row for and no upload is about to name. Whether it was there and is gone.
pub fn remove_unwanted(app: &App, sha256: &Sha256) -> Result<bool> {
    // Held until the file is gone: an upload of the same bytes takes its hold before it looks for the file.
    let held = app.demo_files.lock();
    if held.whole.contains_key(sha256) || app.store.read(|db| store::demos::has_any(db, sha256))? {
        return Ok(false);
    }
    Ok(stored_files::remove(&app.store.folder.demo(sha256)))
}

/// Removes the file of an upload that has no owner any more. Whether it was there and is gone.
pub fn remove_left_over(app: &App, path: &Path) -> bool {
    let held = app.demo_files.lock();
    !held.partial.contains(path) && stored_files::remove(path)
}

/// Whether a file is held by an upload of this or another process.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
}
