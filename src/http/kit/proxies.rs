//! Trusted reverse proxies. Forwarding headers from any other address are ignored.
//!
//! Each proxy appends its peer's address to `X-Forwarded-For`, so the list can be trusted from its end up to and
//! including the first address that is not a trusted proxy. Anything before that can be forged by the client.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use rouille::Request;

/// The networks of trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

/// The origin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, or the closest known hop.
    pub address: IpAddr,
    /// False if a trusted proxy forwarded something that is not an address. The client is unknown then, and its address
    /// must not grant any access.
    pub is_known: bool,
}

impl Origin {
    /// Whether it is known to come from this machine.
    pub fn is_loopback(self) -> bool {
        self.is_known && self.address.is_loopback()
    }

    /// Whether it is known to come from one of these networks.
    pub fn is_in(self, networks: &[IpNet]) -> bool {
        self.is_known && networks.iter().any(|network| network.contains(&self.address))
    }
}

/// Scheme and Host of the original request, as reported by a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forwarded<'r> {
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// The client's Host header, not validated yet.
    pub host: Option<&'r str>,
}

impl Proxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address belongs to a trusted proxy. Expects canonical form, not IPv4-mapped IPv6.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether an address is exempt from per-address limits: a proxy serves many clients, and loopback is the operator.
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.trust(address)
    }

    /// Determines the origin of a request. Fails closed: an invalid header never yields a known address.
    pub fn client(&self, request: &Request) -> Origin {
        let mut origin = Origin { address: request.remote_addr().ip().to_canonical(), is_known: true };
        if self.0.is_empty() {
            return origin;
        }
        let lines: Vec<&str> = values(request, "X-Forwarded-For").collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        while self.trust(origin.address) {
            let Some(hop) = hops.next() else { break };
            match address(hop) {
                Some(address) => origin.address = address,
                // Addresses before an invalid entry cannot be trusted.
                None => return Origin { is_known: false, ..origin },
            }
        }
        origin
    }

    /// Scheme and Host, if the request comes from a trusted proxy. With several values, the last one is the proxy's.
    pub fn forwarded<'r>(&self, request: &'r Request) -> Forwarded<'r> {
        if !self.trust(request.remote_addr().ip().to_canonical()) {
            return Forwarded::default();
        }
        let last = |name| values(request, name).last().and_then(|line| line.rsplit(',').next()).map(str::trim);
        let scheme = match last("X-Forwarded-Proto") {
            Some(word) if word.eq_ignore_ascii_case("https") => Some("https"),
            Some(word) if word.eq_ignore_ascii_case("http") => Some("http"),
            _ => None,
        };
        Forwarded { scheme, host: last("X-Forwarded-Host") }
    }
}

fn values<'r>(request: &'r Request, name: &'static str) -> impl Iterator<Item = &'r str> {
    request.headers().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Parses an address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(peer: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Request::fake_http_from(format!("{peer}:1").parse().unwrap(), "GET", "/", headers, vec![])
    }

    fn proxies() -> Proxies {
        Proxies::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    #[test]
    fn client_is_the_last_untrusted_address() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("10.1.0.1", &[], "10.1.0.1"),
            ("10.1.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("10.1.0.1", &["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            ("10.1.0.1", &["198.51.100.1", "192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            ("10.1.0.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.0.1", &["[2001:db8::1]:443, fd00::9"], "2001:db8::1"),
            ("10.1.0.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            ("[::ffff:10.1.0.1]", &["192.0.2.7"], "192.0.2.7"),
            // If all hops are trusted, the first one is the closest known address.
            ("10.1.0.1", &["10.1.0.3, 10.1.0.2"], "10.1.0.3"),
            // Invalid addresses fail closed.
            ("10.1.0.1", &["192.0.2.7, unknown, 10.1.0.2"], "10.1.0.2 (unknown)"),
            ("10.1.0.1", &[""], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["garbage"], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["192.0.2.7, "], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["127.0.0.1:"], "10.1.0.1 (unknown)"),
            // Only entries added by trusted proxies count.
            ("10.1.0.1", &["garbage, 192.0.2.7"], "192.0.2.7"),
            // The header is ignored if the peer is not a trusted proxy.
            ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            ("127.0.0.1", &["198.51.100.1"], "127.0.0.1"),
        ];
        for (peer, lines, expected) in cases {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            let Origin { address, is_known } = proxies().client(&request(peer, &headers));
            let found = format!("{address}{}", if is_known { "" } else { " (unknown)" });
            assert_eq!(found, *expected, "{peer} {lines:?}");
        }
        let nobody = Proxies::default().client(&request("10.1.0.1", &[("X-Forwarded-For", "192.0.2.7")]));
        assert_eq!(nobody, Origin { address: "10.1.0.1".parse().unwrap(), is_known: true });
    }

    #[test]
    fn proxies_and_loopback_have_no_limit_per_address() {
        for (address, excused) in [("10.1.0.1", true), ("127.0.0.1", true), ("::1", true), ("10.2.0.1", false)] {
            assert_eq!(proxies().is_exempt(address.parse().unwrap()), excused, "{address}");
        }
    }

    #[test]
    fn scheme_and_host_are_accepted_from_trusted_proxies_only() {
        let headers = [("X-Forwarded-Proto", "http, HTTPS"), ("X-Forwarded-Host", "a.example, clips.example")];
        let believed = request("10.1.0.1", &headers);
        let expected = Forwarded { scheme: Some("https"), host: Some("clips.example") };
        assert_eq!(proxies().forwarded(&believed), expected);
        assert_eq!(proxies().forwarded(&request("192.0.2.9", &headers)), Forwarded::default());
        let odd = request("10.1.0.1", &[("X-Forwarded-Proto", "javascript")]);
        assert_eq!(proxies().forwarded(&odd), Forwarded::default());
    }
}
