//! The running server: the only place that names rouille's `Server` and the transport under it.
//!
//! Always a pool (rouille's other mode starts a thread a request), never `stoppable()` (it leaves requests behind) and
//! never `start_server` (it panics on a port that is taken). Sockets, time limits and the stop are the transport's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rouille::{Request, Server};

use super::front::Front;
use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What URLs in answers begin with. Without it: the request's scheme and Host.
    pub public_url: Option<String>,
}

/// A server that answers, until [`Self::stop`].
pub struct Running {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
    transport: tiny_http::Handle,
    loop_thread: JoinHandle<()>,
}

/// Starts to listen and answer. When this returns, the port is bound and requests are taken.
pub fn serve(app: Arc<App>, options: ServeOptions) -> Result<Running> {
    let stopping = Arc::new(AtomicBool::new(false));
    let front = Arc::new(Front::new(Arc::clone(&app), options.public_url)?);
    let handler = {
        let (front, stopping) = (Arc::clone(&front), Arc::clone(&stopping));
        move |request: &Request| front.answer(request, stopping.load(Ordering::Acquire))
    };
    let settings = tiny_http::Settings {
        limits: tiny_http::Limits { uploads: limits::UPLOADS, ..Default::default() },
        ..Default::default()
    };
    let (server, transport) = tiny_http::configure(settings, || Server::new(options.listen, handler));
    let server = server.map_err(|error| {
        let message = format!("Cannot listen on {}: {error}. Choose another address or port.", options.listen);
        Error::new(Kind::Unavailable, "cannot_listen", message)
    })?;
    let transport =
        transport.ok_or_else(|| Error::internal("The server could not be started.", "rouille made no transport"))?;
    let server = server.pool_size(limits::HTTP_THREADS);
    front.listens_on(transport.address());
    let loop_thread = thread::Builder::new()
        .name("http".into())
        .spawn(move || server.run())
        .map_err(|error| Error::internal("The server's thread could not be started.", error))?;
    Ok(Running { app, stopping, transport, loop_thread })
}

impl Running {
    /// The address it listens on, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.transport.address()
    }

    /// Stops: waiting claims end at once, nobody new is let in, requests in flight have [`limits::STOP_SECONDS`] to
    /// finish. Returns how many were cut, and says so in the log.
    pub fn stop(self) -> usize {
        self.stopping.store(true, Ordering::Release);
        self.app.stop();
        let stopped = self.transport.stop(Duration::from_secs(limits::STOP_SECONDS));
        if stopped.cut_requests > 0 {
            log::warn!("stopped with {} requests unfinished after {:.1?}", stopped.cut_requests, stopped.took);
        } else if self.loop_thread.join().is_err() {
            log::error!("the server's thread panicked");
        }
        stopped.cut_requests
    }
}
