//! Reverse proxies that the operator trusts: what they say of a client is believed, what anybody else says is not.
//!
//! A proxy appends the address it was called from to `X-Forwarded-For`, so the list is true from its end up to the
//! first address that is no trusted proxy; what stands before that one is the client's own invention.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use rouille::Request;

/// The networks of trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

/// How a client called, as the proxy in front says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forwarded<'r> {
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// The Host that the client named; not yet checked.
    pub host: Option<&'r str>,
}

impl Proxies {
    /// Proxies in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address, IPv4 not in its IPv6 form, is a trusted proxy's.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether no limit per address holds for an address: behind a proxy's stand many clients, and loopback is the
    /// operator's own.
    pub fn excuse(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.trust(address)
    }

    /// The address of whoever asks.
    pub fn client(&self, request: &Request) -> IpAddr {
        let mut client = request.remote_addr().ip().to_canonical();
        if self.0.is_empty() {
            return client;
        }
        let lines: Vec<&str> = values(request, "X-Forwarded-For").collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        while self.trust(client) {
            // What is no address ends the list: nobody can tell what stands before it.
            match hops.next().and_then(address) {
                Some(hop) => client = hop,
                None => break,
            }
        }
        client
    }

    /// Scheme and Host, if the request comes from a trusted proxy. Of several values the last one is the proxy's.
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

/// An address as proxies write it: bare, in brackets, or with a port.
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
    fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("10.1.0.1", &[], "10.1.0.1"),
            ("10.1.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("10.1.0.1", &["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            ("10.1.0.1", &["198.51.100.1", "192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            ("10.1.0.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.0.1", &["[2001:db8::1]:443, fd00::9"], "2001:db8::1"),
            ("10.1.0.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            ("[::ffff:10.1.0.1]", &["192.0.2.7"], "192.0.2.7"),
            // All of them trusted: the first is as far as anybody can see.
            ("10.1.0.1", &["10.1.0.3, 10.1.0.2"], "10.1.0.3"),
            ("10.1.0.1", &["192.0.2.7, unknown, 10.1.0.2"], "10.1.0.2"),
            ("10.1.0.1", &[""], "10.1.0.1"),
            // From anybody else the header says nothing.
            ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            ("127.0.0.1", &["198.51.100.1"], "127.0.0.1"),
        ];
        for (peer, lines, expected) in cases {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(proxies().client(&request(peer, &headers)).to_string(), *expected, "{peer} {lines:?}");
        }
        let nobody = Proxies::default().client(&request("10.1.0.1", &[("X-Forwarded-For", "192.0.2.7")]));
        assert_eq!(nobody.to_string(), "10.1.0.1");
    }

    #[test]
    fn proxies_and_loopback_have_no_limit_per_address() {
        for (address, excused) in [("10.1.0.1", true), ("127.0.0.1", true), ("::1", true), ("10.2.0.1", false)] {
            assert_eq!(proxies().excuse(address.parse().unwrap()), excused, "{address}");
        }
    }

    #[test]
    fn scheme_and_host_are_believed_of_trusted_proxies_only() {
        let headers = [("X-Forwarded-Proto", "http, HTTPS"), ("X-Forwarded-Host", "a.example, clips.example")];
        let believed = request("10.1.0.1", &headers);
        let expected = Forwarded { scheme: Some("https"), host: Some("clips.example") };
        assert_eq!(proxies().forwarded(&believed), expected);
        assert_eq!(proxies().forwarded(&request("192.0.2.9", &headers)), Forwarded::default());
        let odd = request("10.1.0.1", &[("X-Forwarded-Proto", "javascript")]);
        assert_eq!(proxies().forwarded(&odd), Forwarded::default());
    }
}
