//! How a preset ends: with a video, cancelled, or with a fault that says what to do about it.

use crate::domain::failure::{FailureCode, Retry};
use crate::render::command::contract::{EXIT_BAD_JOB, EXIT_NOT_READY, EXIT_TRANSIENT};

/// From this attempt on, a game that keeps closing is the node's fault. Attempts are counted per job, so the first try
/// was most likely on another node.
const BLAMES_NODE_FROM_ATTEMPT: u32 = 2;

/// The result of a step.
pub type Step<T> = Result<T, Stop>;

/// Why a preset stops early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// On request, or because its output is no longer read.
    Cancelled,
    /// Something failed.
    Fault(Fault),
}

/// A failure under the command contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Exit code.
    pub exit: u8,
    /// What went wrong.
    pub code: FailureCode,
    /// Whether and where to retry.
    pub retry: Retry,
    /// A sentence for people: what failed, why, what to do.
    pub sentence: String,
}

impl Fault {
    /// The node cannot render at present; the attempt does not count.
    pub fn not_ready(sentence: impl Into<String>) -> Self {
        Self::new(EXIT_NOT_READY, FailureCode::NodeNotReady, Retry::Elsewhere, sentence)
    }

    /// May succeed elsewhere or later.
    pub fn transient(sentence: impl Into<String>) -> Self {
        Self::new(EXIT_TRANSIENT, FailureCode::RenderFailed, Retry::Elsewhere, sentence)
    }

    /// Nothing happened for too long.
    pub fn overdue(sentence: impl Into<String>) -> Self {
        Self::new(EXIT_TRANSIENT, FailureCode::RenderTimeout, Retry::Elsewhere, sentence)
    }

    /// The demo cannot be played anywhere.
    pub fn bad_demo(sentence: impl Into<String>) -> Self {
        Self::new(EXIT_BAD_JOB, FailureCode::DemoUnreadable, Retry::Never, sentence)
    }

    /// May succeed elsewhere; but at a job's second attempt the node is to blame.
    pub fn once(attempt: u32, sentence: impl Into<String>) -> Self {
        if attempt >= BLAMES_NODE_FROM_ATTEMPT { Self::not_ready(sentence) } else { Self::transient(sentence) }
    }

    fn new(exit: u8, code: FailureCode, retry: Retry, sentence: impl Into<String>) -> Self {
        Self { exit, code, retry, sentence: sentence.into() }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_that_closes_again_is_the_nodes_fault() {
        let exits = [1, 2, 3].map(|attempt| Fault::once(attempt, "The game closed while recording.").exit);
        assert_eq!(exits, [20, 21, 21]);
    }
}
