//! What is to be deleted in the bucket: the objects of deleted clips and demos, soon, and once a day whatever no row knows.

use std::time::Duration;

use crate::app::App;
use crate::app::clips::bucket::{self as clips, ClipBucket};
use crate::app::clips::doomed::Doomed;
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

/// Claims the folders in the bucket.
pub fn claim(app: &App) -> Result<()> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(()) };
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
    let is_over = || app.stopping() || app.store.may_write().is_err();
    let clips = bucket.delete_doomed(is_over);
    let demos = demos::delete_doomed(app, bucket, is_over);
    Ok(clips? + demos?)
}

/// Deletes objects of ours that no row knows, and aborts unfinished uploads of ours, if they are older than a day: no lease
/// lives that long. Returns how many.
pub fn sweep(app: &App) -> Result<usize> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(0) };
    claim(app)?;
    let orphans = Doomed::from(orphans(app, bucket)?);
    let deleted = orphans.delete_each(|| app.stopping(), |key| delete_orphan(app, bucket, key));
    let aborted = abort_uploads(app, bucket);
    Ok(deleted? + aborted?)
}

/// Aborts unfinished uploads of ours that are older than a day. Returns how many.
fn abort_uploads(app: &App, bucket: &ClipBucket) -> Result<usize> {
    let (mut aborted, mut next, oldest) = (0, None, oldest_young(app));
    while !app.stopping() {
        let page = bucket.bucket.unfinished(clips::FOLDER, next.as_deref())?;
        for upload in page.found.iter().filter(|upload| upload.begun_ms < oldest) {
            if lease_of(app, bucket, &upload.key).is_some() {
                bucket.bucket.abort_upload(&upload.key, &upload.upload)?;
                aborted += 1;
            }
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(aborted)
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

/// Deletes an orphan, unless it is a demo that has been uploaded again since. Returns whether it did.
pub(in crate::app) fn delete_orphan(app: &App, bucket: &ClipBucket, key: &str) -> Result<bool> {
    app.store.may_write()?;
    match demos::demo_of(bucket, key) {
        Some(sha256) if !bucket.is_served => {
            // While the server is stopped, no upload is running.
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
