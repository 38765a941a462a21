//! The request log: one line per request, written once the response has been handed to the transport or abandoned. API
//! keys, join tokens and clip tokens never reach the log: only path segments that cannot contain one are written, and
//! query strings never are.

use std::cell::OnceCell;
use std::io::{self, Read};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use rouille::{Request, Response, ResponseBody};

use crate::domain::epoch::LeaseName;
use crate::http::kit::measures::Measures;
use crate::http::kit::routing::Found;
use crate::os::clock::Clock;

/// Maximum length of an unknown path in the log, in characters.
const PATH_CHARS: usize = 100;
/// Maximum length of a path segment in the log: shorter than any of our secrets.
const PART_CHARS: usize = 20;
/// Length of the longest common method, `PROPPATCH`.
const METHOD_LETTERS: usize = 9;

/// Requests that take this long are logged as slow, except on the routes in [`LONG_RUNNING_ROUTES`].
const SLOW: Duration = Duration::from_secs(5);
/// Routes that long-poll or transfer files: their duration says nothing about the server's health.
const LONG_RUNNING_ROUTES: [(&str, &str); 9] = [
    ("GET", "/api/clips/{id}"),
    ("POST", "/api/node/claims"),
    ("GET", "/api/node/leases/{lease}/demo"),
    ("PUT", "/api/node/leases/{lease}/video"),
    ("PUT", "/api/node/leases/{lease}/poster"),
    ("POST", "/api/node/leases/{lease}/complete"),
    ("POST", "/api/demos"),
    ("GET", "/clips/{token}.mp4"),
    ("GET", "/clips/{token}.jpg"),
];
/// Rejections that may need the operator's attention: invalid keys, quotas, limits.
const WARNED_STATUSES: [u16; 5] = [401, 403, 408, 413, 429];
/// Routine requests of every node, with the status that is nothing new: no job yet, retry later (while the server shuts
/// down, for one), heartbeat accepted.
const REPEATED: [(&str, &str, u16); 3] =
    [("POST", "/api/node/claims", 204), ("POST", "/api/node/claims", 503), ("PUT", "/api/node/leases/{lease}", 200)];

/// A pending log line.
pub struct Line {
    method: String,
    pattern: Option<&'static str>,
    path: String,
    client: IpAddr,
    clock: Arc<dyn Clock>,
    started: Duration,
}

impl Line {
    pub fn begin(request: &Request, path: &str, found: &Found<'_>, client: IpAddr, clock: &Arc<dyn Clock>) -> Self {
        Self {
            method: shown_method(request.method()).to_owned(),
            pattern: found.pattern,
            path: shown_path(path, found),
            client,
            started: clock.monotonic(),
            clock: Arc::clone(clock),
        }
    }

    /// Wraps the response so that the line is logged and the request counted in `measures` when the response ends.
    /// `who` is the account or node that made the request.
    pub fn on(self, response: Response, id: &str, who: OnceCell<String>, measures: &Arc<Measures>) -> Response {
        let Response { status_code, headers, data, upgrade } = response;
        let (body, length) = data.into_reader_and_size();
        let end = End {
            line: self,
            id: id.to_owned(),
            status: status_code,
            who: who.into_inner(),
            refused: (status_code == 401).then(|| {
                measures.refused_keys.add_one();
                measures.refused_keys.get()
            }),
            measures: Arc::clone(measures),
            length: length.map(|length| length as u64),
            sent: 0,
        };
        let body = Body { body, end };
        let data = match length {
            Some(length) => ResponseBody::from_reader_and_size(body, length),
            None => ResponseBody::from_reader(body),
        };
        Response { status_code, headers, data, upgrade }
    }
}

/// A response body. The transport drops it in every case, whether the response was sent completely or not.
struct Body {
    body: Box<dyn Read + Send>,
    end: End,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.end.sent += read as u64;
        Ok(read)
    }
}

/// Logs the line on drop.
struct End {
    line: Line,
    id: String,
    status: u16,
    who: Option<String>,
    refused: Option<u64>,
    measures: Arc<Measures>,
    length: Option<u64>,
    sent: u64,
}

