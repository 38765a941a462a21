//! Streams a file, whole or a single range, with a strong validator. rouille's own file responses do not support
//! ranges.

use std::io;

use rouille::{Request, Response, ResponseBody};

use crate::app::clips::files::Content;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::http::kit::answer;
use crate::http::kit::range::{Wanted, wanted};
use crate::wire::problem::Problem;

/// The content behind a URL never changes, so browsers need not revalidate. The clip may be deleted, however, so cached
/// copies expire after a day.
const CACHING: &str = "private, max-age=86400, immutable";

/// A file to send.
pub struct Served {
    pub content: Content,
    pub bytes: u64,
    /// Strong validator, including its quotes.
    pub etag: String,
    /// Set by the handler, never guessed from the content.
    pub content_type: &'static str,
}

/// Responds to a GET or HEAD request, honoring `If-None-Match`, `If-Range` and `Range`.
pub fn send(request: &Request, served: Served) -> Result<Response> {
    let total = served.bytes;
    let response = if request.header("If-None-Match").is_some_and(|tags| names(tags, &served.etag)) {
        answer::empty(304)
    } else {
        match range_of(request, &served) {
            Wanted::Whole => answer::with_body(200, served.content_type, part(served.content, 0, total)?),
            Wanted::Part { first, last } => {
                let body = part(served.content, first, last - first + 1)?;
                let response = answer::with_body(206, served.content_type, body);
                answer::header(response, "Content-Range", format!("bytes {first}-{last}/{total}"))
            }
            Wanted::Outside => return Ok(outside(total)),
        }
    };
    let response = answer::header(response, "ETag", served.etag);
    let response = answer::header(response, "Accept-Ranges", "bytes");
    Ok(answer::header(response, "Cache-Control", CACHING))
}

fn range_of(request: &Request, served: &Served) -> Wanted {
    let mut ranges = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("Range"));
    let (Some((_, range)), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    // Resuming a download is safe only if the strong tags match; a date is never enough.
    let unchanged = request.header("If-Range").is_none_or(|tag| tag.trim() == served.etag);
    if request.method() == "GET" && unchanged { wanted(range, served.bytes) } else { Wanted::Whole }
}

/// Whether a list of tags contains this one; `If-None-Match` uses weak comparison.
fn names(tags: &str, etag: &str) -> bool {
    tags.trim() == "*" || tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn outside(total: u64) -> Response {
    let problem = Problem {
        error: format!("The range lies outside the file, which has {total} bytes."),
        code: Some(ErrorCode::RangeNotSatisfiable.as_str().into()),
        ..Problem::default()
    };
    let response = answer::problem_answer(Kind::RangeNotSatisfiable, &problem);
    answer::header(response, "Content-Range", format!("bytes */{total}"))
}

fn part(content: Content, first: u64, bytes: u64) -> Result<ResponseBody> {
    let unreadable = |error: io::Error| Error::internal("A file could not be read.", error);
    let content = content.section(first, bytes).map_err(unreadable)?;
    Ok(ResponseBody::from_reader_and_size(content, size(bytes)))
}

/// Streams content of `bytes` bytes from its start.
pub fn stream(content: Content, bytes: u64) -> Result<ResponseBody> {
    part(content, 0, bytes)
}

fn size(bytes: u64) -> usize {
    // No real file is larger than the address space.
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const TEN: &[u8] = b"0123456789";

    fn ask(method: &str, headers: &[(&str, &str)]) -> (u16, Vec<(String, String)>, String) {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(TEN).unwrap();
        file.rewind().unwrap();
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let request = Request::fake_http(method, "/", headers, vec![]);
        let served =
            Served { content: Content::File(file), bytes: 10, etag: "\"abc\"".into(), content_type: "video/mp4" };
        let response = send(&request, served).unwrap();
        let headers = response.headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut body = String::new();
        response.data.into_reader_and_size().0.read_to_string(&mut body).unwrap();
        (response.status_code, headers, body)
    }

    #[test]
    fn a_range_and_its_conditions_choose_the_answer() {
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(Headers, u16, &str, Option<&str>)] = &[
            (&[], 200, "0123456789", None),
            (&[("Range", "bytes=2-4")], 206, "234", Some("bytes 2-4/10")),
            (&[("Range", "bytes=7-")], 206, "789", Some("bytes 7-9/10")),
            (&[("Range", "bytes=-2")], 206, "89", Some("bytes 8-9/10")),
            (&[("Range", "bytes=0-1,4-5")], 200, "0123456789", None),
            (&[("Range", "bytes=0-1"), ("Range", "bytes=4-5")], 200, "0123456789", None),
            (&[("Range", "bytes=2-4"), ("If-Range", "\"abc\"")], 206, "234", Some("bytes 2-4/10")),
            (&[("Range", "bytes=2-4"), ("If-Range", "\"old\"")], 200, "0123456789", None),
            (&[("Range", "bytes=2-4"), ("If-Range", "W/\"abc\"")], 200, "0123456789", None),
            (&[("Range", "bytes=2-4"), ("If-Range", "Sat, 01 Jan 2000 00:00:00 GMT")], 200, "0123456789", None),
            (&[("If-None-Match", "\"abc\"")], 304, "", None),
            (&[("If-None-Match", "\"x\", W/\"abc\""), ("Range", "bytes=2-4")], 304, "", None),
            (&[("If-None-Match", "*")], 304, "", None),
            (&[("If-None-Match", "\"old\"")], 200, "0123456789", None),
        ];
        for (request, status, body, content_range) in cases {
            let (found, headers, text) = ask("GET", request);
            let of = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            assert_eq!((found, text.as_str(), of("Content-Range")), (*status, *body, *content_range), "{request:?}");
            assert_eq!((of("ETag"), of("Accept-Ranges")), (Some("\"abc\""), Some("bytes")), "{request:?}");
        }
        let (status, headers, _) = ask("GET", &[("Range", "bytes=10-")]);
        assert_eq!(status, 416);
        assert!(headers.contains(&("Content-Range".into(), "bytes */10".into())));
        assert_eq!(ask("HEAD", &[("Range", "bytes=2-4")]).0, 200);
    }
}
