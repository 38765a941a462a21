//! Signed addresses: whoever has one may do this one thing until it expires.

use std::time::Duration;

use jiff::Timestamp;
use rusty_s3::Method as Verb;
use rusty_s3::signing::sign;

use crate::domain::error::{Error, Result};
use crate::os::http::Method;
use crate::os::s3::Bucket;

/// The header by which the store checks what a part contains: base64 of its SHA-256. Part of the signature.
pub const CHECKSUM_HEADER: &str = "x-amz-checksum-sha256";

impl Bucket {
    /// An address for reading an object by GET or HEAD; the store answers with this media type and, if given, this
    /// `Content-Disposition`.
    pub fn reading(
        &self,
        method: &Method,
        key: &str,
        media_type: &str,
        disposition: Option<&str>,
        valid: Duration,
    ) -> Result<String> {
        let mut query = vec![("response-content-type", media_type)];
        query.extend(disposition.map(|value| ("response-content-disposition", value)));
        self.signed(method, key, &query, &[], valid)
    }

    /// An address for uploading one part. The request must carry [`CHECKSUM_HEADER`] with this checksum.
    pub fn part(&self, key: &str, upload: &str, number: usize, checksum: &str, valid: Duration) -> Result<String> {
        let number = number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", upload)];
        self.signed(&Method::PUT, key, &query, &[(CHECKSUM_HEADER, checksum)], valid)
    }

    /// Signs a request for a key; an empty key means the bucket itself. Headers must be sent as given, in lower case.
    pub(super) fn signed(
        &self,
        method: &Method,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        valid: Duration,
    ) -> Result<String> {
        let verb = match method.as_str() {
            "GET" => Verb::Get,
            "HEAD" => Verb::Head,
            "PUT" => Verb::Put,
            "POST" => Verb::Post,
            "DELETE" => Verb::Delete,
            other => return Err(Error::internal("A request to the bucket could not be signed.", other)),
        };
        let unsigned = |error: &dyn std::fmt::Display| {
            Error::internal("A request to the bucket could not be signed.", format!("{error}"))
        };
        let url = if key.is_empty() {
            let mut url = self.signer.base_url().clone();
            // Path-style, without the slash that would be an empty key.
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
            url
        } else {
            self.signer.object_url(key).map_err(|error| unsigned(&error))?
        };
        let now = Timestamp::from_millisecond(self.clock.now_ms()).map_err(|error| unsigned(&error))?;
        // The signature covers both in this order.
        let (mut query, mut headers) = (query.to_vec(), headers.to_vec());
        query.sort_unstable();
        headers.sort_unstable();
        let signed = sign(
            &now,
            verb,
            url,
            &self.credentials.key_id,
            self.credentials.secret.reveal(),
            None,
            &self.location.region,
            valid.as_secs(),
            query.into_iter(),
            headers.into_iter(),
        );
        Ok(signed.into())
    }
}
