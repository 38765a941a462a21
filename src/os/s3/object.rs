//! Whole objects: write, also on a condition, read, look at, delete.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::os::http::{Method, Response};
use crate::os::s3::Bucket;
use crate::os::s3::address::CHECKSUM_HEADER;
use crate::os::s3::multipart::checksum;
use crate::os::s3::send::{Ask, Content, Refusal};

/// Timeout of a request without a large body.
const SHORT: Duration = Duration::from_secs(30);
/// Timeout of a request with a large body: as long as a node may take for a video.
const LONG: Duration = Duration::from_mins(15);

/// On what condition an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Always.
    None,
    /// Only if there is no object (`If-None-Match: *`).
    Absent,
    /// Only over the version with this ETag (`If-Match`).
    Etag(&'a str),
}

/// The result of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// Written; the new ETag.
    Written(String),
    /// The condition did not hold: nothing was written.
    Refused,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its length.
    pub bytes: u64,
    /// Its ETag, including quotes.
    pub etag: String,
}

impl Bucket {
    /// Writes a small object. A repeated attempt of a conditional write may be refused although the first was taken:
    /// then the object holds what was written.
    pub fn put(&self, key: &str, bytes: &[u8], media_type: &str, condition: Condition<'_>) -> Result<Put> {
        let header = match condition {
            Condition::None => None,
            Condition::Absent => Some(("if-none-match", "*")),
            Condition::Etag(etag) => Some(("if-match", etag)),
        };
        let (headers, content) = (header.as_slice(), Content::Bytes(bytes));
        let ask = Ask { headers, content, media_type: Some(media_type), ..ask("write an object", Method::PUT, key) };
        match self.ask(&ask)? {
            Ok(answer) => Ok(Put::Written(etag(&answer))),
            Err(refusal) if header.is_some() && is_unmet(&refusal) => Ok(Put::Refused),
            Err(refusal) => Err(self.explain(ask.what, &refusal)),
        }
    }

    /// Writes a whole file as an object; the store compares it with the file's hash, if that is known.
    pub fn put_file(&self, key: &str, file: &File, media_type: &str, sha256: Option<&Sha256>) -> Result<()> {
        let bytes =
            file.metadata().map_err(|error| Error::internal("A file for the bucket could not be read.", error))?;
        let content = Content::File(file, bytes.len());
        let sum = sha256.map(checksum);
        let header = sum.as_ref().map(|sum| (CHECKSUM_HEADER, sum.as_str()));
        let (headers, media_type) = (header.as_slice(), Some(media_type));
        let ask = Ask { headers, media_type, content, timeout: LONG, ..ask("write an object", Method::PUT, key) };
        self.plain(&ask).map(drop)
    }

    /// The object's content from byte `first`, at most `count` bytes (at least 1); `None` if there is no object. The
    /// response ends early if the object does.
    pub fn get(&self, key: &str, first: u64, count: u64) -> Result<Option<Box<dyn Read + Send>>> {
        let range = format!("bytes={first}-{}", first.saturating_add(count.max(1)) - 1);
        let headers = [("range", range.as_str())];
        let ask = Ask { headers: &headers, timeout: LONG, ..ask("read an object", Method::GET, key) };
        match self.ask(&ask)? {
            Ok(answer) if answer.status == 206 || first == 0 => Ok(Some(Box::new(answer.into_reader().take(count)))),
            Ok(_) => Err(self.away(ask.what, "it ignored the range of the request")),
            Err(refusal) if refusal.status == 404 && refusal.code != "NoSuchBucket" => Ok(None),
            // An empty object has no bytes to ask for.
            Err(refusal) if refusal.status == 416 => Ok(Some(Box::new(std::io::empty()))),
            Err(refusal) => Err(self.explain(ask.what, &refusal)),
        }
    }

    /// The object's length and ETag; `None` if there is no object.
    pub fn head(&self, key: &str) -> Result<Option<Head>> {
        let ask = ask("look at an object", Method::HEAD, key);
        match self.ask(&ask)? {
            Ok(answer) => {
                let bytes = answer.length().ok_or_else(|| self.away(ask.what, "it did not say how long it is"))?;
                Ok(Some(Head { bytes, etag: etag(&answer) }))
            }
            // A HEAD has no body that would say whether the bucket is missing.
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(self.explain(ask.what, &refusal)),
        }
    }

    /// The object's length; `None` if there is no object.
    pub fn length(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.head(key)?.map(|head| head.bytes))
    }

    /// The object's content as text, at most `count` bytes; `None` if there is no object.
    pub fn text(&self, key: &str, count: u64) -> Result<Option<String>> {
        let Some(content) = self.get(key, 0, count)? else { return Ok(None) };
        let mut text = String::new();
        let read = content.take(count).read_to_string(&mut text);
        read.map_err(|error| Error::internal(format!("The object {key} could not be read."), error))?;
        Ok(Some(text))
    }

    /// Deletes an object, if there is one.
    pub fn delete(&self, key: &str) -> Result<()> {
        let ask = ask("delete an object", Method::DELETE, key);
        match self.ask(&ask)? {
            Err(refusal) if refusal.code != "NoSuchKey" => Err(self.explain(ask.what, &refusal)),
            _ => Ok(()),
        }
    }
}

fn ask<'a>(what: &'static str, method: Method, key: &'a str) -> Ask<'a> {
    Ask { what, method, key, query: &[], headers: &[], media_type: None, content: Content::Nothing, timeout: SHORT }
}

fn is_unmet(refusal: &Refusal) -> bool {
    // AWS answers a lost race with 409, and a conditional write over a missing object with 404.
    refusal.status == 412
        || refusal.code == "ConditionalRequestConflict"
        || (refusal.status == 404 && refusal.code == "NoSuchKey")
}

/// The answer's ETag, including quotes.
pub(super) fn etag(answer: &Response) -> String {
    answer.header("etag").unwrap_or_default().to_owned()
}
