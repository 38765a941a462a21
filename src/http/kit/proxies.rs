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

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, or as near to it as can be seen.
    pub address: IpAddr,
    /// False where a trusted proxy has named something that is no address: the client may be anybody then, and has no
    /// rights by the address.
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

    /// Where a request comes from. A header that cannot be read makes nobody of this machine or of a trusted network.
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
                // It ends the list: nobody can tell what stands before it.
                None => return Origin { is_known: false, ..origin },
            }
        }
        origin
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
            // What is no address fails closed.
            ("10.1.0.1", &["192.0.2.7, unknown, 10.1.0.2"], "10.1.0.2 (unknown)"),
            ("10.1.0.1", &[""], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["garbage"], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["192.0.2.7, "], "10.1.0.1 (unknown)"),
            ("10.1.0.1", &["127.0.0.1:"], "10.1.0.1 (unknown)"),
            // Only what the proxy itself has added counts.
            ("10.1.0.1", &["garbage, 192.0.2.7"], "192.0.2.7"),
            // From anybody else the header says nothing.
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
