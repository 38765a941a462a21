//! A request as rouille's loop takes it, and a handler answers it.

use crate::accept::Seat;
use crate::api::{Header, HeaderField, HeaderText, Method, ReadWrite, Response};
use crate::request_body::BodyReader;
use crate::response_body::ResponseBody;
use crate::seats::FlightSeat;
use crate::shared::Shared;
use crate::state::ConnState;
use crate::{respond, upgrade};
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The connection a request came on.
pub(crate) struct Origin {
    pub peer: SocketAddr,
    pub shared: Arc<Shared>,
    pub state: Arc<ConnState>,
    pub seat: Arc<Seat>,
}

/// A request. Dropped without an answer it is answered 500.
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<Header>,
    pub(crate) body: BodyReader,
    pub(crate) origin: Origin,
    pub(crate) upgrade: Option<OnUpgrade>,
    pub(crate) reply: oneshot::Sender<http::Response<ResponseBody>>,
    pub(crate) flight: FlightSeat,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the target: it may hold a token.
        write!(f, "{} from {}", self.method.as_str(), self.origin.peer)
    }
}

impl Request {
    pub(crate) fn new(
        head: http::request::Parts,
        body: BodyReader,
        origin: Origin,
        upgrade: Option<OnUpgrade>,
        reply: oneshot::Sender<http::Response<ResponseBody>>,
        flight: FlightSeat,
    ) -> Request {
        // A target in absolute form is answered like its path.
        let url = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), |path| path.as_str().to_owned());
        let mut headers = Vec::with_capacity(head.headers.len());
        let mut last = None;
        for (name, value) in head.headers {
            // The map names a header once for all its lines.
            last = name.or(last);
            if let Some(name) = &last {
                headers.push(Header { field: HeaderField(name.clone()), value: HeaderText(value) });
            }
        }
        Request { method: Method(head.method), url, headers, body, origin, upgrade, reply, flight }
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

    /// The client's address, IPv4 never in its IPv6 form. Always there.
    pub fn remote_addr(&self) -> Option<&SocketAddr> {
        Some(&self.origin.peer)
    }

    /// The body. Reading waits for the client as long as the limits allow; a body that is cut short, pauses or creeps
    /// ends with an error and never as if it were whole.
    pub fn as_reader(&mut self) -> &mut dyn Read {
        &mut self.body
    }

    /// Hands the answer over. Returns before a long one is sent: what is left of it is read elsewhere, as the client
    /// takes it. An error means that nobody is there to take it, or that it could not be read.
    pub fn respond<R: Read + Send + 'static>(self, response: Response<R>) -> io::Result<()> {
        respond::respond(self, response)
    }

    /// Answers 101 and takes the connection out of HTTP.
    pub fn upgrade<R: Read + Send + 'static>(self, protocol: &str, response: Response<R>) -> Box<dyn ReadWrite + Send> {
        Box::new(upgrade::upgrade(self, protocol, response.headers))
    }
}
