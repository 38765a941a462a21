//! The names and addresses of this server. Any other Host may be forged: the request is served as usual, but the Host
//! is never used in a URL.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use crate::app::tls::names::Names;
use crate::config;
use crate::os::host;

/// The names of a server. Clones share the certificate's names. The machine's addresses are not stored, because they
/// can change; they are looked up when needed.
#[derive(Clone, Default)]
pub struct Hosts {
    machine: Arc<[String]>,
    certificate: Arc<RwLock<Vec<String>>>,
}

impl Hosts {
    /// Only these names, which must be in lower case.
    pub fn named(names: Vec<String>) -> Self {
        Self { machine: names.into(), certificate: Arc::default() }
    }

    /// The names of this machine.
    pub fn of_machine() -> Self {
        Self::named(Names::of(config::host_name().as_deref(), &[], None).dns)
    }

    /// Sets the names in the current certificate, in lower case; `*.` matches one label.
    pub fn set_certificate_names(&self, names: Vec<String>) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Whether a host (without port) is this server, which listens on `listening`.
    pub fn know(&self, host: &str, listening: Option<SocketAddr>) -> bool {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return address.is_loopback() || Some(address) == listening.map(|at| at.ip()) || host::is_own(address);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let certificate = self.certificate.read().unwrap_or_else(PoisonError::into_inner);
        self.machine.contains(&name) || certificate.iter().any(|pattern| matches(pattern, &name))
    }

    /// The host for URLs when the client's Host cannot be used: a name from the certificate, else the listening
    /// address, or the LAN address if listening on all interfaces.
    pub fn canonical(&self, listening: Option<SocketAddr>) -> String {
        let certificate = self.certificate.read().unwrap_or_else(PoisonError::into_inner);
        let name = certificate.iter().find(|name| !name.starts_with('*'));
        match (name, listening) {
            (Some(name), Some(at)) => format!("{name}:{}", at.port()),
            (Some(name), None) => name.clone(),
            (None, Some(at)) if at.ip().is_unspecified() => SocketAddr::new(host::lan_address(), at.port()).to_string(),
            (None, Some(at)) => at.to_string(),
            (None, None) => "localhost".to_owned(),
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => pattern == name,
    }
}

/// The host of a Host header, keeping IPv6 brackets, if it is exactly `name`, `name:port`, `[ipv6]` or `[ipv6]:port`.
/// Strict, because the host ends up in responses and from there in other web pages.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_hosts_are_never_echoed() {
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
    fn host_is_parsed_without_its_port() {
        let cases = [("clips.lan:8443", Some("clips.lan")), ("[fd00::1]:443", Some("[fd00::1]")), ("a/b", None)];
        for (header, host) in cases {
            assert_eq!(host_of(header), host, "{header}");
        }
    }

    #[test]
    fn a_server_knows_its_own_names_and_addresses_and_no_others() {
        let hosts = Hosts::named(vec!["box".into(), "box.local".into()]);
        hosts.set_certificate_names(vec!["clips.studio.lan".into(), "*.render.lan".into()]);
        let listening = Some("203.0.113.9:8443".parse().unwrap());
        let cases = [
            ("box", true),
            ("BOX.local", true),
            ("box.", true),
            ("clips.studio.lan", true),
            ("a.render.lan", true),
            ("203.0.113.9", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[::ffff:203.0.113.9]", true),
            ("203.0.113.10", false),
            ("render.lan", false),
            ("a.b.render.lan", false),
            (".render.lan", false),
            ("evil.example", false),
            ("clips.studio.lan.evil.example", false),
        ];
        for (host, known) in cases {
            assert_eq!(hosts.know(host, listening), known, "{host}");
        }
        assert_eq!(hosts.canonical(listening), "clips.studio.lan:8443");
        hosts.set_certificate_names(vec!["*.render.lan".into()]);
        assert_eq!(hosts.canonical(listening), "203.0.113.9:8443");
        assert!(!hosts.know("clips.studio.lan", listening), "a new certificate's names replace the old one's");
    }
}
