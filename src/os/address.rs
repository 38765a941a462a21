//! Address policy for outgoing connections. The URLs of demos and webhooks are untrusted input, so a request must not
//! reach this machine, its link-local network, or a cloud metadata service, however the address is written. Private
//! (LAN) addresses are allowed for demos, because studios keep them there, and for webhooks only if the operator says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::host;

/// Which addresses the HTTP client may connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Any address: for the operator's own appliance server.
    Any,
    /// Everything except the [`refused`] ranges, this machine's own addresses and, perhaps, private ones.
    Guarded {
        /// Networks to allow even though the policy would refuse them (`--fetch-allow`).
        allow: Vec<IpNet>,
        /// Whether private addresses are permitted.
        private: bool,
    },
}

impl Addresses {
    /// Whether the client may connect to `address`. This machine's own addresses are looked up on each call.
    pub fn permit(&self, address: IpAddr) -> bool {
        self.permit_with(address, host::is_own)
    }

    fn permit_with(&self, address: IpAddr, is_own: impl Fn(IpAddr) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Guarded { allow, private } => {
                let address = canonical(address);
                let target = embedded(address).map_or(address, IpAddr::V4);
                let is_refused =
                    refused(target) || is_own(address) || is_own(target) || (!private && is_private(target));
                !is_refused || allow.iter().any(|net| net.contains(&address) || net.contains(&target))
            }
        }
    }
}

/// Whether an address is globally routable. Responses from any other address reveal something about a private
/// network.
pub fn is_public(address: IpAddr) -> bool {
    let address = canonical(address);
    let target = embedded(address).map_or(address, IpAddr::V4);
    !is_private(target) && !refused(target) && !host::is_own(target)
}

/// Whether a canonical address belongs to a private network.
fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is shared address space, used by carriers and overlay networks (RFC 6598).
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Converts IPv4-mapped and IPv4-compatible IPv6 addresses (`::ffff:a.b.c.d`, `::a.b.c.d`) to IPv4.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, high, low] = v6.segments();
            let compatible = [a, b, c, d, e, f] == [0; 6] && (high, low) != (0, 0) && (high, low) != (0, 1);
            if compatible { IpAddr::V4(ipv4(high, low)) } else { address.to_canonical() }
        }
    }
}

/// The IPv4 address embedded in a translated or tunnelled IPv6 address: NAT64 (RFC 6052, 8215), 6to4, SIIT.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    match v6.segments() {
        [0x64, 0xff9b, _, _, _, _, high, low] => Some(ipv4(high, low)),
        [0x2002, high, low, ..] => Some(ipv4(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(ipv4(high, low)),
        _ => None,
    }
}

fn ipv4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

/// Whether policy refuses a canonical address.
fn refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => refused_v4(v4),
        IpAddr::V6(v6) => refused_v6(v6),
    }
}

fn refused_v4(address: Ipv4Addr) -> bool {
    /// Cloud metadata and control endpoints outside the link-local range: Alibaba's and Azure's.
    const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
    match address.octets() {
        // "This network", loopback, link-local (most metadata services), IETF protocol assignments (Oracle's).
        [0 | 127, ..] | [169, 254, ..] | [192, 0, 0, _] => true,
        // Multicast, reserved, and broadcast.
        [224..=255, ..] => true,
        _ => METADATA.contains(&address),
    }
}

fn refused_v6(address: Ipv6Addr) -> bool {
    /// Amazon's and Google's metadata endpoints, both inside the unique local range.
    const METADATA: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
    // Teredo: the tunnel's endpoint cannot be checked.
    let teredo = address.segments()[..2] == [0x2001, 0];
    address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || teredo
        || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(allow: &[&str]) -> Addresses {
        Addresses::Guarded { allow: allow.iter().map(|net| net.parse().unwrap()).collect(), private: true }
    }

    #[test]
    fn public_and_private_addresses_are_permitted_and_own_addresses_are_not() {
        let permitted = [
            "8.8.8.8",
            "10.0.0.1",
            "172.16.5.4",
            "192.168.1.20",
            "100.64.0.1",
            "2606:4700::1111",
            "fd12:3456::1",
            "::ffff:192.168.1.20",
            "::192.168.1.20",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ];
        let refused = [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "2001:0:1::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::7f00:1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
        ];
        for (addresses, expected) in [(&permitted[..], true), (&refused[..], false)] {
            for address in addresses {
                assert_eq!(guarded(&[]).permit_with(address.parse().unwrap(), |_| false), expected, "{address}");
                assert!(Addresses::Any.permit(address.parse().unwrap()), "{address}");
            }
        }
    }

    #[test]
    fn own_address_is_refused_in_every_notation_unless_allowed() {
        let own: [IpAddr; 3] = ["192.168.1.20", "203.0.113.9", "fd12:3456::1"].map(|text| text.parse().unwrap());
        let cases = [
            ("192.168.1.20", &[][..], false),
            ("::ffff:192.168.1.20", &[], false),
            ("::192.168.1.20", &[], false),
            ("64:ff9b::192.168.1.20", &[], false),
            ("2002:c0a8:114::", &[], false),
            ("203.0.113.9", &[], false),
            ("fd12:3456::1", &[], false),
            ("192.168.1.21", &[], true),
            ("fd12:3456::2", &[], true),
            ("192.168.1.20", &["192.168.1.0/24"], true),
            ("64:ff9b::192.168.1.20", &["192.168.1.20/32"], true),
            ("fd12:3456::1", &["192.168.1.0/24"], false),
        ];
        for (address, allow, expected) in cases {
            let found = guarded(allow).permit_with(address.parse().unwrap(), |address| own.contains(&address));
            assert_eq!(found, expected, "{address} allowing {allow:?}");
        }
    }

    #[test]
    fn private_addresses_are_not_public() {
        let cases = [
            ("8.8.8.8", true),
            ("2606:4700::1111", true),
            ("64:ff9b::8.8.8.8", true),
            ("10.0.0.1", false),
            ("172.16.5.4", false),
            ("192.168.1.20", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("::1", false),
        ];
        for (address, expected) in cases {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn private_addresses_are_refused_where_only_public_ones_are_wanted() {
        let strict = |allow: &[&str]| match guarded(allow) {
            Addresses::Guarded { allow, .. } => Addresses::Guarded { allow, private: false },
            any => any,
        };
        let cases = [
            ("8.8.8.8", &[][..], true),
            ("192.168.1.20", &[], false),
            ("10.0.0.1", &[], false),
            ("100.64.0.1", &[], false),
            ("fd12:3456::1", &[], false),
            ("::ffff:10.0.0.1", &[], false),
            ("64:ff9b::10.0.0.1", &[], false),
            ("2002:0a00:1::", &[], false),
            ("192.168.1.20", &["192.168.1.0/24"], true),
            ("10.0.0.1", &["192.168.1.0/24"], false),
            ("127.0.0.1", &["127.0.0.1/32"], true),
        ];
        for (address, allow, expected) in cases {
            let found = strict(allow).permit_with(address.parse().unwrap(), |_| false);
            assert_eq!(found, expected, "{address} allowing {allow:?}");
        }
    }

    #[test]
    fn allowed_network_is_permitted_in_every_notation() {
        let list = guarded(&["127.0.0.0/30", "fe80::/64"]);
        let cases = [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("64:ff9b::127.0.0.1", true),
            ("127.0.0.4", false),
            ("fe80::9", true),
            ("fe80:0:0:1::9", false),
            ("::1", false),
        ];
        for (address, expected) in cases {
            assert_eq!(list.permit_with(address.parse().unwrap(), |_| false), expected, "{address}");
        }
    }
}
