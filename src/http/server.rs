//! The running server: the only place that names rouille's `Server` and the transport under it.
//!
//! Always a pool (rouille's other mode starts a thread a request), never `stoppable()` (it leaves requests behind) and
//! never `start_server` (it panics on a port that is taken). Sockets, time limits and the stop are the transport's.
//!
//! There are two pools on the one port. In the large one a request may take its time: a claim that waits, an upload, a
//! submission until it is on the disk. The small one has what only looks up a few rows (`routes::is_quick`): whoever
//! asks how a job fares never waits behind those, and few threads take few turns at one lock where 224 took many.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rouille::{Request, Response, Server};
use tiny_http::Lane;

use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;
use crate::domain::wording::counted;
use crate::http::kit::front::Front;
use crate::http::kit::options::ServeOptions;
use crate::http::kit::proxies::Proxies;
use crate::http::routes;
use crate::os::certificates::Pair;

/// Under which name the transport logs.
pub const TRANSPORT_LOG: &str = "tiny_http";

/// The certificate of a running server. Clones are the same.
#[derive(Clone)]
pub struct ServedCertificate(tiny_http::Certificate);

/// The event loop of a running server.
pub struct EventLoop(tiny_http::Handle);

impl EventLoop {
    /// Whether it does anything within this time.
    pub fn turns(&self, within: Duration) -> bool {
        self.0.turns(within)
    }
}

/// A server that answers, until [`Self::stop`].
pub struct Running {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
    transport: tiny_http::Handle,
    certificate: Option<ServedCertificate>,
    /// rouille's two servers. They end with this.
    servers: [Arc<dyn Any + Send + Sync>; 2],
    stop_time: Duration,
}

/// Starts to listen and answer. When this returns, the port is bound and requests are taken.
pub fn serve(app: Arc<App>, options: ServeOptions) -> Result<Running> {
    let stopping = Arc::new(AtomicBool::new(false));
    let ServeOptions { listen, limits, .. } = options.clone();
    let proxies = Proxies::new(options.trusted_proxies.clone());
    let certificate = options.https.as_ref().map(|https| ServedCertificate::new(&https.pair)).transpose()?;
    let front = Arc::new(Front::new(Arc::clone(&app), options)?);
    let handler = {
        let (front, stopping) = (Arc::clone(&front), Arc::clone(&stopping));
        move |request: &Request| front.answer(request, stopping.load(Ordering::Acquire))
    };
    let refusals = Arc::clone(&front);
    let settings = tiny_http::Settings {
        limits: limits.transport,
        certificate: certificate.as_ref().map(|certificate| certificate.0.clone()),
        uncapped: Arc::new(move |address| proxies.excuse(address)),
        name_refusal: Arc::new(move |status, peer| Some(refusals.refused(status, peer))),
        is_quick: routes::is_quick,
        is_reserved: routes::is_nodes_upload,
    };
    let not_listening = |error| {
        let message = format!("Cannot listen on {listen}: {error}. Choose another address or port.");
        Error::new(Kind::Unavailable, "cannot_listen", message)
    };
    let (server, transport) = tiny_http::configure(settings, || Server::new(listen, handler.clone()));
    let server = server.map_err(not_listening)?;
    let transport =
        transport.ok_or_else(|| Error::internal("The server could not be started.", "rouille made no transport"))?;
    let quick = transport.quick(|| Server::new(listen, handler)).map_err(not_listening)?;
    let presence = transport.presence();
    front.listens_on(transport.address(), Box::new(move |peer| presence.has(peer)));
    let servers = [
        feed(&transport, Lane::Quick, quick.pool_size(limits.threads.min(limits::QUICK_HTTP_THREADS))),
        feed(&transport, Lane::Ordinary, server.pool_size(limits.threads)),
    ];
    Ok(Running { app, stopping, transport, certificate, servers, stop_time: limits.stop_time })
}

/// Gives rouille the requests of a lane as they come. The transport does not keep it alive.
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

    /// Shows another one, in every handshake from now on. After an error the old one stays.
    pub fn replace(&self, pair: &Pair) -> Result<()> {
        self.0.replace(&pair.certificate, &pair.key).map_err(|error| unusable(&error))
    }
}

fn unusable(error: &std::io::Error) -> Error {
    let message = format!(
        "The server's certificate cannot be used: {error}. Its file and its key's must be PEM and belong together."
    );
    Error::new(Kind::Invalid, "bad_certificate", message)
}

impl Running {
    /// The certificate it shows; `None` with plain HTTP.
    pub fn certificate(&self) -> Option<ServedCertificate> {
        self.certificate.clone()
    }

    /// Its event loop.
    pub fn event_loop(&self) -> EventLoop {
        EventLoop(self.transport.clone())
    }

    /// The address it listens on, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.transport.address()
    }

    /// Stops: waiting claims end at once, nobody new is let in, requests in flight have [`Limits::stop_time`] to
    /// finish. Returns how many were cut, and says so in the log.
    pub fn stop(self) -> usize {
        self.stopping.store(true, Ordering::Release);
        self.app.stop();
        let stopped = self.transport.stop(self.stop_time);
        if stopped.cut_requests > 0 {
            log::warn!("cut off, unfinished after {:.1?}: {}", stopped.took, counted(stopped.cut_requests, "request"));
        }
        drop(self.servers);
        log::info!("the transport in this run: {:?}", self.transport.counters());
        stopped.cut_requests
    }
}
