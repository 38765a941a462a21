//! A request as rouille receives it and a handler answers it.

use crate::api::{Header, HeaderField, HeaderText, Method, ReadWrite, Response};
use crate::exchange::Exchange;
use crate::parked::{Parked, Reply};
use crate::parking::{HEADER, Stay};
use crate::request_body::BodyReader;
use crate::respond::respond;
use crate::upgrade::upgrade;
use http::header::{HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;

/// A request. If it is dropped without an answer, the client gets a 500.
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<Header>,
    body: BodyReader,
    upgrade: Option<OnUpgrade>,
    exchange: Exchange,
    /// It was parked before.
    _stay: Option<Stay>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the target, which may hold a token.
        write!(f, "{} from {}", self.method.as_str(), self.exchange.peer)
    }
}

impl Request {
    pub(crate) fn new(
        head: http::request::Parts,
        body: BodyReader,
        upgrade: Option<OnUpgrade>,
        exchange: Exchange,
    ) -> Request {
        // A target in absolute form is treated like its path.
        let url = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), |path| path.as_str().to_owned());
        let mut headers = Vec::with_capacity(head.headers.len());
        let mut last = None;
        for (name, value) in head.headers {
            // The map yields the name only with the first of several values.
            last = name.or(last);
            // Only this crate says what was parked.
            if let Some(name) = last.as_ref().filter(|name| *name != HEADER) {
                headers.push(Header { field: HeaderField(name.clone()), value: HeaderText(value) });
            }
        }
        Request { method: Method(head.method), url, headers, body, upgrade, exchange, _stay: None }
    }

    /// A request that has waited. It says so itself, since rouille passes on only what a request says.
    pub(crate) fn resumed(parked: Parked, exchange: Exchange) -> Request {
        let Parked { method, url, mut headers, body, upgrade, stay } = parked;
        headers.retain(|header| header.field.0 != HEADER);
        let (field, value) = (HeaderName::from_static(HEADER), HeaderValue::from(stay.number));
        headers.push(Header { field: HeaderField(field), value: HeaderText(value) });
        Request { method, url, headers, body, upgrade, exchange, _stay: Some(stay) }
    }

    /// The target: path and query.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The header lines.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The client's address, never an IPv4-mapped IPv6 address. Always `Some`.
    pub fn remote_addr(&self) -> Option<&SocketAddr> {
        Some(&self.exchange.peer)
    }

    /// The body. Reading waits for the client as long as the limits allow. A body that is cut short, stalls or arrives
    /// too slowly ends with an error, never as if it were complete.
    pub fn as_reader(&mut self) -> &mut dyn Read {
        &mut self.body
    }

    /// Hands the answer over. Returns before a long answer is sent: the rest is read on other threads as the client
    /// takes it. An error means that the client has gone, or that the answer could not be read.
    /// An answer by [`Parking::header`](crate::Parking::header) parks the request instead.
    pub fn respond<R: Read + Send + 'static>(self, response: Response<R>) -> io::Result<()> {
        let parks = response.headers.iter().find(|header| header.field.0 == HEADER);
        if let Some(stay) = parks.and_then(|header| self.exchange.shared.lot.arrive(header.value.0.as_bytes())) {
            return self.park(stay);
        }
        respond(&self.method.0, self.body, self.exchange, response)
    }

    fn park(self, stay: Stay) -> io::Result<()> {
        let Request { method, url, headers, body, upgrade, exchange, .. } = self;
        let Exchange { request_permit, reply, .. } = exchange;
        drop(request_permit);
        let parked = Parked { method, url, headers, body, upgrade, stay };
        let gone = |_| io::Error::new(ErrorKind::BrokenPipe, "the client has gone");
        reply.send(Reply::Parked(Box::new(parked))).map_err(gone)
    }

    /// Answers 101 and returns the connection as a raw byte stream.
    pub fn upgrade<R: Read + Send + 'static>(self, protocol: &str, response: Response<R>) -> Box<dyn ReadWrite + Send> {
        Box::new(upgrade(self.upgrade, self.exchange, protocol, response.headers))
    }
}
