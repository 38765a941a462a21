//! Why jobs fail: a table of all codes, and how each failure affects the next attempt.

/// Bytes kept of the end of a renderer's log with a failed attempt: fits into [`JSON_BODY_BYTES`] even if every byte
/// is escaped.
pub const ATTEMPT_LOG_BYTES: usize = 6 * 1024;

/// One row per code: the variant, its name in the API, and its meaning for people.
macro_rules! failure_codes {
    ($($variant:ident $word:literal $meaning:literal;)*) => {
        /// Why a job failed. The names are part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FailureCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl FailureCode {
            /// All codes, in table order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in the store and in responses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Its meaning, for the table in the docs.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

failure_codes! {
    FetchFailed "fetch_failed" "The demo could not be fetched: no response, an error response, too slow, or a blocked address.";
    DemoTooLarge "demo_too_large" "The demo exceeds a limit: its size, compressed or decompressed, or the memory or time needed to read it.";
    DemoUnreadable "demo_unreadable" "What was fetched is not a CS2 demo, or is too damaged to read.";
    DemoUnsupported "demo_unsupported" "The demo is from another game, or from a game mode without rounds, such as deathmatch.";
    PlayerNotInDemo "player_not_in_demo" "The player does not take part in the demo or in the round.";
    RoundNotInDemo "round_not_in_demo" "The demo has no such completed round.";
    RenderFailed "render_failed" "The renderer failed, or its video did not pass the check.";
    RenderTimeout "render_timeout" "The renderer made no progress or took too long.";
    NodeFailed "node_failed" "The render node could not do the work, for example for lack of disk space or memory.";
    NodeLost "node_lost" "Render nodes stopped responding while they held the job, ten times.";
    WrongGameBuild "wrong_game_build" "The game on the render node does not play the demo. This never fails a job: the job waits for a node with the right build of the game.";
    NodeNotReady "node_not_ready" "The render node was not ready to render. This never fails a job: the node gets no work for a while, and the job waits for another node.";
}

impl FailureCode {
    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

/// How a failure affects the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Caused by the job itself: do not retry.
    Never,
    /// Retry on any node.
    Anywhere,
    /// Retry, preferably on another node.
    Elsewhere,
}

impl Retry {
    /// The name used in the node protocol and the renderer command contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Anywhere => "anywhere",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Never, Self::Anywhere, Self::Elsewhere].into_iter().find(|retry| retry.as_str() == word)
    }
}

/// What caused a failed attempt, which determines whether the attempt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The job or the source of its demo: the attempt counts.
    Job,
    /// This attempt on this node: it counts, and another node is preferred next.
    Here,
    /// The node: the attempt does not count, and another node is preferred next.
    Node,
    /// An interruption: the node was stopped, or the server replaced. The attempt does not count.
    Nobody,
}

impl Blame {
    /// Derives the blame from a failure that a node reported: the protocol has a code and a retry, but no blame.
    pub fn reported(failure: &Failure) -> Self {
        match (failure.code, failure.retry) {
            (FailureCode::NodeNotReady | FailureCode::WrongGameBuild, _) => Self::Node,
            (FailureCode::NodeFailed, Retry::Anywhere) => Self::Nobody,
            (_, Retry::Elsewhere) => Self::Here,
            (_, Retry::Never | Retry::Anywhere) => Self::Job,
        }
    }

    /// Whether the attempt counts against the job.
    pub fn counts(self) -> bool {
        matches!(self, Self::Job | Self::Here)
    }

    /// Whether the job avoids the node as long as another one can take it.
    pub fn avoids_node(self) -> bool {
        matches!(self, Self::Here | Self::Node)
    }
}

/// A failure of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub code: FailureCode,
    /// Message for people; contains no secrets and no paths of the node.
    pub message: String,
    /// How it affects the next attempt.
    pub retry: Retry,
}

/// The end of a renderer's log, cut at a character boundary, that is kept with the attempt.
pub fn log_end(log: &str) -> &str {
    let cut = (log.len().saturating_sub(ATTEMPT_LOG_BYTES)..).find(|at| log.is_char_boundary(*at));
    &log[cut.unwrap_or_default()..]
}

impl Failure {
    /// A permanent failure, caused by the job itself.
    pub fn for_good(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: Retry::Never }
    }

    /// A failure of this attempt: another node may succeed.
    pub fn here(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: Retry::Elsewhere }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept_in_whole_characters() {
        assert_eq!(log_end("short"), "short");
        let long = format!("begin{}end", "é".repeat(ATTEMPT_LOG_BYTES));
        let end = log_end(&long);
        assert!(end.ends_with("éend") && end.starts_with('é'), "{end}");
        assert!((ATTEMPT_LOG_BYTES - 1..=ATTEMPT_LOG_BYTES).contains(&end.len()));
    }
}
