//! Moves clips and uploaded demos between the data directory and the bucket, beside the running server. Each is copied,
//! looked at, and only then deleted where it was, so that it can be read all the time and the move can be interrupted and
//! repeated.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::app::clips::bucket::ClipBucket;
use crate::app::demos::bucket as demos;
use crate::app::demos::files::{Partial, StoredDemo, is_local, not_stored};
use crate::app::upkeep::sweep;
use crate::app::{App, audit, stored_files};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::Operator;
use crate::domain::sha256::Sha256;
use crate::domain::wording::counted;
use crate::os::files;
use crate::store;
use crate::store::clips::Stored;

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// Where clips and demos are moved.
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
    /// Clips, by their videos.
    pub clips: Count,
    /// Uploaded demos.
    pub demos: Count,
}

/// How many clips or demos were moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Moved.
    pub moved: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// There before.
    pub there: u64,
    /// To be found nowhere.
    pub missing: u64,
}

impl Count {
    fn add(&mut self, found: Found, bytes: u64) {
        match found {
            Found::Moved => (self.moved, self.bytes) = (self.moved + 1, self.bytes + bytes),
            Found::There => self.there += 1,
            Found::Nowhere => self.missing += 1,
        }
    }
}

/// Moves all clips and uploaded demos. New ones must go there already.
pub fn move_all(app: &App, to: To, mut each: impl FnMut(&Moved)) -> Result<Moved> {
    let bucket = app.clip_files.bucket.as_ref().ok_or_else(|| {
        refused("No bucket is configured. Name it in [storage] of config.toml, restart the server, and repeat this.")
    })?;
    if bucket.takes_new != (to == To::S3) {
        return Err(refused(match to {
            To::S3 => {
                "New clips and demos still go to the disk. Set kind = \"s3\" in [storage] of config.toml, restart the server, \
                       and repeat this."
            }
            To::Disk => {
                "New clips and demos still go to the bucket. Set kind = \"disk\" in [storage] of config.toml and leave the \
                         rest there, restart the server, and repeat this."
            }
        }));
    }
    let (mut after, mut moved) = (None, Moved::default());
    loop {
        let page = app.store.read(|db| store::clips::page(db, after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = Some(last.job);
        for clip in &page {
            let found = match to {
                To::S3 => into_bucket(app, bucket, clip)?,
                To::Disk => onto_disk(app, bucket, clip)?,
            };
            moved.clips.add(found, clip.bytes);
            each(&moved);
        }
    }
    for (sha256, bytes) in sweep::known_demos(app)? {
        let demo = StoredDemo { sha256, bytes };
        let found = match to {
            To::S3 => demo_into_bucket(app, bucket, &demo)?,
            To::Disk => demo_onto_disk(app, bucket, &demo)?,
        };
        moved.demos.add(found, bytes);
        each(&moved);
    }
    Ok(moved)
}

/// Records a move in the audit log.
pub fn note(app: &App, operator: &Operator, to: To, moved: &Moved) -> Result<()> {
    let subject = match to {
        To::S3 => "s3",
        To::Disk => "disk",
    };
    let details = format!("{} and {}", counted(moved.clips.moved, "clip"), counted(moved.demos.moved, "demo"));
    audit::change(app, operator, move |tx, log| log.note(tx, "storage.move", subject, &details))
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
fn fetch(app: &App, bucket: &ClipBucket, name: &str, bytes: u64, path: &Path) -> Result<(Sha256, u64)> {
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

fn demo_into_bucket(app: &App, bucket: &ClipBucket, demo: &StoredDemo) -> Result<Found> {
    let path = app.store.folder.demo(&demo.sha256);
    if !is_local(app, demo) {
        let is_there = demos::length(bucket, &demo.sha256)? == Some(demo.bytes);
        return Ok(if is_there { Found::There } else { Found::Nowhere });
    }
    let unreadable = |error| Error::internal(format!("{} could not be read.", path.display()), error);
    let file = File::open(&path).map_err(unreadable)?;
    if files::hash_of(&file).map_err(unreadable)?.0 != demo.sha256 {
        log::warn!("{} is damaged and stays where it is", path.display());
        return Ok(Found::Nowhere);
    }
    demos::put(bucket, &demo.sha256, &file, demo.bytes)?;
    if demos::length(bucket, &demo.sha256)? != Some(demo.bytes) {
        return Err(bucket.bucket.not_there_yet());
    }
    // Locked, because the same demo may be uploaded again at the same time.
    let lock = app.store.folder.lock_demos()?;
    stored_files::remove(&path);
    drop(lock);
    // If the demo was deleted and uploaded again meanwhile, its object is gone, and the upload relied on the file. An object
    // whose row is gone is found by the daily listing.
    demos::put(bucket, &demo.sha256, &file, demo.bytes)?;
    Ok(Found::Moved)
}

fn demo_onto_disk(app: &App, bucket: &ClipBucket, demo: &StoredDemo) -> Result<Found> {
    let (key, StoredDemo { sha256, bytes }) = (demos::key(bucket, &demo.sha256), *demo);
    if is_local(app, demo) {
        // Left by an interrupted move, or by an upload while the demo lay in the bucket.
        bucket.bucket.delete(&key)?;
        return Ok(Found::There);
    }
    if demos::length(bucket, &sha256)? != Some(bytes) {
        return Ok(Found::Nowhere);
    }
    app.room.part().need_exactly(bytes)?;
    let mut partial = Partial::create(app, &app.random_uuid()?.simple().to_string()).map_err(not_stored)?;
    let is_whole = partial.fill(&mut demos::reader(bucket, &sha256, bytes), &sha256);
    if !is_whole.map_err(|error| Error::internal("A demo could not be copied from the bucket.", error))? {
        return Ok(Found::Nowhere);
    }
    let lock = app.store.folder.lock_demos()?;
    if !app.store.read(|db| store::demos::has_any(db, &sha256))? {
        // Deleted meanwhile; its object is found by the daily listing.
        return Ok(Found::There);
    }
    partial.keep(app, demo).map_err(not_stored)?;
    drop(lock);
    bucket.bucket.delete(&key)?;
    Ok(Found::Moved)
}

fn refused(message: &str) -> Error {
    Error::new(Kind::Conflict, ErrorCode::StorageElsewhere, message)
}
