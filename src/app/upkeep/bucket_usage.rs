//! What lies in the bucket, for `admin storage`: the store does not keep count, so the bucket is listed.

use std::time::Duration;

use crate::app::App;
use crate::domain::error::Result;

/// Objects after which counting ends: 100,000, or a hundred requests.
const OBJECTS: u64 = 100_000;
/// How long it may take.
const TIME: Duration = Duration::from_secs(20);

/// What lies below our prefix in the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketUsage {
    /// Objects: videos, posters, demos, and whatever else is there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// There are more: they were not counted, as that would take too long.
    pub is_cut: bool,
}

/// Counts the objects in the bucket; `None` without one. Unfinished uploads are not counted.
pub fn measure(app: &App) -> Result<Option<BucketUsage>> {
    let Some(bucket) = &app.clip_files.bucket else { return Ok(None) };
    let start = app.clock.monotonic();
    let (mut usage, mut next) = (BucketUsage::default(), None);
    loop {
        let page = bucket.bucket.list("", next.as_deref())?;
        usage.objects += page.found.len() as u64;
        usage.bytes += page.found.iter().map(|object| object.bytes).sum::<u64>();
        next = page.next;
        usage.is_cut = next.is_some();
        if next.is_none() || usage.objects >= OBJECTS || app.clock.monotonic().saturating_sub(start) >= TIME {
            return Ok(Some(usage));
        }
    }
}
