//! `serve --leader-lock`: the lock in a bucket that the leading server of two holds.

use std::sync::Arc;

use crate::app::upkeep::leader::Leader;
use crate::cli::storage_args::StorageArgs;
use crate::domain::error::Result;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;
use crate::os::s3::Bucket;
use crate::os::stop::StopFlag;

/// Where the lock lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPlace {
    bucket: String,
    key: String,
}

/// Parses `s3://bucket/key`.
pub fn place(text: &str) -> Result<LockPlace, String> {
    text.strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty() && !key.starts_with('/') && !key.ends_with('/'))
        .map(|(bucket, key)| LockPlace { bucket: bucket.to_owned(), key: key.to_owned() })
        .ok_or_else(|| "it must look like s3://bucket/leader".to_owned())
}

/// Waits until this server leads; `None` if `stop` was set before. The bucket's store is that of `[storage]`.
pub fn lead(place: &LockPlace, storage: &StorageArgs, stop: &StopFlag) -> Result<Option<Leader>> {
    let (location, credentials) = storage.bucket(&place.bucket)?;
    let clock = Arc::new(SystemClock::new());
    let bucket = Bucket::new(location, credentials, clock.clone(), Arc::new(SystemRandom))?;
    Leader::wait(bucket, place.key.clone(), clock, &SystemRandom, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_lock_is_a_bucket_and_a_key() {
        for (text, expected) in [
            ("s3://locks/dinkem", Some(("locks", "dinkem"))),
            ("s3://locks/studio/leader", Some(("locks", "studio/leader"))),
            ("s3://locks", None),
            ("s3://locks/", None),
            ("s3:///leader", None),
            ("https://locks/leader", None),
        ] {
            let place = place(text).ok();
            assert_eq!(place.as_ref().map(|place| (&*place.bucket, &*place.key)), expected, "{text}");
        }
    }
}