impl Drop for End {
    fn drop(&mut self) {
        let Line { method, pattern, clock, started, .. } = &self.line;
        self.measures.answered(method, *pattern, self.status, clock.monotonic().saturating_sub(*started));
        let level = self.level();
        if log::log_enabled!(level) {
            log::log!(level, "{}", self.words());
        }
    }
}

impl End {
    /// `Warn` for what may need attention, `Debug` for routine polling, `Info` for the rest.
    fn level(&self) -> Level {
        let Line { method, pattern, clock, started, .. } = &self.line;
        let took = clock.monotonic().saturating_sub(*started);
        let route = (method.as_str(), pattern.unwrap_or_default());
        let is_slow = took >= SLOW && !LONG_RUNNING_ROUTES.contains(&route);
        let is_refused = self.status >= 500 || WARNED_STATUSES.contains(&self.status);
        match REPEATED.contains(&(route.0, route.1, self.status)) {
            _ if is_slow => Level::Warn,
            true => Level::Debug,
            false if is_refused => Level::Warn,
            false => Level::Info,
        }
    }

    fn words(&self) -> String {
        let Line { method, path, client, clock, started, .. } = &self.line;
        let took = clock.monotonic().saturating_sub(*started).as_millis();
        let who = self.who.as_deref().unwrap_or("-");
        let bytes = match self.length {
            // HEAD and 304 responses declare a length but send no body; any other short response was cut off.
            Some(length) if self.sent < length && method != "HEAD" && self.status != 304 => {
                format!("{} of {length}", self.sent)
            }
            _ => self.sent.to_string(),
        };
        let refused = self.refused.map(|count| format!(", refused key no. {count}")).unwrap_or_default();
        format!("request {}: {method} {path} {} {bytes} bytes {took} ms {who} {client}{refused}", self.id, self.status)
    }
}

/// Clients can send anything as a method, so only plausible ones are logged.
fn shown_method(method: &str) -> &str {
    let plain = method.len() <= METHOD_LETTERS && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if plain { method } else { "(invalid)" }
}

/// The route's pattern with IDs filled in. Job IDs are UUIDv7, which distinguishes them from API keys.
fn shown_path(path: &str, found: &Found<'_>) -> String {
    let Some(pattern) = found.pattern else { return shown_unknown(path) };
    let mut shown = pattern.to_owned();
    for (name, value) in names(pattern).zip(&found.parameters) {
        let harmless = match name {
            "{id}" => uuid::Uuid::try_parse(value).is_ok_and(|id| id.get_version_num() == 7),
            "{lease}" => value.len() <= PART_CHARS && LeaseName::parse(value).is_some(),
            _ => false,
        };
        if harmless {
            shown = shown.replace(name, value);
        }
    }
    shown
}

/// The parameters of a pattern, with their braces.
fn names(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('/').filter_map(|part| part.starts_with('{').then(|| part.split_inclusive('}').next()).flatten())
}

