//! The one HTTP client: used by nodes and clients to talk to the appliance, and to fetch demos from anywhere.
//!
//! Blocking, HTTP/1.1, ignores proxy environment variables. Addresses are checked where names are resolved, so
//! redirects and DNS rebinding get the same checks as the first request. Redirects are followed here because `ureq`
//! only accepts a `Location` that is a clean URL.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::config::Config;
use ureq::http::{Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

pub use ureq::http::Method;

use super::address::Addresses;
use super::resolver::{Contacted, GuardedResolver, Refused};
use super::url;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::Secret;

/// Larger bodies are sent with `Expect: 100-continue`, after at most one second. That way an early rejection is read;
/// otherwise it is often lost when the server closes the connection during the upload.
const EXPECT_CONTINUE_BYTES: u64 = 1 << 20;

/// Client settings.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Which addresses it may connect to.
    pub addresses: Addresses,
    /// PEM of the only CA certificates to trust; `None` trusts the platform's.
    pub ca_pem: Option<String>,
    /// How many redirects of a GET or HEAD to follow before failing. With 0, and for requests with a body, a redirect
    /// is returned like any other response.
    pub redirects: u32,
    /// Timeout for name resolution and connecting.
    pub connect_timeout: Duration,
    /// Timeout without receiving a single byte.
    pub stall_timeout: Duration,
    /// Timeout for the whole body of a response, if it is shorter than what the request has left.
    pub body_timeout: Option<Duration>,
}

/// A request body.
#[allow(missing_debug_implementations, reason = "a stream cannot be shown")]
pub enum Body<'a> {
    /// No body.
    Empty,
    /// A byte slice.
    Bytes(&'a [u8]),
    /// A stream, sent chunked if its length is not given.
    Stream(&'a mut dyn Read, Option<u64>),
}

impl<'a> Body<'a> {
    /// Reborrows the body for a shorter lifetime, which the compiler cannot do through a mutable trait object.
    pub fn reborrow<'b>(self) -> Body<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Empty => Body::Empty,
            Self::Bytes(bytes) => Body::Bytes(bytes),
            Self::Stream(reader, length) => Body::Stream(reader, length),
        }
    }
}

/// A request.
#[allow(missing_debug_implementations, reason = "its body cannot be shown and its bearer token must not be")]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Absolute `http` or `https` URL. Characters not allowed in a URL are percent-encoded before sending.
    pub url: &'a str,
    /// Sent as `Authorization: Bearer` to the first server only, never after a redirect.
    pub bearer: Option<&'a Secret>,
    /// The body's media type.
    pub content_type: Option<&'a str>,
    /// Additional headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Body<'a>,
    /// Total timeout, including redirects and reading the response body.
    pub timeout: Duration,
}

impl<'a> Request<'a> {
    /// A request without body, bearer token, or additional headers.
    pub fn new(method: Method, url: &'a str, timeout: Duration) -> Self {
        Self { method, url, bearer: None, content_type: None, headers: &[], body: Body::Empty, timeout }
    }
}

/// The one HTTP client. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    redirects: u32,
    contacted: Arc<Contacted>,
}

