//! Answers from the transport itself, in the error format of the program above: JSON with a message and a code.

use crate::response_body::ResponseBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// Every status that the transport answers, with its error code and message.
const REFUSALS: [(u16, &str, &str); 10] = [
    (400, "bad_request", "The request is not valid HTTP/1.1."),
    (408, "request_timeout", "The request arrived too slowly."),
    (413, "body_too_large", "The declared body length is too large."),
    (414, "uri_too_long", "The request URI is too long."),
    (417, "expectation_failed", "Only the expectation 100-continue is supported."),
    (431, "request_header_fields_too_large", "The request headers are too large or too many."),
    (500, "internal", "Internal error"),
    (501, "not_implemented", "The method or transfer coding is not supported."),
    (503, "service_unavailable", "Too many concurrent requests. Retry shortly."),
    (505, "http_version_not_supported", "Only HTTP/1.1 is supported."),
];

/// The answer for a status, with `id` as its `X-Request-Id`. It closes the connection.
pub(crate) fn answer(status: u16, id: Option<String>) -> Response<ResponseBody> {
    let known = REFUSALS.iter().find(|(known, ..)| *known == status);
    let (status, code, message) = known.copied().unwrap_or((500, "internal", "Internal error"));
    let id = id.and_then(|id| HeaderValue::try_from(id).ok());
    let mut response = Response::new(ResponseBody::whole(body(status, code, message, id.as_ref())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(id) = id {
        headers.insert("x-request-id", id);
    }
    if status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An internal error also carries the request's id, so that it can be reported to the operator.
fn body(status: u16, code: &str, message: &str, id: Option<&HeaderValue>) -> Bytes {
    let id = id.filter(|_| status == 500).and_then(|id| id.to_str().ok()).filter(|id| !id.contains(['"', '\\']));
    let id = id.map(|id| format!(r#","request_id":"{id}""#)).unwrap_or_default();
    Bytes::from(format!(r#"{{"error":"{message}","code":"{code}"{id}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_internal_errors_carry_the_request_id() {
        let id = HeaderValue::from_static("r-1");
        let text = |status, id| String::from_utf8(body(status, "c", "S.", id).to_vec()).unwrap();
        assert_eq!(text(500, Some(&id)), r#"{"error":"S.","code":"c","request_id":"r-1"}"#);
        assert_eq!(text(400, Some(&id)), r#"{"error":"S.","code":"c"}"#);
        assert_eq!(text(500, None), r#"{"error":"S.","code":"c"}"#);
        let odd = HeaderValue::from_static("\"");
        assert_eq!(text(500, Some(&odd)), r#"{"error":"S.","code":"c"}"#);
    }
}
