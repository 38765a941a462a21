//! A request as seen by handlers. The caller has already been authenticated.

use std::cell::{OnceCell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use rouille::percent_encoding::percent_decode_str;
use rouille::{Request, Response};

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::key::KeyHash;
use crate::domain::list::{PAGE_DEFAULT, PAGE_MAX};
use crate::domain::node::NODE_INSTANCE_CHARS;
use crate::domain::protocol::{self, Program};
use crate::http::kit::answer;
use crate::http::kit::hosts::Hosts;
use crate::http::kit::measures::Measures;
use crate::http::kit::permits::{Shares, Uploader};
use crate::http::kit::proxies::Origin;
use crate::http::kit::transport::{Parking, Parkings};
use crate::wire::base::Base;
use crate::wire::node::{INSTANCE_HEADER, PROTOCOL_HEADER, VERSION_HEADER};

/// What a request does when its wait ends.
pub type Then = Box<dyn FnOnce(&Call<'_>) -> Result<Response> + Send>;

/// A request that is about to wait.
pub struct Sleep {
    /// Its reserved place.
    pub parking: Parking,
    /// How long it waits, unless it is woken.
    pub time: Duration,
    /// What follows.
    pub then: Then,
}

/// A request that has been matched to a route.
pub struct Call<'r> {
    pub app: &'r App,
    pub request: &'r Request,
    /// Values of the pattern's parameters.
    pub parameters: &'r [&'r str],
    /// Base of URLs in the response.
    pub base: Base,
    /// The names of this server, and the address that it listens on.
    pub hosts: (&'r Hosts, Option<SocketAddr>),
    /// PEM certificate of the appliance's own CA, if it has one.
    pub authority_pem: Option<&'r str>,
    /// The authenticated account or node, as shown in the log.
    pub who: OnceCell<String>,
    /// Whose upload limit the request counts against.
    pub whose_uploads: OnceCell<Uploader>,
    pub client: Origin,
    /// Networks that may read the metrics, besides loopback.
    pub metrics_allow: &'r [IpNet],
    /// The hash of the token with which anyone may read the metrics.
    pub metrics_token: Option<&'r KeyHash>,
    /// Origins that may frame the player page; empty for any.
    pub embed_allow: &'r [String],
    pub measures: &'r Measures,
    /// Limits the concurrent uploads of each caller.
    pub uploads: &'r Shares,
    /// The transport reads bodies with a `Content-Length` up to this size completely before passing on the request.
    pub whole_body_bytes: u64,
    /// Maximum number of claims waiting at once.
    pub waiting_claims: usize,
    /// Maximum number of requests waiting for a job at once.
    pub waiting_requests: usize,
    pub is_connected: &'r dyn Fn() -> bool,
    /// Where requests can wait without a thread.
    pub parkings: Option<&'r Parkings>,
    /// Whether the request has waited and must be answered now.
    pub is_over: bool,
    /// Set by [`Self::sleep`].
    pub asleep: RefCell<Option<Sleep>>,
    /// Maximum size of a JSON body.
    pub json_body_bytes: u64,
}

impl<'r> Call<'r> {
    /// The value of the pattern's only parameter.
    pub fn parameter(&self) -> &'r str {
        self.parameters.first().copied().unwrap_or_default()
    }

    /// Whether a host (without port) is this server.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.hosts.0.know(host, self.hosts.1)
    }

    /// A place where the request can wait without a thread; `None` if all are taken.
    pub fn reserve_parking(&self) -> Option<Parking> {
        self.parkings?.reserve()
    }

    /// Lets the request wait: until its place's waker is called or the time is up, then `then` continues. Its result is
    /// to be returned as the response. If the client hangs up, `then` is dropped.
    pub fn sleep(
        &self,
        parking: Parking,
        time: Duration,
        then: impl FnOnce(&Call<'_>) -> Result<Response> + Send + 'static,
    ) -> Response {
        self.asleep.replace(Some(Sleep { parking, time, then: Box::new(then) }));
        answer::empty(204)
    }

    /// Records the authenticated caller's name for the log.
    pub fn is_from(&self, name: String) {
        // Set only once per request, so the result does not matter.
        let _ = self.who.set(name);
    }

    /// Records whose upload limit the request counts against.
    pub fn uploads_as(&self, whose: Uploader) {
        let _ = self.whose_uploads.set(whose);
    }

    /// Whose upload limit the request counts against.
    pub fn uploader(&self) -> Uploader {
        self.whose_uploads.get().cloned().unwrap_or(Uploader::Anyone)
    }

    /// All `Authorization` headers, so that a request with more than one can be rejected as malformed.
    pub fn authorization(&self) -> Vec<&'r str> {
        self.all_headers("Authorization")
    }

    /// All values of a header.
    pub fn all_headers(&self, name: &str) -> Vec<&'r str> {
        self.request.headers().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// The software version that the calling node reports. An incompatible one is an error.
    pub fn program(&self) -> Result<Program> {
        let protocol = match self.all_headers(PROTOCOL_HEADER)[..] {
            [] => Some(protocol::UNREPORTED),
            [text] => text.parse().ok().filter(|number: &u32| number.to_string() == text),
            _ => None,
        };
        let protocol = protocol
            .ok_or_else(|| Error::invalid(PROTOCOL_HEADER, format!("{PROTOCOL_HEADER} must be a single number.")))?;
        Program::new(self.request.header(VERSION_HEADER), protocol)
    }

    /// The calling agent's instance ID, if it sent a valid one.
    pub fn instance(&self) -> Option<&'r str> {
        let is_plain = |text: &&str| {
            (1..=NODE_INSTANCE_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        self.request.header(INSTANCE_HEADER).filter(is_plain)
    }

    /// A query parameter; an empty one counts as absent.
    pub fn query(&self, name: &str) -> Option<String> {
        query_of(self.request.raw_url()).find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The `limit` parameter of a list.
    pub fn limit(&self) -> Result<u32> {
        Ok(self.number("limit", 1, PAGE_MAX)?.unwrap_or(PAGE_DEFAULT))
    }

    /// A query parameter that is an integer in a range.
    pub fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>> {
        self.query(name).map(|text| read_number(name, &text, least, most)).transpose()
    }

    /// A query parameter that is one of some words.
    pub fn word<T: Copy>(&self, name: &str, known: &[T], word_of: fn(T) -> &'static str) -> Result<Option<T>> {
        let Some(text) = self.query(name) else { return Ok(None) };
        known.iter().copied().find(|one| word_of(*one) == text).map(Some).ok_or_else(|| {
            let words: Vec<_> = known.iter().map(|one| word_of(*one)).collect();
            Error::invalid(name, format!("{name} must be one of {}.", words.join(", ")))
        })
    }

    /// Rejects unknown and repeated query parameters.
    pub fn only_query(&self, known: &[&str]) -> Result<()> {
        check_query(self.request.raw_url(), known)
    }

    /// The path parameter as a UUID in the hyphenated form used in responses; anything else is a 404.
    pub fn uuid(&self) -> Result<uuid::Uuid> {
        let text = self.parameter();
        let id = (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok()).flatten();
        id.ok_or_else(|| Error::not_found("There is no such job."))
    }
}

/// Whether a URL has a non-empty query parameter of this name.
pub fn has_query(url: &str, name: &str) -> bool {
    query_of(url).any(|(known, _)| known == name)
}

/// The non-empty query parameters, in order.
fn query_of(url: &str) -> impl Iterator<Item = (String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).filter(|(_, value)| !value.is_empty())
}