impl Client {
    /// Creates a client. Fails if the PEM contains no certificate.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let roots = match &options.ca_pem {
            Some(pem) => certificates(pem)?,
            None => RootCerts::PlatformVerifier,
        };
        let config = Config::builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("dinkem-appliance/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_body(options.body_timeout)
            .timeout_per_read(Some(options.stall_timeout))
            .timeout_per_write(Some(options.stall_timeout))
            .build();
        let contacted = Arc::new(Contacted::default());
        let resolver = GuardedResolver::new(options.addresses, Arc::clone(&contacted));
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), resolver);
        Ok(Self { agent, redirects: options.redirects, contacted })
    }

    /// Whether every address contacted so far, including redirects, was public. If not, error details could reveal
    /// something about a private network.
    pub fn contacted_only_public(&self) -> bool {
        self.contacted.only_public()
    }

    /// Sends a request and waits for the response head. A status of 400 or above is a response, not an error.
    pub fn send(&self, request: Request<'_>) -> Result<Response> {
        let began = Instant::now();
        let Request { method, url, mut bearer, content_type, headers, body, timeout } = request;
        let mut url = url::encoded(url.as_bytes());
        if !matches!(body, Body::Empty) || ![Method::GET, Method::HEAD].contains(&method) {
            let body = body.reborrow();
            return self.send_once(Request { method, url: &url, bearer, content_type, headers, body, timeout });
        }
        for left in (0..=self.redirects).rev() {
            let timeout = timeout.saturating_sub(began.elapsed());
            let method = method.clone();
            let hop = Request { method, url: &url, bearer, content_type, headers, body: Body::Empty, timeout };
            let answer = self.send_once(hop)?;
            let Some(location) = answer.location().filter(|_| self.redirects > 0) else { return Ok(answer) };
            let server = answer.server.clone();
            if left == 0 {
                let message = format!("{server} redirects too often.");
                return Err(Error::new(Kind::Unavailable, ErrorCode::BadAnswer, message));
            }
            url = url::redirected(&url, location).ok_or_else(|| {
                Error::new(
                    Kind::Invalid,
                    ErrorCode::BadUrl,
                    format!("{server} redirects to a URL whose scheme is not http or https."),
                )
            })?;
            bearer = None;
        }
        Err(Error::internal("The request was never sent.", "no hop"))
    }

    fn send_once(&self, request: Request<'_>) -> Result<Response> {
        let server = server_of(request.url);
        let mut head = ureq::http::Request::builder().method(&request.method).uri(request.url);
        if let Some(bearer) = request.bearer {
            head = head.header(header::AUTHORIZATION, format!("Bearer {}", bearer.reveal()));
        }
        if let Some(content_type) = request.content_type {
            head = head.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in request.headers {
            head = head.header(*name, *value);
        }
        let mut bytes: &[u8] = &[];
        let (body, length): (&mut dyn Read, _) = match request.body {
            Body::Empty if !sends_a_body(&request.method) => return self.run(server, head, (), request.timeout),
            Body::Empty => (&mut bytes, Some(0)),
            Body::Bytes(given) => {
                bytes = given;
                (&mut bytes, Some(given.len() as u64))
            }
            Body::Stream(reader, length) => (reader, length),
        };
        if let Some(length) = length {
            head = head.header(header::CONTENT_LENGTH, length);
            if length > EXPECT_CONTINUE_BYTES {
                head = head.header(header::EXPECT, "100-continue");
            }
        }
        self.run(server, head, ureq::SendBody::from_reader(body), request.timeout)
    }

    /// Fails all in-flight and later requests of this client and its clones.
    pub fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    fn run(
        &self,
        server: String,
        head: ureq::http::request::Builder,
        body: impl ureq::AsSendBody,
        timeout: Duration,
    ) -> Result<Response> {
        let request = head.body(body).map_err(|error| describe(&server, &ureq::Error::Http(error)))?;
        let timed = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        let answer = self.agent.run(timed).map_err(|error| describe(&server, &error))?;
        Ok(Response { status: answer.status().as_u16(), server, answer })
    }
}

/// Whether requests with this method send a `Content-Length` even without a body.
fn sends_a_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    server: String,
    answer: ureq::http::Response<ureq::Body>,
}

impl Response {
    /// A header's value, if it is plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// The raw `Location` header of a redirect.
    fn location(&self) -> Option<&[u8]> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        self.answer.headers().get(header::LOCATION).filter(|_| is_redirect).map(header::HeaderValue::as_bytes)
    }

    /// The body's length, if the server sent it.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The whole body. Fails if it is longer than `limit`.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>> {
        let server = self.server.clone();
        let mut bytes = Vec::new();
        self.into_reader().take(limit + 1).read_to_end(&mut bytes).map_err(|error| {
            let (code, what) = match error.kind() {
                io::ErrorKind::TimedOut => (ErrorCode::TimedOut, "stopped sending"),
                _ => (ErrorCode::Unreachable, "closed the connection in the middle of its response"),
            };
            Error::new(Kind::Unavailable, code, format!("{server} {what}.")).because(error)
        })?;
        if bytes.len() as u64 > limit {
            let message = format!("The response from {server} is longer than {limit} bytes.");
            return Err(Error::new(Kind::Unavailable, ErrorCode::BadAnswer, message));
        }
        Ok(bytes)
    }

    /// The body, parsed as JSON.
    pub fn json<T: DeserializeOwned>(self, limit: u64) -> Result<T> {
        let (server, status) = (self.server.clone(), self.status);
        let bytes = self.bytes(limit)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("Unexpected response from {server} (status {status}).");
            Error::new(Kind::Unavailable, ErrorCode::BadAnswer, message).because(error)
        })
    }

    /// The body as a stream. A read that takes too long fails with [`io::ErrorKind::TimedOut`].
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        Box::new(BodyReader(self.answer.into_body().into_reader()))
    }
}

