//! Request bodies: what they may be, how long, and what is told when they are not.
//!
//! The transport has refused lengths that can be read two ways, and a body that breaks off fails to be read.

use std::io::{self, Read};

use rouille::RequestBody;

use crate::domain::error::{Error, Kind, Result};
use crate::http::kit::call::Call;
use crate::http::kit::permits::Share;

/// A JSON route's body.
pub fn json(call: &Call<'_>) -> Result<Vec<u8>> {
    // Said twice, it could be read either way.
    let is_json = match call.all_headers("Content-Type").as_slice() {
        [one] => one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"),
        _ => false,
    };
    if !is_json {
        let message = "The body's Content-Type must be application/json.";
        return Err(Error::new(Kind::UnsupportedMedia, "unsupported_media_type", message));
    }
    let mut reader = Upload::new(call, call.json_body_bytes)?;
    let mut body = Vec::new();
    match reader.read_to_end(&mut body) {
        Ok(_) => Ok(without_mark(body)),
        Err(error) => Err(reader.fault.unwrap_or_else(|| broken_off(&error))),
    }
}

/// Passes over a byte order mark, which editors and PowerShell put in front (RFC 8259, 8.1).
fn without_mark(mut body: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if body.starts_with(MARK) {
        body.drain(..MARK.len());
    }
    body
}

/// An upload's body.
pub fn upload<'r>(call: &Call<'r>, limit: u64) -> Result<Upload<'r>> {
    if ["Content-Length", "Transfer-Encoding"].iter().all(|name| call.request.header(name).is_none()) {
        let message = "An upload says how long it is: Content-Length, or Transfer-Encoding: chunked.";
        return Err(Error::new(Kind::LengthRequired, "length_required", message));
    }
    Upload::new(call, limit)
}

/// A body as it streams in. Reading it fails when it breaks off or is longer than it may be.
pub struct Upload<'r> {
    body: Option<RequestBody<'r>>,
    /// How long it is, where the client has said so.
    stated: Option<u64>,
    /// Its caller's, for as long as it may arrive.
    _share: Option<Share<'r>>,
    limit: u64,
    received: u64,
    /// What was wrong with it.
    fault: Option<Error>,
}

impl<'r> Upload<'r> {
    fn new(call: &Call<'r>, limit: u64) -> Result<Self> {
        let stated = call.request.header("Content-Length").and_then(|digits| digits.parse::<u64>().ok());
        if stated.is_some_and(|bytes| bytes > limit) {
            return Err(too_large(limit));
        }
        // A short body that was announced is here already, and holds nothing up.
        let is_long = stated.is_some_and(|bytes| bytes > call.whole_body_bytes);
        let arrives = is_long || ["Transfer-Encoding", "Expect"].iter().any(|name| call.request.header(name).is_some());
        let _share = arrives.then(|| call.uploads.take(call.uploader())).transpose()?;
        Ok(Self { body: call.request.data(), stated, _share, limit, received: 0, fault: None })
    }

    /// How long it is, where the client has said so.
    pub fn stated(&self) -> Option<u64> {
        self.stated
    }

    /// The error to tell when taking the upload failed: the body's own, where the body was to blame.
    pub fn blame(self, error: Error) -> Error {
        self.fault.unwrap_or(error)
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(body) = &mut self.body else { return Ok(0) };
        let read = body.read(buffer);
        match &read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.fault = Some(broken_off(error)),
            Ok(read) => self.received += *read as u64,
        }
        if self.received > self.limit {
            self.fault = Some(too_large(self.limit));
            return Err(io::Error::other("the body is over its limit"));
        }
        read
    }
}

fn too_large(limit: u64) -> Error {
    Error::new(Kind::TooLarge, "body_too_large", format!("The body may have at most {limit} bytes."))
}

fn broken_off(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::TimedOut {
        return Error::new(Kind::TooSlow, "body_too_slow", "The body stopped coming, or came too slowly.")
            .because(error);
    }
    Error::new(Kind::Invalid, "body_incomplete", "The body broke off before its end.").because(error)
}
