//! Where clips lie, as options of `serve` and `admin`: `--storage` and the flags that begin with it, which are the table
//! `[storage]` of the file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::app::clips::bucket::Storage;
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::os::certificates::Facts;
use crate::os::s3::{Credentials, Location};

/// Limit on the size of a credentials file: 64 KiB.
const FILE_BYTES: u64 = 64 << 10;
/// Limit on the size of a file with CA certificates: 16 KiB. Nodes get it with each job.
const CA_BYTES: u64 = 16 << 10;

/// Where new clips and uploaded demos go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The data directory
    Disk,
    /// A bucket of an S3-compatible store
    S3,
}

/// Where clips and uploaded demos lie.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Storage options")]
pub struct StorageArgs {
    /// Where new clips and uploaded demos are kept: `disk`, the data directory, or `s3`, a bucket; see docs/s3.md
    #[arg(long, value_name = "KIND", default_value = "disk")]
    storage: Kind,
    /// URL of the S3-compatible store, such as https://s3.example.com [default: none]
    #[arg(long, value_name = "URL")]
    storage_endpoint: Option<String>,
    /// Name of the bucket [default: none]
    #[arg(long, value_name = "NAME")]
    storage_bucket: Option<String>,
    /// What all keys in the bucket begin with, such as studio/ [default: nothing]
    #[arg(long, value_name = "TEXT")]
    storage_prefix: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    storage_region: String,
    /// File with the access key, as the AWS tools write it [default: the variables AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY]
    #[arg(long, value_name = "FILE")]
    storage_credentials_file: Option<PathBuf>,
    /// File with the certificates of the CA that has issued the endpoint's certificate [default: the CAs that this
    /// machine trusts]
    #[arg(long, value_name = "FILE")]
    storage_ca_file: Option<PathBuf>,
    /// Accept a plain HTTP endpoint that is not on this machine
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    storage_allow_http: bool,
}

impl StorageArgs {
    /// The bucket, if one is configured. `is_proxied`: the server passes its clips on.
    pub fn storage(&self, is_proxied: bool) -> Result<Option<Storage>> {
        let takes_new = self.storage == Kind::S3;
        let (endpoint, bucket) = match (&self.storage_endpoint, &self.storage_bucket) {
            (Some(endpoint), Some(bucket)) => (endpoint.clone(), bucket.clone()),
            (None, None) if !takes_new => return Ok(None),
            // For the leader lock alone.
            (Some(_), None) if !takes_new => return Ok(None),
            (None, _) => return Err(missing("endpoint", "the URL of the store, like https://s3.example.com")),
            (_, None) => return Err(missing("bucket", "the bucket's name")),
        };
        let prefix = self.storage_prefix.clone().unwrap_or_default();
        let (location, credentials) = self.at(endpoint, bucket, prefix)?;
        let credentials_file = self.storage_credentials_file.clone();
        Ok(Some(Storage { location, credentials, credentials_file, takes_new, is_proxied }))
    }

    /// Another bucket of the same store, for whole keys.
    pub fn bucket(&self, name: &str) -> Result<(Location, Credentials)> {
        let Some(endpoint) = self.storage_endpoint.clone() else {
            return Err(missing("endpoint", "the URL of the store, like https://s3.example.com"));
        };
        self.at(endpoint, name.to_owned(), String::new())
    }

    fn at(&self, endpoint: String, bucket: String, prefix: String) -> Result<(Location, Credentials)> {
        let (region, allow_http) = (self.storage_region.clone(), self.storage_allow_http);
        let ca_pem = self.storage_ca_file.as_deref().map(read_ca).transpose()?;
        let location = Location { endpoint, bucket, prefix, region, allow_http, ca_pem };
        location.check()?;
        let credentials = match &self.storage_credentials_file {
            Some(file) => read(file)?,
            None => config::storage_credentials().map(|(key_id, secret)| Credentials { key_id, secret }).ok_or_else(|| {
                let message = "The bucket needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file \
                               with them as credentials_file in [storage].";
                Error::invalid("storage.credentials_file", message)
            })?,
        };
        Ok((location, credentials))
    }
}

fn missing(key: &str, what: &str) -> Error {
    Error::invalid(format!("storage.{key}"), format!("[storage] lacks {key}: {what}."))
}

/// The start of a file, for its key in the table.
fn content(path: &Path, key: &str, at_most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(at_most).read_to_end(&mut bytes))
        .map_err(|error| Error::internal(format!("Cannot read {}, the {key} of [storage].", path.display()), error))?;
    Ok(bytes)
}

/// Reads the CA's certificates.
fn read_ca(path: &Path) -> Result<String> {
    let bytes = content(path, "ca_file", CA_BYTES + 1)?;
    let is_pem = bytes.len() as u64 <= CA_BYTES && Facts::read(&bytes).is_some();
    String::from_utf8(bytes).ok().filter(|_| is_pem).ok_or_else(|| {
        let message = format!(
            "{} must have the CA's certificates in PEM, at most {} KiB of them.",
            path.display(),
            CA_BYTES >> 10
        );
        Error::invalid("storage.ca_file", message)
    })
}

/// Reads a credentials file, in the format of the AWS tools: the first key and secret in it.
fn read(path: &Path) -> Result<Credentials> {
    let name = path.display();
    let bytes = content(path, "credentials_file", FILE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().trim_matches('"');
            (key.trim().eq_ignore_ascii_case(wanted) && !value.is_empty()).then(|| value.to_owned())
        })
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(key_id), Some(secret)) => Ok(Credentials { key_id, secret: Secret::new(secret) }),
        _ => Err(Error::invalid(
            "storage.credentials_file",
            format!("{name} must have the lines aws_access_key_id = … and aws_secret_access_key = …"),
        )),
    }
}
