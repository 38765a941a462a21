//! One connection: hyper on top of the socket, and each request's way to a handler and back.

use crate::counters::Tally;
use crate::exchange::Exchange;
use crate::limits::WRITE_BUFFER_BYTES;
use crate::parked::{Parked, Reply};
use crate::permits::ConnectionPermit;
use crate::queues::Queues;
use crate::refusal;
use crate::request::Request;
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

/// Header lines that hyper parses without an allocation. `head` has enforced the limit before.
const HYPER_HEAD_LINES: usize = 100;

/// An accepted connection, and what its requests need to know about it.
pub(crate) struct Connection {
    pub shared: Arc<Shared>,
    pub queues: Arc<Queues>,
    pub state: Arc<ConnState>,
    pub peer: SocketAddr,
    pub permit: Arc<ConnectionPermit>,
}

impl Connection {
    /// Serves requests until the connection ends or the server stops.
    pub async fn serve<T: Wire>(self, wire: T) {
        let connection = Arc::new(self);
        let Connection { shared, state, peer, .. } = &*connection;
        let limits = &shared.limits;
        let io = TokioIo::new(Socket::new(wire, state.clone(), shared.clone()));
        let service = {
            let connection = connection.clone();
            hyper::service::service_fn(move |request| {
                // Not in the future: hyper looks for more bytes before it first polls that, and by then `Socket` must
                // know that the next head has to wait.
                let busy = Busy::begin(&connection.state);
                answer(connection.clone(), busy, request)
            })
        };
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(NoTimer)
            // `Location`, not `location`: names are case-insensitive, but scripts compare them as other servers write
            // them.
            .title_case_headers(true)
            // Never reached: `Socket` has the real timers. But only with a header timeout of its own does hyper return
            // to reading once an answer is out, and an idle connection that isn't read has no timer at all.
            .header_read_timeout(limits.idle_time.max(limits.head_time) + Duration::from_secs(5))
            .max_buf_size(WRITE_BUFFER_BYTES.max(limits.head_bytes));
        if limits.head_lines > HYPER_HEAD_LINES {
            builder.max_headers(limits.head_lines);
        }
        let mut http = pin!(builder.serve_connection(io, service).with_upgrades());
        let ended = tokio::select! {
            // In this order, so that a request which has arrived is started before the shutdown is noticed.
            biased;
            ended = http.as_mut() => ended,
            () = shared.reached(Stage::Finishing) => {
                // hyper closes an idle connection at once, and a busy one after its answer.
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
}

/// Hands a request to a handler and waits for its answer. An error closes the connection without an answer.
async fn answer(
    connection: Arc<Connection>,
    busy: Option<Busy>,
    request: http::Request<Incoming>,
) -> io::Result<Response<ResponseBody>> {
    let Connection { shared, queues, state, .. } = &*connection;
    // The connection was evicted.
    let Some(busy) = busy else { return Err(io::ErrorKind::ConnectionAborted.into()) };
    Tally::count(&shared.tally.requests);
    if let Some(status) = state.refusal() {
        return Ok(refuse(&connection, status, busy));
    }
    // A reverse proxy may see a different end of a chunked body than hyper does, so nothing after it is trusted.
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let (reply, answered) = oneshot::channel();
    let request = match receive(&connection, request, reply).await {
        Ok(request) => request,
        Err(status) => return Ok(refuse(&connection, status, busy)),
    };
    let (mut request, mut answered) = (request, answered);
    let mut response = loop {
        if !queues.for_request(request.method().as_str(), request.url()).push(request) {
            return Ok(refuse(&connection, 503, busy));
        }
        match answered.await {
            Ok(Reply::Answer(response)) => break response,
            Ok(Reply::Parked(parked)) => {
                parked.wait(state, shared).await;
                (request, answered) = resume(&connection, *parked);
            }
            // The request was dropped unanswered: the server stopped, or a pool thread died.
            Err(_) => return Ok(refuse(&connection, 500, busy)),
        }
    };
    if chunked {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        state.set_linger();
    }
    response.body_mut().set_busy(busy);
    Ok(response)
}

/// A request that has waited, to be handled again.
fn resume(connection: &Connection, parked: Parked) -> (Request, oneshot::Receiver<Reply>) {
    let Connection { shared, state, peer, permit, .. } = connection;
    Tally::count(&shared.tally.resumed);
    let (reply, answered) = oneshot::channel();
    let exchange = Exchange {
        peer: *peer,
        shared: shared.clone(),
        state: state.clone(),
        connection_permit: permit.clone(),
        request_permit: shared.resumed.take_any(),
        reply,
    };
    (Request::resumed(parked, exchange), answered)
}

/// Receives a small body, takes the permits that the request needs, and builds the request. An error is a status.
async fn receive(
    connection: &Connection,
    mut request: http::Request<Incoming>,
    reply: oneshot::Sender<Reply>,
) -> Result<Request, u16> {
    let Connection { shared, state, peer, permit, .. } = connection;
    let limits = &shared.limits;
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    // A client that expects `100 Continue` may be refused before it sends the body, so the handler decides.
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
    let Some(request_permit) = shared.in_flight.take(limits.requests_in_flight) else { return Err(503) };
    let body = match whole {
        Some(bytes) => BodyReader::whole(bytes),
        None => {
            let target = head.uri.path_and_query().map_or_else(|| head.uri.path(), |target| target.as_str());
            let upload = shared.admit_upload(peer.ip(), head.method.as_str(), target);
            let Some(upload) = upload else { return Err(503) };
            BodyReader::arriving(body, shared.clone(), upload, expects)
        }
    };
    let exchange = Exchange {
        peer: *peer,
        shared: shared.clone(),
        state: state.clone(),
        connection_permit: permit.clone(),
        request_permit,
        reply,
    };
    Ok(Request::new(head, body, upgrade, exchange))
}

/// An answer from the transport itself. The connection closes after it.
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
