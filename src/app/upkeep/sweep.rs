//! Files without a row: a crash between a file and its commit leaves them, and nothing else does.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::app::demos::files::{self as demo_files, PARTIAL};
use crate::app::{App, stored_files};
use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::store;

/// Hashes of demos read at once.
const PAGE: u32 = 1_000;
/// Characters of a demo's name.
const HASH_DIGITS: usize = 64;

/// Removes the files of leases that are neither live nor published, and those of demos that belong to nobody, one look-up
/// a file. How many were removed. Open uploads are passed over.
pub fn sweep(app: &App) -> Result<usize> {
    let clips = orphaned_clips(app)?.iter().filter(|path| stored_files::remove(path)).count();
    Ok(clips + sweep_demos(app)?)
}

/// The files of leases that are neither live nor published.
pub(in crate::app) fn orphaned_clips(app: &App) -> Result<Vec<PathBuf>> {
    let mut orphans = Vec::new();
    // The name was there before its row is asked for: a file that comes meanwhile is not judged.
    for (lease, path) in app.clip_files.all().map_err(unsweepable)? {
        if !app.store.read(|db| store::leases::keeps_files(db, lease))? {
            orphans.push(path);
        }
    }
    Ok(orphans)
}

/// Removes what a crash has left in the work directories of readers. Only before the server serves.
pub(in crate::app) fn clear_indexings(app: &App) -> Result<()> {
    files::empty_dir(&app.store.folder.indexings()).map_err(unsweepable)
}

/// Removes demos without a row, and uploads that broke off, beside uploads that are going on. How many.
pub(in crate::app) fn sweep_demos(app: &App) -> Result<usize> {
    let mut removed = 0;
    for entry in entries(&app.store.folder.demos())? {
        let path = entry.path();
        let gone = if is_partial(&path) {
            demo_files::remove_left_over(app, &path)
        } else {
            // A name that is no hash in lower case is not ours.
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

/// Where the demos must lie that have a row.
pub(in crate::app) fn known_demos(app: &App) -> Result<HashSet<PathBuf>> {
    let mut known = HashSet::new();
    let mut after = Vec::new();
    loop {
        let page = app.store.read(|db| store::demos::hashes(db, &after, PAGE))?;
        let Some(last) = page.last() else { return Ok(known) };
        after = last.0.to_vec();
        known.extend(page.iter().map(|hash| app.store.folder.demo(hash)));
    }
}

/// Demos without a row, and uploads that are not whole.
pub(in crate::app) fn orphaned_demos(app: &App, known: &HashSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut orphans = Vec::new();
    for entry in entries(&app.store.folder.demos())? {
        let path = entry.path();
        let is_whole = entry.file_name().len() == HASH_DIGITS;
        if is_partial(&path) || (is_whole && !known.contains(&path)) {
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
