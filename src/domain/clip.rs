//! A clip: the finished video, its unguessable URL, and what the server read from the file.

use super::sha256::Sha256;

/// Bytes of an uploaded video: 4 GiB.
pub const VIDEO_BYTES: u64 = 4 << 30;
/// Bytes of an uploaded poster: 8 MiB.
pub const POSTER_BYTES: u64 = 8 << 20;
/// Seconds of footage in one clip. No round lasts ten minutes.
pub const CLIP_SECONDS: u32 = 600;
/// Milliseconds by which a clip may differ in length from its round.
pub const CLIP_TOLERANCE_MS: u64 = 500;
/// Seconds shown before freeze time ends (ours).
pub const CLIP_LEAD_SECONDS: u32 = 3;
/// Seconds shown after the round's end (ours).
pub const CLIP_TAIL_SECONDS: u32 = 3;

/// The second of a clip at which it shows a tick of its demo. Second 0 is the first tick of the round's clip:
/// [`CLIP_LEAD_SECONDS`] before freeze time ends.
pub fn clip_second(tick: f64, first_tick: i32, tick_rate: f32) -> f64 {
    (tick - f64::from(first_tick)) / f64::from(tick_rate)
}

/// The view that a clip shows, so that clients can always tell which renderer made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Top-down: the built-in renderer.
    Tactical,
    /// First person, from the player's view: the game.
    FirstPerson,
}

impl View {
    /// The name used in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tactical => "tactical",
            Self::FirstPerson => "first_person",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Tactical, Self::FirstPerson].into_iter().find(|view| view.as_str() == word)
    }
}

/// The token in a clip's URL: 128 random bits in hexadecimal (32 characters). Anyone who has it may watch the clip.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClipToken(String);

impl ClipToken {
    /// From random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// Parses a path segment: 32 lower-case hexadecimal digits, otherwise `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then(|| Self(text.to_owned()))
    }

    /// The token in clear, for the URL given to the clip's owner. Must never be logged.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClipToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClipToken(…)")
    }
}

/// Properties of a video, read from the file itself. Billing uses these, not what a node reports.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFacts {
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// Frames in the video track.
    pub frames: u64,
    /// Frames per second, rounded to a whole number.
    pub fps: u32,
    /// Length of the video track in milliseconds.
    pub duration_ms: u64,
    /// Whether there is a sound track.
    pub has_audio: bool,
}

/// A published clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Its URL token.
    pub token: ClipToken,
    /// The lease it was uploaded under, after which its files are named.
    pub lease: super::id::LeaseId,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Properties of the video.
    pub video: VideoFacts,
    /// The view that it shows.
    pub view: View,
    /// Whether the renderer saw the right player throughout; `None` for the tactical view, which has no point of view.
    pub pov_verified: Option<bool>,
}
