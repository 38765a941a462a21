//! A render job: what a client may ask for, checked field by field, and the states it goes through.
//!
//! The rules of the fields come from the contract's page "Submitting Render Jobs"; what is marked *ours* there stands
//! here and nowhere else, so that a captured session of the hosted service can correct it in one edit.

use super::account::Account;
use super::clip::Clip;
use super::error::{Error, Result};
use super::failure::Failure;
use super::id::{AccountId, JobId, KeyId};
use super::key::KeyClass;
use super::limits;

pub use super::demo_url::check_demo_url;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Waits for a node.
    Queued,
    /// A node holds its lease.
    Rendering,
    /// Its clip is published.
    Done,
    /// Failed for good.
    Failed,
    /// Cancelled by its owner or the operator.
    Cancelled,
}

impl JobStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Rendering, Self::Done, Self::Failed, Self::Cancelled];

    /// The word in the store and in answers.
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

    /// Whether the job may still change by itself.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Queued | Self::Rendering)
    }

    /// The state table: may a job go from `self` to `next`?
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Rendering | Self::Cancelled),
            Self::Rendering => matches!(next, Self::Queued | Self::Done | Self::Failed | Self::Cancelled),
            // `admin jobs retry` puts them back; done is the end.
            Self::Failed | Self::Cancelled => matches!(next, Self::Queued),
            Self::Done => false,
        }
    }
}

/// What the node is at, while a job renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Getting and unpacking the demo.
    Fetching,
    /// Finding round and player in it.
    Parsing,
    /// Making the video.
    Rendering,
    /// Sending the video to the server.
    Uploading,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Fetching, Self::Parsing, Self::Rendering, Self::Uploading];

    /// The word in answers.
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

/// Which renderer makes the clip. Nothing falls back from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Renderer {
    /// The tactical replay that every node can draw.
    Builtin,
    /// First-person footage from a node with the game.
    Game,
}

impl Renderer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Builtin, Self::Game];

    /// The word in the store and in answers.
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

    /// From its text: exactly 17 digits inside the range (*ours*). `field` is the name to blame.
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

/// Console overrides that the contract knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commands {
    /// `spec_show_xray`: player outlines through walls. Off when left out.
    pub spec_show_xray: bool,
    /// `cl_draw_only_deathnotices`: hides the HUD but for the kill feed. On when left out.
    pub cl_draw_only_deathnotices: bool,
}

impl Default for Commands {
    fn default() -> Self {
        Self { spec_show_xray: false, cl_draw_only_deathnotices: true }
    }
}

/// What a client asks for. Built by [`JobSpec::check`]'s callers only from checked parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Where the demo is: http or https.
    pub demo_url: String,
    /// Whose point of view.
    pub steam64_id: SteamId,
    /// The N-th round of the match, 1 or greater.
    pub round: u32,
    /// Frames per second: 30 or 60.
    pub fps: u32,
    /// Lines of the picture: 1080 or 1440.
    pub resolution: u32,
    /// Console overrides.
    pub commands: Commands,
    /// Which renderer.
    pub renderer: Renderer,
    /// The client's own JSON object as text, echoed everywhere the job appears (*ours*).
    pub metadata: Option<String>,
}

impl JobSpec {
    /// Frames per second when left out.
    pub const DEFAULT_FPS: u32 = 30;
    /// Lines when left out.
    pub const DEFAULT_RESOLUTION: u32 = 1080;
    /// The renderer when left out.
    pub const DEFAULT_RENDERER: Renderer = Renderer::Builtin;

    /// Width of the picture in pixels: 16:9.
    pub fn width(&self) -> u32 {
        self.resolution / 9 * 16
    }
}

/// A round's number: 1 to [`limits::ROUND_MAX`].
pub fn check_round(round: i64) -> Result<u32> {
    let inside = u32::try_from(round).ok().filter(|round| (1..=limits::ROUND_MAX).contains(round));
    inside.ok_or_else(|| {
        let bound = if round < 1 { "1 or greater".to_owned() } else { format!("at most {}", limits::ROUND_MAX) };
        Error::invalid("round", format!("round must be an integer, {bound}."))
    })
}

/// Frames per second that there are (contract).
pub const FPS: [u32; 2] = [30, 60];
/// Lines of the picture that there are (contract).
pub const RESOLUTIONS: [u32; 2] = [1080, 1440];

/// Frames per second: 30 or 60.
pub fn check_fps(fps: i64) -> Result<u32> {
    one_of(fps, FPS).ok_or_else(|| Error::invalid("fps", "fps must be the integer 30 or 60."))
}

/// Lines of the picture: 1080 or 1440.
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
    /// What clients call it by: a UUID v7.
    pub public_id: uuid::Uuid,
    /// Whose it is.
    pub account: AccountId,
    /// The key that submitted it.
    pub key: KeyId,
    /// Metered or reserved: the key's class.
    pub class: KeyClass,
    /// What was asked for.
    pub spec: JobSpec,
    /// Where it stands.
    pub status: JobStatus,
    /// How many attempts have counted against it, see [`limits::ATTEMPTS`].
    pub attempts: u32,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// When the first node claimed it. Unix time in milliseconds.
    pub started_at_ms: Option<i64>,
    /// When it ended. Unix time in milliseconds.
    pub finished_at_ms: Option<i64>,
    /// Why it failed; also kept of a failed attempt while another is awaited.
    pub failure: Option<Failure>,
    /// The clip, once done and until deleted.
    pub clip: Option<Clip>,
}

/// Who is calling: an account that is active, by one of its live keys.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The key it called with.
    pub key: KeyId,
    /// The key's class: what its jobs are.
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
    fn a_job_that_is_done_changes_no_more() {
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
