//! A clip: the finished video, its unguessable address, and what the server itself read off the file.

use super::sha256::Sha256;

/// What the picture shows: a client can always tell which renderer made a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// From above: the built-in renderer.
    Tactical,
    /// Through the player's eyes: the game.
    FirstPerson,
}

impl View {
    /// The word in the store and in answers.
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

/// The address part of a clip: 128 random bits in hexadecimal (32 characters). Whoever has it may watch.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClipToken(String);

impl ClipToken {
    /// From random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// From a path: 32 lower-case hexadecimal digits, else `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then(|| Self(text.to_owned()))
    }

    /// For the address that is handed to the clip's owner. Never goes to a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClipToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClipToken(…)")
    }
}

/// What a video file is, read from its own structure. Billing uses this, not what a node says.
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
    /// Its address.
    pub token: ClipToken,
    /// The lease it was uploaded under: its files are `clips/{lease}.mp4` and `.jpg`.
    pub lease: super::id::LeaseId,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// What the file is.
    pub video: VideoFacts,
    /// What the picture shows.
    pub view: View,
    /// Whether the renderer saw the right player throughout; `None` for the tactical view: it has no such thing.
    pub pov_verified: Option<bool>,
}
