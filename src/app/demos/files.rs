//! The files of uploaded demos. A partial file belongs to its upload, a complete one to the accounts that have a row
//! for it. Orphaned files are removed, but never one that another account has or is uploading.
//!
//! A demo lies in the data directory or in the bucket: it is looked for in this order. What is still being uploaded lies
//! in the data directory.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::App;
use crate::app::clips::doomed::Doomed;
use crate::app::clips::files::Content;
use crate::app::demos::bucket;
use crate::app::stored_files::{self, cannot_store};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::store;

/// Demos that wait to be deleted in the bucket.
const DOOMED: usize = 10_000;
/// The extension of an upload that is not complete.
pub(in crate::app) const PARTIAL: &str = "part";

/// A stored demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDemo {
    /// Its content's hash: its name.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
}

/// Files held by in-flight uploads, and objects to be deleted.
#[derive(Default)]
pub struct DemoFiles {
    held: Mutex<Held>,
    /// Demos to be deleted in the bucket.
    pub(super) doomed: Doomed<Sha256, DOOMED>,
}

#[derive(Default)]
struct Held {
    /// Files of incomplete uploads.
    partial: HashSet<PathBuf>,
    /// Complete demos about to get a row, with the number of uploads.
    whole: HashMap<Sha256, u32>,
    /// Demos whose objects are being deleted in the bucket, or may still be.
    dying: HashSet<Sha256>,
}

impl DemoFiles {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses uploads of this demo until [`Self::end_deletion`]; false if it has a row, or an upload is about to give it one.
    pub(super) fn begin_deletion(&self, sha256: &Sha256, has_row: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let mut held = self.lock();
        let is_needed = held.whole.contains_key(sha256) || has_row()?;
        if is_needed {
            held.dying.remove(sha256);
        } else {
            held.dying.insert(*sha256);
        }
        Ok(!is_needed)
    }

    /// Accepts uploads of this demo again.
    pub(super) fn end_deletion(&self, sha256: &Sha256) {
        self.lock().dying.remove(sha256);
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

    /// Writes all of the content. Returns whether it has this hash.
    pub fn fill(&mut self, content: &mut dyn Read, sha256: &Sha256) -> io::Result<bool> {
        io::copy(content, &mut self.file)?;
        self.file.rewind()?;
        Ok(files::hash_of(&self.file)?.0 == *sha256)
    }

    /// Copies the complete demo into the bucket, if new demos go there and the data directory does not have it. Returns whether
    /// it lies in the bucket.
    pub fn copy_to_bucket(&self, app: &App, demo: &StoredDemo) -> Result<bool> {
        match app.clip_files.bucket_for_new() {
            Some(bucket) if !is_local(app, demo) => {
                bucket::put(bucket, &demo.sha256, &self.file, demo.bytes)?;
                // A damaged file would be found before the object.
                stored_files::remove(&app.store.folder.demo(&demo.sha256));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Renames the complete file to its final name, durably. An existing file of the same length stays.
    pub fn keep(&self, app: &App, demo: &StoredDemo) -> io::Result<()> {
        self.file.sync_all()?;
        if is_local(app, demo) {
            return Ok(());
        }
        let path = app.store.folder.demo(&demo.sha256);
        fs::rename(&self.path, &path)?;
        path.parent().map_or(Ok(()), files::sync_dir)
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
    /// From now on no other thread removes the file. Refused while its object is being deleted in the bucket.
    pub fn take(app: &'a App, sha256: &Sha256) -> Result<Self> {
        let mut held = app.demo_files.lock();
        if held.dying.contains(sha256) {
            let message = "The same demo is being deleted at the moment; try again shortly.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::StorageUnavailable, message));
        }
        *held.whole.entry(*sha256).or_default() += 1;
        Ok(Self { app, sha256: *sha256 })
    }

    /// The upload failed: removes the file, and the object if it was copied, unless an account or another upload needs it.
    pub fn give_up(self, is_in_bucket: bool) {
        let (app, sha256) = (self.app, self.sha256);
        drop(self);
        match remove_unwanted(app, &sha256) {
            Ok(_) if is_in_bucket => bucket::doom(app, &sha256),
            Ok(_) => {}
            Err(error) => log::warn!("cannot check whether the file of a rejected demo is still needed: {error}"),
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

/// Whether the data directory has the demo, with its length.
pub fn is_local(app: &App, demo: &StoredDemo) -> bool {
    fs::metadata(app.store.folder.demo(&demo.sha256)).is_ok_and(|file| file.is_file() && file.len() == demo.bytes)
}

/// The content of a demo that has a row. `check`: ask the bucket whether the object is there; otherwise the reader finds out.
pub fn open(app: &App, demo: &StoredDemo, check: bool) -> Result<Content> {
    let unreadable = |error| Error::internal("An uploaded demo could not be read.", error);
    if is_local(app, demo) {
        return File::open(app.store.folder.demo(&demo.sha256)).map(Content::File).map_err(unreadable);
    }
    match &app.clip_files.bucket {
        Some(bucket) if !check || bucket::length(bucket, &demo.sha256)? == Some(demo.bytes) => {
            Ok(Content::Object(Box::new(bucket::object(bucket, &demo.sha256, demo.bytes))))
        }
        _ => {
            log::error!("the uploaded demo {} is missing or damaged", demo.sha256);
            let message = "The uploaded demo is missing on the server, or damaged.";
            Err(Error::of_failure(Kind::Unprocessable, FailureCode::FetchFailed, message))
        }
    }
}

/// The error for a demo that could not be written.
pub(in crate::app) fn not_stored(error: io::Error) -> Error {
    cannot_store("The demo could not be stored.", error)
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
    !held.partial.contains(path) && !is_held(path) && stored_files::remove(path)
}

/// Whether a file is held by an upload of this or another process.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
}
