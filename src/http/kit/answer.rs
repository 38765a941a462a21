//! Responses: JSON, errors (a single `match` maps kinds to statuses), and the headers common to all responses.

use std::borrow::Cow;

use rouille::{Response, ResponseBody};
use serde::Serialize;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::wire::problem::Problem;

/// `Retry-After` in seconds for a client that was rejected temporarily.
const RETRY_AFTER_SECONDS: u64 = 5;
/// `Retry-After` in seconds for a node that waits for its video to be published.
const COMPLETE_RETRY_AFTER_SECONDS: u64 = 1;

pub fn json<T: Serialize>(status: u16, content: &T) -> Result<Response> {
    Ok(with_json(status, json_text(content)?))
}

pub fn json_text<T: Serialize>(content: &T) -> Result<String> {
    serde_json::to_string(content).map_err(|error| Error::internal("Could not serialize a response.", error))
}

/// A JSON response from text that is already serialized.
pub fn with_json(status: u16, text: String) -> Response {
    with_body(status, "application/json", ResponseBody::from_string(text))
}

/// A response without a body: `204`, `304`.
pub fn empty(status: u16) -> Response {
    Response { status_code: status, headers: Vec::new(), data: ResponseBody::empty(), upgrade: None }
}

/// Sends the client to an address that is good for minutes.
pub fn elsewhere(address: String) -> Response {
    header(header(empty(302), "Location", address), "Cache-Control", "no-store")
}

pub fn with_body(status: u16, content_type: &'static str, data: ResponseBody) -> Response {
    Response { status_code: status, headers: vec![("Content-Type".into(), content_type.into())], data, upgrade: None }
}

pub fn header(mut response: Response, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
    response.headers.push((name.into(), value.into()));
    response
}

/// The response for an error; `scheme`: how a 401 says to authenticate. The contract defines the 401s and its 403 as a single message with no other fields.
/// Internal errors reveal only the request ID; details go to the log.
pub fn error(error: &Error, scheme: &'static str, request_id: &str) -> Response {
    let mut problem = Problem { error: error.message.clone(), ..Problem::default() };
    match error.kind {
        Kind::Unauthorized => {}
        Kind::Forbidden if error.code == ErrorCode::NoReservedCapacity => {}
        Kind::Internal => {
            problem.error = "Internal error".into();
            problem.code = Some(ErrorCode::Internal.as_str().into());
            problem.request_id = Some(request_id.to_owned());
        }
        _ => {
            problem.code = Some(error.code.as_str().into());
            problem.field.clone_from(&error.field);
        }
    }
    let response = problem_answer(error.kind, &problem);
    if error.kind == Kind::Unauthorized { header(response, "WWW-Authenticate", scheme) } else { response }
}

/// The response for an error with extra fields in its body.
pub fn problem_answer(kind: Kind, problem: &Problem) -> Response {
    // Serializing strings and numbers cannot fail; should that ever change, still send the status with an empty body.
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let response = with_body(status(kind), "application/json", ResponseBody::from_data(body));
    let passes = problem.code.as_deref() == Some(ErrorCode::Completing.as_str());
    match kind {
        Kind::Conflict if passes => header(response, "Retry-After", COMPLETE_RETRY_AFTER_SECONDS.to_string()),
        Kind::TooMany | Kind::Unavailable => header(response, "Retry-After", RETRY_AFTER_SECONDS.to_string()),
        _ => response,
    }
}

fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Invalid => 400,
        Kind::Unauthorized => 401,
        Kind::Forbidden => 403,
        Kind::NotFound => 404,
        Kind::MethodNotAllowed => 405,
        Kind::TooSlow => 408,
        Kind::Conflict => 409,
        Kind::LengthRequired => 411,
        Kind::TooLarge => 413,
        Kind::UnsupportedMedia => 415,
        Kind::RangeNotSatisfiable => 416,
        Kind::Misdirected => 421,
        Kind::Unprocessable => 422,
        Kind::TooMany => 429,
        Kind::Internal => 500,
        Kind::Unavailable => 503,
        Kind::NoSpace => 507,
    }
}

/// Adds the common headers. Framing and caching are forbidden unless the response has already set its own policy.
pub fn finish(mut response: Response, request_id: String) -> Response {
    let has = |response: &Response, name: &str| response.headers.iter().any(|(known, _)| known == name);
    if !has(&response, "Content-Security-Policy") {
        response = header(response, "Content-Security-Policy", "frame-ancestors 'none'");
        response = header(response, "X-Frame-Options", "DENY");
    }
    if !has(&response, "Cache-Control") {
        response = header(response, "Cache-Control", "no-store");
    }
    response = header(response, "X-Content-Type-Options", "nosniff");
    response = header(response, "Referrer-Policy", "no-referrer");
    header(response, "X-Request-Id", request_id)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn body(response: Response) -> String {
        let mut text = String::new();
        response.data.into_reader_and_size().0.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn error_responses_reveal_only_what_the_design_allows() {
        let internal = Error::internal("The store is gone.", "disk I/O error in /secret/place");
        let cases = [
            (
                Error::new(Kind::Unauthorized, ErrorCode::InvalidKey, "Invalid API key"),
                r#"{"error":"Invalid API key"}"#,
            ),
            (
                Error::new(Kind::Forbidden, ErrorCode::NoReservedCapacity, "No reserved capacity provisioned"),
                r#"{"error":"No reserved capacity provisioned"}"#,
            ),
            (
                Error::new(Kind::Forbidden, ErrorCode::JoinTokenRefused, "Used."),
                r#"{"error":"Used.","code":"join_token_refused"}"#,
            ),
            (Error::invalid("commands.x", "No."), r#"{"error":"No.","code":"invalid_field","field":"commands.x"}"#),
            (Error::not_found("No such clip."), r#"{"error":"No such clip.","code":"not_found"}"#),
            (internal, r#"{"error":"Internal error","code":"internal","request_id":"r-1"}"#),
        ];
        for (problem, expected) in cases {
            assert_eq!(body(error(&problem, "Bearer", "r-1")), expected);
        }
    }

    #[test]
    fn temporary_errors_have_a_retry_after_header() {
        for kind in [Kind::TooMany, Kind::Unavailable] {
            let answer = error(&Error::new(kind, ErrorCode::TooBusy, "Later."), "Bearer", "r-1");
            assert!(answer.headers.iter().any(|(name, value)| name == "Retry-After" && value == "5"));
        }
    }
}
