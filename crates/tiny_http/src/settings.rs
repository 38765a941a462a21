//! The way in for what `rouille::Server::new` has no parameter for.

use crate::limits::Limits;
use crate::shutdown::Handle;
use crate::tls::Certificate;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Says which addresses no limit per address holds for.
pub(crate) type Uncapped = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Gives an answer that no handler made its `X-Request-Id`.
pub(crate) type NameRefusal = Arc<dyn Fn(u16, SocketAddr) -> Option<String> + Send + Sync>;

/// How a server is to be made.
pub struct Settings {
    /// What it allows.
    pub limits: Limits,
    /// With a certificate it speaks HTTPS, without one plain HTTP.
    pub certificate: Option<Certificate>,
    /// Addresses (IPv4 never in its IPv6 form) that limits per address don't hold for: by default loopback. A program
    /// behind a reverse proxy adds the proxy's.
    pub uncapped: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Called with status and peer for each request that is answered here and that no handler sees (malformed, too
    /// slow, over a limit): what it returns is the answer's `X-Request-Id`. By default there is none.
    pub name_refusal: Arc<dyn Fn(u16, SocketAddr) -> Option<String> + Send + Sync>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits::default(),
            certificate: None,
            uncapped: Arc::new(|address| address.is_loopback()),
            name_refusal: Arc::new(|_, _| None),
        }
    }
}

enum Pending {
    Wanted(Box<Settings>),
    Made(Handle),
}

thread_local! {
    static PENDING: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

/// Runs `make`, and gives the first server it makes on this thread these settings. Returns what `make` returned and
/// the server's handle, `None` if it made none.
///
/// ```no_run
/// let settings = tiny_http::Settings::default();
/// let make = || rouille::Server::new("127.0.0.1:0", |_| rouille::Response::text("hello"));
/// let (server, handle) = tiny_http::configure(settings, make);
/// ```
pub fn configure<R>(settings: Settings, make: impl FnOnce() -> R) -> (R, Option<Handle>) {
    /// Forgets the settings even where `make` panics.
    struct Scope(Option<Pending>);
    impl Drop for Scope {
        fn drop(&mut self) {
            PENDING.replace(self.0.take());
        }
    }
    let scope = Scope(PENDING.replace(Some(Pending::Wanted(Box::new(settings)))));
    let made = make();
    let handle = match PENDING.take() {
        Some(Pending::Made(handle)) => Some(handle),
        _ => None,
    };
    drop(scope);
    (made, handle)
}

/// The settings for a server that is being made on this thread, and whether its maker wants the handle.
pub(crate) fn wanted() -> (Settings, bool) {
    match PENDING.take() {
        Some(Pending::Wanted(settings)) => (*settings, true),
        made => {
            PENDING.replace(made);
            (Settings::default(), false)
        }
    }
}

pub(crate) fn made(handle: Handle) {
    PENDING.replace(Some(Pending::Made(handle)));
}
