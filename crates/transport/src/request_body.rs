//! A request's body, between hyper's tasks and a handler's blocking reads.

use crate::block;
use crate::counters::Tally;
use crate::limits::Limits;
use crate::permits::UploadPermit;
use crate::shared::Shared;
use crate::timers::MinRate;
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

/// Receives a small body of known length before a handler is woken. An error is a status.
pub(crate) async fn receive_small(body: &mut Incoming, limits: &Limits) -> Result<Bytes, u16> {
    let mut rate = MinRate::default();
    // Usually the body arrives with the head, in one piece that needs no copy.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while !body.is_end_stream() {
        let since = Instant::now();
        let next = poll_fn(|cx| poll_frame(body, cx));
        let Some(frame) = timeout(limits.body_idle_time, next).await.map_err(|_| 408_u16)? else { break };
        let data = frame.map_err(|_| 400_u16)?.into_data().unwrap_or_default();
        if !rate.allows(since.elapsed(), data.len(), limits) && !body.is_end_stream() {
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

/// Reads a body on a handler's thread. It is polled there, so it needs no task and no queue of its own, and hyper
/// buffers at most one frame ahead.
pub(crate) struct BodyReader {
    /// Received but not yet read.
    ready: Bytes,
    arriving: Option<Arriving>,
    /// Once a read has failed, every later one fails too.
    failed: Option<(ErrorKind, &'static str)>,
}

/// A body that is still arriving. Its permit is returned at the end.
struct Arriving {
    body: Incoming,
    shared: Arc<Shared>,
    rate: MinRate,
    /// The client waits for `100 Continue`, which hyper sends at the first read.
    unasked: bool,
    _upload: UploadPermit,
}

/// The part of a body that the handler has not read.
pub(crate) enum Unread {
    /// The client still waits for `100 Continue`.
    Unasked,
    /// It is arriving, with this many bytes left, if known.
    Arriving(Incoming, Option<u64>),
}

impl BodyReader {
    pub fn whole(bytes: Bytes) -> BodyReader {
        BodyReader { ready: bytes, arriving: None, failed: None }
    }

    pub fn arriving(body: Incoming, shared: Arc<Shared>, upload: UploadPermit, unasked: bool) -> BodyReader {
        let arriving = Arriving { body, shared, rate: MinRate::default(), unasked, _upload: upload };
        BodyReader { ready: Bytes::new(), arriving: Some(arriving), failed: None }
    }

    /// Whether there may be more of it to come.
    pub fn is_arriving(&self) -> bool {
        self.arriving.is_some()
    }

    /// True if a read has failed, which makes the connection unusable.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes the rest of the body, and returns the upload's permit.
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
    /// The next chunk, `None` at the end.
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
            None => return Err(self.too_slow("the body stopped arriving")),
            Some(None) => return Ok(None),
            Some(Some(Err(_))) => return Err((ErrorKind::UnexpectedEof, "the body was cut short")),
            Some(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        if !self.rate.allows(waited, data.len(), limits) && !self.body.is_end_stream() {
            return Err(self.too_slow("the body arrives too slowly"));
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
                // Ends the upload: from here on the handler's work does not count as one.
                Ok(None) => self.arriving = None,
                Err(failure) => self.failed = Some(failure),
            }
        }
        let count = buf.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut buf[..count]);
        Ok(count)
    }
}

/// Discards the rest of a body, so that the connection can be used again.
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
    // On a timeout the body is dropped unread, which closes the connection.
    let _ = timeout(limits.drain_time, read).await;
}
