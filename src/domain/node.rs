//! Render nodes: machines that joined with a token and hold leases.

use super::error::{Error, Result};
use super::id::NodeId;
use super::job::Renderer;
use super::offer::Offer;
use super::protocol::Program;
use super::text::is_unclean;

/// Characters of a node's name.
pub const NODE_NAME_CHARS: usize = 64;
/// Seconds of silence after which a node counts as gone.
pub const NODE_GONE_SECONDS: u64 = 90;
/// Seconds after which an ephemeral node that is gone or stopped is forgotten: 10 minutes.
pub const NODE_FORGOTTEN_SECONDS: u64 = 600;
/// Seconds of silence after which a node with free slots is not expected to take a job soon: longer than a claim waits,
/// and than it takes until a request is recorded.
pub const NODE_SILENT_SECONDS: u64 = 45;
/// Seconds for which a shared node key is reported: 10 minutes.
pub const NODE_SHARED_SECONDS: u64 = 600;
/// Seconds for which a node is benched the first time: ten minutes, doubled each time…
const NODE_BENCH_FIRST_SECONDS: u64 = 600;
/// …up to a day.
const NODE_BENCH_MOST_SECONDS: u64 = 86_400;
/// Characters of an agent's instance id.
pub const NODE_INSTANCE_CHARS: usize = 64;
/// Slots of one node.
pub const NODE_SLOTS: u32 = 64;
/// Seconds that times in the store may lie in the future.
pub const CLOCK_SKEW_SECONDS: u64 = 300;

/// What a node renders with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RendererKind {
    /// The tactical replay, which is part of the program.
    Builtin,
    /// The game, driven through HLAE.
    Hlae,
    /// The game, driven through the command line of CS Demo Manager.
    Csdm,
    /// A program of the studio's that follows the command contract.
    Command,
}

impl RendererKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Builtin, Self::Hlae, Self::Csdm, Self::Command];

    /// The name used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Hlae => "hlae",
            Self::Csdm => "csdm",
            Self::Command => "command",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The API's renderer that it offers.
    pub fn offers(self) -> Renderer {
        match self {
            Self::Builtin => Renderer::Builtin,
            Self::Hlae | Self::Csdm | Self::Command => Renderer::Game,
        }
    }
}

/// State of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Seen recently.
    Up,
    /// Seen recently; finishes its current jobs and gets no new ones.
    Draining,
    /// Seen recently; gets no jobs for a while, because its results cannot be trusted.
    Benched,
    /// Reported that it is stopping, and has not claimed work since.
    Stopped,
    /// Not seen for [`NODE_GONE_SECONDS`].
    Gone,
}

impl NodeState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Up, Self::Draining, Self::Benched, Self::Stopped, Self::Gone];

    /// The name used in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Draining => "draining",
            Self::Benched => "benched",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }

    /// Whether its agent runs, as far as is known.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Stopped | Self::Gone)
    }
}

/// Why a node gets no jobs, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// Unix time in milliseconds.
    pub until_ms: i64,
    /// A message for people.
    pub because: String,
}

impl Bench {
    /// Whether it applies at that time. A clock that was set back cannot extend it beyond the maximum.
    pub fn holds(&self, now_ms: i64) -> bool {
        (1..=millis(NODE_BENCH_MOST_SECONDS)).contains(&(self.until_ms - now_ms))
    }
}

/// Milliseconds for which a node is benched that was benched `before` times since it last completed a job.
pub fn bench_ms(before: u32) -> i64 {
    let doubled = NODE_BENCH_FIRST_SECONDS.checked_shl(before.min(32)).unwrap_or(u64::MAX);
    millis(doubled.min(NODE_BENCH_MOST_SECONDS))
}

fn millis(seconds: u64) -> i64 {
    (seconds * 1_000).cast_signed()
}

