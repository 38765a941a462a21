//! The running server: the only place that names rouille's `Server`, because what lies under it gets replaced.
//!
//! Always a pool (rouille's other mode starts a thread a request), never `stoppable()` (it leaves requests behind) and
//! never `start_server` (it panics on a port that is taken).

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rouille::{Request, Response, ResponseBody, Server};

use super::front::Front;
use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// How long the accepting thread waits for a request before it looks whether it is to stop.
const LOOK_UP: Duration = Duration::from_millis(50);

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
    address: SocketAddr,
    app: Arc<App>,
    state: Arc<State>,
    ended: mpsc::Receiver<()>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    in_flight: AtomicUsize,
}

/// Starts to listen and answer. When this returns, the port is bound and requests are taken.
pub fn serve(app: Arc<App>, options: ServeOptions) -> Result<Running> {
    let state = Arc::new(State::default());
    let front = Arc::new(Front::new(Arc::clone(&app), options.public_url)?);
    let handler = {
        let (front, state) = (Arc::clone(&front), Arc::clone(&state));
        move |request: &Request| {
            let guard = InFlight::enter(&state);
            let response = front.answer(request, state.stopping.load(Ordering::Acquire));
            until_sent(response, guard)
        }
    };
    let server = Server::new(options.listen, handler)
        .map_err(|error| {
            let message = format!("Cannot listen on {}: {error}. Choose another address or port.", options.listen);
            Error::new(Kind::Unavailable, "cannot_listen", message)
        })?
        .pool_size(limits::HTTP_THREADS);
    let address = server.server_addr();
    front.listens_on(address);

    let (end, ended) = mpsc::channel();
    let accepting = Arc::clone(&state);
    thread::Builder::new()
        .name("http".into())
        .spawn(move || {
            accept(&server, &accepting);
            drop(server);
            // Fails only when the stop's deadline has passed and nobody listens any more.
            let _ = end.send(());
        })
        .map_err(|error| Error::internal("The server's thread could not be started.", error))?;
    Ok(Running { address, app, state, ended })
}

/// Hands requests to the pool until told to stop and until what was in flight has been answered. Whoever comes in
/// between is told to come again.
fn accept<F>(server: &Server<F>, state: &State)
where
    F: Send + Sync + 'static + Fn(&Request) -> Response,
{
    while !state.stopping.load(Ordering::Acquire) || state.in_flight.load(Ordering::Acquire) > 0 {
        server.poll_timeout(LOOK_UP);
    }
    server.join();
}

impl Running {
    /// The address it listens on, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: waiting claims end at once, new requests are turned away, those in flight have
    /// [`limits::STOP_SECONDS`] to finish. Returns how many were cut, and says so in the log.
    pub fn stop(self) -> usize {
        self.state.stopping.store(true, Ordering::Release);
        self.app.stop();
        let in_time = self.ended.recv_timeout(Duration::from_secs(limits::STOP_SECONDS)).is_ok();
        let cut = if in_time { 0 } else { self.state.in_flight.load(Ordering::Acquire) };
        if cut > 0 {
            log::warn!("stopped with {cut} requests unfinished after {} s", limits::STOP_SECONDS);
        }
        cut
    }
}

/// Counts a request from its first line to the last byte of its answer.
struct InFlight(Arc<State>);

impl InFlight {
    fn enter(state: &Arc<State>) -> Self {
        state.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(state))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The same answer, with the guard dropped when its body has been written or given up.
fn until_sent(mut response: Response, guard: InFlight) -> Response {
    struct Guarded {
        body: Box<dyn Read + Send>,
        _guard: InFlight,
    }
    impl Read for Guarded {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.body.read(buffer)
        }
    }
    let (body, length) = std::mem::replace(&mut response.data, ResponseBody::empty()).into_reader_and_size();
    let body = Guarded { body, _guard: guard };
    response.data = match length {
        Some(length) => ResponseBody::from_reader_and_size(body, length),
        None => ResponseBody::from_reader(body),
    };
    response
}
