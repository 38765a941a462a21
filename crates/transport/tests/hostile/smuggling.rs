//! Ambiguous or malformed requests: the bytes that follow one must never be taken for a request.

use super::client::statuses;
use super::target::Target;

/// Follows each of them.
const NEXT: &str = "GET /SMUGGLED HTTP/1.1\r\nHost: x\r\n\r\n";

/// Sends each request and compares the answers with the table.
pub fn ambiguous_requests(target: &Target) {
    for (name, bytes, expected) in table(target) {
        let mut wire = target.open();
        wire.send(bytes + NEXT).unwrap();
        let (out, error) = wire.read_out();
        assert_eq!(error, None, "{name}: the answer must not be lost to a reset");
        assert_eq!(statuses(&out), expected, "{name}: {}", String::from_utf8_lossy(&out));
        assert!(!String::from_utf8_lossy(&out).contains("SMUGGLED"), "{name}");
    }
}

/// Name, bytes, and the statuses of all answers.
fn table(target: &Target) -> Vec<(&'static str, String, Vec<u16>)> {
    let post = |lines: &str, body: &str| target.post(lines) + body;
    let get = |lines: &str| target.head("GET", &target.small) + lines + "\r\n";
    let line = |line: &str| format!("{line}\r\nHost: x\r\n\r\n");
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    let both = post(&[length, chunked].concat(), "0\r\n\r\n");
    let whole = target.uploaded;
    // The magic bytes of a demo.
    let chunk = "8\r\nPBDEMS2\0\r\n";
    vec![
        ("both, length first", both.clone(), vec![400]),
        ("both, coding first", post(&[chunked, length].concat(), "0\r\n\r\n"), vec![400]),
        ("both, on the second of two", get("") + &both, vec![200, 400]),
        ("chunked, not read", target.post_refused(chunked), vec![401]),
        ("chunked, whole", post(chunked, &format!("{chunk}0\r\n\r\n")), vec![whole]),
        ("chunked, with trailers", post(chunked, &format!("{chunk}0\r\nX: y\r\n\r\n")), vec![whole]),
        ("chunk size beyond 64 bits", post(chunked, "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), vec![400]),
        ("another coding", post("Transfer-Encoding: gzip\r\n", "3\r\nabc\r\n0\r\n\r\n"), vec![501]),
        ("two codings", post(&chunked.repeat(2), "0\r\n\r\n"), vec![400]),
        ("two lengths that differ", post("Content-Length: 3\r\nContent-Length: 40\r\n", "abc"), vec![400]),
        ("two lengths that agree", post(&length.repeat(2), "abcde"), vec![400]),
        ("two lengths in one", post("Content-Length: 3, 3\r\n", "abc"), vec![400]),
        ("a negative length", post("Content-Length: -1\r\n", ""), vec![400]),
        ("a signed length", post("Content-Length: +3\r\n", "abc"), vec![400]),
        ("a folded line", get("X-A: a\r\n b: c\r\n"), vec![400]),
        ("a space before the colon", get("X-A : a\r\n"), vec![400]),
        ("bare line feeds", get("").replace("\r\n", "\n"), vec![400]),
        ("a bare carriage return", get("X-A: a\rX-B: b\r\n"), vec![400]),
        ("no host", format!("GET {} HTTP/1.1\r\n\r\n", target.small), vec![400]),
        ("two hosts", get("Host: y\r\n"), vec![400]),
        ("an unknown version", line("GET / HTTP/1.2"), vec![505]),
        ("a tunnel", line("CONNECT x:1 HTTP/1.1"), vec![501]),
        ("an unknown expectation", post("Content-Length: 3\r\nExpect: tea\r\n", "abc"), vec![417]),
        ("garbage", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".into(), vec![400]),
        ("empty lines without end", "\r\n".repeat(10_000), vec![400]),
        ("the end was asked for", get("Connection: close\r\n"), vec![200]),
    ]
}
