//! What the embedding program decides about a server.

use crate::limits::Limits;
use crate::tls::Certificate;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Whether an address is exempt from limits per address.
pub(crate) type Uncapped = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Chooses the `X-Request-Id` of an answer that no handler made.
pub(crate) type NameRefusal = Arc<dyn Fn(u16, SocketAddr) -> Option<String> + Send + Sync>;

/// Whether a request, by its method and target, is of some kind.
pub(crate) type IsPicked = fn(&str, &str) -> bool;

/// One of a server's two request queues. Each is served by threads of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Requests that may take long. All requests, unless [`Handle::quick`](crate::Handle::quick) was called.
    Ordinary,
    /// Requests selected by [`Settings::is_quick`].
    Quick,
}

/// How a server is set up.
pub struct Settings {
    /// Its limits.
    pub limits: Limits,
    /// With a certificate the server speaks HTTPS, without one plain HTTP.
    pub certificate: Option<Certificate>,
    /// Addresses (never IPv4-mapped IPv6) that are exempt from limits per address. By default loopback; a program
    /// behind a reverse proxy adds the proxy's address.
    pub uncapped: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Called with status and peer for each request that the transport answers itself (malformed, too slow, over a
    /// limit). The result becomes the answer's `X-Request-Id`. By default there is none.
    pub name_refusal: Arc<dyn Fn(u16, SocketAddr) -> Option<String> + Send + Sync>,
    /// Called with method and target of each request. True if it is quick to answer and belongs to the server made by
    /// [`Handle::quick`](crate::Handle::quick). By default false.
    pub is_quick: fn(&str, &str) -> bool,
    /// Called with method and target of each request whose body arrives while it is handled. True if it may use
    /// [`Limits::reserved_uploads`]. By default false.
    pub is_reserved: fn(&str, &str) -> bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits::default(),
            certificate: None,
            uncapped: Arc::new(|address| address.is_loopback()),
            name_refusal: Arc::new(|_, _| None),
            is_quick: |_, _| false,
            is_reserved: |_, _| false,
        }
    }
}
