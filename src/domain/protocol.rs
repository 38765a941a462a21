//! What nodes and their server say to each other has a version, a number that grows with each change. Nodes and servers
//! one version apart work together, whichever is newer: what a newer one says beyond that is passed over.

use super::error::{Error, Kind, Result};

/// The version that this program speaks. 1 was spoken before it was said; 2 says it.
pub const OURS: u32 = 2;
/// What a node speaks that does not say.
pub const UNSAID: u32 = 1;
/// Characters of a program's version.
const VERSION_CHARS: usize = 64;

/// A node's program, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its version; empty where it does not say.
    pub version: String,
    /// What it speaks.
    pub protocol: u32,
}

impl Program {
    /// A node's program. One that is more than a version away from this server's is refused in words.
    pub fn new(version: Option<&str>, protocol: u32) -> Result<Self> {
        if protocol.abs_diff(OURS) > 1 {
            let older = if protocol < OURS { "node" } else { "server" };
            let message = format!(
                "This node speaks version {protocol} of the nodes' protocol, this server versions {} to {}: update the {older}.",
                OURS - 1,
                OURS + 1
            );
            return Err(Error {
                field: Some("Dinkem-Protocol".into()),
                ..Error::new(Kind::Invalid, "protocol_unsupported", message)
            });
        }
        let is_plain = |text: &&str| text.len() <= VERSION_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(Self { version: version.filter(is_plain).unwrap_or_default().to_owned(), protocol })
    }

    /// Whether it may say what this server does not know.
    pub fn is_newer(&self) -> bool {
        self.protocol > OURS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_apart_is_near_enough() {
        for (protocol, is_near) in [(0, false), (1, true), (2, true), (3, true), (4, false), (u32::MAX, false)] {
            assert_eq!(Program::new(None, protocol).is_ok(), is_near, "{protocol}");
        }
        let words = |protocol| Program::new(None, protocol).unwrap_err().message;
        assert!(words(0).ends_with("update the node.") && words(9).ends_with("update the server."));
    }

    #[test]
    fn a_version_that_is_none_is_not_taken() {
        let long = "9".repeat(VERSION_CHARS + 1);
        for (said, taken) in
            [(Some("0.2.0-rc.1"), "0.2.0-rc.1"), (None, ""), (Some("a b"), ""), (Some(&long), ""), (Some("ü"), "")]
        {
            assert_eq!(Program::new(said, OURS).unwrap().version, taken);
        }
    }
}
