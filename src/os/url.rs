//! Lenient URL handling for fetches: percent-encodes invalid characters as curl does, and resolves the targets of
//! redirects as browsers do. Pure.

use std::net::{IpAddr, Ipv4Addr};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use url::{Host, Url};

use crate::domain::webhook::is_loopback_name;

/// What a URL must not contain (RFC 3986, section 2). `%` is left as it is: the URL may already be encoded.
const NOT_IN_URLS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Percent-encodes every byte not allowed in a URL: spaces, quotes, raw UTF-8. Existing encoding is left as it is.
pub fn encoded(url: &[u8]) -> String {
    percent_encode(url, NOT_IN_URLS).to_string()
}

/// The target of a redirect: a `Location` value resolved against the absolute request URL. `None` if that is not an
/// http or https URL.
pub fn redirected(base: &str, location: &[u8]) -> Option<String> {
    let mut target = Url::parse(base).ok()?.join(&encoded(location.trim_ascii())).ok()?;
    target.set_fragment(None);
    ["http", "https"].contains(&target.scheme()).then(|| target.into())
}

/// An absolute http or https URL with a host; `None` for anything else.
pub fn parsed(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

/// The host of an absolute URL, with the brackets of IPv6. Unlike the rest of a URL it never contains a secret.
pub fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// The address that an absolute URL names without a name server, in any notation (`http://2130706433/`); loopback for
/// `localhost`.
pub fn address_of(url: &str) -> Option<IpAddr> {
    match Url::parse(url).ok()?.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => is_loopback_name(name).then(|| Ipv4Addr::LOCALHOST.into()),
    }
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
            ("HTTPS://other.com", Some("https://other.com/")),
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
            ("http:x", Some("http://x/")),
            ("http:", None),
        ];
        for (location, expected) in cases {
            assert_eq!(redirected(base, location.as_bytes()).as_deref(), expected, "{location:?}");
        }
        assert_eq!(redirected("http://e.com", b"x").as_deref(), Some("http://e.com/x"));
        assert_eq!(redirected("http://e.com?q", b"/x").as_deref(), Some("http://e.com/x"));
    }

    #[test]
    fn host_of_leaves_out_credentials_port_and_path() {
        let cases = [
            ("https://files.example/a.dem", "files.example"),
            ("http://files.example:8080?token=secret", "files.example"),
            ("http://[fd00::1]:9/a.dem", "[fd00::1]"),
            ("http://user:pw@nas/a", "nas"),
            ("http://nas", "nas"),
        ];
        for (url, host) in cases {
            assert_eq!(host_of(url).as_deref(), Some(host), "{url}");
        }
    }

    #[test]
    fn address_of_reads_every_notation_of_an_address() {
        let cases = [
            ("http://127.0.0.1:8080/x", Some("127.0.0.1")),
            ("http://2130706433/", Some("127.0.0.1")),
            ("http://0x7f.1/", Some("127.0.0.1")),
            ("http://0177.0.0.1/", Some("127.0.0.1")),
            ("http://[::ffff:10.0.0.1]/", Some("::ffff:10.0.0.1")),
            ("http://localhost/", Some("127.0.0.1")),
            ("http://LOCALHOST./", Some("127.0.0.1")),
            ("http://a.localhost/", Some("127.0.0.1")),
            ("http://localhost.example/", None),
            ("http://nas/", None),
        ];
        for (url, address) in cases {
            assert_eq!(address_of(url), address.map(|text| text.parse().unwrap()), "{url}");
        }
    }
}
