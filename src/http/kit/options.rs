//! How a server is to serve: where, under which names, within which limits.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
pub use tiny_http::Limits as TransportLimits;

use crate::domain::limits;
use crate::http::kit::hosts::Hosts;
use crate::os::certificates::Pair;

/// HTTPS instead of plain HTTP. No `Debug`: it holds a key.
#[derive(Clone)]
pub struct Https {
    /// What the server shows first; [`crate::http::ServedCertificate`] changes it.
    pub pair: Pair,
    /// PEM of the appliance's own authority, handed out at `/ca.pem`; `None` with a studio's own certificate.
    pub authority_pem: Option<String>,
}

/// How to serve. No `Debug`: it may hold a key.
#[derive(Clone)]
pub struct ServeOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What URLs in answers begin with. Without it: the request's scheme and its Host, if that is one of `hosts`.
    pub public_url: Option<String>,
    /// By what names the server is called.
    pub hosts: Hosts,
    /// `None`: plain HTTP.
    pub https: Option<Https>,
    /// Networks of reverse proxies whose word on a client's address, scheme and Host is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks whose addresses may read the metrics, besides loopback.
    pub metrics_allow: Vec<IpNet>,
    /// What it allows.
    pub limits: Limits,
}

impl ServeOptions {
    /// Listens there, and is otherwise as it is when nobody says anything.
    pub fn on(listen: SocketAddr) -> Self {
        let limits = Limits::default();
        Self {
            listen,
            public_url: None,
            hosts: Hosts::of_machine(),
            https: None,
            trusted_proxies: Vec::new(),
            metrics_allow: Vec::new(),
            limits,
        }
    }
}

/// What a server allows. A waiting claim and an upload hold a thread each, so claims and uploads together stay below
/// the threads, and the threads below the transport's requests in flight.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections, times, lengths.
    pub transport: TransportLimits,
    /// Threads that answer requests.
    pub threads: usize,
    /// Claims that may wait at once.
    pub waiting_claims: usize,
    /// Bytes of a JSON body.
    pub json_body_bytes: u64,
    /// Time that requests in flight have to finish when the server stops.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transport: TransportLimits::default(),
            threads: limits::HTTP_THREADS,
            waiting_claims: limits::WAITING_CLAIMS,
            json_body_bytes: limits::JSON_BODY_BYTES,
            stop_time: Duration::from_secs(limits::STOP_SECONDS),
        }
    }
}
