//! The running server: the only module that uses rouille's `Server` and the transport under it directly.
//!
//! It always uses a pool (rouille's other mode starts a thread per request), never `stoppable()` (it abandons requests)
//! and never `start_server` (it panics if the port is in use). The transport handles sockets, timeouts and shutdown.
//!
//! Two pools share one port. Requests in the large pool may block: uploads, submissions until they are on disk.
//! Those that wait for a job or for its progress hold no thread (`kit/parking.rs`). The small pool serves requests that only look up a few rows (`Table::is_quick`), so that status queries
//! never queue behind slow requests, and a few threads contend for the store's lock instead of hundreds.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rouille::{Request, Response, Server};
use tiny_http::Lane;

use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::wording::counted;
use crate::http::kit::front::Front;
use crate::http::kit::options::ServeOptions;
use crate::http::kit::proxies::Proxies;
use crate::http::kit::routing::Table;
use crate::http::{attendant, operator, routes};
use crate::os::certificates::Pair;

/// Threads for requests that only look up a few rows; more would contend for CPUs and the store's locks.
const QUICK_HTTP_THREADS: usize = 4;

/// The transport's log target.
pub const TRANSPORT_LOG: &str = "tiny_http";

/// The certificate of a running server. Clones share the same certificate.
#[derive(Clone)]
pub struct ServedCertificate(tiny_http::Certificate);

/// The event loop of a running server.
pub struct EventLoop(tiny_http::Handle);

impl EventLoop {
    /// Whether the event loop runs a task within this time.
    pub fn is_responsive(&self, within: Duration) -> bool {
        self.0.is_responsive(within)
    }
}

/// A server that runs until [`Self::stop`].
pub struct Running {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
    transport: tiny_http::Handle,
    certificate: Option<ServedCertificate>,
    /// rouille's two servers, kept alive until this is dropped.
    servers: [Arc<dyn Any + Send + Sync>; 2],
    stop_time: Duration,
    /// The thread that looks after requests that wait.
    attendant: Option<JoinHandle<()>>,
}

/// Starts the server. On return, the port is bound and requests are accepted.
pub fn serve(app: Arc<App>, options: ServeOptions) -> Result<Running> {
    let certificate = options.https.as_ref().map(|https| ServedCertificate::new(&https.pair)).transpose()?;
    let attendant = attendant::start(&app)?;
    let running = serve_table(app, options, &routes::PUBLIC, certificate)?;
    Ok(Running { attendant: Some(attendant), ..running })
}

/// Starts the dashboard's listener, with the public listener's certificate.
pub fn serve_dashboard(app: Arc<App>, options: ServeOptions, public: &Running) -> Result<Running> {
    serve_table(app, options, &operator::routes::DASHBOARD, public.certificate())
}

fn serve_table(
    app: Arc<App>,
    options: ServeOptions,
    table: &'static Table,
    certificate: Option<ServedCertificate>,
) -> Result<Running> {
    let stopping = Arc::new(AtomicBool::new(false));
    let ServeOptions { listen, mut limits, .. } = options.clone();
    limits.transport.parked = limits.waiting_claims.saturating_add(limits.waiting_requests);
    let proxies = Proxies::new(options.trusted_proxies.clone());
    let front = Arc::new(Front::new(Arc::clone(&app), table, options)?);
    let handler = {
        let (front, stopping) = (Arc::clone(&front), Arc::clone(&stopping));
        move |request: &Request| front.answer(request, stopping.load(Ordering::Acquire))
    };
    let refusals = Arc::clone(&front);
    let settings = tiny_http::Settings {
        limits: limits.transport,
        certificate: certificate.as_ref().map(|certificate| certificate.0.clone()),
        uncapped: Arc::new(move |address| proxies.is_exempt(address)),
        name_refusal: Arc::new(move |status, peer| Some(refusals.refused(status, peer))),
        is_quick: table.is_quick,
        is_reserved: table.is_nodes_upload,
    };
    let not_listening = |error| {
        let message = format!("Cannot listen on {listen}: {error}. Choose another address or port.");
        Error::new(Kind::Unavailable, ErrorCode::CannotListen, message)
    };
    let (server, transport) = tiny_http::configure(settings, || Server::new(listen, handler.clone()));
    let server = server.map_err(not_listening)?;
    let transport =
        transport.ok_or_else(|| Error::internal("The server could not be started.", "rouille made no transport"))?;
    let quick = transport.quick(|| Server::new(listen, handler)).map_err(not_listening)?;
    front.listens_on(transport.address(), transport.presence(), transport.parkings());
    let servers = [
        feed(&transport, Lane::Quick, quick.pool_size(limits.threads.min(QUICK_HTTP_THREADS))),
        feed(&transport, Lane::Ordinary, server.pool_size(limits.threads)),
    ];
    Ok(Running { app, stopping, transport, certificate, servers, stop_time: limits.stop_time, attendant: None })
}

/// Passes the requests of a lane to rouille as they arrive. The transport holds only a weak reference to the server.
fn feed<F>(transport: &tiny_http::Handle, lane: Lane, server: Server<F>) -> Arc<dyn Any + Send + Sync>
where
    F: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let server = Arc::new(server);
    let fed = Arc::downgrade(&server);
    transport.on_arrival(lane, move || {
        if let Some(server) = fed.upgrade() {
            server.poll();
        }
    });
    server
}

impl ServedCertificate {
    fn new(pair: &Pair) -> Result<Self> {
        tiny_http::Certificate::from_pem(&pair.certificate, &pair.key).map(Self).map_err(|error| unusable(&error))
    }

    /// Replaces the certificate for all new handshakes. On error, the old one stays in use.
    pub fn replace(&self, pair: &Pair) -> Result<()> {
        self.0.replace(&pair.certificate, &pair.key).map_err(|error| unusable(&error))
    }
}

fn unusable(error: &std::io::Error) -> Error {
    let message = format!(
        "The server's certificate cannot be used: {error}. Certificate and key must be PEM files that belong together."
    );
    Error::new(Kind::Invalid, ErrorCode::BadCertificate, message)
}

impl Running {
    /// The certificate in use; `None` with plain HTTP.
    pub fn certificate(&self) -> Option<ServedCertificate> {
        self.certificate.clone()
    }

    pub fn event_loop(&self) -> EventLoop {
        EventLoop(self.transport.clone())
    }

    /// The listening address, with the actual port if port 0 was requested.
    pub fn address(&self) -> SocketAddr {
        self.transport.address()
    }

    /// Shuts down: waiting claims end at once, no new connections are accepted, and in-flight requests have
    /// `Limits::stop_time` to finish. Logs and returns the number of requests that were cut off.
    pub fn stop(self) -> usize {
        self.stopping.store(true, Ordering::Release);
        self.app.stop();
        let stopped = self.transport.stop(self.stop_time);
        if stopped.cut_requests > 0 {
            log::warn!("cut off, unfinished after {:.1?}: {}", stopped.took, counted(stopped.cut_requests, "request"));
        }
        drop(self.servers);
        if let Some(attendant) = self.attendant {
            let _panicked = attendant.join();
        }
        log::debug!("transport counters of this run: {:?}", self.transport.counters());
        stopped.cut_requests
    }
}
