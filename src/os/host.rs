//! What this machine is called and where a network finds it.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// The machine's own name, where it has one.
#[cfg(unix)]
pub fn name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

/// The machine's own name; elsewhere than on Unix the environment tells it.
#[cfg(not(unix))]
pub fn name() -> Option<String> {
    None
}

/// The address that others on the network reach this machine at; loopback when there is no network.
pub fn lan_address() -> IpAddr {
    // Connecting a datagram socket sends nothing: it only asks which way a packet would leave. The address is one
    // that documentation keeps free (RFC 5737).
    let route = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    };
    route().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}
