//! The small types of the interface that rouille uses, and nothing more.

use http::header::{HeaderName, HeaderValue};
use std::fmt;
use std::io::{Empty, Read, Write, empty};
use std::net::SocketAddr;

/// An upgraded connection, readable and writable.
pub trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// A certificate for [`Server::https`](crate::Server::https).
#[derive(Clone)]
pub struct SslConfig {
    /// The chain in PEM, leaf certificate first.
    pub certificate: Vec<u8>,
    /// The private key in PEM.
    pub private_key: Vec<u8>,
}

/// The address a server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddr(pub(crate) SocketAddr);

impl ListenAddr {
    /// The address and port. Always `Some`: only IP addresses are supported.
    pub fn to_ip(self) -> Option<SocketAddr> {
        Some(self.0)
    }
}

/// A request's method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(pub(crate) http::Method);

impl Method {
    /// The method as the client sent it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A status code. One that is not a valid final status is sent as 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCode(pub u16);

impl From<u16> for StatusCode {
    fn from(code: u16) -> Self {
        StatusCode(code)
    }
}

/// A header's name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField(pub(crate) HeaderName);

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText(pub(crate) HeaderValue);

impl From<HeaderText> for String {
    /// Invalid UTF-8 becomes replacement characters.
    fn from(value: HeaderText) -> String {
        String::from_utf8_lossy(value.0.as_bytes()).into_owned()
    }
}

/// A header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name.
    pub field: HeaderField,
    /// The value.
    pub value: HeaderText,
}

impl Header {
    /// Fails if HTTP forbids the name or the value, so a line break in either is never sent.
    #[expect(clippy::result_unit_err, reason = "the interface that rouille expects")]
    pub fn from_bytes(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Header, ()> {
        let name = HeaderName::from_bytes(name.as_ref()).map_err(|_| ())?;
        let value = HeaderValue::from_bytes(value.as_ref()).map_err(|_| ())?;
        Ok(Header { field: HeaderField(name), value: HeaderText(value) })
    }
}

/// An answer. Its body is read while it is sent.
pub struct Response<R> {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<Header>,
    pub(crate) data: R,
    pub(crate) length: Option<usize>,
}

impl Response<Empty> {
    /// An answer without a body.
    pub fn empty(status: impl Into<StatusCode>) -> Self {
        Response { status: status.into(), headers: Vec::new(), data: empty(), length: Some(0) }
    }
}

impl<R: Read> Response<R> {
    /// Sets the body. With a length, exactly that many bytes are sent, and a reader that has fewer resets the
    /// connection; without one, the body ends when the reader does.
    pub fn with_data<S: Read>(self, reader: S, length: Option<usize>) -> Response<S> {
        Response { status: self.status, headers: self.headers, data: reader, length }
    }

    /// Adds a header line.
    pub fn add_header(&mut self, header: Header) {
        self.headers.push(header);
    }
}
