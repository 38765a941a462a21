//! The server that rouille drives.

use crate::accept::{Acceptor, bind};
use crate::api::{ListenAddr, SslConfig};
use crate::configure::{Wanted, made, wanted};
use crate::counters::Tally;
use crate::descriptors::connections_within;
use crate::handle::Handle;
use crate::parking::Lot;
use crate::permits::{Connections, InFlight, Uploads};
use crate::queue::Queue;
use crate::queues::Queues;
use crate::request::Request;
use crate::settings::{Lane, Settings};
use crate::shared::{Shared, Stage};
use crate::tls::Certificate;
use std::error::Error;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How long an idle reader thread lives, so that an idle server stays small.
const READER_THREAD_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The fraction of all connections that parked requests leave to others: an eighth.
const CONNECTIONS_NOT_PARKED: usize = 8;

/// Listens as soon as it is created. Dropping it cuts everything off; [`Handle::stop`] shuts down gracefully.
pub struct Server {
    handle: Handle,
    lane: Lane,
    /// `None` while being dropped, and if another server has the sockets.
    runtime: Option<Runtime>,
}

/// The requests of a server, in order of arrival. Ends when the server has stopped.
pub struct IncomingRequests<'a>(&'a Server);

impl Iterator for IncomingRequests<'_> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.0.queue().pop(None).ok().flatten()
    }
}

impl Server {
    /// Listens on the first of the addresses that can be bound; port 0 picks a free one. Speaks HTTPS if its
    /// [`Settings`] contain a certificate.
    pub fn http<A: ToSocketAddrs>(address: A) -> Result<Server, Box<dyn Error + Send + Sync + 'static>> {
        match wanted() {
            Wanted::New { settings, configured } => Server::start(address, *settings, configured),
            Wanted::Quick(handle) => Ok(Server::quick(handle)),
        }
    }

    /// The same, with this certificate unless the [`Settings`] contain one.
    pub fn https<A: ToSocketAddrs>(
        address: A,
        config: SslConfig,
    ) -> Result<Server, Box<dyn Error + Send + Sync + 'static>> {
        match wanted() {
            Wanted::New { mut settings, configured } => {
                if settings.certificate.is_none() {
                    settings.certificate = Some(Certificate::from_pem(&config.certificate, &config.private_key)?);
                }
                Server::start(address, *settings, configured)
            }
            Wanted::Quick(handle) => Ok(Server::quick(handle)),
        }
    }

    /// Takes the quick requests of another server from now on.
    fn quick(handle: Handle) -> Server {
        // Creates the queue.
        handle.queues.of(Lane::Quick);
        Server { handle, lane: Lane::Quick, runtime: None }
    }

    fn queue(&self) -> &Queue {
        self.handle.queues.of(self.lane)
    }

    fn start<A: ToSocketAddrs>(
        address: A,
        settings: Settings,
        configured: bool,
    ) -> Result<Server, Box<dyn Error + Send + Sync + 'static>> {
        let Settings { limits, certificate, uncapped, name_refusal, is_quick, is_reserved } = settings;
        let mut limits = limits.within_reason();
        let listener = bind(address, limits.backlog)?;
        listener.set_nonblocking(true)?;
        let spare = limits.spare_descriptors.saturating_add(limits.requests_in_flight);
        limits.connections = connections_within(limits.connections, spare);
        limits.parked = limits.parked.min(limits.connections - limits.connections / CONNECTIONS_NOT_PARKED);
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.event_threads)
            .max_blocking_threads(limits.reader_threads)
            .thread_keep_alive(READER_THREAD_KEEP_ALIVE)
            .thread_name("http")
            .enable_all()
            .build()?;
        let lot = Lot::new(limits.parked);
        let shared = Arc::new(Shared {
            limits,
            epoch: Instant::now(),
            address: listener.local_addr()?,
            uncapped,
            name_refusal,
            is_reserved,
            runtime: runtime.handle().clone(),
            connections: Arc::new(Connections::default()),
            in_flight: Arc::new(InFlight::default()),
            resumed: Arc::new(InFlight::default()),
            lot,
            uploads: Arc::new(Uploads::default()),
            reserved_uploads: Arc::new(Uploads::default()),
            peers: Arc::default(),
            stage: watch::Sender::new(Stage::Serving),
            tally: Tally::default(),
        });
        let queues = Arc::new(Queues::new(is_quick));
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let acceptor = Acceptor { shared: shared.clone(), queues: queues.clone(), certificate };
        runtime.spawn(acceptor.run(listener));
        let handle = Handle { shared, queues };
        if configured {
            made(handle.clone());
        }
        Ok(Server { handle, lane: Lane::Ordinary, runtime: Some(runtime) })
    }

    /// The address it listens on.
    pub fn server_addr(&self) -> ListenAddr {
        ListenAddr(self.handle.address())
    }

    /// The requests as they arrive, until the server has stopped.
    pub fn incoming_requests(&self) -> IncomingRequests<'_> {
        IncomingRequests(self)
    }

    /// The next request if one is waiting. An error means that the server has stopped.
    pub fn try_recv(&self) -> io::Result<Option<Request>> {
        self.queue().pop(Some(Instant::now()))
    }

    /// The next request if one arrives in time. An error means that the server has stopped.
    pub fn recv_timeout(&self, timeout: Duration) -> io::Result<Option<Request>> {
        self.queue().pop(Some(Instant::now() + timeout))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return self.queue().close();
        };
        self.handle.close();
        // Not a blocking shutdown, which would wait for the readers of abandoned answers.
        runtime.shutdown_background();
    }
}
