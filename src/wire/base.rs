//! The base of URLs in responses: the operator's public URL, else a name of this server.

/// Scheme, host and port, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// The operator's public URL.
    pub fn public(url: &str) -> Self {
        Self(url.trim_end_matches('/').to_owned())
    }

    /// Built from a scheme, and a host with an optional port.
    pub fn at(scheme: &str, host: &str) -> Self {
        Self(format!("{scheme}://{host}"))
    }

    /// An absolute URL; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_joins_base_and_path() {
        assert_eq!(Base::at("https", "clips.lan:8443").url("/api"), "https://clips.lan:8443/api");
        assert_eq!(Base::public("https://clips.example/x/").url("/api"), "https://clips.example/x/api");
    }
}
