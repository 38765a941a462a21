//! An answer's body, between a blocking reader and hyper, which polls for it as fast as the client takes it.
//!
//! Each further chunk is read on a reader thread, and only once there is room for it: a slow client costs a task and a
//! buffer, never a thread. If the reader fails or ends before the declared length, the connection is reset: a truncated
//! answer must not look complete.

use crate::counters::Tally;
use crate::limits::{CHUNK_BYTES, CHUNK_GROWTH, FIRST_CHUNK_BYTES, READ_AHEAD_AFTER_BYTES};
use crate::permits::RequestPermit;
use crate::shared::Shared;
use crate::state::Busy;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::future::Future;
use std::io::{self, ErrorKind, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

pub(crate) type BoxRead = Box<dyn Read + Send>;

/// Reads up to `wanted` bytes into an empty buffer. With `fill` it reads until the buffer is full; without, what one
/// read returns, so that bytes which are generated on the fly are not held back.
pub(crate) fn read_chunk(reader: &mut BoxRead, buffer: &mut BytesMut, wanted: usize, fill: bool) -> io::Result<()> {
    buffer.resize(wanted, 0);
    let mut count = 0;
    while count < wanted {
        match reader.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(read) => {
                count += read;
                if !fill {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(count);
    Ok(())
}

/// The body, with everything that is held until its last byte is taken.
#[derive(Default)]
pub(crate) struct ResponseBody {
    content: Content,
    busy: Option<Busy>,
    permit: Option<RequestPermit>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Whole(Bytes),
    Stream(Stream),
}

struct Stream {
    /// The first chunk, read on the handler's thread.
    first: Option<Bytes>,
    /// The reader, unless a job is using it.
    reader: Option<BoxRead>,
    job: Option<JoinHandle<io::Result<(BoxRead, Bytes)>>>,
    /// Bytes still to be sent, if known.
    left: Option<u64>,
    sent: u64,
    shared: Arc<Shared>,
}

impl ResponseBody {
    pub fn whole(bytes: Bytes) -> ResponseBody {
        ResponseBody { content: Content::Whole(bytes), ..ResponseBody::default() }
    }

    /// A body of known length whose first chunk has been read.
    pub fn sized(first: Bytes, reader: BoxRead, length: u64, shared: Arc<Shared>) -> ResponseBody {
        let stream =
            Stream { first: Some(first), reader: Some(reader), job: None, left: Some(length), sent: 0, shared };
        ResponseBody { content: Content::Stream(stream), ..ResponseBody::default() }
    }

    /// A body that ends where the reader does.
    pub fn streamed(reader: BoxRead, shared: Arc<Shared>) -> ResponseBody {
        let stream = Stream { first: None, reader: Some(reader), job: None, left: None, sent: 0, shared };
        ResponseBody { content: Content::Stream(stream), ..ResponseBody::default() }
    }

    pub fn set_busy(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }

    pub fn set_permit(&mut self, permit: RequestPermit) {
        self.permit = Some(permit);
    }
}

impl Stream {
    /// Starts reading the next chunk, if there is one. Everything read before has been passed on.
    fn start(&mut self) {
        // Chunks grow with the bytes that the client has taken.
        let size =
            usize::try_from(self.sent / CHUNK_GROWTH).unwrap_or(CHUNK_BYTES).clamp(FIRST_CHUNK_BYTES, CHUNK_BYTES);
        let wanted = self.left.map_or(size, |left| usize::try_from(left).unwrap_or(size).min(size));
        if wanted == 0 {
            return;
        }
        let Some(mut reader) = self.reader.take() else { return };
        let fill = self.left.is_some();
        self.job = Some(self.shared.runtime.spawn_blocking(move || {
            let mut buffer = BytesMut::new();
            read_chunk(&mut reader, &mut buffer, wanted, fill)?;
            Ok((reader, buffer.freeze()))
        }));
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(self.pass_on(first));
        }
        if self.job.is_none() {
            self.start();
        }
        let Some(job) = &mut self.job else { return Poll::Ready(Ok(None)) };
        let read = ready!(Pin::new(job).poll(cx));
        self.job = None;
        // A join error means that the reader panicked or the server was shut down by force.
        let (reader, chunk) = read.map_err(|error| io::Error::other(error.to_string()))??;
        self.reader = Some(reader);
        Poll::Ready(self.pass_on(chunk))
    }

    fn pass_on(&mut self, chunk: Bytes) -> io::Result<Option<Bytes>> {
        match &mut self.left {
            None if chunk.is_empty() => {
                self.reader = None;
                return Ok(None);
            }
            None => {}
            Some(_) if chunk.is_empty() => {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the answer is shorter than its declared length"));
            }
            Some(left) => *left = left.saturating_sub(chunk.len() as u64),
        }
        self.sent += chunk.len() as u64;
        if self.sent >= READ_AHEAD_AFTER_BYTES {
            self.start();
        }
        Ok(Some(chunk))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = match &mut self.content {
            Content::Empty => Ok(None),
            Content::Whole(bytes) => Ok(Some(std::mem::take(bytes))),
            Content::Stream(stream) => ready!(stream.poll_chunk(cx)),
        };
        if let Err(error) = &chunk {
            self.fail(error);
        }
        if !matches!(self.content, Content::Stream(_)) || chunk.is_err() {
            self.content = Content::Empty;
        }
        Poll::Ready(chunk.transpose().map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(_) => false,
            Content::Stream(stream) => stream.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(stream) => stream.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl ResponseBody {
    fn fail(&self, error: &io::Error) {
        log::warn!("Answer cut short: {error}");
        if let Content::Stream(stream) = &self.content {
            Tally::count(&stream.shared.tally.broken_answers);
        }
        if let Some(busy) = &self.busy {
            busy.0.set_reset();
        }
    }
}
