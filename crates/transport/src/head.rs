//! Validates a request's head before hyper sees it: where it ends, how its body is framed, and whether to accept it.
//!
//! hyper drops `Content-Length` if there is a `Transfer-Encoding`, which hides request smuggling, and it enforces
//! limits on heads only once a buffer is full. Here both are exact. The rules are RFC 9112's, strictly read: where it
//! lets a recipient choose between repairing and rejecting, this rejects. hyper parses the accepted head again; if it
//! rejects it after all, the connection ends. Pure: works on bytes and limits, without sockets.

use crate::limits::Limits;

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The head is incomplete.
    Partial,
    /// A complete, acceptable head.
    Whole {
        /// Its length in bytes, including the empty line.
        bytes: usize,
        /// How its body is framed.
        body: Framing,
    },
    /// An unacceptable head: the status to answer before closing.
    Refused(u16),
}

/// How the end of a request's body is determined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By a length, possibly zero.
    Length(u64),
    /// By chunked coding. The connection is closed afterwards.
    Chunked,
}

/// The number of bytes in empty lines before a request, which RFC 9112, 2.2 allows.
pub(crate) fn leading_empty_lines(bytes: &[u8]) -> usize {
    let mut count = 0;
    while bytes[count..].starts_with(b"\r\n") {
        count += 2;
    }
    count
}

/// Inspects what has been received. `scanned` remembers how far earlier calls have searched for the end.
pub(crate) fn inspect(bytes: &[u8], scanned: &mut usize, limits: &Limits) -> Head {
    let end = find_end(bytes, *scanned);
    *scanned = bytes.len();
    let Some(end) = end else { return judge_partial(bytes, limits) };
    if end > limits.head_bytes {
        return Head::Refused(if uri_too_long(bytes, limits) { 414 } else { 431 });
    }
    match judge(&bytes[..end], limits) {
        Ok(body) => Head::Whole { bytes: end, body },
        Err(status) => Head::Refused(status),
    }
}

fn find_end(bytes: &[u8], scanned: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let from = scanned.saturating_sub(END.len() - 1);
    bytes[from..].windows(END.len()).position(|window| window == END).map(|at| from + at + END.len())
}

/// Rejects a head as soon as no continuation could make it acceptable.
fn judge_partial(bytes: &[u8], limits: &Limits) -> Head {
    // The preface of HTTP/2 with prior knowledge. Over TLS, ALPN offers only HTTP/1.1.
    if bytes.starts_with(b"PRI * HTTP/2.0\r\n") {
        return Head::Refused(505);
    }
    // No method begins like this: a TLS handshake on a plain port, or garbage.
    // (A single carriage return may be half of an empty line.)
    if bytes != b"\r" && bytes.first().is_some_and(|byte| !byte.is_ascii_graphic()) {
        return Head::Refused(400);
    }
    if uri_too_long(bytes, limits) {
        return Head::Refused(414);
    }
    if bytes.len() > limits.head_bytes {
        return Head::Refused(431);
    }
    // A line that lacks its carriage return is never acceptable, so there is nothing to wait for.
    if has_bare_line_feed(bytes) {
        return Head::Refused(400);
    }
    Head::Partial
}

fn uri_too_long(bytes: &[u8], limits: &Limits) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.split(|byte| *byte == b' ').nth(1).is_some_and(|uri| uri.len() > limits.uri_bytes)
}

fn has_bare_line_feed(bytes: &[u8]) -> bool {
    let mut before = 0;
    bytes.iter().any(|byte| {
        let bare = *byte == b'\n' && before != b'\r';
        before = *byte;
        bare
    })
}

fn judge(head: &[u8], limits: &Limits) -> Result<Framing, u16> {
    if has_bare_line_feed(head) {
        return Err(400);
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let version = judge_request_line(lines.next().unwrap_or_default(), limits)?;
    let mut fields = Fields::default();
    // The empty line ends the head; the split yields one more piece after it.
    for (count, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        if count >= limits.head_lines {
            return Err(431);
        }
        fields.read(line)?;
    }
    fields.judge(version)
}

/// Returns the minor version of HTTP/1: 0 or 1.
fn judge_request_line(line: &[u8], limits: &Limits) -> Result<u8, u16> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, uri, version) = (parts.next(), parts.next(), parts.next());
    let (Some(method), Some(uri), Some(version), None) = (method, uri, version, parts.next()) else { return Err(400) };
    if uri.len() > limits.uri_bytes {
        return Err(414);
    }
    if http::Method::from_bytes(method).is_err() || http::Uri::try_from(uri).is_err() {
        return Err(400);
    }
    match (method, version) {
        // This is not a proxy, but hyper would turn the connection into a tunnel.
        (b"CONNECT", _) => Err(501),
        (_, b"HTTP/1.1") => Ok(1),
        (_, b"HTTP/1.0") => Ok(0),
        (_, other) if other.starts_with(b"HTTP/") => Err(505),
        _ => Err(400),
    }
}

/// The header fields that affect framing.
#[derive(Default)]
struct Fields<'a> {
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    hosts: u32,
}

