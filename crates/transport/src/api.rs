//! The small types of the interface that rouille uses, and nothing that it doesn't.

use http::header::{HeaderName, HeaderValue};
use std::fmt;
use std::io::{Empty, Read, Write, empty};
use std::net::SocketAddr;

/// A connection that left HTTP: both ways at once.
pub trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// A certificate for [`Server::https`](crate::Server::https).
#[derive(Clone)]
pub struct SslConfig {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: Vec<u8>,
    /// The private key in PEM.
    pub private_key: Vec<u8>,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddr(pub(crate) SocketAddr);

impl ListenAddr {
    /// The address and port. There is no other kind of address here.
    pub fn to_ip(self) -> Option<SocketAddr> {
        Some(self.0)
    }
}

/// A request's method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(pub(crate) http::Method);

impl Method {
    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A status. What HTTP does not allow as a final status becomes 500 when it is answered.
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
    /// Bytes that are not UTF-8 become replacement characters.
    fn from(value: HeaderText) -> String {
        String::from_utf8_lossy(value.0.as_bytes()).into_owned()
    }
}

/// A header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub field: HeaderField,
    /// Its value.
    pub value: HeaderText,
}

impl Header {
    /// Fails where HTTP forbids the name or the value; a line break in either is never sent.
    #[expect(clippy::result_unit_err, reason = "the interface that rouille expects")]
    pub fn from_bytes(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Header, ()> {
        let name = HeaderName::from_bytes(name.as_ref()).map_err(|_| ())?;
        let value = HeaderValue::from_bytes(value.as_ref()).map_err(|_| ())?;
        Ok(Header { field: HeaderField(name), value: HeaderText(value) })
    }
}

/// An answer, whose body is read while it is sent.
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
    /// The same with this body. With a length exactly so many bytes are sent, and a reader that has fewer breaks the
    /// connection; without one the body ends where the reader does.
    pub fn with_data<S: Read>(self, reader: S, length: Option<usize>) -> Response<S> {
        Response { status: self.status, headers: self.headers, data: reader, length }
    }

    /// Adds a header line.
    pub fn add_header(&mut self, header: Header) {
        self.headers.push(header);
    }
}
