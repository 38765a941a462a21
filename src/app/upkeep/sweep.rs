//! Orphaned files: files without a row, left only by a crash between writing a file and its commit.

use std::collections::HashMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::app::demos::files::{self as demo_files, PARTIAL};
use crate::app::{App, stored_files};
use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::store;

/// Rows of demos read at once.
const PAGE: u32 = 1_000;
/// Characters of a demo's name.
const HASH_DIGITS: usize = 64;

/// Removes the files of leases that are neither live nor published, and of demos without a row. In-flight uploads are
/// skipped. Returns how many were removed.
pub fn sweep(app: &App) -> Result<usize> {
    app.store.may_write()?;
    let clips = orphaned_clips(app)?.iter().filter(|path| stored_files::remove(path)).count();
    Ok(clips + sweep_demos(app)?)
}

/// The files of leases that are neither live nor published.
pub(in crate::app) fn orphaned_clips(app: &App) -> Result<Vec<PathBuf>> {
    let mut orphans = Vec::new();
    // Files are listed before rows are read, so a file created meanwhile is not mistaken for an orphan.
    for (lease, path) in app.clip_files.all().map_err(unsweepable)? {
        let is_needed = match lease {
            Some(lease) => app.store.read(|db| store::leases::keeps_files(db, lease))?,
            None => false,
        };
        if !is_needed {
            orphans.push(path);
        }
    }
    Ok(orphans)
}

/// Removes leftover indexer work directories. Only before the server accepts requests.
pub(in crate::app) fn clear_indexings(app: &App) -> Result<()> {
    files::empty_dir(&app.store.folder.indexings()).map_err(unsweepable)
}

/// Removes demos without a row and abandoned uploads, but no in-flight ones. Returns how many.
pub(in crate::app) fn sweep_demos(app: &App) -> Result<usize> {
    let mut removed = 0;
    for entry in entries(&app.store.folder.demos())? {
        let path = entry.path();
        let gone = if is_partial(&path) {
            demo_files::remove_left_over(app, &path)
        } else {
            // Only names that are lower-case hashes are ours.
            let named = entry.file_name().to_str().and_then(Sha256::parse_any_case);
            match named.filter(|sha256| app.store.folder.demo(sha256) == path) {
                Some(sha256) => demo_files::remove_unwanted(app, &sha256)?,
                None => false,
            }
        };
        removed += usize::from(gone);
    }
    Ok(removed)
}

fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == PARTIAL)
}

/// All demos with a row, and their lengths.
pub(in crate::app) fn known_demos(app: &App) -> Result<HashMap<Sha256, u64>> {
    let mut known = HashMap::new();
    let mut after = None;
    loop {
        let page = app.store.read(|db| store::demos::contents(db, after.as_ref(), PAGE))?;
        let Some((last, _)) = page.last() else { return Ok(known) };
        after = Some(*last);
        known.extend(page);
    }
}

/// Demos without a row, and incomplete uploads.
pub(in crate::app) fn orphaned_demos(app: &App, known: &HashMap<Sha256, u64>) -> Result<Vec<PathBuf>> {
    let mut orphans = Vec::new();
    for entry in entries(&app.store.folder.demos())? {
        let path = entry.path();
        let name = entry.file_name();
        let is_needed = || name.to_str().and_then(Sha256::parse).is_some_and(|sha256| known.contains_key(&sha256));
        if is_partial(&path) || (name.len() == HASH_DIGITS && !is_needed()) {
            orphans.push(path);
        }
    }
    Ok(orphans)
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    fs::read_dir(folder).and_then(Iterator::collect).map_err(unsweepable)
}

fn unsweepable(error: io::Error) -> Error {
    Error::internal("The data directory could not be swept.", error)
}