fn check_query(url: &str, known: &[&str]) -> Result<()> {
    let mut seen = Vec::new();
    for (name, _) in query_of(url) {
        if !known.contains(&name.as_str()) {
            let message = format!("{name} is unknown; the known parameters are: {}.", known.join(", "));
            return Err(Error::invalid(name, message));
        }
        if seen.contains(&name) {
            let message = format!("{name} appears twice in the query.");
            return Err(Error::invalid(name, message));
        }
        seen.push(name);
    }
    Ok(())
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn read_number(name: &str, text: &str, least: u32, most: u32) -> Result<u32> {
    let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| Error::invalid(name, format!("{name} must be an integer from {least} to {most}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_are_decoded() {
        let cases = [
            ("/x?limit=5", Some("5")),
            ("/x?a=b&limit=5&limit=6", Some("5")),
            ("/x?limit=", None),
            ("/x?limit", None),
            ("/x?limit=&limit=7", Some("7")),
            ("/x?xlimit=5", None),
            ("/x", None),
            ("/x?limit=1%30", Some("10")),
            ("/x?limit=a+b", Some("a b")),
            ("/x?limit=5=6", Some("5=6")),
            ("/x?lim%69t=5", Some("5")),
        ];
        for (url, expected) in cases {
            let found = query_of(url).find(|(name, _)| name == "limit").map(|(_, value)| value);
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        let cases = [
            ("/x", None),
            ("/x?", None),
            ("/x?limit=5&cursor=", None),
            ("/x?limit=&limit=5", None),
            ("/x?colour=", None),
            ("/x?lim%69t=5", None),
            ("/x?colour=red", Some("colour")),
            ("/x?limit=5&Limit=5", Some("Limit")),
            ("/x?limit=5&cursor=1&limit=5", Some("limit")),
            ("/x?=5", Some("")),
            ("/x?%ff=5", Some("\u{fffd}")),
        ];
        for (url, field) in cases {
            let refused = check_query(url, &["limit", "cursor"]).err().and_then(|error| error.field);
            assert_eq!(refused.as_deref(), field, "{url}");
        }
    }

    #[test]
    fn a_number_is_an_integer_within_its_bounds() {
        assert_eq!((read_number("n", "1", 1, 100).unwrap(), read_number("n", "100", 1, 100).unwrap()), (1, 100));
        for text in ["0", "101", "-1", "+5", "5.0", "x", " 5", "99999999999999999999"] {
            assert_eq!(read_number("n", text, 1, 100).unwrap_err().field.as_deref(), Some("n"), "{text:?}");
        }
    }
}
