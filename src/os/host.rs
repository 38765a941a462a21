//! This machine's host name, users, and network addresses.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long this machine's addresses are cached: a fetch checks every address a name resolves to.
const CACHE_TIME: Duration = Duration::from_secs(5);

/// This machine's addresses, and when they were read.
static CACHE: Mutex<Option<(Instant, Vec<IpAddr>)>> = Mutex::new(None);

/// The host name, if set.
#[cfg(unix)]
pub fn name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

/// The host name, from the environment on systems other than Unix.
#[cfg(not(unix))]
pub fn name() -> Option<String> {
    None
}

/// The user running this program.
#[cfg(unix)]
pub fn user() -> Option<String> {
    Some(user_name(rustix::process::getuid().as_raw()))
}

/// The user running this program, from the environment on systems other than Unix.
#[cfg(not(unix))]
pub fn user() -> Option<String> {
    None
}

/// A user's name from `/etc/passwd`, or `uid N` if it is not there.
#[cfg(unix)]
pub fn user_name(uid: u32) -> String {
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&list, uid).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// Finds the name for a UID in `passwd` lines: `name:password:uid:…`.
#[cfg(unix)]
fn name_in(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

/// The address at which others on the network reach this machine; loopback if there is no network.
pub fn lan_address() -> IpAddr {
    // Connecting a UDP socket sends nothing: it only selects the outgoing interface. The address is from a
    // documentation range (RFC 5737).
    let route = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    };
    route().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

/// Addresses of all interfaces, including loopback but not link-local ones. Empty if they cannot be determined.
pub fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::debug!("Cannot read this machine's addresses: {error}");
        Vec::new()
    });
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}

/// Whether an address (IPv4 not in IPv6 notation) belongs to this machine: an interface's address, or the outgoing
/// one if the system cannot list its interfaces.
pub fn is_own(address: IpAddr) -> bool {
    let mut own = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let read = match own.take().filter(|(read, _)| read.elapsed() < CACHE_TIME) {
        Some(read) => read,
        None => (Instant::now(), addresses().into_iter().chain([lan_address()]).collect()),
    };
    own.insert(read).1.contains(&address)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn user_name_is_found_by_uid() {
        let list = "root:x:0:0:root:/root:/bin/sh\n# a comment\n\n:x:7::::\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        let cases = [(0, Some("root")), (1000, Some("alice")), (7, None), (100, None)];
        for (uid, name) in cases {
            assert_eq!(name_in(list, uid), name, "{uid}");
        }
    }
}
