//! Uploads a video past the server, straight into its bucket, in parts whose addresses the server gives.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use log::{info, warn};

use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use crate::domain::sha256::Sha256;
use crate::node::api::{Server, Trouble};
use crate::node::join::server_client;
use crate::node::lease::{Ended, Hold, Leave};
use crate::node::outlast::outlast;
use crate::os::files;
use crate::os::http::{Body, Client, Method, Request};
use crate::os::s3::address::CHECKSUM_HEADER;
use crate::os::s3::multipart::checksum;
use crate::wire::node::{PartsRequest, UploadView};

/// Failures of one part in a row after which the video is uploaded to the server instead.
const FAILURES: u32 = 3;
/// Timeout of one part.
const PART: Duration = Duration::from_mins(15);

/// A video to be uploaded past the server.
pub struct Direct<'a> {
    pub server: &'a Server,
    pub lease: LeaseName,
    pub hold: &'a Hold<'a>,
    /// Bytes of each part but the last.
    pub part_bytes: u64,
    /// PEM of the CA certificates to trust there; `None`: the platform's.
    pub ca_pem: Option<String>,
}

impl Direct<'_> {
    /// Uploads the video. `None`: the bucket cannot be reached from here, so the server must take the video.
    pub fn send(&self, path: &Path) -> Result<Option<UploadView>, Ended> {
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let length = file.metadata().map_err(|error| unreadable(&error))?.len();
        let hashes = self.hashes(&mut file).map_err(|error| unreadable(&error))?;
        let client = match server_client(self.ca_pem.clone()) {
            Ok(client) => client,
            Err(error) => return Ok(self.fall_back(&error)),
        };
        let parts_sha256: Vec<String> = hashes.iter().map(Sha256::to_string).collect();
        let (mut upload, mut etags, mut failures) = (None, Vec::new(), 0);
        while etags.len() < hashes.len() {
            self.hold.check()?;
            let request = PartsRequest { upload: upload.clone(), parts_sha256: parts_sha256.clone() };
            let answer = match outlast(self.lease, self.hold, || self.server.parts(self.lease, &request))? {
                Ok(answer) => answer,
                Err(Trouble::Lost | Trouble::Unknown) => return Err(Leave::Lost.into()),
                Err(Trouble::Refused(error) | Trouble::Away(error)) => return Ok(self.fall_back(&error)),
            };
            upload = Some(answer.upload);
            while let (Some(address), Some(sha256)) = (answer.addresses.get(etags.len()), hashes.get(etags.len())) {
                self.hold.check()?;
                let offset = etags.len() as u64 * self.part_bytes;
                file.seek(SeekFrom::Start(offset)).map_err(|error| unreadable(&error))?;
                let bytes = self.part_bytes.min(length - offset);
                let mut from = Watched { file: &mut file, sent: offset, length, hold: self.hold };
                match put(&client, address, &mut from, bytes, sha256) {
                    Ok(etag) => (etags.push(etag), failures = 0).1,
                    Err(error) => {
                        self.hold.check()?;
                        failures += 1;
                        if failures >= FAILURES {
                            return Ok(self.fall_back(&error));
                        }
                        info!("Lease {}: a part of the video is sent again: {error}", self.lease);
                        if error.code == ErrorCode::NotFound {
                            // The upload has ended, and its parts with it.
                            (upload, etags) = (None, Vec::new());
                        }
                        self.hold.pause(Duration::from_secs(u64::from(failures)))?;
                        break;
                    }
                }
            }
        }
        Ok(upload.map(|id| UploadView { id, etags, parts_sha256 }))
    }

    fn fall_back(&self, error: &Error) -> Option<UploadView> {
        warn!("Lease {}: the video goes through the server, because the bucket did not take it: {error}", self.lease);
        None
    }

    fn hashes(&self, file: &mut File) -> io::Result<Vec<Sha256>> {
        let mut hashes = Vec::new();
        loop {
            let (sha256, bytes) = files::hash_of(file.take(self.part_bytes))?;
            if bytes == 0 {
                return Ok(hashes);
            }
            hashes.push(sha256);
        }
    }
}

/// Uploads one part; its ETag. Errors never contain the address.
fn put(client: &Client, address: &str, from: &mut dyn Read, bytes: u64, sha256: &Sha256) -> Result<String> {
    let (checksum, mut part) = (checksum(sha256), from.take(bytes));
    let request = Request {
        headers: &[(CHECKSUM_HEADER, &checksum)],
        body: Body::Stream(&mut part, Some(bytes)),
        ..Request::new(Method::PUT, address, PART)
    };
    let answer = client.send(request)?;
    let etag = answer.header("etag").map(str::to_owned);
    let fault = |code, why: &str| Err(Error::new(Kind::Unavailable, code, format!("The bucket {why}.")));
    match (answer.status, etag) {
        (200..=299, Some(etag)) => Ok(etag),
        (200..=299, None) => fault(ErrorCode::BadAnswer, "does not say what it has stored"),
        (404, _) => fault(ErrorCode::NotFound, "does not know the upload"),
        (status, _) => fault(ErrorCode::Refused, &format!("answered with status {status}")),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    info!("Cannot read a rendered file: {error}");
    Failure::here(FailureCode::NodeFailed, "The render node could not read the rendered video.")
}

/// Reports upload progress, and fails the upload when the lease ends.
pub struct Watched<'a> {
    pub file: &'a mut File,
    /// Bytes that were sent before.
    pub sent: u64,
    pub length: u64,
    pub hold: &'a Hold<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.hold.check().map_err(|_| io::Error::other("the lease is over"))?;
        let count = self.file.read(buffer)?;
        self.sent += count as u64;
        self.hold.report(Stage::Uploading, self.sent as f64 / self.length as f64);
        Ok(count)
    }
}
