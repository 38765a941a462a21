//! Render jobs: validation of each requested field, and the states of a job.
//!
//! The field rules come from the contract's page "Submitting Render Jobs". What it marks *ours* is implemented only
//! here, so that a captured session of the hosted service can correct it in one place.

use super::account::Account;
use super::clip::Clip;
use super::error::{Error, Result};
use super::failure::Failure;
use super::id::{AccountId, JobId, KeyId};
use super::key::KeyClass;

/// The largest round number accepted. No match has 1,000 rounds.
pub const ROUND_MAX: u32 = i32::MAX as u32;
/// Failed attempts after which a job fails.
pub const ATTEMPTS: u32 = 3;

/// Status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Waits for a node.
    Queued,
    /// A node holds its lease.
    Rendering,
    /// Its clip has been published.
    Done,
    /// Failed permanently.
    Failed,
    /// Cancelled by its owner or the operator.
    Cancelled,
}

impl JobStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Rendering, Self::Done, Self::Failed, Self::Cancelled];

    /// The name used in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Rendering => "rendering",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the job can still change without the operator.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Queued | Self::Rendering)
    }

    /// The state table: whether a job may change from `self` to `next`.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Rendering | Self::Cancelled),
            Self::Rendering => matches!(next, Self::Queued | Self::Done | Self::Failed | Self::Cancelled),
            // `admin jobs retry` requeues them; done is final.
            Self::Failed | Self::Cancelled => matches!(next, Self::Queued),
            Self::Done => false,
        }
    }
}

/// What the node is doing while a job renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Fetching and decompressing the demo.
    Fetching,
    /// Finding the round and the player in it.
    Parsing,
    /// Rendering the video.
    Rendering,
    /// Uploading the video to the server.
    Uploading,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Fetching, Self::Parsing, Self::Rendering, Self::Uploading];

    /// The name used in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Parsing => "parsing",
            Self::Rendering => "rendering",
            Self::Uploading => "uploading",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == word)
    }
}

/// The renderer that makes the clip. There is no fallback from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Renderer {
    /// The tactical replay that every node can render.
    Builtin,
    /// First-person footage from a node with the game.
    Game,
}

impl Renderer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Builtin, Self::Game];

    /// The name used in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Game => "game",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|renderer| renderer.as_str() == word)
    }
}

/// A 64-bit Steam ID of an individual account in the public universe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SteamId(u64);

impl SteamId {
    /// The smallest: universe 1, type 1, instance 1, account number 0.
    pub const FIRST: u64 = 76_561_197_960_265_728;
    /// The largest: account number 2³²−1.
    pub const LAST: u64 = Self::FIRST + u32::MAX as u64;

    /// From a number.
    pub fn new(number: u64) -> Option<Self> {
        (Self::FIRST..=Self::LAST).contains(&number).then_some(Self(number))
    }

    /// Parses exactly 17 digits inside the range (*ours*). `field` is the field to name in the error.
    pub fn parse(text: &str, field: &str) -> Result<Self> {
        let digits = text.len() == 17 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().and_then(Self::new)).flatten().ok_or_else(|| {
            Error::invalid(
                field,
                format!("{field} must be the 17-digit Steam ID of a player, {} to {}.", Self::FIRST, Self::LAST),
            )
        })
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for SteamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Console overrides defined by the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commands {
    /// `spec_show_xray`: player outlines through walls. Off by default.
    pub spec_show_xray: bool,
    /// `cl_draw_only_deathnotices`: hides the HUD except for the kill feed. On by default.
    pub cl_draw_only_deathnotices: bool,
}

impl Default for Commands {
    fn default() -> Self {
        Self { spec_show_xray: false, cl_draw_only_deathnotices: true }
    }
}

/// What a client requests. Callers of [`JobSpec::check`] build it from validated parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// URL of the demo: http or https.
    pub demo_url: String,
    /// The player whose point of view is rendered.
    pub steam64_id: SteamId,
    /// The N-th round of the match, 1 or greater.
    pub round: u32,
    /// Frames per second: 30 or 60.
    pub fps: u32,
    /// Picture height in lines: 1080 or 1440.
    pub resolution: u32,
    /// Console overrides.
    pub commands: Commands,
    /// The renderer.
    pub renderer: Renderer,
    /// The client's own JSON object as text, returned wherever the job appears (*ours*).
    pub metadata: Option<String>,
}

