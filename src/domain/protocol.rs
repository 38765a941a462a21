//! The version of the protocol between nodes and server: a number that grows with each change. Nodes and servers that
//! are one version apart work together, whichever is newer, and older nodes as long as every version only adds; fields
//! that the older one does not know are ignored.

use super::error::{Error, Kind, Result};
use super::error_code::ErrorCode;

/// The protocol version of this program. Version 2 introduced the version number itself, version 3 the game, version 4
/// live frames, version 5 the server's word on how often to send heartbeats, version 6 leases that are named by their
/// epoch and number.
pub const OURS: u32 = 6;
/// The first version whose leases are named by their epoch and number; older nodes get the number alone.
const NAMED_LEASES: u32 = 6;
/// The oldest version that works with this one: so far, every version has only added to the one before.
const OLDEST: u32 = 1;
/// The version of a node that does not send one.
pub const UNREPORTED: u32 = 1;
/// Maximum length of a program version, in characters.
const VERSION_CHARS: usize = 64;

/// A node's program, as reported by the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its version; empty if not reported.
    pub version: String,
    /// Its protocol version.
    pub protocol: u32,
}

impl Program {
    /// Checks a node's program. Refuses protocols that do not work with the server's.
    pub fn new(version: Option<&str>, protocol: u32) -> Result<Self> {
        if !(OLDEST..=OURS + 1).contains(&protocol) {
            let older = if protocol < OURS { "node" } else { "server" };
            let message = format!(
                "This node speaks version {protocol} of the node protocol, this server versions {} to {}: update the {older}.",
                OLDEST,
                OURS + 1
            );
            return Err(Error {
                field: Some("Dinkem-Protocol".into()),
                ..Error::new(Kind::Invalid, ErrorCode::ProtocolUnsupported, message)
            });
        }
        let is_plain = |text: &&str| text.len() <= VERSION_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(Self { version: version.filter(is_plain).unwrap_or_default().to_owned(), protocol })
    }

    /// Whether it understands a lease's name.
    pub fn knows_lease_names(&self) -> bool {
        self.protocol >= NAMED_LEASES
    }

    /// Whether it may send fields that this server does not know.
    pub fn is_newer(&self) -> bool {
        self.protocol > OURS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_protocols_and_the_next_one_are_compatible() {
        for (protocol, is_near) in
            [(0, false), (1, true), (5, true), (6, true), (7, true), (8, false), (u32::MAX, false)]
        {
            assert_eq!(Program::new(None, protocol).is_ok(), is_near, "{protocol}");
        }
        let words = |protocol| Program::new(None, protocol).unwrap_err().message;
        assert!(words(0).ends_with("update the node.") && words(9).ends_with("update the server."));
    }

    #[test]
    fn invalid_version_is_ignored() {
        let long = "9".repeat(VERSION_CHARS + 1);
        for (said, taken) in
            [(Some("0.2.0-rc.1"), "0.2.0-rc.1"), (None, ""), (Some("a b"), ""), (Some(&long), ""), (Some("ü"), "")]
        {
            assert_eq!(Program::new(said, OURS).unwrap().version, taken);
        }
    }
}
