//! What this machine is called and where a network finds it.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the machine's own addresses are remembered: a fetch asks for each address that a name resolves to.
const OWN_FOR: Duration = Duration::from_secs(5);

/// The machine's own addresses, and when they were read.
static OWN: Mutex<Option<(Instant, Vec<IpAddr>)>> = Mutex::new(None);

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

/// The user who runs this program.
#[cfg(unix)]
pub fn user() -> Option<String> {
    Some(user_name(rustix::process::getuid().as_raw()))
}

/// The user who runs this program; elsewhere than on Unix the environment tells it.
#[cfg(not(unix))]
pub fn user() -> Option<String> {
    None
}

/// A user's name where the machine's own list has it, else the number.
#[cfg(unix)]
pub fn user_name(uid: u32) -> String {
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&list, uid).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// The name of a user's number in the lines of `passwd`: `name:password:uid:…`.
#[cfg(unix)]
fn name_in(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
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

/// The addresses of the machine's interfaces, loopback among them, without those that hold on one link only. None where
/// the system does not tell.
pub fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::debug!("The addresses of this machine cannot be read: {error}");
        Vec::new()
    });
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}

/// Whether an address, IPv4 not in its IPv6 form, belongs to this machine: that of an interface, or the one by which it
/// reaches the network, should the system not list the interfaces.
pub fn is_own(address: IpAddr) -> bool {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = match own.take().filter(|(read, _)| read.elapsed() < OWN_FOR) {
        Some(read) => read,
        None => (Instant::now(), addresses().into_iter().chain([lan_address()]).collect()),
    };
    own.insert(read).1.contains(&address)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let list = "root:x:0:0:root:/root:/bin/sh\n# a comment\n\n:x:7::::\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        let cases = [(0, Some("root")), (1000, Some("alice")), (7, None), (100, None)];
        for (uid, name) in cases {
            assert_eq!(name_in(list, uid), name, "{uid}");
        }
    }
}
