//! What is to be deleted in the bucket: the objects of deleted clips, soon, and once a day whatever no row knows.

use std::time::Duration;

use crate::app::App;
use crate::app::clips::bucket::{ClipBucket, FOLDER};
use crate::domain::error::Result;
use crate::domain::id::LeaseId;
use crate::os::doorbell::Doorbell;
use crate::os::s3::listing::Listed;
use crate::store;

/// How often the bucket is listed.
pub const LISTING: Duration = Duration::from_hours(24);
/// Younger objects and uploads may belong to a lease that has just ended, or begins: they are left alone.
const YOUNG: Duration = Duration::from_hours(24);

/// Rings when there is something to delete; `None` without a bucket.
pub fn news(app: &App) -> Option<&Doorbell> {
    app.clip_files.bucket.as_ref().map(|bucket| &bucket.news)
}

/// Deletes the objects of clips that were deleted. Returns how many clips'.
pub fn delete_doomed(app: &App) -> Result<usize> {
    app.clip_files.bucket.as_ref().map_or(Ok(0), |bucket| bucket.delete_doomed(|| app.stopping()))
}

/// Deletes objects of ours that no row knows, and aborts unfinished uploads of ours, if they are older than a day: no lease
/// lives that long. Returns how many.
pub fn sweep(app: &App) -> Result<usize> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(0) };
    app.store.may_write()?;
    let mut removed = 0;
    for orphan in orphans(app, bucket)? {
        if app.stopping() {
            return Ok(removed);
        }
        bucket.bucket.delete(&orphan.key)?;
        removed += 1;
    }
    let (mut next, oldest) = (None, oldest_young(app));
    loop {
        let page = bucket.bucket.unfinished(FOLDER, next.as_deref())?;
        for upload in page.found.iter().filter(|upload| upload.begun_ms < oldest) {
            if lease_of(app, bucket, &upload.key).is_some() {
                bucket.bucket.abort_upload(&upload.key, &upload.upload)?;
                removed += 1;
            }
        }
        next = page.next;
        if next.is_none() || app.stopping() {
            return Ok(removed);
        }
    }
}

/// Objects of ours that no row knows and that are older than a day.
fn orphans(app: &App, bucket: &ClipBucket) -> Result<Vec<Listed>> {
    let mut orphans = Vec::new();
    each(app, bucket, |object| {
        if is_orphan(app, bucket, &object)? {
            orphans.push(object);
        }
        Ok(())
    })?;
    Ok(orphans)
}

/// Whether an object is ours, but no row knows it, and it is older than a day.
pub(in crate::app) fn is_orphan(app: &App, bucket: &ClipBucket, object: &Listed) -> Result<bool> {
    Ok(object.written_ms < oldest_young(app) && !is_needed(app, bucket, &object.key)?)
}

/// The lease whose video an object is; `None` for other objects.
pub(in crate::app) fn lease_of_video(app: &App, bucket: &ClipBucket, object: &Listed) -> Option<LeaseId> {
    lease_of(app, bucket, &object.key).filter(|lease| object.key == bucket.key(&app.clip_files.video_name(*lease)))
}

/// Passes every object in the folder of clips to `take`, unless the server stops.
pub(in crate::app) fn each(app: &App, bucket: &ClipBucket, mut take: impl FnMut(Listed) -> Result<()>) -> Result<()> {
    let mut next = None;
    loop {
        let page = bucket.bucket.list(FOLDER, next.as_deref())?;
        page.found.into_iter().try_for_each(&mut take)?;
        next = page.next;
        if next.is_none() || app.stopping() {
            return Ok(());
        }
    }
}

/// Whether a key is not ours, or that of a lease that is live or published.
fn is_needed(app: &App, bucket: &ClipBucket, key: &str) -> Result<bool> {
    lease_of(app, bucket, key).map_or(Ok(true), |lease| app.store.read(|db| store::leases::keeps_files(db, lease)))
}

/// The lease of a key; `None` if it is not ours.
fn lease_of(app: &App, bucket: &ClipBucket, key: &str) -> Option<LeaseId> {
    bucket.name_of(key).and_then(|name| app.clip_files.lease_of_object(name))
}

fn oldest_young(app: &App) -> i64 {
    app.clock.now_ms() - YOUNG.as_millis() as i64
}
