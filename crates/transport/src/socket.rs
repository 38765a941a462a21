//! The socket as hyper sees it: one validated request at a time, a timeout on every wait, and the right kind of close.
//!
//! Heads are read into a buffer here, validated by `head`, and only then passed to hyper, followed by exactly the
//! bytes of their body. A rejected head is replaced by a harmless one whose answer the service already knows, so that
//! hyper writes every answer. Pipelined requests stay in the kernel's buffers until their turn.

use crate::counters::Tally;
use crate::head::{Framing, Head, inspect, leading_empty_lines};
use crate::limits::{EMPTY_LINE_BYTES, HEAD_READ_BYTES, Limits};
use crate::shared::Shared;
use crate::state::{ConnState, Phase};
use crate::timers::{HeadTimer, StallTimer};
use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream over TCP, plain or TLS.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What may be passed to hyper.
#[derive(PartialEq, Eq)]
enum Gate {
    /// This many bytes; then the next head is validated.
    Open(u64),
    /// Everything: chunks, after which the connection closes, or an upgraded connection.
    Free,
    /// The substitute for a rejected head, then nothing.
    Shut,
}

pub(crate) struct Socket<T: Wire> {
    wire: T,
    state: Arc<ConnState>,
    shared: Arc<Shared>,
    gate: Gate,
    /// Received but not yet passed on.
    held: BytesMut,
    /// Length of the prefix of `held` that is known not to contain the end of a head.
    scanned: usize,
    /// Bytes in empty lines since the last request.
    empty: usize,
    head_timer: HeadTimer,
    stall_timer: StallTimer,
    closing: Option<Closing>,
}

/// Reading on after the last answer, so that the client can read it before the socket closes.
struct Closing {
    until: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<T: Wire> Socket<T> {
    pub fn new(wire: T, state: Arc<ConnState>, shared: Arc<Shared>) -> Socket<T> {
        Socket {
            wire,
            state,
            shared,
            gate: Gate::Open(0),
            held: BytesMut::new(),
            scanned: 0,
            empty: 0,
            head_timer: HeadTimer::new(),
            stall_timer: StallTimer::default(),
            closing: None,
        }
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Opens the gate for the head and body in `held`, or for their substitute.
    fn judge_held(&mut self) {
        let empty = leading_empty_lines(&self.held);
        if empty > 0 {
            self.held.advance(empty);
            self.scanned = 0;
            self.empty += empty;
        }
        if self.empty > EMPTY_LINE_BYTES {
            return self.refuse(400);
        }
        match inspect(&self.held, &mut self.scanned, &self.shared.limits) {
            Head::Partial => {}
            Head::Whole { bytes, body: Framing::Length(length) } => self.gate = Gate::Open(bytes as u64 + length),
            Head::Whole { body: Framing::Chunked, .. } => self.gate = Gate::Free,
            Head::Refused(status) => self.refuse(status),
        }
        if self.gate != Gate::Open(0) {
            (self.scanned, self.empty) = (0, 0);
        }
    }

    fn refuse(&mut self, status: u16) {
        self.scanned = 0;
        self.state.refuse(status);
        // hyper must know that the answer to HEAD has no body.
        let method = if self.held.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
        let head = format!("{method} / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n");
        self.held = BytesMut::from(head.as_bytes());
        self.gate = Gate::Shut;
    }

    fn show_held(&mut self, buf: &mut ReadBuf<'_>) {
        let most = match self.gate {
            Gate::Open(left) => usize::try_from(left).unwrap_or(usize::MAX),
            Gate::Free | Gate::Shut => usize::MAX,
        };
        let count = self.held.len().min(buf.remaining()).min(most);
        buf.put_slice(&self.held[..count]);
        self.held.advance(count);
        if self.held.is_empty() {
            // An idle connection keeps no buffer.
            self.held = BytesMut::new();
        }
        self.shown(count);
    }

    fn shown(&mut self, count: usize) {
        if let Gate::Open(left) = &mut self.gate {
            *left = left.saturating_sub(count as u64);
        }
    }

    /// Reads the body, and nothing beyond it.
    fn pass(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match self.gate {
            Gate::Open(left) if left < buf.remaining() as u64 => {
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(usize::try_from(left).unwrap_or(0)));
                ready!(Pin::new(&mut self.wire).poll_read(cx, &mut part))?;
                let count = part.filled().len();
                buf.advance(count);
            }
            _ => ready!(Pin::new(&mut self.wire).poll_read(cx, buf))?,
        }
        let count = buf.filled().len() - before;
        self.shown(count);
        Poll::Ready(Ok(()))
    }

    /// Reads part of a head into `held`. Ready with the number of bytes, 0 at end of file.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut store = [0u8; HEAD_READ_BYTES];
        let mut part = ReadBuf::new(&mut store);
        ready!(Pin::new(&mut self.wire).poll_read(cx, &mut part))?;
        self.held.extend_from_slice(part.filled());
        Poll::Ready(Ok(part.filled().len()))
    }

