//! Uploads in parts: begun and completed by the server, their parts sent by whoever has their addresses.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::error::Result;
use crate::domain::sha256::Sha256;
use crate::os::http::Method;
use crate::os::s3::send::{Ask, Content, Refusal};
use crate::os::s3::{Bucket, xml};

/// Timeout of a request: completing a large upload takes the store a while.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its ETag as the store answered it.
    pub etag: String,
    /// Its SHA-256, by which the store has checked it.
    pub sha256: Sha256,
}

/// The result of completing an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The object is at its key.
    Done,
    /// The store does not know the upload: it was completed before, or aborted.
    Unknown,
    /// The parts are not those that were uploaded; holds the store's code.
    Wrong(String),
}

/// The form of a SHA-256 in S3's headers.
pub fn checksum(sha256: &Sha256) -> String {
    STANDARD.encode(sha256.0)
}

impl Bucket {
    /// Begins an upload whose parts carry SHA-256 checksums; returns its id.
    pub fn begin_upload(&self, key: &str, media_type: &str) -> Result<String> {
        let ask = Ask {
            media_type: Some(media_type),
            headers: &[("x-amz-checksum-algorithm", "SHA256")],
            ..ask("begin an upload", Method::POST, key, &[("uploads", "")])
        };
        let answer = self.plain(&ask)?;
        let text = self.xml(ask.what, answer)?;
        xml::element(&text, "UploadId")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| self.away(ask.what, "its answer has no upload id"))
    }

    /// Makes the object from its parts, in order.
    pub fn complete_upload(&self, key: &str, upload: &str, parts: &[Part]) -> Result<Completed> {
        let of = |(at, part): (usize, &Part)| {
            let (etag, checksum) = (xml::escaped(&part.etag), checksum(&part.sha256));
            let number = at + 1;
            format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><ChecksumSHA256>{checksum}</ChecksumSHA256></Part>"
            )
        };
        let listed: String = parts.iter().enumerate().map(of).collect();
        let body = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{listed}</CompleteMultipartUpload>"
        );
        let query = [("uploadId", upload)];
        let content = Content::Bytes(body.as_bytes());
        let media_type = Some("application/xml");
        let ask = Ask { media_type, content, ..ask("complete an upload", Method::POST, key, &query) };
        let refusal = match self.ask(&ask)? {
            Ok(answer) => {
                // The store answers 200 before it begins, and an error later in the body.
                let (status, text) = (answer.status, self.xml(ask.what, answer)?);
                match xml::code(&text) {
                    None => return Ok(Completed::Done),
                    Some(code) if matches!(code.as_str(), "InternalError" | "SlowDown" | "ServiceUnavailable") => {
                        return Err(self.away(ask.what, &code));
                    }
                    Some(code) => Refusal { status, code },
                }
            }
            Err(refusal) => refusal,
        };
        match refusal.code.as_str() {
            "NoSuchUpload" => Ok(Completed::Unknown),
            "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "BadDigest" | "InvalidRequest" | "MalformedXML" => {
                Ok(Completed::Wrong(refusal.code))
            }
            _ => Err(self.explain(ask.what, &refusal)),
        }
    }

    /// Ends an upload and deletes its parts, if there is such an upload.
    pub fn abort_upload(&self, key: &str, upload: &str) -> Result<()> {
        let query = [("uploadId", upload)];
        let ask = ask("abort an upload", Method::DELETE, key, &query);
        match self.ask(&ask)? {
            Err(refusal) if refusal.code != "NoSuchUpload" => Err(self.explain(ask.what, &refusal)),
            _ => Ok(()),
        }
    }
}

fn ask<'a>(what: &'static str, method: Method, key: &'a str, query: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    Ask { what, method, key, query, headers: &[], media_type: None, content: Content::Nothing, timeout: TIMEOUT }
}
