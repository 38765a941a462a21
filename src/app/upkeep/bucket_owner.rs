//! Which appliance owns the folders below the bucket's prefix: the one that sweeps them writes the epoch of its store into an
//! object there. An appliance whose store does not know that epoch sweeps nothing: what looks like an orphan may be another's.

use crate::app::App;
use crate::app::clips::bucket::ClipBucket;
use crate::domain::epoch::Epoch;
use crate::domain::error::{Error, Result};
use crate::os::s3::object::Condition;

/// Name of the object below the prefix.
const OWNER: &str = "owner";
/// Bytes of it that are read; an epoch has eight.
const BYTES: u64 = 64;

/// Whether another appliance owns the folders.
pub fn is_anothers(app: &App, bucket: &ClipBucket) -> Result<bool> {
    Ok(written(bucket)?.is_some_and(|epoch| !app.epochs.has(epoch)))
}

/// Claims the folders, unless another appliance owns them, which is an error. Claims them anew after a restore or a failover.
pub fn claim(app: &App, bucket: &ClipBucket) -> Result<()> {
    let (written, current) = (written(bucket)?, app.epochs.current());
    match (written, current) {
        (Some(epoch), _) if !app.epochs.has(epoch) => Err(anothers(bucket)),
        (_, Some(current)) if written != Some(current) => {
            let (key, epoch) = (bucket.bucket.key(OWNER), current.to_string());
            bucket.bucket.put(&key, epoch.as_bytes(), "text/plain", Condition::None).map(drop)
        }
        _ => Ok(()),
    }
}

/// What is wrong, for people.
pub fn message(bucket: &ClipBucket) -> String {
    let (key, name) = (bucket.bucket.key(OWNER), bucket.bucket.name());
    format!("Another appliance keeps its clips and demos under the same prefix ({key} in bucket {name} says so).")
}

fn anothers(bucket: &ClipBucket) -> Error {
    Error::internal("Nothing was swept in the bucket.", message(bucket))
}

fn written(bucket: &ClipBucket) -> Result<Option<Epoch>> {
    let text = bucket.bucket.text(&bucket.bucket.key(OWNER), BYTES)?;
    Ok(text.and_then(|text| Epoch::parse(text.trim())))
}
