//! Restore: replaces the content of a data directory with a backup, and keeps the old content aside.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::app::clips::files::ClipFiles;
use crate::app::upkeep::backup::file::{BUCKET_CLIPS, BUCKET_DEMOS, BackupFile};
use crate::app::upkeep::promote;
use crate::config;
use crate::domain::epoch::{Epoch, LostWindow};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::clock::Clock;
use crate::os::files;
use crate::os::random::Random;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::store::clips::Stored;
use crate::store::copies::{Copy, Note, Settled};
use crate::store::restore::{self, Staging};
use crate::store::{DataDir, STORE, Tx, epochs};
use crate::wire::time::rfc3339;

/// A restored data directory.
#[derive(Debug)]
pub struct Restored {
    /// When the backup was made. Unix time in milliseconds.
    pub made_at_ms: i64,
    /// Accounts in it.
    pub accounts: u64,
    /// Jobs in it.
    pub jobs: u64,
    /// Clips whose video is available.
    pub videos: u64,
    /// Clips that lay in the bucket when the backup was made.
    pub in_bucket: u64,
    /// Uploaded demos that lay there.
    pub demos_in_bucket: u64,
    /// Clips whose video was found neither in the backup nor in the data directory. They are removed; their jobs stay
    /// done and billed.
    pub forgotten: u64,
    /// The time in which jobs may have been accepted that the backup lacks.
    pub lost: LostWindow,
    /// Where the previous content was moved.
    pub aside: Option<PathBuf>,
    /// The same for folders that are symbolic links or mount points: one location in each.
    pub aside_behind: Vec<PathBuf>,
}

/// Replaces the content of the data directory with the backup. Changes nothing until the backup has been verified and
/// staged next to it. The previous content is kept aside; existing videos that the backup lacks stay in place.
pub fn restore(data_dir: &Path, from: &Path, clock: &dyn Clock, random: &dyn Random) -> Result<Restored> {
    let mut backup = BackupFile::open(from)?;
    let folder = DataDir::create(data_dir)?;
    let _lock = folder.lock().map_err(|error| match error.code {
        ErrorCode::DataDirInUse => {
            let message = format!("A server is using {}. Stop it, then restore.", data_dir.display());
            Error { message, ..error }
        }
        _ => error,
    })?;
    // Finish an interrupted restore first: the content it replaced has already been moved aside.
    restore::finish(&folder)?;
    let place = restore::begin(&folder)?;
    check_room(&folder, &place, &backup)?;
    for name in ["local-nodes", "demos", "clips", "archive"] {
        files::create_private_dir(&place.path(name)).map_err(|error| unwritable(&folder, error))?;
    }
    let (mut in_bucket, mut demos_in_bucket) = (HashSet::new(), 0);
    backup.each(|name, content| {
        if name == BUCKET_CLIPS {
            for line in BufReader::new(content).lines() {
                // The name in the key: prefixes may change.
                let line = line?;
                let key = line.split('\t').next().unwrap_or_default();
                in_bucket.insert(key.rsplit('/').next().unwrap_or_default().to_owned());
            }
            return Ok(());
        }
        if name == BUCKET_DEMOS {
            // For people: a demo's row stays, wherever its file lies.
            for line in BufReader::new(content).lines() {
                line?;
                demos_in_bucket += 1;
            }
            return Ok(());
        }
        let path = place.path(name);
        path.parent().map_or(Ok(()), files::create_private_dir)?;
        files::write_new(&path, content)
    })?;

    let copy = Copy::open(&place.path(STORE))?;
    if !backup.description.fits(&copy)? {
        return Err(Error::conflict(
            ErrorCode::BackupDamaged,
            "The store in the backup does not match the backup's description.",
        ));
    }
    let made_at_ms = backup.description.made_at_ms;
    let (now, operator, subject) = (clock.now_ms(), config::operator(), from.display().to_string());
    let details = format!("made {}", rfc3339(made_at_ms));
    let note = Note { at_ms: now, operator: &operator, subject: &subject, details: &details };
    let clips = ClipFiles::of(&folder, Arc::new(copy.read(epochs::all)?));
    let (mut videos, mut bucketed) = (0, 0);
    let epoch = Epoch::from_bits(random.bits()?);
    let renew = |tx: &mut Tx<'_>| promote::renew(tx, epoch, now).map(|renewed| (renewed.details(), renewed.lost));
    let settled = copy.settle(&note, renew, |clip| {
        if in_bucket.contains(&clips.video_name(clip.lease)) {
            bucketed += 1;
            return Ok(true);
        }
        let has_video = has_video(&clips, &place, clip).map_err(|error| unwritable(&folder, error))?;
        videos += u64::from(has_video);
        Ok(has_video)
    })?;
    place.write_epoch(epoch, settled.numbers)?;
    let stamp: String = rfc3339(now).chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let asides = restore::install(&folder, &place, &format!("replaced-{stamp}"))?.into_iter();
    let (aside, aside_behind): (Vec<_>, Vec<_>) = asides.partition(|aside| aside.parent() == Some(folder.path()));
    let (accounts, jobs) = (backup.description.accounts, backup.description.jobs);
    let Settled { forgotten, lost, .. } = settled;
    Ok(Restored {
        made_at_ms,
        accounts,
        jobs,
        videos,
        in_bucket: bucketed,
        demos_in_bucket,
        forgotten,
        lost,
        aside: aside.into_iter().next(),
        aside_behind,
    })
}

/// Whether the restored data has the clip's video. A video that only the current directory has is linked or copied,
/// because the current content is about to be moved aside.
fn has_video(clips: &ClipFiles, place: &Staging, clip: &Stored) -> io::Result<bool> {
    let video = place.of(&clips.video(clip.lease));
    if video.exists() {
        return Ok(true);
    }
    if !is_the_video(&clips.video(clip.lease), clip)? {
        return Ok(false);
    }
    files::link_or_copy(&clips.video(clip.lease), &video)?;
    let poster = clips.poster(clip.lease);
    if poster.is_file() {
        files::link_or_copy(&poster, &place.of(&poster))?;
    }
    Ok(true)
}

fn is_the_video(path: &Path, clip: &Stored) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() == clip.bytes => Ok(files::hash(path)? == (clip.sha256, clip.bytes)),
        _ => Ok(false),
    }
}

/// Checks the free space on each disk involved: folders that are symbolic links or mount points have their own.
fn check_room(folder: &DataDir, place: &Staging, backup: &BackupFile) -> Result<()> {
    let mut here = backup.bytes;
    for (name, bytes) in backup.folders.iter().filter(|(name, _)| place.is_behind(name)) {
        here = here.saturating_sub(*bytes);
        check_room_at(&folder.path().join(name), *bytes)?;
    }
    check_room_at(folder.path(), here)
}

fn check_room_at(path: &Path, bytes: u64) -> Result<()> {
    match files::free_bytes(path) {
        Some(free) if free < bytes.saturating_add(DISK_RESERVE_BYTES) => {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            let message = format!(
                "The disk of {} has {} MiB left; this backup needs {} MiB and a reserve of {} MiB. Free space first.",
                path.display(),
                mib(free),
                mib(bytes),
                mib(DISK_RESERVE_BYTES)
            );
            Err(Error::new(Kind::NoSpace, ErrorCode::NoSpace, message))
        }
        _ => Ok(()),
    }
}

fn unwritable(folder: &DataDir, error: io::Error) -> Error {
    let message =
        format!("The backup could not be unpacked into {}; nothing there was changed.", folder.path().display());
    Error::internal(message, error)
}
