//! An upgraded connection, with blocking reads and writes.

use crate::api::Header;
use crate::block;
use crate::exchange::Exchange;
use crate::parked::Reply;
use crate::permits::{ConnectionPermit, RequestPermit};
use crate::response_body::ResponseBody;
use crate::state::Busy;
use http::header::{self, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Answers 101 and waits until hyper releases the socket. If that fails, so does every read and write.
pub(crate) fn upgrade(upgrade: Option<OnUpgrade>, exchange: Exchange, protocol: &str, headers: Vec<Header>) -> Tunnel {
    let Exchange { shared, state, connection_permit, request_permit, reply, .. } = exchange;
    let mut answer = http::Response::new(ResponseBody::default());
    *answer.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    for Header { field, value } in headers {
        answer.headers_mut().append(field.0, value.0);
    }
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(protocol) = HeaderValue::from_str(protocol) {
        answer.headers_mut().insert(header::UPGRADE, protocol);
    }
    // Before the answer goes out: what the client sends after it is not a request.
    if upgrade.is_some() {
        state.set_raw();
    }
    let sent = reply.send(Reply::Answer(answer)).is_ok();
    let deadline = Instant::now() + shared.limits.answer_stall_time;
    let upgraded = upgrade.filter(|_| sent).and_then(|mut upgrade| {
        block::until(Some(deadline), |cx| Pin::new(&mut upgrade).poll(cx)).and_then(Result::ok)
    });
    let busy = Busy::begin(&state);
    Tunnel {
        io: upgraded.map(TokioIo::new),
        _busy: busy,
        _connection_permit: connection_permit,
        _request_permit: request_permit,
    }
}

/// An upgraded connection. It still counts as open and as an in-flight request.
pub(crate) struct Tunnel {
    io: Option<TokioIo<Upgraded>>,
    _busy: Option<Busy>,
    _connection_permit: Arc<ConnectionPermit>,
    _request_permit: RequestPermit,
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
