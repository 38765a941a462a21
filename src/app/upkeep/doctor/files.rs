//! Orphaned files, and rows whose file is missing.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::ops::Range;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use crate::app::App;
use crate::app::clips::bucket::ClipBucket;
use crate::app::demos::bucket as demos;
use crate::app::demos::files::{self, StoredDemo};
use crate::app::upkeep::doctor::bucket::Found;
use crate::app::upkeep::doctor::{Fault, below, few};
use crate::app::upkeep::{job_archive, sweep};
use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::store;

/// Seconds after which a file without a row counts as orphaned, unless an upload holds it.
const ORPHAN_SECONDS: u64 = 60;

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// Objects that are looked at one by one because the listing of the bucket lacks them: they may be younger.
const LOOKS: usize = 1_000;

/// Orphaned files, and files that are needed but missing. `in_bucket`: what lies in the bucket; `None` if that is not known.
pub fn faults(app: &App, in_bucket: Option<&Found>, fix: bool) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let known = sweep::known_demos(app)?;
    let orphans = orphans(app, &known)?;
    if !orphans.is_empty() {
        let names: Vec<_> = orphans.iter().map(|path| below(&app.store.folder, path)).collect();
        let message = format!("Orphaned files in the data directory ({}): {}.", names.len(), few(&names));
        let fault = Fault::new(
            "orphans",
            message,
            "The server removes them when it starts and once an hour; so does `admin doctor --fix`.",
        );
        let remove = || {
            orphans.iter().try_for_each(|path| {
                fs::remove_file(path)
                    .map_err(|error| Error::internal(format!("Could not remove {}.", path.display()), error))
            })
        };
        faults.push(fault.fixed(fix.then(remove)));
    }
    let missing = in_bucket.map_or(Ok(Vec::new()), |in_bucket| missing_demos(app, &known, in_bucket))?;
    if !missing.is_empty() {
        let message = format!("Missing or damaged files of uploaded demos ({}): {}.", missing.len(), few(&missing));
        let remedy = "Restore the files from a backup, or upload them again. Until then, jobs for them fail. Those in a bucket \
                      are only found there while [storage] names it.";
        faults.push(Fault::new("demos_missing", message, remedy));
    }
    let archives: Vec<_> = job_archive::damaged(app)?.iter().map(|path| below(&app.store.folder, path)).collect();
    if !archives.is_empty() {
        let message =
            format!("Files of archived jobs that are shorter than recorded ({}): {}.", archives.len(), few(&archives));
        let remedy = "Restore them from a backup, or move them elsewhere: then new ones are begun. Until then, no jobs of \
                      these months are archived.";
        faults.push(Fault::new("archive_damaged", message, remedy));
    }
    let clips = in_bucket.map_or(Ok(Vec::new()), |in_bucket| clips(app, in_bucket))?;
    if !clips.is_empty() {
        let message = format!("Clips whose video is missing or incomplete ({}): {}.", clips.len(), few(&clips));
        let remedy = "Restore the files from a backup made with --videos, or delete the clips. Those in a bucket are only found \
                      there while [storage] names it.";
        faults.push(Fault::new("videos_missing", message, remedy));
    }
    Ok(faults)
}

/// Orphaned files. While the server runs, a recent or held file may belong to an upload in progress.
fn orphans(app: &App, known: &HashMap<Sha256, u64>) -> Result<Vec<PathBuf>> {
    let is_served = app.store.folder.lock().is_err();
    let oldest_young = app.clock.now_ms() - (ORPHAN_SECONDS * 1_000).cast_signed();
    let mut orphans = sweep::orphaned_clips(app)?;
    orphans.extend(sweep::orphaned_demos(app, known)?);
    let is_old = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| changed_ms(&file) < oldest_young);
    orphans.retain(|path| !is_served || (is_old(path) && !files::is_held(path)));
    orphans.sort();
    Ok(orphans)
}

/// When a file was last modified, Unix time in milliseconds. If that is unknown, the file counts as recent.
fn changed_ms(file: &Metadata) -> i64 {
    let since = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether an object that the listing lacks is in the bucket by now, as long as there are looks left.
fn is_younger(app: &App, looks: &mut Range<usize>, is_there: impl FnOnce(&ClipBucket) -> Result<bool>) -> Result<bool> {
    match &app.clip_files.bucket {
        Some(bucket) if looks.next().is_some() => is_there(bucket),
        _ => Ok(false),
    }
}

/// Demos whose file is missing or has the wrong length. Skips demos that were deleted after their row was read.
fn missing_demos(app: &App, known: &HashMap<Sha256, u64>, in_bucket: &Found) -> Result<Vec<String>> {
    let (folder, mut looks, mut missing) = (&app.store.folder, 0..LOOKS, Vec::new());
    for (sha256, bytes) in known {
        let demo = StoredDemo { sha256: *sha256, bytes: *bytes };
        if in_bucket.demos.get(sha256) == Some(bytes) || files::is_local(app, &demo) {
            continue;
        }
        let is_younger = is_younger(app, &mut looks, |bucket| Ok(demos::length(bucket, sha256)? == Some(*bytes)))?;
        if !is_younger && app.store.read(|db| store::demos::has_any(db, sha256))? {
            missing.push(below(folder, &folder.demo(sha256)));
        }
    }
    missing.sort();
    Ok(missing)
}

/// Clips whose video is missing or has the wrong size. Skips clips that were deleted after their row was read.
fn clips(app: &App, in_bucket: &Found) -> Result<Vec<String>> {
    let (mut after, mut looks, mut missing) = (None, 0..LOOKS, Vec::new());
    loop {
        let page = app.store.read(|db| store::clips::page(db, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(missing) };
        after = Some(last.job);
        // Of a million clips, this takes seconds, for which no server waits when it shuts down.
        if app.stopping() {
            return Ok(missing);
        }
        for clip in page {
            let files = &app.clip_files;
            if files.has_video(clip.lease, clip.bytes) || in_bucket.videos.get(&clip.lease) == Some(&clip.bytes) {
                continue;
            }
            let name = files.video_name(clip.lease);
            let is_younger = is_younger(app, &mut looks, |bucket| Ok(bucket.length(&name)? == Some(clip.bytes)))?;
            if !is_younger && app.store.read(|db| store::leases::keeps_files(db, clip.lease))? {
                missing.push(below(&app.store.folder, &app.clip_files.video(clip.lease)));
            }
        }
    }
}
