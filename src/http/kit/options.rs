//! Server options: address, names and limits.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
pub use tiny_http::Limits as TransportLimits;

use crate::app::jobs::WAITING_REQUESTS;
use crate::app::leases::WAITING_CLAIMS;
use crate::domain::key::KeyHash;
use crate::http::kit::hosts::Hosts;
use crate::os::certificates::Pair;
use crate::wire::JSON_BODY_BYTES;

/// Threads that handle requests. Each upload holds one.
pub const HTTP_THREADS: usize = 128;
/// Seconds that in-flight requests have to finish when the server shuts down.
const STOP_SECONDS: u64 = 10;

/// HTTPS settings. No `Debug`, because it holds a private key.
#[derive(Clone)]
pub struct Https {
    /// The initial certificate and key; [`crate::http::ServedCertificate`] can replace them.
    pub pair: Pair,
    /// PEM certificate of the appliance's own CA, served at `/ca.pem`; `None` with a studio's own certificate.
    pub authority_pem: Option<String>,
}

/// Options of a server. No `Debug`, because it may hold a private key.
#[derive(Clone)]
pub struct ServeOptions {
    /// The address to listen on; port 0 picks a free port.
    pub listen: SocketAddr,
    /// Base of URLs in responses. If unset, the request's scheme and its Host are used, provided the Host is in
    /// `hosts`.
    pub public_url: Option<String>,
    /// Host names that the server accepts as its own.
    pub hosts: Hosts,
    /// `None` for plain HTTP.
    pub https: Option<Https>,
    /// Networks of reverse proxies whose forwarding headers (client address, scheme and Host) are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that may read the metrics, besides loopback.
    pub metrics_allow: Vec<IpNet>,
    /// The hash of the token with which anyone may read the metrics, if there is one.
    pub metrics_token: Option<KeyHash>,
    /// Origins that may frame the player page, as in `frame-ancestors`; empty for any.
    pub embed_allow: Vec<String>,
    pub limits: Limits,
}

impl ServeOptions {
    /// Default options for this address.
    pub fn on(listen: SocketAddr) -> Self {
        let limits = Limits::default();
        Self {
            listen,
            public_url: None,
            hosts: Hosts::of_machine(),
            https: None,
            trusted_proxies: Vec::new(),
            metrics_allow: Vec::new(),
            metrics_token: None,
            embed_allow: Vec::new(),
            limits,
        }
    }
}

/// Limits of a server. Each upload holds a thread, so their sum must stay below `threads`, and `threads` below the
/// transport's limit of in-flight requests. Each waiting claim and each waiting request holds only a connection; all
/// together may hold seven eighths of them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connection limits, timeouts and size limits.
    pub transport: TransportLimits,
    /// Threads that handle requests.
    pub threads: usize,
    /// Maximum number of claims waiting at once.
    pub waiting_claims: usize,
    /// Maximum number of requests waiting for a job at once.
    pub waiting_requests: usize,
    /// Maximum size of a JSON body.
    pub json_body_bytes: u64,
    /// Time that in-flight requests have to finish on shutdown.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transport: TransportLimits::default(),
            threads: HTTP_THREADS,
            waiting_claims: WAITING_CLAIMS,
            waiting_requests: WAITING_REQUESTS,
            json_body_bytes: JSON_BODY_BYTES,
            stop_time: Duration::from_secs(STOP_SECONDS),
        }
    }
}
