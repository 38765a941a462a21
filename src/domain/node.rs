//! Render nodes: machines that joined with a token and hold leases.

use super::error::{Error, Result};
use super::id::NodeId;
use super::job::Renderer;
use super::limits;

/// Whether a node is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Heard of lately.
    Up,
    /// Silent for [`limits::NODE_GONE_SECONDS`].
    Gone,
}

impl NodeState {
    /// By the time since it was last heard of, in milliseconds.
    pub fn after_silence(silent_ms: i64) -> Self {
        if silent_ms < (limits::NODE_GONE_SECONDS * 1_000) as i64 { Self::Up } else { Self::Gone }
    }

    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Gone => "gone",
        }
    }
}

/// A node as the store holds it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its row.
    pub id: NodeId,
    /// What answers call it by.
    pub public_id: uuid::Uuid,
    /// Its name, unique among nodes.
    pub name: String,
    /// Unix time in milliseconds.
    pub joined_at_ms: i64,
    /// When it last called. Unix time in milliseconds.
    pub seen_at_ms: i64,
    /// Leases it can hold, as it last said.
    pub slots: u32,
    /// What it can render with, as it last said.
    pub renderers: Vec<Renderer>,
}

/// A node's name: 1 to 64 characters, no control characters.
pub fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if length == 0 || length > limits::NODE_NAME_CHARS || name.chars().any(char::is_control) {
        let most = limits::NODE_NAME_CHARS;
        return Err(Error::invalid(
            "name",
            format!("A node's name has 1 to {most} characters, no control characters."),
        ));
    }
    Ok(())
}
