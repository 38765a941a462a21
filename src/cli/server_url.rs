//! Where this appliance's server is reached: written into the data directory by `serve`, read for join tokens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::domain::error::{Error, Result};
use crate::os::{files, host};

/// Its name in the data directory.
const FILE: &str = "server-url";

/// The URL that other machines use: as the operator says, else by the address that is listened on. A server that
/// listens everywhere is named by the address that leads to the network, because a name may not resolve there.
pub fn reachable(public_url: Option<&str>, listening: SocketAddr) -> String {
    match public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if listening.ip().is_unspecified() => {
            format!("http://{}", SocketAddr::new(host::lan_address(), listening.port()))
        }
        None => format!("http://{listening}"),
    }
}

/// The URL that this very machine uses, whatever the server listens on.
pub fn local(listening: SocketAddr) -> String {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    format!("http://{}", SocketAddr::new(ip, listening.port()))
}

/// Keeps it for `admin nodes token`.
pub fn record(data_dir: &Path, url: &str) -> Result<()> {
    files::write_durably(&path(data_dir), url.as_bytes())
        .map_err(|error| Error::internal("Could not note the server's address in the data directory.", error))
}

/// What the last server on this data directory noted.
pub fn recorded(data_dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path(data_dir)).ok()?;
    let url = text.trim();
    (!url.is_empty()).then(|| url.to_owned())
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_so_that_others_reach_it() {
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(reachable(Some("https://clips.lan/"), address("0.0.0.0:1")), "https://clips.lan");
        assert_eq!(reachable(None, address("10.1.2.3:8443")), "http://10.1.2.3:8443");
        assert_eq!(reachable(None, address("[::1]:8443")), "http://[::1]:8443");
        assert!(!reachable(None, address("0.0.0.0:8443")).contains("0.0.0.0"));
        assert_eq!(local(address("0.0.0.0:8443")), "http://127.0.0.1:8443");
        assert_eq!(local(address("[::]:8443")), "http://[::1]:8443");
        assert_eq!(local(address("10.1.2.3:8443")), "http://10.1.2.3:8443");
    }
}
