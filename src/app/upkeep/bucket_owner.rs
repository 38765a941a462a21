//! Whose the folders below the bucket's prefix are. The appliance that sweeps them writes the epoch of its store into an
//! object there. One whose store does not know that epoch deletes no orphans: they are another appliance's clips and demos.

use std::io::Read;

use crate::app::App;
use crate::app::clips::bucket::ClipBucket;
use crate::domain::epoch::Epoch;
use crate::domain::error::{Error, Result};
use crate::os::s3::object::Condition;

/// Name of the object below the prefix.
const OWNER: &str = "owner";
/// Bytes of it that are read; an epoch has eight.
const BYTES: u64 = 64;

/// Whether the folders are another appliance's.
pub fn is_anothers(app: &App, bucket: &ClipBucket) -> Result<bool> {
    Ok(written(bucket)?.is_some_and(|epoch| !app.epochs.has(epoch)))
}

/// Makes the folders this appliance's, if they are nobody's, or were its own before a restore or a failover. Those of another
/// are an error.
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
    let Some(content) = bucket.bucket.get(&bucket.bucket.key(OWNER), 0, BYTES)? else { return Ok(None) };
    let mut text = String::new();
    let read = content.take(BYTES).read_to_string(&mut text);
    read.map_err(|error| Error::internal("The owner of the bucket's folders could not be read.", error))?;
    Ok(Epoch::parse(text.trim()))
}
