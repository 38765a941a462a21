//! The files of uploaded demos. A partial file belongs to its upload, a complete one to the accounts that have a row
//! for it. Orphaned files are removed, but never one that another account has or is uploading.

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

/// Files held by in-flight uploads.
#[derive(Default)]
pub struct DemoFiles(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Files of incomplete uploads.
    partial: HashSet<PathBuf>,
    /// Complete demos about to get a row, with the number of uploads.
    whole: HashMap<Sha256, u32>,
}

impl DemoFiles {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of an incomplete upload, removed on drop unless kept.
pub struct Partial<'a> {
    held: &'a DemoFiles,
    path: PathBuf,
    /// Locked, so that other processes see that it is in use.
    file: File,
}

impl<'a> Partial<'a> {
    /// Creates an empty file.
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

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Renames the complete file to its final name, durably. An existing file of the same length stays.
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
        // Usually renamed already; a file that cannot be removed is swept later.
        let _gone = fs::remove_file(&self.path);
        self.held.lock().partial.remove(&self.path);
    }
}

/// Protects a demo's file from removal until it has a row.
pub struct Hold<'a> {
    app: &'a App,
    sha256: Sha256,
}

impl<'a> Hold<'a> {
    /// From now on no other thread removes the file.
    pub fn take(app: &'a App, sha256: &Sha256) -> Self {
        *app.demo_files.lock().whole.entry(*sha256).or_default() += 1;
        Self { app, sha256: *sha256 }
    }

    /// The upload failed: removes the file, unless an account or another upload needs it.
    pub fn give_up(self) {
        let (app, sha256) = (self.app, self.sha256);
        drop(self);
        if let Err(error) = remove_unwanted(app, &sha256) {
            log::warn!("cannot check whether the file of a rejected demo is still needed: {error}");
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

/// Removes a demo's file if no account and no upload needs it. Returns whether a file was removed.
pub fn remove_unwanted(app: &App, sha256: &Sha256) -> Result<bool> {
    // Locked until the file is gone: an upload of the same content takes its hold before it looks for the file.
    let held = app.demo_files.lock();
    if held.whole.contains_key(sha256) || app.store.read(|db| store::demos::has_any(db, sha256))? {
        return Ok(false);
    }
    Ok(stored_files::remove(&app.store.folder.demo(sha256)))
}

/// Removes the file of an abandoned upload. Returns whether a file was removed.
pub fn remove_left_over(app: &App, path: &Path) -> bool {
    let held = app.demo_files.lock();
    !held.partial.contains(path) && stored_files::remove(path)
}

/// Whether a file is held by an upload of this or another process.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
}
