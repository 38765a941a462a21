//! Turns a handler's answer into hyper's, on the handler's thread.

use crate::api::{Header, Response, StatusCode};
use crate::counters::Tally;
use crate::exchange::Exchange;
use crate::limits::FIRST_CHUNK_BYTES;
use crate::parked::Reply;
use crate::parking::HEADER;
use crate::refusal;
use crate::request_body::{BodyReader, Unread, drain};
use crate::response_body::{BoxRead, ResponseBody, read_chunk};
use crate::shared::{Shared, Stage};
use bytes::BytesMut;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// Headers that frame the answer or control the connection: only this crate sets them.
const OWN_HEADERS: [HeaderName; 5] =
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER, header::UPGRADE, header::CONNECTION];

/// `body` is the request's: what becomes of its unread rest is decided here.
pub(crate) fn respond<R: Read + Send + 'static>(
    method: &Method,
    body: BodyReader,
    exchange: Exchange,
    response: Response<R>,
) -> io::Result<()> {
    let shared = &exchange.shared;
    let (mut answer, failed) = match build(method, shared, response) {
        Ok(answer) => (answer, None),
        Err(error) => {
            Tally::count(&shared.tally.broken_answers);
            // The reader failed before anything was sent, so a proper error can still be sent.
            let id = (shared.name_refusal)(500, exchange.peer);
            (refusal::answer(500, id), Some(error))
        }
    };
    settle_unread(body, &exchange, answer.headers_mut());
    answer.body_mut().set_permit(exchange.request_permit);
    // After a forced shutdown some connections may not have dropped their end of the channel yet.
    let cut = *shared.stage.borrow() >= Stage::Gone;
    match (exchange.reply.send(Reply::Answer(answer)), failed) {
        (_, Some(error)) => Err(error),
        (Ok(()), None) if !cut => Ok(()),
        _ => Err(io::Error::new(ErrorKind::BrokenPipe, "the client has gone")),
    }
}

fn build<R: Read + Send + 'static>(
    method: &Method,
    shared: &Arc<Shared>,
    response: Response<R>,
) -> io::Result<http::Response<ResponseBody>> {
    let Response { status, headers, data, length } = response;
    let mut answer = http::Response::new(ResponseBody::default());
    *answer.status_mut() = final_status(status);
    *answer.headers_mut() = sendable(headers);
    // These statuses have no body, whatever the handler returned.
    if matches!(answer.status().as_u16(), 204 | 304) {
        return Ok(answer);
    }
    if *method == Method::HEAD {
        if let Some(length) = length {
            answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        return Ok(answer);
    }
    let reader: BoxRead = Box::new(data);
    *answer.body_mut() = match length {
        None => ResponseBody::streamed(reader, shared.clone()),
        Some(0) => ResponseBody::default(),
        Some(length) => with_first_chunk(reader, length, shared)?,
    };
    Ok(answer)
}

/// Reads the beginning here, so that a small answer is complete and needs no other thread.
fn with_first_chunk(mut reader: BoxRead, length: usize, shared: &Arc<Shared>) -> io::Result<ResponseBody> {
    let wanted = length.min(FIRST_CHUNK_BYTES);
    let mut buffer = BytesMut::new();
    read_chunk(&mut reader, &mut buffer, wanted, true)?;
    if buffer.len() < wanted {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the answer is shorter than its declared length"));
    }
    let first = buffer.freeze();
    if wanted == length {
        return Ok(ResponseBody::whole(first));
    }
    Ok(ResponseBody::sized(first, reader, length as u64, shared.clone()))
}

/// A handler's answer must have a final status; anything else is a bug in the handler.
fn final_status(status: StatusCode) -> http::StatusCode {
    let status = http::StatusCode::from_u16(status.0).ok().filter(|status| status.as_u16() >= 200);
    status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn sendable(from: Vec<Header>) -> HeaderMap {
    // With room for the headers that this crate adds.
    let mut to = HeaderMap::with_capacity(from.len() + OWN_HEADERS.len());
    for Header { field, value } in from {
        let closes = field.0 == header::CONNECTION && value.0.as_bytes().eq_ignore_ascii_case(b"close");
        if closes || !(OWN_HEADERS.contains(&field.0) || field.0 == HEADER) {
            to.append(field.0, value.0);
        }
    }
    to
}

/// Decides what becomes of a body that the handler has not read to its end. The declared length is never turned into an
/// allocation, as tiny_http does.
fn settle_unread(mut body: BodyReader, exchange: &Exchange, headers: &mut HeaderMap) {
    let shared = &exchange.shared;
    let limit = shared.limits.drain_bytes as u64;
    let failed = body.has_failed();
    match body.take_unread() {
        None if !failed => return,
        Some(Unread::Arriving(rest, Some(left))) if left <= limit && !failed => {
            // Short enough to read and discard, so the connection stays usable.
            let task = shared.clone();
            shared.runtime.spawn(async move { drain(rest, &task.limits).await });
            return;
        }
        // The client waits for `100 Continue`, so none of the body is on its way.
        Some(Unread::Unasked) => {}
        _ => exchange.state.set_linger(),
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}
