//! A video that was uploaded and is to be published: a file of the data directory, or an object of the bucket.

use std::fs::File;
use std::io;

use crate::app::clips::bucket::ClipBucket;
use crate::domain::clip::VideoFacts;
use crate::domain::error::Result;
use crate::domain::sha256::{Hashing, Sha256};
use crate::os::files;
use crate::render::video;

/// The video. Its file is opened once for all that is done with it.
pub enum Uploaded<'a> {
    /// In the data directory.
    File(File),
    /// In the bucket.
    Object {
        /// The bucket.
        bucket: &'a ClipBucket,
        /// The object's name.
        name: String,
        /// Its length.
        bytes: u64,
    },
}

impl Uploaded<'_> {
    /// SHA-256 and length. `appended`: the hash of what was appended to its file. It holds if the file has as many bytes;
    /// otherwise the file is read.
    pub fn hash(&self, appended: Option<Hashing>) -> io::Result<(Sha256, u64)> {
        match self {
            Self::Object { bucket, name, bytes } => files::hash_of(bucket.reader(name, *bytes)),
            Self::File(file) => {
                let bytes = file.metadata()?.len();
                match appended.filter(|appended| appended.bytes() == bytes) {
                    Some(appended) => Ok((appended.done(), bytes)),
                    None => files::hash_of(file),
                }
            }
        }
    }

    /// Checks the structure; a different width, height or frame rate is an error.
    pub fn check(&self, width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
        match self {
            Self::Object { bucket, name, bytes } => {
                video::check_read(&mut bucket.index_reader(name, *bytes), width, height, fps)
            }
            Self::File(file) => video::check_read(&mut &*file, width, height, fps),
        }
    }

    /// Syncs a file's content to disk.
    pub fn sync(&self) -> io::Result<()> {
        match self {
            Self::Object { .. } => Ok(()),
            Self::File(file) => file.sync_all(),
        }
    }
}
