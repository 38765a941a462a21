//! Why a job failed: every code in one table, and what a failure means for the next attempt.

use super::limits;

/// One row a code: the variant, its word in the API, and what it says to a person.
macro_rules! failure_codes {
    ($($variant:ident $word:literal $meaning:literal;)*) => {
        /// Why a job failed. The words are part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FailureCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl FailureCode {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in the store and in answers.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it means, for the table in the docs.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

failure_codes! {
    FetchFailed "fetch_failed" "The demo could not be fetched: no answer, an error answer, too slow, or an address that is refused.";
    DemoTooLarge "demo_too_large" "The demo is larger than the limit, packed or unpacked, or takes more memory or time to read than one demo may have.";
    DemoUnreadable "demo_unreadable" "What was fetched is not a CS2 demo, or is too damaged to read.";
    DemoUnsupported "demo_unsupported" "The demo is of another game, or of a game mode without rounds to cut from, such as deathmatch.";
    PlayerNotInDemo "player_not_in_demo" "The player does not take part in the demo or in the round.";
    RoundNotInDemo "round_not_in_demo" "The demo has no such completed round.";
    RenderFailed "render_failed" "The renderer failed, or what it made did not pass the check.";
    RenderTimeout "render_timeout" "The renderer made no progress or took too long.";
    NodeFailed "node_failed" "The render node could not do the work: no disk, no memory.";
    NodeLost "node_lost" "Render nodes stopped responding while they held the job, ten times.";
    NodeNotReady "node_not_ready" "The render node was not ready to render. It never ends a job: the node is given no work for a while, and the job waits for another one.";
}

impl FailureCode {
    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

/// What a failure means for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The job itself is at fault: it fails for good.
    Never,
    /// Worth another try, on any node.
    Anywhere,
    /// Worth another try, on another node first.
    Elsewhere,
}

impl Retry {
    /// The word of the node protocol and the command contract.
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

/// Whose fault a failed attempt is, and so what it counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The job's, or that of its demo's source: the attempt counts.
    Job,
    /// This attempt's on this node: it counts, and the job goes to another node first.
    Here,
    /// The node's: it does not count, and the job goes to another node first.
    Node,
    /// Nobody's: the node was stopped, or the server replaced. It does not count.
    Nobody,
}

impl Blame {
    /// What the nodes' protocol means by a failure: it has a code and a retry, and no word for blame.
    pub fn reported(failure: &Failure) -> Self {
        match (failure.code, failure.retry) {
            (FailureCode::NodeNotReady, _) => Self::Node,
            (FailureCode::NodeFailed, Retry::Anywhere) => Self::Nobody,
            (_, Retry::Elsewhere) => Self::Here,
            (_, Retry::Never | Retry::Anywhere) => Self::Job,
        }
    }

    /// Whether the attempt counts against the job.
    pub fn counts(self) -> bool {
        matches!(self, Self::Job | Self::Here)
    }

    /// Whether the job goes to another node while one can take it.
    pub fn avoids_node(self) -> bool {
        matches!(self, Self::Here | Self::Node)
    }
}

/// One failure of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub code: FailureCode,
    /// One sentence for a person; no secrets, no paths of the node.
    pub message: String,
    /// What it means for the next attempt.
    pub retry: Retry,
}

/// As much of the end of a renderer's log as is kept with its attempt, in whole characters.
pub fn log_end(log: &str) -> &str {
    let cut = (log.len().saturating_sub(limits::ATTEMPT_LOG_BYTES)..).find(|at| log.is_char_boundary(*at));
    &log[cut.unwrap_or_default()..]
}

impl Failure {
    /// A failure for good: the job itself is at fault.
    pub fn for_good(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: Retry::Never }
    }

    /// A failure of this attempt: another node may do better.
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
        let long = format!("begin{}end", "é".repeat(limits::ATTEMPT_LOG_BYTES));
        let end = log_end(&long);
        assert!(end.ends_with("éend") && end.starts_with('é'), "{end}");
        assert!((limits::ATTEMPT_LOG_BYTES - 1..=limits::ATTEMPT_LOG_BYTES).contains(&end.len()));
    }
}
