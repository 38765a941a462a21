//! A connection that left HTTP: reads and writes on it block.

use crate::accept::Seat;
use crate::api::Header;
use crate::block;
use crate::request::Request;
use crate::response_body::ResponseBody;
use crate::seats::FlightSeat;
use crate::state::Busy;
use http::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Answers 101 and waits until hyper lets go of the socket. Where that fails every read and write does.
pub(crate) fn upgrade(request: Request, protocol: &str, headers: Vec<Header>) -> Tunnel {
    let Request { origin, upgrade, reply, flight, .. } = request;
    let mut answer = http::Response::new(ResponseBody::default());
    *answer.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    for Header { field, value } in headers {
        answer.headers_mut().append(field.0, value.0);
    }
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(protocol) = HeaderValue::from_str(protocol) {
        answer.headers_mut().insert(header::UPGRADE, protocol);
    }
    // Before the answer goes out: what the client sends next is not a request.
    if upgrade.is_some() {
        origin.state.set_raw();
    }
    let sent = reply.send(answer).is_ok();
    let deadline = Instant::now() + origin.shared.limits.answer_stall_time;
    let upgraded = upgrade.filter(|_| sent).and_then(|mut upgrade| {
        block::until(Some(deadline), |cx| Pin::new(&mut upgrade).poll(cx)).and_then(Result::ok)
    });
    let busy = Busy::begin(&origin.state);
    Tunnel { io: upgraded.map(TokioIo::new), _busy: busy, _seat: origin.seat, _flight: flight }
}

/// Both ways of an upgraded connection, with its seats.
pub(crate) struct Tunnel {
    io: Option<TokioIo<Upgraded>>,
    _busy: Option<Busy>,
    _seat: Arc<Seat>,
    _flight: FlightSeat,
}

impl Tunnel {
    fn io(&mut self) -> io::Result<Pin<&mut TokioIo<Upgraded>>> {
        self.io.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Read for Tunnel {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut io = self.io()?;
        let mut buf = ReadBuf::new(bytes);
        match block::until(None, |cx| io.as_mut().poll_read(cx, &mut buf)) {
            Some(read) => read.map(|()| buf.filled().len()),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut io = self.io()?;
        block::until(None, |cx| io.as_mut().poll_write(cx, bytes))
            .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut io = self.io()?;
        block::until(None, |cx| io.as_mut().poll_flush(cx)).unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }
}
