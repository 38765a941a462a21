//! A request's body between hyper, which waits on tasks, and a handler, which reads and blocks.

use crate::block;
use crate::counters::Tally;
use crate::limits::Limits;
use crate::seats::UploadSeat;
use crate::shared::Shared;
use crate::timers::Pace;
use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Receives a small body of announced length before a handler is woken. An error is a status.
pub(crate) async fn receive_small(body: &mut Incoming, limits: &Limits) -> Result<Bytes, u16> {
    let mut pace = Pace::default();
    // Mostly the body came with the head, in one piece that needs no copy.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while !body.is_end_stream() {
        let since = Instant::now();
        let next = poll_fn(|cx| poll_frame(body, cx));
        let Some(frame) = timeout(limits.body_idle_time, next).await.map_err(|_| 408_u16)? else { break };
        let data = frame.map_err(|_| 400_u16)?.into_data().unwrap_or_default();
        if !pace.keeps(since.elapsed(), data.len(), limits) && !body.is_end_stream() {
            return Err(408);
        }
        if first.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&data);
        }
    }
    if all.is_empty() {
        return Ok(first);
    }
    let mut joined = BytesMut::with_capacity(first.len() + all.len());
    joined.extend_from_slice(&first);
    joined.extend_from_slice(&all);
    Ok(joined.freeze())
}

fn poll_frame(body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
    Pin::new(body).poll_frame(cx)
}

/// Reads a body on a handler's thread. It is polled there, so that it needs no task and no queue of its own, and hyper
/// holds at most one frame ahead.
pub(crate) struct BodyReader {
    /// Received and not yet read.
    ready: Bytes,
    arriving: Option<Arriving>,
    /// Once a read has failed every later one does.
    failed: Option<(ErrorKind, &'static str)>,
}

/// A body of which more is to come. Gives its upload seat back at the end.
struct Arriving {
    body: Incoming,
    shared: Arc<Shared>,
    pace: Pace,
    /// The client waits to be asked (`Expect: 100-continue`), which hyper does with the first read.
    unasked: bool,
    _upload: UploadSeat,
}

/// What a handler left of a body.
pub(crate) enum Unread {
    /// The client waits to be asked for it.
    Unasked,
    /// It is arriving. `None` bytes left where its length is not known.
    Arriving(Incoming, Option<u64>),
}

impl BodyReader {
    pub fn whole(bytes: Bytes) -> BodyReader {
        BodyReader { ready: bytes, arriving: None, failed: None }
    }

    pub fn arriving(body: Incoming, shared: Arc<Shared>, upload: UploadSeat, unasked: bool) -> BodyReader {
        let arriving = Arriving { body, shared, pace: Pace::default(), unasked, _upload: upload };
        BodyReader { ready: Bytes::new(), arriving: Some(arriving), failed: None }
    }

    /// True where a read has failed: the connection is of no more use.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes what is still to come, and gives the upload's seat back.
    pub fn take_unread(&mut self) -> Option<Unread> {
        let arriving = self.arriving.take().filter(|arriving| !arriving.body.is_end_stream())?;
        if arriving.unasked {
            return Some(Unread::Unasked);
        }
        let left = arriving.body.size_hint().exact();
        Some(Unread::Arriving(arriving.body, left))
    }
}

impl Arriving {
    /// The next piece, `None` at the end.
    fn next(&mut self) -> Result<Option<Bytes>, (ErrorKind, &'static str)> {
        self.unasked = false;
        let limits = &self.shared.limits;
        let since = Instant::now();
        let deadline = since.checked_add(limits.body_idle_time);
        let mut waited = Duration::ZERO;
        let body = &mut self.body;
        let frame = block::until(deadline, |cx| {
            let polled = poll_frame(body, cx);
            waited = since.elapsed();
            polled
        });
        let data = match frame {
            None => return Err(self.too_slow("the body stopped coming")),
            Some(None) => return Ok(None),
            Some(Some(Err(_))) => return Err((ErrorKind::UnexpectedEof, "the body was cut short")),
            Some(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        if !self.pace.keeps(waited, data.len(), limits) && !self.body.is_end_stream() {
            return Err(self.too_slow("the body comes too slowly"));
        }
        Ok(Some(data))
    }

    fn too_slow(&self, text: &'static str) -> (ErrorKind, &'static str) {
        Tally::count(&self.shared.tally.timeouts);
        (ErrorKind::TimedOut, text)
    }
}

impl Read for BodyReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !buf.is_empty() {
            if let Some((kind, text)) = self.failed {
                return Err(io::Error::new(kind, text));
            }
            let Some(arriving) = &mut self.arriving else { return Ok(0) };
            match arriving.next() {
                Ok(Some(data)) => self.ready = data,
                // Ends the upload: what the handler does with it from here on holds no seat.
                Ok(None) => self.arriving = None,
                Err(failure) => self.failed = Some(failure),
            }
        }
        let count = buf.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut buf[..count]);
        Ok(count)
    }
}

/// Throws the rest of a body away, so that the connection can be used again.
pub(crate) async fn drain(mut body: Incoming, limits: &Limits) {
    let mut left = limits.drain_bytes as u64;
    let read = async {
        while let Some(Ok(frame)) = poll_fn(|cx| poll_frame(&mut body, cx)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                break;
            }
        }
    };
    // Its time being up ends the connection, since the body is dropped unread.
    let _ = timeout(limits.drain_time, read).await;
}
