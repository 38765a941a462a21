//! One connection: hyper over the socket, and each request on its way to a handler and back.

use crate::accept::Seat;
use crate::counters::Tally;
use crate::limits::WRITE_BUFFER_BYTES;
use crate::refusal;
use crate::request::{Origin, Request};
use crate::request_body::{BodyReader, receive_small};
use crate::response_body::ResponseBody;
use crate::shared::{Shared, Stage};
use crate::socket::{Socket, Wire};
use crate::state::{Busy, ConnState};
use crate::timers::NoTimer;
use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderValue};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Header lines that hyper reads without allocating for them. `head` has counted them before.
const HYPER_HEAD_LINES: usize = 100;

/// What every request of a connection needs to know of it.
struct Connection {
    shared: Arc<Shared>,
    state: Arc<ConnState>,
    peer: SocketAddr,
    seat: Arc<Seat>,
}

/// Serves requests until the connection ends or the server stops.
pub(crate) async fn serve<T: Wire>(
    shared: Arc<Shared>,
    wire: T,
    peer: SocketAddr,
    state: Arc<ConnState>,
    seat: Arc<Seat>,
) {
    let limits = &shared.limits;
    let io = TokioIo::new(Socket::new(wire, state.clone(), shared.clone()));
    let connection = Arc::new(Connection { shared: shared.clone(), state: state.clone(), peer, seat });
    let service = hyper::service::service_fn(move |request| {
        // Here and not in the future: hyper looks for more bytes before it first polls that, and `Socket` must know by
        // then that the next head has to wait.
        let busy = Busy::begin(&connection.state);
        answer(connection.clone(), busy, request)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(NoTimer)
        // `Location`, not `location`: names mean the same in any case, but scripts compare them as other servers write them.
        .title_case_headers(true)
        // Never reached: `Socket` has the real timers. But only with a head timeout of its own does hyper go back to
        // reading once an answer is out, and a connection at rest that isn't read has no timer at all.
        .header_read_timeout(limits.idle_time.max(limits.head_time) + Duration::from_secs(5))
        .max_buf_size(WRITE_BUFFER_BYTES.max(limits.head_bytes));
    if limits.head_lines > HYPER_HEAD_LINES {
        builder.max_headers(limits.head_lines);
    }
    let mut http = pin!(builder.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        // First, so that a request which has arrived is begun before the stop is seen.
        biased;
        ended = http.as_mut() => ended,
        () = shared.reached(Stage::Finishing) => {
            // hyper closes at once what has no request, and after the answer what has one.
            http.as_mut().graceful_shutdown();
            tokio::select! {
                ended = http.as_mut() => ended,
                () = shared.reached(Stage::Gone) => return,
            }
        }
    };
    if let Err(error) = ended {
        log::debug!("{peer}: {error}");
    }
}

/// Hands a request to a handler and waits for its answer. An error closes the connection without one.
async fn answer(
    connection: Arc<Connection>,
    busy: Option<Busy>,
    request: http::Request<Incoming>,
) -> io::Result<Response<ResponseBody>> {
    let Connection { shared, state, .. } = &*connection;
    // Closed to make room.
    let Some(busy) = busy else { return Err(io::ErrorKind::ConnectionAborted.into()) };
    Tally::count(&shared.tally.requests);
    if let Some(status) = state.refusal() {
        return Ok(refuse(&connection, status, busy));
    }
    // A proxy in front may have read the end of a chunked body elsewhere than hyper does; nothing after it is trusted.
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let (reply, answered) = oneshot::channel();
    let request = match take_in(&connection, request, reply).await {
        Ok(request) => request,
        Err(status) => return Ok(refuse(&connection, status, busy)),
    };
    if !shared.queue_of(request.method().as_str(), request.url()).push(request) {
        return Ok(refuse(&connection, 503, busy));
    }
    match answered.await {
        Ok(mut response) => {
            if chunked {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                state.set_linger();
            }
            response.body_mut().set_busy(busy);
            Ok(response)
        }
        // The request was dropped unanswered: the server was stopped, or a thread of the pool died.
        Err(_) => Ok(refuse(&connection, 500, busy)),
    }
}

/// Receives a small body, takes the seats a request needs, and makes the request. An error is a status.
async fn take_in(
    connection: &Connection,
    mut request: http::Request<Incoming>,
    reply: oneshot::Sender<Response<ResponseBody>>,
) -> Result<Request, u16> {
    let Connection { shared, state, peer, seat } = connection;
    let limits = &shared.limits;
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    // Who asks first may be refused before sending, so its body is left to the handler.
    let expects = request.headers().contains_key(header::EXPECT);
    let (head, mut body) = request.into_parts();
    let small = body.size_hint().exact().is_some_and(|length| length <= limits.small_body_bytes as u64);
    let whole = if body.is_end_stream() {
        Some(Bytes::new())
    } else if small && !expects {
        Some(receive_small(&mut body, limits).await.inspect_err(|_| Tally::count(&shared.tally.timeouts))?)
    } else {
        None
    };
    let Some(flight) = shared.in_flight.take(limits.requests_in_flight) else { return Err(503) };
    let body = match whole {
        Some(bytes) => BodyReader::whole(bytes),
        None => {
            let target = head.uri.path_and_query().map_or_else(|| head.uri.path(), |target| target.as_str());
            let upload = shared.take_upload(peer.ip(), head.method.as_str(), target);
            let Some(upload) = upload else { return Err(503) };
            BodyReader::arriving(body, shared.clone(), upload, expects)
        }
    };
    let origin = Origin { peer: *peer, shared: shared.clone(), state: state.clone(), seat: seat.clone() };
    Ok(Request::new(head, body, origin, upgrade, reply, flight))
}

/// An answer that no handler made. The connection closes after it.
fn refuse(connection: &Connection, status: u16, busy: Busy) -> Response<ResponseBody> {
    let Connection { shared, peer, .. } = connection;
    let id = (shared.name_refusal)(status, *peer);
    match status {
        500 => {}
        503 => Tally::count(&shared.tally.overloaded),
        _ => Tally::count(&shared.tally.rejected),
    }
    busy.0.set_linger();
    let mut response = refusal::answer(status, id);
    response.body_mut().set_busy(busy);
    response
}
