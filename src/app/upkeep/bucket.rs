//! What is to be deleted in the bucket: the objects of deleted clips and demos, soon, and once a day whatever no row knows.

use std::time::Duration;

use crate::app::App;
use crate::app::clips::bucket::{self as clips, ClipBucket};
use crate::app::demos::bucket as demos;
use crate::app::upkeep::bucket_owner;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::os::doorbell::Doorbell;
use crate::os::s3::listing::Listed;
use crate::store;

/// How often the bucket is listed.
pub const LISTING: Duration = Duration::from_hours(24);
/// Younger objects and uploads may belong to a lease that has just ended, or begins, or to a demo that is being uploaded:
/// they are left alone.
const YOUNG: Duration = Duration::from_hours(24);

/// Tries the rights of the server's credentials, and makes the folders of the bucket its own.
pub fn begin(app: &App) -> Result<()> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(()) };
    bucket.try_rights()?;
    app.store.may_write()?;
    bucket_owner::claim(app, bucket)
}

/// Rings when there is something to delete; `None` without a bucket.
pub fn news(app: &App) -> Option<&Doorbell> {
    app.clip_files.bucket.as_ref().map(|bucket| &bucket.news)
}

/// Deletes the objects of clips and demos that were deleted. Returns how many clips' and demos'.
pub fn delete_doomed(app: &App) -> Result<usize> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(0) };
    let clips = bucket.delete_doomed(|| app.stopping() || app.store.may_write().is_err());
    let demos = demos::delete_doomed(app, bucket);
    Ok(clips? + demos?)
}

/// Deletes objects of ours that no row knows, and aborts unfinished uploads of ours, if they are older than a day: no lease
/// lives that long. Returns how many.
pub fn sweep(app: &App) -> Result<usize> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(0) };
    app.store.may_write()?;
    bucket_owner::claim(app, bucket)?;
    let (mut removed, mut failed) = (0, Ok(()));
    for orphan in orphans(app, bucket)? {
        if app.stopping() {
            return Ok(removed);
        }
        match delete_orphan(app, bucket, &orphan) {
            Ok(deleted) => removed += usize::from(deleted),
            Err(error) if error.code == ErrorCode::StorageUnavailable => return Err(error),
            // One that may not be deleted does not keep the others.
            Err(error) => failed = Err(error),
        }
    }
    let (mut next, oldest) = (None, oldest_young(app));
    loop {
        let page = bucket.bucket.unfinished(clips::FOLDER, next.as_deref())?;
        for upload in page.found.iter().filter(|upload| upload.begun_ms < oldest) {
            if lease_of(app, bucket, &upload.key).is_some() {
                bucket.bucket.abort_upload(&upload.key, &upload.upload)?;
                removed += 1;
            }
        }
        next = page.next;
        if next.is_none() || app.stopping() {
            return failed.map(|()| removed);
        }
    }
}

/// Objects of ours that no row knows and that are older than a day.
fn orphans(app: &App, bucket: &ClipBucket) -> Result<Vec<String>> {
    let mut orphans = Vec::new();
    for folder in [clips::FOLDER, demos::FOLDER] {
        each(app, bucket, folder, |object| {
            if is_orphan(app, bucket, &object)? {
                orphans.push(object.key);
            }
            Ok(())
        })?;
    }
    Ok(orphans)
}

/// Deletes an object that was found to be an orphan; a demo only if nobody has uploaded it since.
pub(in crate::app) fn delete_orphan(app: &App, bucket: &ClipBucket, key: &str) -> Result<bool> {
    app.store.may_write()?;
    match demos::demo_of(bucket, key) {
        Some(sha256) if !bucket.is_served => {
            // Only then is nobody uploading it.
            let _lock = app.store.folder.lock().map_err(|error| match error.code {
                ErrorCode::DataDirInUse => {
                    let message = "The server is running, and deletes demos in the bucket itself, once a day.";
                    Error { message: message.to_owned(), ..error }
                }
                _ => error,
            })?;
            demos::delete_unwanted(app, bucket, &sha256)
        }
        Some(sha256) => demos::delete_unwanted(app, bucket, &sha256),
        None => bucket.bucket.delete(key).map(|()| true),
    }
}

/// Whether an object is ours, but no row knows it, and it is older than a day.
pub(in crate::app) fn is_orphan(app: &App, bucket: &ClipBucket, object: &Listed) -> Result<bool> {
    Ok(object.written_ms < oldest_young(app) && !is_needed(app, bucket, &object.key)?)
}

/// The lease whose video an object is; `None` for other objects.
pub(in crate::app) fn lease_of_video(app: &App, bucket: &ClipBucket, object: &Listed) -> Option<LeaseId> {
    lease_of(app, bucket, &object.key).filter(|lease| object.key == bucket.key(&app.clip_files.video_name(*lease)))
}

/// Passes every object in a folder to `take`, unless the server stops.
pub(in crate::app) fn each(
    app: &App,
    bucket: &ClipBucket,
    folder: &str,
    mut take: impl FnMut(Listed) -> Result<()>,
) -> Result<()> {
    let mut next = None;
    loop {
        let page = bucket.bucket.list(folder, next.as_deref())?;
        page.found.into_iter().try_for_each(&mut take)?;
        next = page.next;
        if next.is_none() || app.stopping() {
            return Ok(());
        }
    }
}

/// Whether a key is not ours, or that of a lease that is live or published, or of a demo that an account has.
fn is_needed(app: &App, bucket: &ClipBucket, key: &str) -> Result<bool> {
    match (lease_of(app, bucket, key), demos::demo_of(bucket, key)) {
        (Some(lease), _) => app.store.read(|db| store::leases::keeps_files(db, lease)),
        (None, Some(sha256)) => app.store.read(|db| store::demos::has_any(db, &sha256)),
        (None, None) => Ok(true),
    }
}

/// The lease of a key; `None` if it is not ours.
fn lease_of(app: &App, bucket: &ClipBucket, key: &str) -> Option<LeaseId> {
    bucket.name_of(key).and_then(|name| app.clip_files.lease_of_object(name))
}

fn oldest_young(app: &App) -> i64 {
    app.clock.now_ms() - YOUNG.as_millis() as i64
}
