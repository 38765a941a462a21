//! From a handler's answer to hyper's, on the handler's thread.

use crate::api::{Header, Response, StatusCode};
use crate::counters::Tally;
use crate::limits::FIRST_CHUNK_BYTES;
use crate::refusal;
use crate::request::Request;
use crate::request_body::{Unread, drain};
use crate::response_body::{BoxRead, ResponseBody, read_chunk};
use crate::shared::Stage;
use bytes::BytesMut;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use std::io::{self, ErrorKind, Read};

/// What says where an answer ends, or belongs to the connection, is this crate's to say.
const OWN_HEADERS: [HeaderName; 5] =
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER, header::UPGRADE, header::CONNECTION];

pub(crate) fn respond<R: Read + Send + 'static>(mut request: Request, response: Response<R>) -> io::Result<()> {
    let (mut answer, failed) = match build(&request, response) {
        Ok(answer) => (answer, None),
        Err(error) => {
            Tally::count(&request.origin.shared.tally.broken_answers);
            // The reader failed before anything was sent, so an honest answer is still possible.
            let peer = request.origin.peer;
            let id = (request.origin.shared.name_refusal)(500, peer);
            (refusal::answer(500, id), Some(error))
        }
    };
    settle_unread(&mut request, answer.headers_mut());
    answer.body_mut().set_flight(request.flight);
    // A server that was cut may not have let go of every connection's end yet.
    let cut = *request.origin.shared.stage.borrow() >= Stage::Gone;
    match (request.reply.send(answer), failed) {
        (_, Some(error)) => Err(error),
        (Ok(()), None) if !cut => Ok(()),
        _ => Err(io::Error::new(ErrorKind::BrokenPipe, "the client has gone")),
    }
}

fn build<R: Read + Send + 'static>(
    request: &Request,
    response: Response<R>,
) -> io::Result<http::Response<ResponseBody>> {
    let Response { status, headers, data, length } = response;
    let mut answer = http::Response::new(ResponseBody::default());
    *answer.status_mut() = final_status(status);
    *answer.headers_mut() = sendable(headers);
    // These have no body, whatever the handler gave.
    if matches!(answer.status().as_u16(), 204 | 304) {
        return Ok(answer);
    }
    if request.method().0 == Method::HEAD {
        if let Some(length) = length {
            answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        return Ok(answer);
    }
    let reader: BoxRead = Box::new(data);
    let shared = request.origin.shared.clone();
    *answer.body_mut() = match length {
        None => ResponseBody::streamed(reader, shared),
        Some(0) => ResponseBody::default(),
        Some(length) => with_first_chunk(reader, length, request)?,
    };
    Ok(answer)
}

/// Reads the beginning here: a small answer is whole at once, and needs no other thread.
fn with_first_chunk(mut reader: BoxRead, length: usize, request: &Request) -> io::Result<ResponseBody> {
    let wanted = length.min(FIRST_CHUNK_BYTES);
    let mut buffer = BytesMut::new();
    read_chunk(&mut reader, &mut buffer, wanted, true)?;
    if buffer.len() < wanted {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "an answer shorter than announced"));
    }
    let first = buffer.freeze();
    if wanted == length {
        return Ok(ResponseBody::whole(first));
    }
    Ok(ResponseBody::sized(first, reader, length as u64, request.origin.shared.clone()))
}

/// An answer has to be final; anything else a handler says is its fault.
fn final_status(status: StatusCode) -> http::StatusCode {
    let status = http::StatusCode::from_u16(status.0).ok().filter(|status| status.as_u16() >= 200);
    status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn sendable(from: Vec<Header>) -> HeaderMap {
    // With room for those of this crate.
    let mut to = HeaderMap::with_capacity(from.len() + OWN_HEADERS.len());
    for Header { field, value } in from {
        let closes = field.0 == header::CONNECTION && value.0.as_bytes().eq_ignore_ascii_case(b"close");
        if closes || !OWN_HEADERS.contains(&field.0) {
            to.append(field.0, value.0);
        }
    }
    to
}

/// Decides what becomes of a body that the handler has not read to its end. An unread announcement is never turned
/// into memory: tiny_http makes a buffer as long as the client says.
fn settle_unread(request: &mut Request, headers: &mut HeaderMap) {
    let shared = request.origin.shared.clone();
    let most = shared.limits.drain_bytes as u64;
    let failed = request.body.has_failed();
    match request.body.take_unread() {
        None if !failed => return,
        Some(Unread::Arriving(body, Some(left))) if left <= most && !failed => {
            // Little enough to read on: the connection stays.
            let task = shared.clone();
            shared.runtime.spawn(async move { drain(body, &task.limits).await });
            return;
        }
        // The client waits to be asked, so nothing of it is on the way.
        Some(Unread::Unasked) => {}
        _ => request.origin.state.set_linger(),
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}
