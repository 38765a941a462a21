//! The server as rouille holds it.

use crate::accept;
use crate::api::{ListenAddr, SslConfig};
use crate::descriptors::connections_within;
use crate::queue::Queue;
use crate::request::Request;
use crate::seats::{InFlight, Seats, Uploads};
use crate::settings::{Lane, Settings, Wanted, made, wanted};
use crate::shared::{Shared, Stage};
use crate::shutdown::Handle;
use crate::tls::Certificate;
use std::error::Error;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How long a thread that read a streamed answer waits for another before it ends, so that an idle server stays small.
const READER_THREAD_REST: Duration = Duration::from_secs(10);

/// Listens from the moment it is made. Dropping it cuts everything; [`Handle::stop`] is the gentle way.
pub struct Server {
    shared: Arc<Shared>,
    lane: Lane,
    /// `None` while being dropped, and where another server has the sockets.
    runtime: Option<Runtime>,
}

/// The requests of a server, in the order they came. Ends when the server has stopped.
pub struct IncomingRequests<'a>(&'a Server);

impl Iterator for IncomingRequests<'_> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.0.queue().pop(None).ok().flatten()
    }
}

impl Server {
    /// Listens on the first of the addresses that can be bound; port 0 takes a free one. Speaks HTTPS if the
    /// [`Settings`] it is made with hold a certificate.
    pub fn http<A: ToSocketAddrs>(address: A) -> Result<Server, Box<dyn Error + Send + Sync + 'static>> {
        match wanted() {
            Wanted::New { settings, configured } => Server::start(address, *settings, configured),
            Wanted::Quick(shared) => Ok(Server::quick(shared)),
        }
    }

    /// The same, with this certificate unless the [`Settings`] hold one.
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
            Wanted::Quick(shared) => Ok(Server::quick(shared)),
        }
    }

    /// Takes the quick requests of another server from now on.
    fn quick(shared: Arc<Shared>) -> Server {
        // Makes the queue.
        shared.queue(Lane::Quick);
        Server { shared, lane: Lane::Quick, runtime: None }
    }

    fn queue(&self) -> &Queue {
        self.shared.queue(self.lane)
    }

    fn start<A: ToSocketAddrs>(
        address: A,
        settings: Settings,
        configured: bool,
    ) -> Result<Server, Box<dyn Error + Send + Sync + 'static>> {
        let Settings { limits, certificate, uncapped, name_refusal, is_quick, is_reserved } = settings;
        let mut limits = limits.within_reason();
        let listener = accept::bind(address, limits.backlog)?;
        listener.set_nonblocking(true)?;
        let spare = limits.spare_descriptors.saturating_add(limits.requests_in_flight);
        limits.connections = connections_within(limits.connections, spare);
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.event_threads)
            .max_blocking_threads(limits.reader_threads)
            .thread_keep_alive(READER_THREAD_REST)
            .thread_name("http")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            limits,
            epoch: Instant::now(),
            address: listener.local_addr()?,
            uncapped,
            name_refusal,
            runtime: runtime.handle().clone(),
            seats: Seats::default(),
            in_flight: Arc::new(InFlight::default()),
            uploads: Arc::new(Uploads::default()),
            reserved_uploads: Arc::new(Uploads::default()),
            peers: Arc::default(),
            queue: Queue::default(),
            quick_queue: OnceLock::new(),
            is_quick,
            is_reserved,
            stage: watch::Sender::new(Stage::Serving),
            tally: crate::counters::Tally::default(),
        });
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(accept::run(shared.clone(), listener, certificate));
        if configured {
            made(Handle(shared.clone()));
        }
        Ok(Server { shared, lane: Lane::Ordinary, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn server_addr(&self) -> ListenAddr {
        ListenAddr(self.shared.address)
    }

    /// The requests as they come, until the server has stopped.
    pub fn incoming_requests(&self) -> IncomingRequests<'_> {
        IncomingRequests(self)
    }

    /// The next request if one is waiting. An error means that the server has stopped.
    pub fn try_recv(&self) -> io::Result<Option<Request>> {
        self.queue().pop(Some(Instant::now()))
    }

    /// The next request if one comes in time. An error means that the server has stopped.
    pub fn recv_timeout(&self, timeout: Duration) -> io::Result<Option<Request>> {
        self.queue().pop(Some(Instant::now() + timeout))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return self.queue().close();
        };
        self.shared.advance(Stage::Gone);
        self.shared.close_queues();
        // Waiting here would wait for readers of answers that nobody takes any more.
        runtime.shutdown_background();
    }
}