impl JobSpec {
    /// Default frame rate.
    pub const DEFAULT_FPS: u32 = 30;
    /// Default picture height.
    pub const DEFAULT_RESOLUTION: u32 = 1080;
    /// Default renderer.
    pub const DEFAULT_RENDERER: Renderer = Renderer::Builtin;

    /// Width of the picture in pixels: 16:9.
    pub fn width(&self) -> u32 {
        self.resolution / 9 * 16
    }
}

/// Checks a round number: 1 to [`ROUND_MAX`].
pub fn check_round(round: i64) -> Result<u32> {
    let inside = u32::try_from(round).ok().filter(|round| (1..=ROUND_MAX).contains(round));
    inside.ok_or_else(|| {
        let bound = if round < 1 { "1 or greater".to_owned() } else { format!("at most {ROUND_MAX}") };
        Error::invalid("round", format!("round must be an integer, {bound}."))
    })
}

/// Supported frame rates (contract).
pub const FPS: [u32; 2] = [30, 60];
/// Supported picture heights (contract).
pub const RESOLUTIONS: [u32; 2] = [1080, 1440];

/// Checks a frame rate: 30 or 60.
pub fn check_fps(fps: i64) -> Result<u32> {
    one_of(fps, FPS).ok_or_else(|| Error::invalid("fps", "fps must be the integer 30 or 60."))
}

/// Checks a picture height: 1080 or 1440.
pub fn check_resolution(lines: i64) -> Result<u32> {
    one_of(lines, RESOLUTIONS)
        .ok_or_else(|| Error::invalid("resolution", "resolution must be the integer 1080 or 1440."))
}

fn one_of(value: i64, allowed: [u32; 2]) -> Option<u32> {
    allowed.into_iter().find(|known| i64::from(*known) == value)
}

/// A job as the store holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its row: order and cursors.
    pub id: JobId,
    /// The UUID v7 that clients use.
    pub public_id: uuid::Uuid,
    /// The account it belongs to.
    pub account: AccountId,
    /// The key that submitted it.
    pub key: KeyId,
    /// Metered or reserved: the key's class.
    pub class: KeyClass,
    /// What was requested.
    pub spec: JobSpec,
    /// Build of the game that recorded its demo, if known.
    pub demo_build: Option<u32>,
    /// Its status.
    pub status: JobStatus,
    /// Attempts that counted against it, see [`ATTEMPTS`].
    pub attempts: u32,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// When a node first claimed it. Unix time in milliseconds.
    pub started_at_ms: Option<i64>,
    /// When it ended. Unix time in milliseconds.
    pub finished_at_ms: Option<i64>,
    /// Why it failed; also set between a failed attempt and the next one.
    pub failure: Option<Failure>,
    /// The clip, from completion until it is deleted.
    pub clip: Option<Clip>,
}

/// The caller: an active account, authenticated by one of its live keys.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The key used.
    pub key: KeyId,
    /// The key's class, which its jobs inherit.
    pub class: KeyClass,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steam_id_is_seventeen_digits_inside_the_range_of_individual_accounts() {
        let cases = [
            ("76561197960265728", true),
            ("76561202255233023", true),
            ("76561198000000000", true),
            ("76561197960265727", false),
            ("76561202255233024", false),
            ("7656119796026572", false),
            ("076561198000000000", false),
            ("+6561198000000000", false),
            ("7656119800000000x", false),
            ("", false),
        ];
        for (text, good) in cases {
            assert_eq!(SteamId::parse(text, "steam64_id").is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn a_done_job_never_changes() {
        use JobStatus::*;
        for from in JobStatus::ALL {
            for to in JobStatus::ALL {
                let allowed = matches!(
                    (from, to),
                    (Queued, Rendering | Cancelled)
                        | (Rendering, Queued | Done | Failed | Cancelled)
                        | (Failed | Cancelled, Queued)
                );
                assert_eq!(from.may_become(to), allowed, "{from:?} to {to:?}");
            }
        }
    }
}
