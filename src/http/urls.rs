//! What URLs in answers begin with: the operator's public URL, else a name of this server's.

/// Scheme, host and port, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// The operator's public URL.
    pub fn public(url: &str) -> Self {
        Self(url.trim_end_matches('/').to_owned())
    }

    /// A scheme, and a host with its port, if any.
    pub fn at(scheme: &str, host: &str) -> Self {
        Self(format!("{scheme}://{host}"))
    }

    /// An absolute URL; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// The host of a Host header, with the brackets of IPv6, if that is `name`, `name:port`, `[ipv6]` or `[ipv6]:port` and
/// nothing else: it ends up in answers, and from there in other people's pages.
pub fn host_of(header: &str) -> Option<&str> {
    is_host(header).then(|| match header.find(']') {
        Some(bracket) => &header[..=bracket],
        None => header.split(':').next().unwrap_or_default(),
    })
}

fn is_host(host: &str) -> bool {
    let (name, rest, good): (&str, &str, fn(char) -> bool) = match host.strip_prefix('[') {
        Some(ipv6) => match ipv6.split_once(']') {
            Some((name, rest)) => (name, rest, |c| c.is_ascii_hexdigit() || c == ':' || c == '.'),
            None => return false,
        },
        None => {
            let end = host.find(':').unwrap_or(host.len());
            let (name, rest) = host.split_at(end);
            (name, rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_')
        }
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
        None => rest.is_empty(),
    };
    !name.is_empty() && host.len() <= 255 && name.chars().all(good) && port
}

/// Escapes text for HTML, inside an attribute in double quotes too.
pub fn html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_more_than_a_host_is_not_repeated() {
        let cases = [
            ("clips.lan", true),
            ("clips.lan:8443", true),
            ("10.0.0.5:80", true),
            ("[fd00::1]:443", true),
            ("[::ffff:10.0.0.5]", true),
            ("my_box-1", true),
            ("", false),
            (":80", false),
            ("a:b", false),
            ("a:", false),
            ("a:99999", false),
            ("a:+80", false),
            ("a/b", false),
            ("a@b", false),
            ("a\"b", false),
            ("a<script>", false),
            ("a b", false),
            ("a%2eb", false),
            ("[fd00::1", false),
            ("[fd00::1]x", false),
            ("[evil.example]", false),
            ("[]", false),
        ];
        for (host, good) in cases {
            assert_eq!(is_host(host), good, "{host:?}");
        }
    }

    #[test]
    fn the_host_of_a_header_is_without_its_port() {
        let cases = [("clips.lan:8443", Some("clips.lan")), ("[fd00::1]:443", Some("[fd00::1]")), ("a/b", None)];
        for (header, host) in cases {
            assert_eq!(host_of(header), host, "{header}");
        }
        assert_eq!(Base::at("https", "clips.lan:8443").url("/api"), "https://clips.lan:8443/api");
        assert_eq!(Base::public("https://clips.example/x/").url("/api"), "https://clips.example/x/api");
    }

    #[test]
    fn text_in_a_page_stays_text() {
        assert_eq!(html(r#"<a href="x">'&'"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }
}
