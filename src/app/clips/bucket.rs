//! The bucket of clips, if there is one: what lies there, who may put it there, and what is to be deleted there.
//! Names of objects come from [`crate::app::clips::files::ClipFiles`]. Uploaded demos lie in the same bucket
//! ([`crate::app::demos::bucket`]).

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::clips::doomed::Doomed;
use crate::domain::error::{Error, Result};
use crate::domain::id::LeaseId;
use crate::domain::sha256::Sha256;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::http::Method;
use crate::os::random::Random;
use crate::os::s3::multipart::{Completed, Part, checksum};
use crate::os::s3::object::Condition;
use crate::os::s3::reader::ObjectReader;
use crate::os::s3::{Bucket, Credentials, Location};

/// Folder of the clips below the prefix.
pub const FOLDER: &str = "clips/";
/// How long an address for reading is good: 15 minutes.
pub const ADDRESS_TIME: Duration = Duration::from_mins(15);
/// How long the addresses of an upload's parts are good: as long as a node may take for a video.
pub const PARTS_TIME: Duration = Duration::from_mins(15);
/// Leases whose objects wait to be deleted.
const DOOMED: usize = 100_000;
/// Posters whose length is remembered.
const POSTERS: usize = 10_000;
/// Bytes of a request while an index is read: 256 KiB.
const INDEX_WINDOW: u64 = 256 << 10;

/// Settings of the storage beyond the data directory.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Where the bucket is.
    pub location: Location,
    /// Who signs the requests.
    pub credentials: Credentials,
    /// The file that they were read from, if it was one.
    pub credentials_file: Option<PathBuf>,
    /// Whether new clips and demos go there. If not, those that lie there are still found.
    pub takes_new: bool,
    /// Whether clips are passed on by the server, so that clients need not reach the bucket.
    pub is_proxied: bool,
}

/// Why a direct upload cannot become an object.
#[derive(Debug)]
pub enum Unfinished {
    /// There is no such upload, and no object.
    Missing,
    /// Its parts are not those that the node names.
    Wrong(String),
    /// The bucket failed.
    Failed(Error),
}

/// The bucket of clips.
pub struct ClipBucket {
    /// The client.
    pub bucket: Bucket,
    /// Whether new clips and demos go there.
    pub takes_new: bool,
    /// Whether the server passes clips on.
    pub is_proxied: bool,
    /// Whether a thread deletes what is doomed; otherwise it is deleted at once.
    pub is_served: bool,
    begun: Mutex<HashMap<LeaseId, String>>,
    doomed: Doomed<(LeaseId, [String; 2]), DOOMED>,
    posters: Mutex<HashMap<String, Option<u64>>>,
    /// Rings when there is something to delete, or when the server stops.
    pub news: Doorbell,
}

