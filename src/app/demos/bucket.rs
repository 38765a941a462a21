//! Uploaded demos in the bucket, if there is one: each under its hash, so that identical content is stored once.
//!
//! An upload copies its demo there before it has a row. Only the server deletes objects of demos, and never one that is
//! being uploaded; no upload begins while its object is being deleted. So a row never lacks its object, and no lock is held
//! while the bucket is asked.

use std::fs::File;

use crate::app::App;
use crate::app::clips::bucket::{ClipBucket, Object};
use crate::domain::error::Result;
use crate::domain::error_code::ErrorCode;
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
    bucket.bucket.length(&key(bucket, sha256))
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

/// Has a demo's object deleted soon, by the server's thread that empties the bucket. Call it after the commit that deletes
/// the last row. What `admin` deletes beside the server, and what fails, is found by the daily listing.
pub(in crate::app) fn doom(app: &App, sha256: &Sha256) {
    if let Some(bucket) = app.clip_files.bucket.as_ref().filter(|bucket| bucket.is_served) {
        app.demo_files.doomed.push(*sha256);
        bucket.news.ring();
    }
}

/// Deletes the objects of demos that were deleted. Returns how many; what fails stays for the next call.
pub(in crate::app) fn delete_doomed(app: &App, bucket: &ClipBucket, is_over: impl Fn() -> bool) -> Result<usize> {
    app.demo_files.doomed.delete_each(is_over, |sha256| delete_unwanted(app, bucket, sha256))
}

/// Deletes a demo's object if no account and no upload needs it; only in the server's process. Returns whether it did.
pub(in crate::app) fn delete_unwanted(app: &App, bucket: &ClipBucket, sha256: &Sha256) -> Result<bool> {
    if !app.demo_files.begin_deletion(sha256, || app.store.read(|db| store::demos::has_any(db, sha256)))? {
        return Ok(false);
    }
    let deleted = bucket.bucket.delete(&key(bucket, sha256));
    // A request without an answer may still arrive and delete the object: no upload may count on it before another
    // request is answered.
    if !deleted.as_ref().is_err_and(|error| error.code == ErrorCode::StorageUnavailable) {
        app.demo_files.end_deletion(sha256);
    }
    deleted.map(|()| true)
}
