//! Rules for URLs that clients give the appliance to call: demos and webhooks. Every URL accepted here must also be
//! accepted by all later steps.

use url::{ParseError, Url};

use super::error::{Error, Result};

/// Bytes of a URL: below the URI limit of most servers.
const URL_BYTES: usize = 4 * 1024;

/// Checks the URL in a request's `field`: http or https, with a host, without user or password (they would end up in
/// responses and logs), at most [`URL_BYTES`] bytes. The path is not checked.
pub fn check_http_url(field: &str, url: &str) -> Result<()> {
    let bad = |why: &str| Err(Error::invalid(field, format!("{field} {why}.")));
    if url.len() > URL_BYTES {
        return bad(&format!("must have at most {URL_BYTES} bytes"));
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return bad("must not contain white space or control characters; percent-encode them");
    }
    if let Some(c) = url.chars().find(|c| NOT_IN_URLS.contains(c)) {
        return bad(&format!("must not contain {c}; write it as %{:02X}", u32::from(c)));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return bad("must be an absolute http or https URL");
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return bad("must be an http or https URL");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return bad("must not contain a user name or password");
    }
    if !authority.is_ascii() {
        return bad("must have a host name in ASCII; write an international name in its xn-- form");
    }
    // The parser would decode an encoded host, which later steps and proxies may not.
    if authority.is_empty() || authority.contains('%') {
        return bad("must name a host");
    }
    match Url::parse(&format!("http://{authority}")) {
        Ok(_) => Ok(()),
        Err(ParseError::InvalidPort) => bad("must have a port from 0 to 65535, or none"),
        Err(_) => bad("must name a host"),
    }
}

/// Characters that a URL must percent-encode (RFC 3986, section 2). Non-ASCII letters are not allowed either, but are
/// so common that they are accepted, and encoded when the URL is called.
const NOT_IN_URLS: [char; 9] = ['"', '<', '>', '\\', '^', '`', '{', '|', '}'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_or_https_with_a_host_and_no_secret() {
        let cases = [
            ("https://example.com/demo.dem", true),
            ("http://10.0.0.5:8000/x?y=1#z", true),
            ("HTTP://[fd00::1]/demo.dem.bz2", true),
            ("https://example.com", true),
            ("ftp://example.com/demo.dem", false),
            ("file:///etc/passwd", false),
            ("//example.com/demo.dem", false),
            ("example.com/demo.dem", false),
            ("https://", false),
            ("https:///demo.dem", false),
            ("https://:80/demo.dem", false),
            ("https://user:pass@example.com/demo.dem", false),
            ("https://example.com/a demo.dem", false),
            ("https://example.com/\u{7}", false),
            ("https://example.com/a\"b.dem", false),
            ("https://example.com/<b>.dem", false),
            ("https://example.com/a\\b.dem", false),
            ("https://example.com/a^b.dem", false),
            ("https://example.com/a`b.dem", false),
            ("https://example.com/{a}.dem", false),
            ("https://example.com/a?b|c", false),
            ("https://example.com/%22.dem", true),
            ("https://example.com/a[1]~(b)'c'!*;,&=+$@:.dem", true),
            ("https://example.com/\u{fc}ber.dem", true),
            ("https://\u{fc}ber.example/a.dem", false),
            ("https://xn--ber-goa.example/a.dem", true),
            ("https://example%2ecom/a.dem", false),
            ("https://example.com:65536/a.dem", false),
            ("https://example.com:x/a.dem", false),
            ("https://example.com:/a.dem", true),
            ("https://256.1.1.1/a.dem", false),
            ("https://[fd00::g]/a.dem", false),
            ("https://exa[mple.com/a.dem", false),
            ("", false),
        ];
        for (url, good) in cases {
            assert_eq!(check_http_url("demo_url", url).is_ok(), good, "{url:?}");
        }
        let too_long = check_http_url("url", &format!("https://e.com/{}", "x".repeat(URL_BYTES))).unwrap_err();
        assert_eq!(too_long.field.as_deref(), Some("url"));
    }
}
