//! A client for one bucket of any S3-compatible store: path-style addresses, signed in the query (AWS Signature 4), over
//! the one HTTP client. rusty-s3 signs and does no I/O.
//!
//! Neither credentials nor signed addresses ever appear in an error or a log.

pub mod address;
pub mod listing;
pub mod multipart;
pub mod object;
pub mod reader;
mod send;
mod xml;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::os::address::Addresses;
use crate::os::clock::Clock;
use crate::os::http::{Client, ClientOptions};
use crate::os::random::Random;
use crate::os::url;

/// Timeout for connecting to the store.
const CONNECT: Duration = Duration::from_secs(10);
/// Timeout without receiving or sending a single byte.
const STALL: Duration = Duration::from_secs(30);

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// `https://host:port`, perhaps with a path.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with: empty, or ending with `/`.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether a plain HTTP endpoint beyond this machine is accepted.
    pub allow_http: bool,
    /// PEM of the only CA certificates to trust; `None` trusts the platform's.
    pub ca_pem: Option<String>,
}

impl Location {
    /// Checks it; the error's field is the setting's name.
    pub fn check(&self) -> Result<()> {
        check(self).map(drop)
    }
}

/// Who signs the requests.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub key_id: String,
    /// The secret access key.
    pub secret: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A bucket. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Bucket {
    location: Location,
    signer: rusty_s3::Bucket,
    credentials: Credentials,
    client: Client,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Whether requests are over, because the server is shutting down.
    is_over: Arc<AtomicBool>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.name())
    }
}

impl Bucket {
    /// A client for the bucket at a location. Checks the location, but sends nothing.
    pub fn new(
        location: Location,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let signer = check(&location)?;
        let client = Client::new(ClientOptions {
            // The operator chose the endpoint.
            addresses: Addresses::Any,
            ca_pem: location.ca_pem.clone(),
            redirects: 0,
            connect_timeout: CONNECT,
            stall_timeout: STALL,
            body_timeout: None,
        })?;
        Ok(Self { location, signer, credentials, client, clock, random, is_over: Arc::default() })
    }

    /// `bucket at host`, for messages.
    pub fn name(&self) -> String {
        let host = url::host_of(&self.location.endpoint).unwrap_or_default();
        format!("{} at {host}", self.location.bucket)
    }

    /// The full key of a name below the prefix.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.location.prefix)
    }

    /// The scheme, host and port that browsers are sent to, for a Content-Security-Policy.
    pub fn origin(&self) -> String {
        self.signer.base_url().origin().ascii_serialization()
    }

    /// PEM of the only CA certificates that nodes are to trust for the bucket; `None`: the platform's.
    pub fn ca_pem(&self) -> Option<&str> {
        self.location.ca_pem.as_deref()
    }

    /// Breaks off all requests: the server is shutting down.
    pub fn hang_up(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.client.shut_down();
    }
}

/// Checks a location; the error's field is the setting's name.
fn check(location: &Location) -> Result<rusty_s3::Bucket> {
    let endpoint = url::parsed(&location.endpoint)
        .ok_or_else(|| Error::invalid("endpoint", "The endpoint must be a URL like https://s3.example.com."))?;
    let has_more = !endpoint.username().is_empty()
        || endpoint.password().is_some()
        || endpoint.query().is_some()
        || endpoint.fragment().is_some();
    if has_more {
        let message = "The endpoint must be only scheme, host, port and path, like https://s3.example.com.";
        return Err(Error::invalid("endpoint", message));
    }
    let is_local = url::address_of(&location.endpoint).is_some_and(|address| address.is_loopback());
    if endpoint.scheme() == "http" && !is_local && !location.allow_http {
        let message = "The endpoint is plain HTTP: anybody in between could read and change clips and demos. Use https, or set \
                       allow_http = true if the network is trusted.";
        return Err(Error::invalid("endpoint", message));
    }
    let name = &location.bucket;
    let is_safe = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if !(3..=63).contains(&name.len()) || !name.bytes().all(is_safe) {
        let message = "The bucket's name must have 3 to 63 lower-case letters, digits, hyphens and dots.";
        return Err(Error::invalid("bucket", message));
    }
    let prefix = &location.prefix;
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    let parts_are_names = prefix.split_terminator('/').all(|part| !matches!(part, "" | "." | ".."));
    if !prefix.bytes().all(is_safe) || !parts_are_names || !(prefix.is_empty() || prefix.ends_with('/')) {
        let message = "The prefix must be empty, or names of letters, digits, hyphens, dots and underscores that each end \
                       with a slash, like studio/.";
        return Err(Error::invalid("prefix", message));
    }
    if location.region.is_empty() || !location.region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(Error::invalid("region", "The region must have letters, digits and hyphens, like us-east-1."));
    }
    let path = endpoint.path().trim_end_matches('/').to_owned() + "/";
    let mut base = endpoint;
    base.set_path(&path);
    rusty_s3::Bucket::new(base, rusty_s3::UrlStyle::Path, name.clone(), location.region.clone())
        .map_err(|error| Error::invalid("endpoint", "The endpoint cannot be used.").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_checked_by_setting() {
        let good = Location {
            endpoint: "https://s3.example.com".into(),
            bucket: "clips".into(),
            prefix: "studio/".into(),
            region: "us-east-1".into(),
            allow_http: false,
            ca_pem: None,
        };
        let with = |change: &dyn Fn(&mut Location)| {
            let mut location = good.clone();
            change(&mut location);
            check(&location).err().map(|error| error.field.unwrap_or_default())
        };
        type Change = &'static dyn Fn(&mut Location);
        let cases: &[(Change, Option<&str>)] = &[
            (&|_| {}, None),
            (&|to| to.prefix.clear(), None),
            (&|to| to.endpoint = "http://127.0.0.1:9000".into(), None),
            (&|to| to.endpoint = "http://localhost:9000/s3".into(), None),
            (&|to| (to.endpoint, to.allow_http) = ("http://nas:9000".into(), true), None),
            (&|to| to.endpoint = "http://nas:9000".into(), Some("endpoint")),
            (&|to| to.endpoint = "s3.example.com".into(), Some("endpoint")),
            (&|to| to.endpoint = "ftp://s3.example.com".into(), Some("endpoint")),
            (&|to| to.endpoint = "https://key:secret@s3.example.com".into(), Some("endpoint")),
            (&|to| to.endpoint = "https://s3.example.com?x=1".into(), Some("endpoint")),
            (&|to| to.bucket = "Clips".into(), Some("bucket")),
            (&|to| to.bucket = "a/b".into(), Some("bucket")),
            (&|to| to.bucket = "ab".into(), Some("bucket")),
            (&|to| to.prefix = "studio".into(), Some("prefix")),
            (&|to| to.prefix = "/".into(), Some("prefix")),
            (&|to| to.prefix = "a/../".into(), Some("prefix")),
            (&|to| to.region.clear(), Some("region")),
        ];
        for (number, (change, field)) in cases.iter().enumerate() {
            assert_eq!(with(change).as_deref(), *field, "case {number}");
        }
    }
}
