//! Uploaded demos in the bucket, if there is one: each under its hash, so that identical content is stored once.
//!
//! An upload copies its demo there before it has a row, and looks at the object again under the demo lock, which whoever
//! deletes an object holds as well: a row never lacks its object.

use std::fs::File;

use crate::app::App;
use crate::app::clips::bucket::{ClipBucket, Object};
use crate::domain::error::Result;
use crate::domain::sha256::Sha256;
use crate::os::s3::reader::ObjectReader;
use crate::store;

/// Folder of the demos below the prefix.
pub const FOLDER: &str = "demos/";
/// The media type of a demo.
pub const MEDIA_TYPE: &str = "application/octet-stream";

/// The full key of a demo.
pub fn key(bucket: &ClipBucket, sha256: &Sha256) -> String {
    bucket.bucket.key(&format!("{FOLDER}{sha256}"))
}

/// The demo of a full key; `None` for other objects.
pub fn demo_of(bucket: &ClipBucket, key: &str) -> Option<Sha256> {
    key.strip_prefix(&bucket.bucket.key(FOLDER)).and_then(Sha256::parse)
}

/// The demo's length in the bucket, if it lies there.
pub fn length(bucket: &ClipBucket, sha256: &Sha256) -> Result<Option<u64>> {
    Ok(bucket.bucket.head(&key(bucket, sha256))?.map(|head| head.bytes))
}

/// Copies a demo of `bytes` bytes into the bucket, unless it lies there. The store compares it with the hash.
pub fn put(bucket: &ClipBucket, sha256: &Sha256, file: &File, bytes: u64) -> Result<()> {
    if length(bucket, sha256)? == Some(bytes) {
        return Ok(());
    }
    bucket.bucket.put_file(&key(bucket, sha256), file, MEDIA_TYPE, Some(sha256))
}

/// Reads a demo of `bytes` bytes from its start.
pub fn reader(bucket: &ClipBucket, sha256: &Sha256, bytes: u64) -> ObjectReader {
    ObjectReader::section(bucket.bucket.clone(), key(bucket, sha256), bytes, 0, bytes)
}

/// A demo of `bytes` bytes, to be sent to a node.
pub fn object(bucket: &ClipBucket, sha256: &Sha256, bytes: u64) -> Object {
    Object::of(bucket, key(bucket, sha256), bytes)
}

/// Deletes a demo's object soon: by the thread that empties the bucket, or at once if there is none. Call it under the
/// demo lock, after the commit that deletes the last row. What fails is deleted by the daily listing.
pub(in crate::app) fn doom(app: &App, sha256: &Sha256) {
    let Some(bucket) = &app.clip_files.bucket else { return };
    if bucket.is_served {
        app.demo_files.doom(sha256);
        bucket.news.ring();
    } else if let Err(error) = bucket.bucket.delete(&key(bucket, sha256)) {
        log::warn!("demo {sha256} could not be deleted in the bucket; the daily listing tries again: {error}");
    }
}

/// Deletes the objects of demos that were deleted. Returns how many; after a failure the rest stays for the next call.
pub(in crate::app) fn delete_doomed(app: &App, bucket: &ClipBucket) -> Result<usize> {
    let mut count = 0;
    while !app.stopping()
        && let Some(sha256) = app.demo_files.next_doomed()
    {
        let deleted = delete_unwanted(app, bucket, &sha256).inspect_err(|_| app.demo_files.doom(&sha256))?;
        count += usize::from(deleted);
    }
    Ok(count)
}

/// Deletes a demo's object if no account and no upload needs it. Returns whether it did.
pub(in crate::app) fn delete_unwanted(app: &App, bucket: &ClipBucket, sha256: &Sha256) -> Result<bool> {
    let _lock = app.store.folder.lock_demos()?;
    if app.demo_files.is_coming(sha256) || app.store.read(|db| store::demos::has_any(db, sha256))? {
        return Ok(false);
    }
    bucket.bucket.delete(&key(bucket, sha256))?;
    Ok(true)
}
