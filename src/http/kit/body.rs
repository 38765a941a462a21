//! Request bodies: their types, size limits and errors.
//!
//! The transport has already rejected ambiguous lengths, and reading a truncated body fails.

use std::io::{self, Read};

use rouille::RequestBody;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::http::kit::call::Call;
use crate::http::kit::permits::Share;

/// Reads the body of a JSON request.
pub fn json(call: &Call<'_>) -> Result<Vec<u8>> {
    // Two Content-Type headers would be ambiguous.
    let is_json = match call.all_headers("Content-Type").as_slice() {
        [one] => one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"),
        _ => false,
    };
    if !is_json {
        let message = "The body's Content-Type must be application/json.";
        return Err(Error::new(Kind::UnsupportedMedia, ErrorCode::UnsupportedMediaType, message));
    }
    let mut reader = Upload::new(call, call.json_body_bytes)?;
    let mut body = Vec::new();
    match reader.read_to_end(&mut body) {
        Ok(_) => Ok(without_mark(body)),
        Err(error) => Err(reader.fault.unwrap_or_else(|| broken_off(&error))),
    }
}

/// The fields of a form, sent as one JSON object of strings.
pub struct Fields(serde_json::Map<String, serde_json::Value>);

impl Fields {
    /// A field that must be there and not empty.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.optional(name).ok_or_else(|| Error::invalid(name, format!("{name} is missing.")))
    }

    /// Replaces a field's text.
    pub fn set(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// A field that may be left out or empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Reads the body of a JSON request as the fields of a form.
pub fn fields(call: &Call<'_>) -> Result<Fields> {
    let invalid = || Error::invalid("body", "The body must be a JSON object of strings.");
    let fields: serde_json::Map<_, _> = serde_json::from_slice(&json(call)?).map_err(|_| invalid())?;
    if fields.values().all(serde_json::Value::is_string) { Ok(Fields(fields)) } else { Err(invalid()) }
}

/// Strips a byte order mark, which some editors and PowerShell add (RFC 8259, 8.1).
fn without_mark(mut body: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if body.starts_with(MARK) {
        body.drain(..MARK.len());
    }
    body
}

/// The body of an upload, which must declare its length or be chunked.
pub fn upload<'r>(call: &Call<'r>, limit: u64) -> Result<Upload<'r>> {
    if ["Content-Length", "Transfer-Encoding"].iter().all(|name| call.request.header(name).is_none()) {
        let message = "An upload needs a Content-Length, or Transfer-Encoding: chunked.";
        return Err(Error::new(Kind::LengthRequired, ErrorCode::LengthRequired, message));
    }
    Upload::new(call, limit)
}

/// A streamed body. Reading it fails if it is truncated or exceeds its limit.
pub struct Upload<'r> {
    body: Option<RequestBody<'r>>,
    /// The `Content-Length`, if the client sent one.
    stated: Option<u64>,
    /// Counts against the caller's upload limit while the body is being received.
    _share: Option<Share<'r>>,
    limit: u64,
    received: u64,
    /// The error in the body itself, if there was one.
    fault: Option<Error>,
}

impl<'r> Upload<'r> {
    fn new(call: &Call<'r>, limit: u64) -> Result<Self> {
        let stated = call.request.header("Content-Length").and_then(|digits| digits.parse::<u64>().ok());
        if stated.is_some_and(|bytes| bytes > limit) {
            return Err(too_large(limit));
        }
        // The transport has already read a short body of known length, so it cannot block a thread.
        let is_long = stated.is_some_and(|bytes| bytes > call.whole_body_bytes);
        let arrives = is_long || ["Transfer-Encoding", "Expect"].iter().any(|name| call.request.header(name).is_some());
        let _share = arrives.then(|| call.uploads.take(call.uploader())).transpose()?;
        Ok(Self { body: call.request.data(), stated, _share, limit, received: 0, fault: None })
    }

    /// The `Content-Length`, if the client sent one.
    pub fn stated(&self) -> Option<u64> {
        self.stated
    }

    /// The error to report for a failed upload: the body's own error takes precedence.
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
    Error::new(Kind::TooLarge, ErrorCode::BodyTooLarge, format!("The body may have at most {limit} bytes."))
}

fn broken_off(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::TimedOut {
        return Error::new(Kind::TooSlow, ErrorCode::BodyTooSlow, "The body stalled or arrived too slowly.")
            .because(error);
    }
    Error::new(Kind::Invalid, ErrorCode::BodyIncomplete, "The body ended early.").because(error)
}
