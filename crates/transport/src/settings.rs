//! The way in for what `rouille::Server::new` has no parameter for.

use crate::limits::Limits;
use crate::shared::Shared;
use crate::shutdown::Handle;
use crate::tls::Certificate;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Says which addresses no limit per address holds for.
pub(crate) type Uncapped = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Gives an answer that no handler made its `X-Request-Id`.
pub(crate) type NameRefusal = Arc<dyn Fn(u16, SocketAddr) -> Option<String> + Send + Sync>;

/// Requests that wait for the same threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Requests that may take their time; all where [`Handle::quick`] has made no server.
    Ordinary,
    /// Those that [`Settings::is_quick`] picks out.
    Quick,
}

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
    /// Called with method and target of each request: whether it is quick to answer, and so for the server that
    /// [`Handle::quick`] has made. By default none is.
    pub is_quick: fn(&str, &str) -> bool,
    /// Called with method and target of each request whose body arrives while it is handled: whether it has one of the
    /// [`Limits::reserved_uploads`]. By default none has.
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

enum Pending {
    Wanted(Box<Settings>),
    Quick(Arc<Shared>),
    Made(Handle),
}

/// What a server that is being made is to be.
pub(crate) enum Wanted {
    /// A server with these settings, whose maker may want the handle.
    New { settings: Box<Settings>, configured: bool },
    /// The one that takes the quick requests of another.
    Quick(Arc<Shared>),
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
    let scope = Scope::begin(Pending::Wanted(Box::new(settings)));
    let made = make();
    let handle = match PENDING.take() {
        Some(Pending::Made(handle)) => Some(handle),
        _ => None,
    };
    drop(scope);
    (made, handle)
}

/// Runs `make`, whose first server on this thread takes the quick requests.
pub(crate) fn make_quick<R>(shared: &Arc<Shared>, make: impl FnOnce() -> R) -> R {
    let _scope = Scope::begin(Pending::Quick(shared.clone()));
    make()
}

/// Forgets what is pending even where its maker panics.
struct Scope(Option<Pending>);

impl Scope {
    fn begin(pending: Pending) -> Scope {
        Scope(PENDING.replace(Some(pending)))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        PENDING.replace(self.0.take());
    }
}

/// What a server that is being made on this thread is to be.
pub(crate) fn wanted() -> Wanted {
    match PENDING.take() {
        Some(Pending::Wanted(settings)) => Wanted::New { settings, configured: true },
        Some(Pending::Quick(shared)) => Wanted::Quick(shared),
        made => {
            PENDING.replace(made);
            Wanted::New { settings: Box::default(), configured: false }
        }
    }
}

pub(crate) fn made(handle: Handle) {
    PENDING.replace(Some(Pending::Made(handle)));
}
