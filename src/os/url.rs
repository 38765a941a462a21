//! Lenient URL handling for redirects: percent-encodes invalid characters as curl does, and resolves relative
//! references (RFC 3986, 5). Pure.

use std::fmt::Write as _;

/// Percent-encodes every byte not allowed in a URL: spaces, quotes, raw UTF-8. Existing encoding is left as it is.
pub fn encoded(url: &[u8]) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The target of a redirect: a `Location` value resolved against the absolute request URL. `None` if that is not an
/// http or https URL.
pub fn redirected(base: &str, location: &[u8]) -> Option<String> {
    let location = encoded(location.trim_ascii());
    let location = location.split('#').next().unwrap_or_default();
    if let Some((scheme, rest)) = scheme(location) {
        let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        return (known && rest.starts_with("//")).then(|| location.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = target.split('?').next().unwrap_or_default();
    if location.starts_with("//") {
        return Some(format!("{scheme}:{location}"));
    }
    let target = match location.bytes().next() {
        None => target.to_owned(),
        Some(b'?') => format!("{path}{location}"),
        Some(b'/') => without_dots(location),
        Some(_) => without_dots(&format!("{}/{location}", path.rsplit_once('/').map_or("", |(folder, _)| folder))),
    };
    Some(format!("{scheme}://{authority}{target}"))
}

/// Splits a reference that begins with a scheme into the scheme and what follows the colon.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    good.then_some((scheme, rest))
}

/// Removes `.` and `..` from an absolute path with its query (RFC 3986, 5.2.4).
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_characters_not_allowed_in_a_url_are_encoded() {
        let cases: [(&[u8], &str); 7] = [
            (b"https://e.com/a.dem?x=1&y=[2]#z", "https://e.com/a.dem?x=1&y=[2]#z"),
            (b"http://e.com/a b\"c<d>e\\f^g`h{i|j}", "http://e.com/a%20b%22c%3Cd%3Ee%5Cf%5Eg%60h%7Bi%7Cj%7D"),
            ("http://e.com/\u{fc}ber.dem".as_bytes(), "http://e.com/%C3%BCber.dem"),
            (b"http://e.com/\xff.dem", "http://e.com/%FF.dem"),
            (b"http://e.com/a%20b%2fc", "http://e.com/a%20b%2fc"),
            (b"a\tb", "a%09b"),
            (b"", ""),
        ];
        for (url, expected) in cases {
            assert_eq!(encoded(url), expected);
        }
    }

    #[test]
    fn location_is_resolved_like_browsers_and_curl_do() {
        let base = "https://e.com:8443/a/b/c?q=1";
        let cases = [
            ("http://other.com/x", Some("http://other.com/x")),
            ("HTTPS://other.com", Some("HTTPS://other.com")),
            ("//other.com/x y", Some("https://other.com/x%20y")),
            ("/x/y.dem", Some("https://e.com:8443/x/y.dem")),
            ("/m\u{e4}tch 1.dem", Some("https://e.com:8443/m%C3%A4tch%201.dem")),
            ("d.dem", Some("https://e.com:8443/a/b/d.dem")),
            ("./d.dem", Some("https://e.com:8443/a/b/d.dem")),
            ("../d.dem?x=../y", Some("https://e.com:8443/a/d.dem?x=../y")),
            ("../../../../d", Some("https://e.com:8443/d")),
            ("..", Some("https://e.com:8443/a/")),
            ("?x=2", Some("https://e.com:8443/a/b/c?x=2")),
            ("", Some("https://e.com:8443/a/b/c?q=1")),
            ("#part", Some("https://e.com:8443/a/b/c?q=1")),
            ("/x#part", Some("https://e.com:8443/x")),
            ("  /x ", Some("https://e.com:8443/x")),
            ("12:30.dem", Some("https://e.com:8443/a/b/12:30.dem")),
            ("ftp://e.com/x", None),
            ("file:///etc/passwd", None),
            ("javascript:alert(1)", None),
            ("http:x", None),
        ];
        for (location, expected) in cases {
            assert_eq!(redirected(base, location.as_bytes()).as_deref(), expected, "{location:?}");
        }
        assert_eq!(redirected("http://e.com", b"x").as_deref(), Some("http://e.com/x"));
        assert_eq!(redirected("http://e.com?q", b"/x").as_deref(), Some("http://e.com/x"));
    }
}