    /// While a request is answered, hyper reads only to notice a disconnect. Anything else that arrives has to wait.
    fn poll_hang_up(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() && ready!(self.poll_more(cx))? == 0 {
            return Poll::Ready(Ok(()));
        }
        self.state.more_came();
        // hyper polls again for the next head once the answer is out, because it has a header timeout of its own.
        Poll::Pending
    }

    /// Reads until there is a head to pass on, the client closes, or the time is up.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.held.is_empty() {
                self.state.head_began();
                self.judge_held();
                if self.gate != Gate::Open(0) {
                    return Poll::Ready(Ok(()));
                }
            }
            if let Poll::Ready(read) = self.poll_more(cx) {
                if read? == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            ready!(self.head_timer.poll(cx, &self.state, &self.shared.limits));
            if self.stall_timer.is_waiting() {
                // The last answer is still being sent, which has a timer of its own.
                self.head_timer.restart();
                continue;
            }
            Tally::count(&self.shared.tally.timeouts);
            if self.state.phase() == Phase::Head {
                self.refuse(408);
            }
            return Poll::Ready(Ok(()));
        }
    }

    fn poll_stalled<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        ready!(self.stall_timer.poll(cx, &self.shared.limits));
        Tally::count(&self.shared.tally.timeouts);
        // Without a reset, a client that doesn't read would occupy kernel buffers for minutes.
        self.state.set_reset();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }

    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (time, bytes) = (self.limits().drain_time, self.limits().drain_bytes);
        let closing =
            self.closing.get_or_insert_with(|| Closing { until: Box::pin(sleep_until(Instant::now() + time)), bytes });
        let mut store = [0u8; HEAD_READ_BYTES];
        loop {
            if closing.bytes == 0 || Future::poll(closing.until.as_mut(), cx).is_ready() {
                return Poll::Ready(());
            }
            let mut part = ReadBuf::new(&mut store);
            match ready!(Pin::new(&mut self.wire).poll_read(cx, &mut part)) {
                Ok(()) if !part.filled().is_empty() => {
                    closing.bytes = closing.bytes.saturating_sub(part.filled().len());
                }
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<T: Wire> AsyncRead for Socket<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        if me.state.is_raw() {
            me.gate = Gate::Free;
        }
        if me.gate == Gate::Open(0) {
            if me.state.phase() == Phase::Busy {
                return me.poll_hang_up(cx);
            }
            ready!(me.poll_head(cx))?;
        }
        match me.gate {
            // The client closed, or its time is up: end of file to hyper.
            Gate::Open(0) => Poll::Ready(Ok(())),
            _ if !me.held.is_empty() => {
                me.show_held(buf);
                Poll::Ready(Ok(()))
            }
            // The answer is being written, then hyper closes.
            Gate::Shut => Poll::Pending,
            _ => me.pass(cx, buf),
        }
    }
}

impl<T: Wire> AsyncWrite for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.wire).poll_write(cx, bytes) {
            Poll::Pending => self.poll_stalled(cx),
            Poll::Ready(wrote) => {
                self.stall_timer.moved(*wrote.as_ref().unwrap_or(&0));
                Poll::Ready(wrote)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.wire).poll_write_vectored(cx, slices) {
            Poll::Pending => self.poll_stalled(cx),
            Poll::Ready(wrote) => {
                self.stall_timer.moved(*wrote.as_ref().unwrap_or(&0));
                Poll::Ready(wrote)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.wire).poll_flush(cx) {
            Poll::Pending => self.poll_stalled(cx),
            Poll::Ready(flushed) => {
                self.stall_timer.flushed();
                Poll::Ready(flushed)
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            match Pin::new(&mut self.wire).poll_shutdown(cx) {
                Poll::Pending => return self.poll_stalled(cx),
                Poll::Ready(shut) => shut?,
            }
            // Closing a socket with unread bytes resets it, and the reset may overtake the answer. That matters if the
            // client may still be sending: after an early answer, or a rejected head.
            if !self.state.lingers() && self.state.phase() != Phase::Head {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_drained(cx).map(Ok)
    }
}

impl<T: Wire> Drop for Socket<T> {
    fn drop(&mut self) {
        if self.state.resets() {
            // A normal close would look like the end of an answer without a length. If this fails, it closes normally.
            let _ = socket2::SockRef::from(self.wire.tcp()).set_linger(Some(Duration::ZERO));
        }
    }
}