/// A node as the store holds it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its row.
    pub id: NodeId,
    /// The UUID used in responses.
    pub public_id: uuid::Uuid,
    /// Its name, unique among nodes.
    pub name: String,
    /// Unix time in milliseconds.
    pub joined_at_ms: i64,
    /// When it was last seen. Unix time in milliseconds.
    pub seen_at_ms: i64,
    /// What it can render, as last reported.
    pub offer: Offer,
    /// Whether it is draining: it gets no new jobs.
    pub draining: bool,
    /// When it was removed or forgotten. Unix time in milliseconds.
    pub removed_at_ms: Option<i64>,
    /// When and why it was last benched, if ever; may be over.
    pub bench: Option<Bench>,
    /// How many times in a row it was benched, without completing a job in between.
    pub benchings: u32,
    /// Its version, as last reported.
    pub program: Program,
    /// When it reported that it is stopping; its next claim resets this to `None`. Unix time in milliseconds.
    pub stopped_at_ms: Option<i64>,
    /// When two machines were last seen using its key at the same time. Unix time in milliseconds.
    pub doubled_at_ms: Option<i64>,
    /// Whether it is forgotten soon after it is gone.
    pub ephemeral: bool,
}

impl Node {
    /// Its state at that time.
    pub fn state(&self, now_ms: i64) -> NodeState {
        if self.stopped_at_ms.is_some() {
            return NodeState::Stopped;
        }
        // A time far in the future comes from a wrong clock; a live node is seen again soon.
        let lately = -millis(CLOCK_SKEW_SECONDS)..millis(NODE_GONE_SECONDS);
        match lately.contains(&(now_ms - self.seen_at_ms)) {
            true if self.is_benched(now_ms) || self.offer.not_ready().is_some() => NodeState::Benched,
            true if self.draining => NodeState::Draining,
            true => NodeState::Up,
            false => NodeState::Gone,
        }
    }

    /// Whether it has not been heard from for longer than a node that asks for work is silent.
    pub fn is_silent(&self, now_ms: i64) -> bool {
        now_ms - self.seen_at_ms >= millis(NODE_SILENT_SECONDS)
    }

    /// Whether two machines were recently seen using its key.
    pub fn key_is_shared(&self, now_ms: i64) -> bool {
        self.doubled_at_ms.is_some_and(|at| (now_ms - at).abs() < millis(NODE_SHARED_SECONDS))
    }

    /// Whether it was benched and has not completed a job since.
    pub fn is_on_trial(&self) -> bool {
        self.benchings > 0
    }

    /// How many jobs it gets at once, if it offers this many slots: one while it is on trial.
    pub fn slots_of(&self, offered: u32) -> u32 {
        if self.is_on_trial() { offered.min(1) } else { offered }
    }

    /// Whether it is benched.
    pub fn is_benched(&self, now_ms: i64) -> bool {
        self.bench.as_ref().is_some_and(|bench| bench.holds(now_ms))
    }
}

/// The `n`-th candidate for a node's name, the first being the name itself: if it is taken, a number is appended and
/// the name is shortened to fit.
pub fn numbered_name(name: &str, n: u32) -> String {
    if n <= 1 {
        return name.to_owned();
    }
    let number = format!("-{n}");
    name.chars().take(NODE_NAME_CHARS - number.len()).chain(number.chars()).collect()
}

/// Checks a node's name: 1 to 64 characters, no control characters, and not only blanks.
pub fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > NODE_NAME_CHARS || name.chars().any(is_unclean) {
        let most = NODE_NAME_CHARS;
        return Err(Error::invalid(
            "name",
            format!("A node's name must have 1 to {most} characters and no control characters."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_doubles_up_to_a_day_and_a_clock_set_back_does_not_make_it_longer() {
        let minutes: Vec<i64> = [0, 1, 2, 7, 8, 63, 64, u32::MAX].map(|before| bench_ms(before) / 60_000).into();
        assert_eq!(minutes, [10, 20, 40, 1_280, 1_440, 1_440, 1_440, 1_440]);
        let bench = Bench { until_ms: 10_000_000_000, because: String::new() };
        let day = 86_400_000;
        for (before_end, holds) in [(-1, false), (0, false), (1, true), (day, true), (day + 1, false)] {
            assert_eq!(bench.holds(bench.until_ms - before_end), holds, "{before_end}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_and_stays_within_the_limit() {
        assert_eq!(numbered_name("render", 1), "render");
        assert_eq!(numbered_name("render", 2), "render-2");
        let long = "ß".repeat(NODE_NAME_CHARS);
        assert_eq!(numbered_name(&long, 12).chars().count(), NODE_NAME_CHARS);
        assert!(numbered_name(&long, 12).ends_with("ß-12"));
        assert!(check_name(&numbered_name(&long, 12)).is_ok());
    }
}
