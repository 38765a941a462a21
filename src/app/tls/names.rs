//! The names and addresses of this machine, and which of them a CA may issue certificates for. Pure functions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

/// Maximum number of addresses in a certificate.
const CERTIFICATE_ADDRESSES: usize = 100;

/// Private networks: every CA may issue certificates for them, so that a new DHCP address does not need a new CA.
/// Loopback, RFC 1918, RFC 3927, RFC 6598, RFC 4193.
const PRIVATE: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
];
/// Prefix length of a site's network in a public IPv6 address; the rest can change daily (RFC 8981).
const IPV6_NETWORK_BITS: u8 = 64;

/// Names and addresses by which clients can reach this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// In lower case, the host name first.
    pub dns: Vec<String>,
    /// Sorted.
    pub addresses: Vec<IpAddr>,
}

impl Names {
    /// Combines the host name, the interfaces' addresses, and the host of the public URL, which may be an address.
    pub fn of(host: Option<&str>, addresses: &[IpAddr], public_host: Option<&str>) -> Self {
        let mut names = Self::default();
        if let Some(host) = host {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            let short = host.split('.').next().unwrap_or_default().to_owned();
            let local = format!("{short}.local");
            names.add(&host);
            names.add(&short);
            names.add(&local);
        }
        names.add("localhost");
        let public = public_host.map(|host| host.trim_matches(['[', ']']).to_ascii_lowercase());
        let mut own = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        match public.as_deref().map(|host| (host, host.parse())) {
            Some((_, Ok(address))) => own.push(address),
            Some((host, Err(_))) => names.add(host),
            None => {}
        }
        own.extend(addresses.iter().map(IpAddr::to_canonical).filter(|address| is_callable(*address)));
        own.truncate(CERTIFICATE_ADDRESSES);
        own.sort_unstable();
        own.dedup();
        Self { addresses: own, ..names }
    }

    fn add(&mut self, name: &str) {
        if is_dns_name(name) && !self.dns.iter().any(|known| known == name) {
            self.dns.push(name.to_owned());
        }
    }

    /// The names that a CA may issue certificates for, and the others as text.
    pub fn split(&self, permitted: &Permitted) -> (Self, Vec<String>) {
        let mut good = Self::default();
        let mut others = Vec::new();
        for name in &self.dns {
            if permitted.name(name) { good.dns.push(name.clone()) } else { others.push(name.clone()) }
        }
        for address in &self.addresses {
            if permitted.address(*address) { good.addresses.push(*address) } else { others.push(address.to_string()) }
        }
        (good, others)
    }

    /// Whether all of them are also in `others`.
    pub fn within(&self, others: &Self) -> bool {
        self.dns.iter().all(|name| others.dns.contains(name))
            && self.addresses.iter().all(|address| others.addresses.contains(address))
    }
}

/// The name constraints of a CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permitted {
    /// Names, including their subdomains.
    pub dns: Vec<String>,
    /// Networks.
    pub networks: Vec<IpNet>,
}

impl Permitted {
    /// The constraints for a machine: its names, all private networks, and its public networks.
    pub fn of(names: &Names) -> Self {
        let mut networks: Vec<IpNet> = PRIVATE.iter().filter_map(|network| network.parse().ok()).collect();
        for address in &names.addresses {
            if !networks.iter().any(|network| network.contains(address)) {
                networks.push(network_of(*address));
            }
        }
        Self { dns: names.dns.clone(), networks }
    }

    fn name(&self, name: &str) -> bool {
        self.dns
            .iter()
            .any(|known| name.strip_suffix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    fn address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

fn network_of(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V4(_) => address.into(),
        IpAddr::V6(v6) => Ipv6Net::new(v6, IPV6_NETWORK_BITS).map_or(address.into(), |network| network.trunc().into()),
    }
}

/// Whether clients can connect to the address. Link-local IPv6 addresses also need a zone ID.
fn is_callable(address: IpAddr) -> bool {
    let one_link = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !address.is_unspecified() && !address.is_multicast() && !one_link
}

/// Whether a certificate can contain the name: labels of letters, digits, hyphens and underscores; not an address.
pub(super) fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn names_of_a_machine_include_host_name_addresses_and_public_url() {
        let own = addresses(&["127.0.0.1", "10.0.0.5", "fe80::1", "2001:db8::7", "10.0.0.5", "0.0.0.0"]);
        let names = Names::of(Some("Box.Studio.LAN"), &own, Some("clips.studio.lan"));
        assert_eq!(names.dns, ["box.studio.lan", "box", "box.local", "localhost", "clips.studio.lan"]);
        assert_eq!(names.addresses, addresses(&["10.0.0.5", "127.0.0.1", "::1", "2001:db8::7"]));
        let names = Names::of(Some("bad name"), &[], Some("[fd00::9]"));
        assert_eq!(
            (names.dns, names.addresses),
            (vec!["localhost".to_owned()], addresses(&["127.0.0.1", "::1", "fd00::9"]))
        );
    }

    #[test]
    fn a_ca_is_limited_to_private_networks_and_its_own_public_ones() {
        let names = Names::of(Some("box"), &addresses(&["10.0.0.5", "198.51.100.7", "2001:db8:1::7"]), None);
        let permitted = Permitted::of(&names);
        for (address, good) in [
            ("10.9.9.9", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.7.7", true),
            ("169.254.1.1", true),
            ("127.0.0.9", true),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("8.8.8.8", false),
            ("fd12::1", true),
            ("2001:db8:1::ffff", true),
            ("2001:db8:1:1::1", false),
        ] {
            assert_eq!(permitted.address(address.parse().unwrap()), good, "{address}");
        }
        for (name, good) in [("box", true), ("box.local", true), ("a.box", true), ("xbox", false), ("com", false)] {
            assert_eq!(permitted.name(name), good, "{name}");
        }
        let later = Names::of(Some("other"), &addresses(&["10.0.0.6", "8.8.8.8"]), None);
        let (good, others) = later.split(&permitted);
        assert_eq!(good.dns, ["localhost"]);
        assert_eq!(good.addresses, addresses(&["10.0.0.6", "127.0.0.1", "::1"]));
        assert_eq!(others, ["other", "other.local", "8.8.8.8"]);
    }

    #[test]
    fn only_valid_dns_names_are_accepted() {
        let long = "a".repeat(64);
        for (name, good) in [
            ("box", true),
            ("my_box-1.lan", true),
            ("", false),
            ("-box", false),
            ("box-", false),
            ("b..x", false),
            ("büro", false),
            ("*.lan", false),
            ("10.0.0.5", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_dns_name(name), good, "{name:?}");
        }
    }
}