/// Maps the client library's errors to `io::ErrorKind`s that readers can tell apart.
struct BodyReader(ureq::BodyReader<'static>);

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match cause(&error) {
            Some(ureq::Error::Timeout(_)) => io::Error::new(io::ErrorKind::TimedOut, error.to_string()),
            _ => error,
        })
    }
}

fn cause(error: &io::Error) -> Option<&ureq::Error> {
    error.get_ref()?.downcast_ref()
}

/// Parses the certificates in a PEM file.
fn certificates(pem: &str) -> Result<RootCerts> {
    let found: Vec<_> = ureq::tls::parse_pem(pem.as_bytes())
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(Error::invalid("ca", "The CA file contains no certificate. It must be in PEM format."));
    }
    Ok(RootCerts::from(found))
}

/// `host:port` of a URL, for messages: user, path, and query may contain secrets.
fn server_of(url: &str) -> String {
    let authority = url.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    authority.map_or_else(
        || "the server".to_owned(),
        |authority| match authority.port() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        },
    )
}

/// Maps the client library's error to ours.
fn describe(server: &str, error: &ureq::Error) -> Error {
    let unavailable = |code, message: String| Error::new(Kind::Unavailable, code, message).because(error);
    match error {
        ureq::Error::Other(other) if other.is::<Refused>() => Error::new(
            Kind::Forbidden,
            ErrorCode::AddressRefused,
            format!(
                "The address of {server} is refused: it is this machine's own, link-local, multicast, or reserved. If that \
                 is intended, allow it with --fetch-allow."
            ),
        ),
        // These may quote the URL, which may contain a secret: no detail.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            Error::new(Kind::Invalid, ErrorCode::BadUrl, "The URL is not an absolute http or https URL.")
        }
        ureq::Error::TooManyRedirects => unavailable(ErrorCode::BadAnswer, format!("{server} redirects too often.")),
        ureq::Error::RedirectFailed => {
            unavailable(ErrorCode::BadAnswer, format!("{server} sent a redirect without a Location header."))
        }
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            unavailable(ErrorCode::Unreachable, format!("Could not reach {server}: it does not answer."))
        }
        ureq::Error::Timeout(_) => unavailable(ErrorCode::TimedOut, format!("{server} did not answer in time.")),
        ureq::Error::HostNotFound => {
            unavailable(ErrorCode::Unreachable, format!("Cannot resolve the host name {server}."))
        }
        // TLS failures are reported as `InvalidData`; only the text tells certificate errors apart.
        ureq::Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => {
            if cause.to_string().contains("certificate") {
                unavailable(ErrorCode::UntrustedServer, format!("The certificate of {server} is not trusted."))
            } else {
                unavailable(
                    ErrorCode::Unreachable,
                    format!("{server} does not speak HTTPS, or no TLS version supported here."),
                )
            }
        }
        ureq::Error::Io(cause) => {
            unavailable(ErrorCode::Unreachable, format!("Could not reach {server}: {}.", reason(cause)))
        }
        _ => unavailable(ErrorCode::BadAnswer, format!("The response from {server} is not valid HTTP.")),
    }
}

fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "it closed the connection"
        }
        io::ErrorKind::UnexpectedEof => "it closed the connection before responding",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no route to host",
        io::ErrorKind::TimedOut => "it does not answer",
        _ => "the connection failed",
    }
}
