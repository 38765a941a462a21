//! Moves clips between the data directory and the bucket, beside the running server. Each clip is copied, looked at, and
//! only then deleted where it was, so that it can be read all the time and the move can be interrupted and repeated.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::app::clips::bucket::ClipBucket;
use crate::app::{App, stored_files};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::files;
use crate::store;
use crate::store::clips::Stored;

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// Where clips are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Into the bucket.
    S3,
    /// Into the data directory.
    Disk,
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Clips.
    pub clips: u64,
    /// Bytes of their videos.
    pub bytes: u64,
    /// Clips that were there before.
    pub there: u64,
    /// Clips whose video lies nowhere.
    pub missing: u64,
}

/// Moves all clips. New ones must go there already.
pub fn move_all(app: &App, to: To, mut each: impl FnMut(&Moved)) -> Result<Moved> {
    let bucket = app.clip_files.bucket.as_ref().ok_or_else(|| {
        refused("No bucket is configured. Name it in [storage] of config.toml, restart the server, and repeat this.")
    })?;
    if bucket.takes_new != (to == To::S3) {
        return Err(refused(match to {
            To::S3 => {
                "New clips still go to the disk. Set kind = \"s3\" in [storage] of config.toml, restart the server, \
                       and repeat this."
            }
            To::Disk => {
                "New clips still go to the bucket. Set kind = \"disk\" in [storage] of config.toml and leave the \
                         rest there, restart the server, and repeat this."
            }
        }));
    }
    let (mut after, mut moved) = (None, Moved::default());
    loop {
        let page = app.store.read(|db| store::clips::page(db, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(moved) };
        after = Some(last.job);
        for clip in &page {
            let found = match to {
                To::S3 => into_bucket(app, bucket, clip)?,
                To::Disk => onto_disk(app, bucket, clip)?,
            };
            match found {
                Found::Moved => (moved.clips, moved.bytes) = (moved.clips + 1, moved.bytes + clip.bytes),
                Found::There => moved.there += 1,
                Found::Nowhere => moved.missing += 1,
            }
            each(&moved);
        }
    }
}

enum Found {
    Moved,
    There,
    Nowhere,
}

fn into_bucket(app: &App, bucket: &ClipBucket, clip: &Stored) -> Result<Found> {
    let (video, name) = (app.clip_files.video(clip.lease), app.clip_files.video_name(clip.lease));
    if !app.clip_files.has_video(clip.lease, clip.bytes) {
        let is_there = bucket.length(&name)? == Some(clip.bytes);
        return Ok(if is_there { Found::There } else { Found::Nowhere });
    }
    let poster = app.clip_files.poster(clip.lease);
    copy(bucket, &poster, &app.clip_files.poster_name(clip.lease), "image/jpeg")?;
    copy(bucket, &video, &name, "video/mp4")?;
    if bucket.length(&name)? != Some(clip.bytes) {
        return Err(bucket.bucket.not_there_yet());
    }
    if !app.store.read(|db| store::leases::keeps_files(db, clip.lease))? {
        // Deleted meanwhile.
        app.clip_files.remove(clip.lease);
        return Ok(Found::There);
    }
    stored_files::remove(&video);
    stored_files::remove(&poster);
    Ok(Found::Moved)
}

/// Copies a file into the bucket, if there is one.
fn copy(bucket: &ClipBucket, path: &Path, name: &str, media_type: &str) -> Result<()> {
    match File::open(path) {
        Ok(file) => bucket.put(name, &file, media_type),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::internal(format!("{} could not be read.", path.display()), error)),
    }
}

fn onto_disk(app: &App, bucket: &ClipBucket, clip: &Stored) -> Result<Found> {
    let (video, name) = (app.clip_files.video(clip.lease), app.clip_files.video_name(clip.lease));
    if app.clip_files.has_video(clip.lease, clip.bytes) {
        return Ok(Found::There);
    }
    if bucket.length(&name)? != Some(clip.bytes) {
        return Ok(Found::Nowhere);
    }
    let poster_name = app.clip_files.poster_name(clip.lease);
    if let Some(bytes) = bucket.length(&poster_name)? {
        fetch(app, bucket, &poster_name, bytes, &app.clip_files.poster(clip.lease))?;
    }
    let sha256 = fetch(app, bucket, &name, clip.bytes, &video)?;
    if sha256 != (clip.sha256, clip.bytes) {
        stored_files::remove(&video);
        return Ok(Found::Nowhere);
    }
    if !app.store.read(|db| store::leases::keeps_files(db, clip.lease))? {
        app.clip_files.remove(clip.lease);
        return Ok(Found::There);
    }
    for name in [&name, &poster_name] {
        bucket.bucket.delete(&bucket.key(name))?;
    }
    Ok(Found::Moved)
}

/// Copies an object into a file, durably; its hash and length.
fn fetch(
    app: &App,
    bucket: &ClipBucket,
    name: &str,
    bytes: u64,
    path: &Path,
) -> Result<(crate::domain::sha256::Sha256, u64)> {
    app.room.part().need_exactly(bytes)?;
    let unwritable = |error: io::Error| Error::internal(format!("{} could not be written.", path.display()), error);
    // A poster that is still being written has this ending: left over, it is swept.
    let half = path.with_extension("jpg.new");
    if half.exists() {
        fs::remove_file(&half).map_err(unwritable)?;
    }
    files::write_new(&half, &mut bucket.reader(name, bytes)).map_err(unwritable)?;
    let hash = files::hash(&half).map_err(unwritable)?;
    fs::rename(&half, path).and_then(|()| files::sync(path)).map_err(unwritable)?;
    path.parent().map_or(Ok(()), files::sync_dir).map_err(unwritable)?;
    Ok(hash)
}

fn refused(message: &str) -> Error {
    Error::new(Kind::Conflict, ErrorCode::StorageElsewhere, message)
}