/// A path that matches no route, with long or unusual segments redacted.
fn shown_unknown(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let part = |part: &str| {
        let harmless = part.len() <= PART_CHARS && part.chars().all(plain);
        if harmless { part.to_owned() } else { "(…)".to_owned() }
    };
    let whole = path.split('/').map(part).collect::<Vec<_>>().join("/");
    match whole.char_indices().nth(PATH_CHARS) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes;
    use crate::os::clock::FakeClock;

    #[test]
    fn a_path_is_shown_without_anything_that_could_be_a_secret() {
        let token = "0f".repeat(16);
        let key = "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";
        let job = "0192f7a8-5b1c-7d3e-8f90-123456789abc";
        let cases = [
            ("/api/clips".to_owned(), "/api/clips".to_owned()),
            (format!("/api/clips/{job}"), format!("/api/clips/{job}")),
            (format!("/api/clips/{key}"), "/api/clips/{id}".into()),
            ("/api/clips/\u{1b}[2J".into(), "/api/clips/{id}".into()),
            (format!("/clips/{token}.mp4"), "/clips/{token}.mp4".into()),
            (format!("/embed/{token}"), "/embed/{token}".into()),
            ("/api/node/leases/17/video".into(), "/api/node/leases/17/video".into()),
            ("/api/node/leases/7f3a9c1e-17/video".into(), "/api/node/leases/7f3a9c1e-17/video".into()),
            (format!("/api/node/leases/{token}/video"), "/api/node/leases/{lease}/video".into()),
            (format!("/clips/{token}.mov"), "/clips/(…)".into()),
            (format!("/{key}"), "/(…)".into()),
            ("/robots.txt".into(), "/robots.txt".into()),
            ("/a\u{1b}[31mb/c".into(), "/(…)/c".into()),
            ("/a b%20".into(), "/(…)".into()),
            ("*".into(), "(…)".into()),
            ("/x".repeat(200), format!("{}…", "/x".repeat(50))),
        ];
        for (path, shown) in cases {
            assert_eq!(shown_path(&path, &routes::PUBLIC.find(&path)), shown, "{path:?}");
        }
        for (method, shown) in [("GET", "GET"), ("PROPPATCH", "PROPPATCH"), (key, "(invalid)"), ("get", "(invalid)")] {
            assert_eq!(shown_method(method), shown);
        }
    }

    #[test]
    fn refused_and_slow_requests_are_warnings_and_heartbeats_are_debug() {
        let clock = Arc::new(FakeClock::at(0));
        let level = |method: &str, pattern, status, seconds| {
            let line = Line {
                method: method.into(),
                pattern: Some(pattern),
                path: pattern.into(),
                client: [10, 0, 0, 5].into(),
                clock: clock.clone(),
                started: clock.monotonic(),
            };
            clock.advance(Duration::from_secs(seconds));
            let (id, measures) = ("r-1".into(), Arc::new(Measures::new(Vec::new())));
            End { line, id, status, who: None, refused: None, measures, length: None, sent: 0 }.level()
        };
        let cases = [
            ("POST", "/api/clips", 202, 0, Level::Info),
            ("POST", "/api/clips", 202, 5, Level::Warn),
            ("POST", "/api/clips", 400, 0, Level::Info),
            ("POST", "/api/clips", 429, 0, Level::Warn),
            ("GET", "/api/account", 401, 0, Level::Warn),
            ("GET", "/api/account", 503, 0, Level::Warn),
            ("GET", "/clips/{token}.mp4", 200, 60, Level::Info),
            ("POST", "/api/node/claims", 204, 25, Level::Debug),
            ("POST", "/api/node/claims", 200, 25, Level::Info),
            ("POST", "/api/node/claims", 503, 0, Level::Debug),
            ("PUT", "/api/node/leases/{lease}", 200, 0, Level::Debug),
            ("PUT", "/api/node/leases/{lease}", 200, 5, Level::Warn),
            ("PUT", "/api/node/leases/{lease}", 409, 0, Level::Info),
        ];
        for (method, pattern, status, seconds, expected) in cases {
            assert_eq!(level(method, pattern, status, seconds), expected, "{method} {pattern} {status} {seconds} s");
        }
    }

    #[test]
    fn line_shows_request_caller_and_outcome() {
        let clock = Arc::new(FakeClock::at(0));
        let end = |method: &str, status, who: Option<&str>, length, sent, refused| {
            let line = Line {
                method: method.into(),
                pattern: None,
                path: "/api/account".into(),
                client: [10, 0, 0, 5].into(),
                clock: clock.clone(),
                started: Duration::ZERO,
            };
            End {
                line,
                id: "r-1".into(),
                status,
                who: who.map(Into::into),
                refused,
                measures: Arc::new(Measures::new(Vec::new())),
                length,
                sent,
            }
            .words()
        };
        clock.advance(Duration::from_millis(7));
        let cases = [
            (
                end("GET", 200, Some("\"studio\""), Some(12), 12, None),
                "request r-1: GET /api/account 200 12 bytes 7 ms \"studio\" 10.0.0.5",
            ),
            (
                end("GET", 200, None, Some(900), 400, None),
                "request r-1: GET /api/account 200 400 of 900 bytes 7 ms - 10.0.0.5",
            ),
            (end("HEAD", 200, None, Some(900), 0, None), "request r-1: HEAD /api/account 200 0 bytes 7 ms - 10.0.0.5"),
            (
                end("GET", 401, None, Some(4), 4, Some(3)),
                "request r-1: GET /api/account 401 4 bytes 7 ms - 10.0.0.5, refused key no. 3",
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(words, expected);
        }
    }
}