impl ClipBucket {
    /// The bucket of these settings; `is_served`: a thread deletes what is doomed.
    pub fn open(storage: &Storage, is_served: bool, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self> {
        let bucket = Bucket::new(storage.location.clone(), storage.credentials.clone(), clock, random)?;
        Ok(Self {
            bucket,
            takes_new: storage.takes_new,
            is_proxied: storage.is_proxied,
            is_served,
            begun: Mutex::default(),
            doomed: Doomed::default(),
            posters: Mutex::default(),
            news: Doorbell::default(),
        })
    }

    /// The full key of a file's name.
    pub fn key(&self, name: &str) -> String {
        self.bucket.key(&format!("{FOLDER}{name}"))
    }

    /// The name of a full key's file; `None` for keys of others.
    pub fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.key("").as_str()).filter(|name| !name.contains('/'))
    }

    /// Begins an upload under a lease; an earlier one is aborted.
    pub fn begin(&self, lease: LeaseId, name: &str) -> Result<String> {
        let upload = self.bucket.begin_upload(&self.key(name), "video/mp4")?;
        let earlier = lock(&self.begun).insert(lease, upload.clone());
        if let Some(earlier) = earlier {
            self.bucket.abort_upload(&self.key(name), &earlier)?;
        }
        Ok(upload)
    }

    /// Addresses for the parts with these hashes.
    pub fn addresses(&self, name: &str, upload: &str, parts: &[Sha256]) -> Result<Vec<String>> {
        let key = self.key(name);
        let of = |(at, sha256): (usize, &Sha256)| self.bucket.part(&key, upload, at + 1, &checksum(sha256), PARTS_TIME);
        parts.iter().enumerate().map(of).collect()
    }

    /// Makes the object of an upload, if that has not happened yet; returns the object's length.
    pub fn finish(&self, lease: LeaseId, name: &str, upload: &str, parts: &[Part]) -> Result<u64, Unfinished> {
        let key = self.key(name);
        let completed = self.bucket.complete_upload(&key, upload, parts).map_err(Unfinished::Failed)?;
        if let Completed::Wrong(code) = completed {
            return Err(Unfinished::Wrong(code));
        }
        lock(&self.begun).remove(&lease);
        let head = self.bucket.head(&key).map_err(Unfinished::Failed)?;
        match (head, completed) {
            (Some(head), _) => Ok(head.bytes),
            (None, Completed::Done) => Err(Unfinished::Failed(self.bucket.not_there_yet())),
            (None, _) => Err(Unfinished::Missing),
        }
    }

    /// Copies a file into the bucket.
    pub fn put(&self, name: &str, file: &File, media_type: &str) -> Result<()> {
        lock(&self.posters).remove(name);
        self.bucket.put_file(&self.key(name), file, media_type, None)
    }

    /// The length of an object, if there is one.
    pub fn length(&self, name: &str) -> Result<Option<u64>> {
        self.bucket.length(&self.key(name))
    }

    /// The length of a poster, if there is one, from memory if it is known; an unreachable bucket has none.
    pub fn poster_length(&self, name: &str) -> Option<u64> {
        if let Some(known) = lock(&self.posters).get(name) {
            return *known;
        }
        let found = self.length(name).ok()?;
        let mut posters = lock(&self.posters);
        if posters.len() >= POSTERS {
            posters.clear();
        }
        posters.insert(name.to_owned(), found);
        found
    }

    /// Reads an object from its start.
    pub fn reader(&self, name: &str, bytes: u64) -> ObjectReader {
        ObjectReader::section(self.bucket.clone(), self.key(name), bytes, 0, bytes)
    }

    /// Reads here and there in an object.
    pub fn index_reader(&self, name: &str, bytes: u64) -> ObjectReader {
        ObjectReader::seeking(self.bucket.clone(), self.key(name), bytes, INDEX_WINDOW)
    }

    /// Deletes a lease's objects soon, and aborts its upload. Call it only after the commit that drops the last
    /// reference to them.
    pub fn doom(&self, lease: LeaseId, names: [String; 2]) {
        if !self.is_served {
            if let Err(error) = self.delete(lease, &names) {
                log::warn!("objects of lease {lease} could not be deleted; the daily listing tries again: {error}");
            }
            return;
        }
        self.doomed.push((lease, names));
        self.news.ring();
    }

    /// Deletes what is doomed; returns how many leases' objects. What fails stays for the next call.
    pub fn delete_doomed(&self, is_over: impl Fn() -> bool) -> Result<usize> {
        self.doomed.delete_each(is_over, |(lease, names)| self.delete(*lease, names).map(|()| true))
    }

    fn delete(&self, lease: LeaseId, names: &[String; 2]) -> Result<()> {
        let upload = lock(&self.begun).get(&lease).cloned();
        if let Some(upload) = upload {
            self.bucket.abort_upload(&self.key(&names[0]), &upload)?;
            lock(&self.begun).remove(&lease);
        }
        names.iter().try_for_each(|name| {
            lock(&self.posters).remove(name);
            self.bucket.delete(&self.key(name))
        })
    }

    /// Writes, reads and deletes a small object: what the server's credentials must allow.
    pub fn try_rights(&self) -> Result<()> {
        let key = self.bucket.key("doctor");
        self.bucket.put(&key, b"doctor", "text/plain", Condition::None)?;
        let tried = self.try_others(&key);
        // Whatever failed before: the object must not stay.
        tried.and(self.bucket.delete(&key))
    }

    fn try_others(&self, key: &str) -> Result<()> {
        self.bucket.head(key)?;
        let upload = self.bucket.begin_upload(key, "text/plain")?;
        self.bucket.abort_upload(key, &upload)?;
        self.bucket.unfinished("", None).map(drop)
    }
}

/// An object to be sent to a client.
pub struct Object {
    bucket: Bucket,
    key: String,
    bytes: u64,
    is_proxied: bool,
}

impl Object {
    /// The object with this full key and length.
    pub fn of(bucket: &ClipBucket, key: String, bytes: u64) -> Self {
        Self { bucket: bucket.bucket.clone(), key, bytes, is_proxied: bucket.is_proxied }
    }

    /// Where the client is to read it; `None` if the server passes it on.
    pub fn address(&self, method: &str, media_type: &str, disposition: Option<&str>) -> Result<Option<String>> {
        if self.is_proxied {
            return Ok(None);
        }
        let method = if method == "HEAD" { Method::HEAD } else { Method::GET };
        self.bucket.reading(&method, &self.key, media_type, disposition, ADDRESS_TIME).map(Some)
    }

    /// Where a node is to read it: nodes reach the bucket, even if clients do not.
    pub fn address_for_nodes(&self, media_type: &str) -> Result<String> {
        self.bucket.reading(&Method::GET, &self.key, media_type, None, ADDRESS_TIME)
    }

    /// Its content from byte `first`, `count` bytes.
    pub fn section(&self, first: u64, count: u64) -> Box<dyn io::Read + Send> {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        Box::new(ObjectReader::section(bucket, key, self.bytes, first, count))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
