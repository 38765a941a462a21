//! Answers that no handler made, in the words of the program above: JSON with a sentence and a code.

use crate::response_body::ResponseBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// Every status that is answered here, with its code and its sentence.
const REFUSALS: [(u16, &str, &str); 10] = [
    (400, "bad_request", "The request is not proper HTTP/1.1."),
    (408, "request_timeout", "The request came too slowly."),
    (413, "body_too_large", "The request says that its body is larger than any can be."),
    (414, "uri_too_long", "The request's address is too long."),
    (417, "expectation_failed", "The only expectation that is supported is 100-continue."),
    (431, "request_header_fields_too_large", "The request has too many headers, or they are too long."),
    (500, "internal", "Internal error"),
    (501, "not_implemented", "This method or transfer coding is not supported."),
    (503, "service_unavailable", "The server has too many requests at once; try again shortly."),
    (505, "http_version_not_supported", "Only HTTP/1.1 is supported."),
];

/// The answer of that status. `id`: its `X-Request-Id`. The connection is to be closed after it.
pub(crate) fn answer(status: u16, id: Option<String>) -> Response<ResponseBody> {
    let known = REFUSALS.iter().find(|(known, ..)| *known == status);
    let (status, code, sentence) = known.copied().unwrap_or((500, "internal", "Internal error"));
    let id = id.and_then(|id| HeaderValue::try_from(id).ok());
    let mut response = Response::new(ResponseBody::whole(body(status, code, sentence, id.as_ref())));
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

/// Of a failure of the server's own the request's id is told, for whoever asks its operator.
fn body(status: u16, code: &str, sentence: &str, id: Option<&HeaderValue>) -> Bytes {
    let id = id.filter(|_| status == 500).and_then(|id| id.to_str().ok()).filter(|id| !id.contains(['"', '\\']));
    let id = id.map(|id| format!(r#","request_id":"{id}""#)).unwrap_or_default();
    Bytes::from(format!(r#"{{"error":"{sentence}","code":"{code}"{id}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_servers_own_names_the_request_and_nothing_else_does() {
        let id = HeaderValue::from_static("r-1");
        let text = |status, id| String::from_utf8(body(status, "c", "S.", id).to_vec()).unwrap();
        assert_eq!(text(500, Some(&id)), r#"{"error":"S.","code":"c","request_id":"r-1"}"#);
        assert_eq!(text(400, Some(&id)), r#"{"error":"S.","code":"c"}"#);
        assert_eq!(text(500, None), r#"{"error":"S.","code":"c"}"#);
        let odd = HeaderValue::from_static("\"");
        assert_eq!(text(500, Some(&odd)), r#"{"error":"S.","code":"c"}"#);
    }
}
