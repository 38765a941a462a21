//! Request bodies: how long they say they are, what they may be, and what is told when they are not.
//!
//! The transport lets a body that broke off look complete and reads any `Content-Length` beside `Transfer-Encoding`;
//! both are caught here.

use std::io::{self, Read};

use rouille::RequestBody;

use super::call::Call;
use super::permits::Permit;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// How long a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// It says nothing: there is none.
    Absent,
    Bytes(u64),
    Chunked,
}

/// A JSON route's body.
pub fn json(call: &Call<'_>) -> Result<Vec<u8>> {
    let content_type = call.request.header("Content-Type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "The body's Content-Type must be application/json.";
        return Err(Error::new(Kind::UnsupportedMedia, "unsupported_media_type", message));
    }
    let mut reader = Bounded::new(call, length(call)?, limits::JSON_BODY_BYTES)?;
    let mut body = Vec::new();
    match reader.read_to_end(&mut body) {
        Ok(_) => Ok(body),
        Err(error) => Err(reader.fault.unwrap_or_else(|| broken_off(&error))),
    }
}

/// An upload's body.
pub fn upload<'r>(call: &Call<'r>, limit: u64) -> Result<Upload<'r>> {
    let length = length(call)?;
    if length == Length::Absent {
        let message = "An upload says how long it is: Content-Length, or Transfer-Encoding: chunked.";
        return Err(Error::new(Kind::LengthRequired, "length_required", message));
    }
    let permit = call.uploads.take()?;
    Ok(Upload { body: Bounded::new(call, length, limit)?, _permit: permit })
}

/// An upload as it streams in. Reading it fails when it breaks off or is longer than it may be.
pub struct Upload<'r> {
    body: Bounded<'r>,
    _permit: Permit<'r>,
}

impl Upload<'_> {
    /// The error to tell when taking the upload failed: the body's own, where the body was to blame.
    pub fn blame(self, error: Error) -> Error {
        self.body.fault.unwrap_or(error)
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

/// A body that keeps to what it said and to its limit.
struct Bounded<'r> {
    body: Option<RequestBody<'r>>,
    length: Length,
    limit: u64,
    received: u64,
    /// What was wrong with it.
    fault: Option<Error>,
}

impl<'r> Bounded<'r> {
    fn new(call: &Call<'r>, length: Length, limit: u64) -> Result<Self> {
        if matches!(length, Length::Bytes(bytes) if bytes > limit) {
            return Err(too_large(limit));
        }
        Ok(Self { body: call.request.data(), length, limit, received: 0, fault: None })
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(body) = &mut self.body else { return Ok(0) };
        let read = body.read(buffer).and_then(|read| {
            let missing = matches!(self.length, Length::Bytes(bytes) if self.received < bytes);
            if read == 0 && missing && !buffer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fault = Some(broken_off(&error));
                return Err(error);
            }
            Ok(read) => self.received += read as u64,
        }
        if self.received > self.limit {
            self.fault = Some(too_large(self.limit));
            return Err(io::Error::other("the body is over its limit"));
        }
        read
    }
}

fn length(call: &Call<'_>) -> Result<Length> {
    let wrong = |message| Err(Error::new(Kind::Invalid, "ambiguous_length", message));
    let stated = call.all_headers("Content-Length");
    let encodings = call.all_headers("Transfer-Encoding");
    match (stated.as_slice(), encodings.as_slice()) {
        ([], []) => Ok(Length::Absent),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
        ([], _) => wrong("The only Transfer-Encoding taken is chunked."),
        ([digits], []) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Length::Bytes(digits.parse().unwrap_or(u64::MAX)))
        }
        (_, []) => wrong("Content-Length must be one number."),
        _ => wrong("A body has a Content-Length or a Transfer-Encoding, never both."),
    }
}

fn too_large(limit: u64) -> Error {
    Error::new(Kind::TooLarge, "body_too_large", format!("The body may have at most {limit} bytes."))
}

fn broken_off(error: &io::Error) -> Error {
    Error::new(Kind::Invalid, "body_incomplete", "The body broke off before its end.").because(error)
}