impl<'a> Fields<'a> {
    fn read(&mut self, line: &'a [u8]) -> Result<(), u16> {
        // Also rejects a folded line, since its name begins with a space: obsolete, and used for smuggling.
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Err(400) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if http::HeaderName::from_bytes(name).is_err() || http::HeaderValue::from_bytes(value).is_err() {
            return Err(400);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            // Two lengths are rejected even if they agree: they hint at a request assembled from two sources.
            if self.length.replace(value).is_some() {
                return Err(400);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.coding.replace(value).is_some() {
                return Err(400);
            }
        } else if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"expect") && !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(417);
        }
        Ok(())
    }

    fn judge(self, version: u8) -> Result<Framing, u16> {
        if self.hosts > 1 || (version == 1 && self.hosts == 0) {
            return Err(400);
        }
        match (self.length, self.coding) {
            (None, None) => Ok(Framing::Length(0)),
            (Some(length), None) => parse_length(length).map(Framing::Length),
            (None, Some(coding)) if version == 1 && coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            (None, Some(_)) if version == 1 => Err(501),
            _ => Err(400),
        }
    }
}

fn parse_length(value: &[u8]) -> Result<u64, u16> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(400);
    }
    let length = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
    // hyper cannot represent more than this.
    length.filter(|length| *length <= i64::MAX as u64).ok_or(413)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Head {
        inspect(text.as_bytes(), &mut 0, &Limits::default())
    }

    #[test]
    fn framing_decides_whether_a_head_is_accepted() {
        let cases: &[(&str, Result<Framing, u16>)] = &[
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Ok(Framing::Length(0))),
            ("GET / HTTP/1.0\r\n\r\n", Ok(Framing::Length(0))),
            ("POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  5 \r\n\r\n", Ok(Framing::Length(5))),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", Ok(Framing::Chunked)),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n",
                Ok(Framing::Length(i64::MAX as u64)),
            ),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", Err(413)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", Err(413)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", Err(501)),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Err(501)),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                Err(400),
            ),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", Err(400)),
            ("POST / HTTP/1.1\r\nHost: x\r\nX-A: a\r\n Content-Length: 3\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", Err(417)),
            ("GET / HTTP/1.1\nHost: x\n\r\n\r\n", Err(400)),
            ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", Err(400)),
            ("GET /\r\n\r\n", Err(400)),
            ("G@T / HTTP/1.1\r\nHost: x\r\n\r\n", Err(400)),
            ("GET /a\\b<c HTTP/1.1\r\nHost: x\r\n\r\n", Err(400)),
            ("GET relative HTTP/1.1\r\nHost: x\r\n\r\n", Ok(Framing::Length(0))),
            ("GET / HTTP/1.1\r\nHost: x\r\nX(A): a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nX-A: a\u{1}\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: x\r\nX-A: \u{e9}\t\r\n\r\n", Ok(Framing::Length(0))),
            ("PRI * HTTP/2.0\r\n\r\n", Err(505)),
            ("GET / HTTP/1.2\r\nHost: x\r\n\r\n", Err(505)),
            ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", Err(501)),
        ];
        for (text, expected) in cases {
            match (look(text), expected) {
                (Head::Whole { bytes, body }, Ok(framing)) => {
                    assert_eq!((bytes, &body), (text.len(), framing), "{text:?}")
                }
                (Head::Refused(status), Err(expected)) => assert_eq!(status, *expected, "{text:?}"),
                (got, _) => panic!("{text:?} gave {got:?}"),
            }
        }
    }

    #[test]
    fn head_limits_are_exact() {
        let limits = Limits::default();
        let uri = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "u".repeat(n - 1));
        assert!(matches!(look(&uri(limits.uri_bytes)), Head::Whole { .. }));
        assert_eq!(look(&uri(limits.uri_bytes + 1)), Head::Refused(414));
        let lines = |n: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(n - 1));
        assert!(matches!(look(&lines(limits.head_lines)), Head::Whole { .. }));
        assert_eq!(look(&lines(limits.head_lines + 1)), Head::Refused(431));
        let frame = "GET / HTTP/1.1\r\nHost: x\r\nA: \r\n\r\n".len();
        let whole = |n: usize| format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(n - frame));
        assert!(matches!(look(&whole(limits.head_bytes)), Head::Whole { .. }));
        assert_eq!(look(&whole(limits.head_bytes + 1)), Head::Refused(431));
    }

    #[test]
    fn partial_head_is_rejected_once_it_cannot_become_valid() {
        let limits = Limits::default();
        assert_eq!(look("GET / HTTP/1.1\r\nHost: x\r\n"), Head::Partial);
        assert_eq!(look(&format!("GET /{}", "u".repeat(limits.uri_bytes))), Head::Refused(414));
        assert_eq!(look(&format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(limits.head_bytes))), Head::Refused(431));
        assert_eq!(look("GET / HTTP/1.1\nHost: x\n\n"), Head::Refused(400));
        assert_eq!(look("\u{16}\u{3}\u{1}"), Head::Refused(400));
        assert_eq!(look("PRI * HTTP/2.0\r\n"), Head::Refused(505));
    }

    #[test]
    fn end_of_head_is_found_when_bytes_arrive_one_by_one() {
        let text = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET";
        let mut scanned = 0;
        for n in 1..text.len() - 6 {
            assert_eq!(inspect(&text[..n], &mut scanned, &Limits::default()), Head::Partial, "{n}");
        }
        let whole = Head::Whole { bytes: text.len() - 6, body: Framing::Length(3) };
        assert_eq!(inspect(text, &mut scanned, &Limits::default()), whole);
    }
}
