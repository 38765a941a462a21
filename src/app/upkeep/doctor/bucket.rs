//! The bucket of clips: reachable, with the needed rights, a clock like ours, a rule for unfinished uploads, and no objects
//! that nobody knows.

use std::collections::HashMap;

use crate::app::App;
use crate::app::clips::bucket::{self as clips, ClipBucket};
use crate::app::demos::bucket as demos;
use crate::app::upkeep::doctor::{Fault, few};
use crate::app::upkeep::{bucket, bucket_owner};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::domain::node::CLOCK_SKEW_SECONDS;
use crate::domain::sha256::Sha256;

/// Lengths of what lies in the bucket; empty without a bucket.
#[derive(Default)]
pub struct Found {
    /// Of videos.
    pub videos: HashMap<LeaseId, u64>,
    /// Of uploaded demos.
    pub demos: HashMap<Sha256, u64>,
}

/// What is wrong with the bucket, and what lies in it; `None` if it cannot be listed, or has more than `at_most` objects.
pub fn faults(app: &App, at_most: usize, fix: bool) -> Result<(Vec<Fault>, Option<Found>)> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok((Vec::new(), Some(Found::default()))) };
    let ahead_ms = match bucket.bucket.ahead_ms() {
        Ok(ahead_ms) => ahead_ms,
        Err(error) => return Ok((vec![unusable(&error)], None)),
    };
    let mut faults: Vec<Fault> = ahead_ms.and_then(clock).into_iter().collect();
    if let Err(error) = bucket.try_rights() {
        faults.push(unusable(&error));
    }
    faults.extend(lifecycle(bucket));
    if at_most == 0 {
        return Ok((faults, None));
    }
    let (mut found, mut orphans, mut count) = (Found::default(), Vec::new(), 0);
    for folder in [clips::FOLDER, demos::FOLDER] {
        let listed = bucket::each(app, bucket, folder, |object| {
            count += 1;
            if count > at_most {
                return Err(Error::internal("The bucket has too many objects.", "the listing ends here"));
            }
            if let Some(lease) = bucket::lease_of_video(app, bucket, &object) {
                found.videos.insert(lease, object.bytes);
            } else if let Some(sha256) = demos::demo_of(bucket, &object.key) {
                found.demos.insert(sha256, object.bytes);
            }
            if bucket::is_orphan(app, bucket, &object)? {
                orphans.push(object.key);
            }
            Ok(())
        });
        if count > at_most {
            return Ok((faults, None));
        }
        if let Err(error) = listed {
            faults.push(unusable(&error));
            return Ok((faults, None));
        }
    }
    match bucket_owner::is_anothers(app, bucket) {
        Ok(false) => faults.extend(needless(app, bucket, &orphans, fix)),
        Ok(true) => faults.push(Fault::new(
            "bucket_shared",
            bucket_owner::message(bucket),
            "Give each its own prefix or bucket in [storage]. If the other is gone for good, delete that object: until then \
             nothing is swept here.",
        )),
        Err(error) => faults.push(unusable(&error)),
    }
    Ok((faults, Some(found)))
}

fn unusable(error: &Error) -> Fault {
    Fault::new(
        if error.code == ErrorCode::ClockSkew { "bucket_clock" } else { "bucket" },
        error.to_string(),
        "Check [storage] in config.toml, the credentials and their rights (docs/s3.md), and that the bucket's server runs.",
    )
}

fn clock(ahead_ms: i64) -> Option<Fault> {
    let seconds = ahead_ms / 1_000;
    (seconds.abs() > CLOCK_SKEW_SECONDS.cast_signed()).then(|| {
        let word = if seconds > 0 { "behind" } else { "ahead of" };
        let message = format!("This machine's clock is {} seconds {word} the bucket's.", seconds.abs());
        Fault::new(
            "bucket_clock",
            message,
            "Keep both synchronized (NTP): the bucket refuses addresses whose time is too far from its own.",
        )
    })
}

fn lifecycle(bucket: &ClipBucket) -> Option<Fault> {
    match bucket.bucket.aborts_unfinished_after() {
        Ok(Some(_)) => None,
        Ok(None) => Some(Fault::new(
            "bucket_lifecycle",
            "No lifecycle rule of the bucket deletes uploads that nobody has completed.",
            "Add a rule that aborts incomplete multipart uploads after a day; docs/s3.md has the command.",
        )),
        Err(error) => Some(unusable(&error)),
    }
}

fn needless(app: &App, bucket: &ClipBucket, keys: &[String], fix: bool) -> Option<Fault> {
    if keys.is_empty() {
        return None;
    }
    let message = format!("Objects in the bucket that no clip and no demo needs ({}): {}.", keys.len(), few(keys));
    let fault = Fault::new(
        "bucket_orphans",
        message,
        "The server deletes them once a day. `admin doctor --fix` does it at once; demos only while the server is stopped.",
    );
    let delete = || keys.iter().try_for_each(|key| bucket::delete_orphan(app, bucket, key).map(drop));
    Some(fault.fixed(fix.then(delete)))
}
