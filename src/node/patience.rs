//! How long a renderer may take.

use std::time::Duration;

use crate::domain::clip::CLIP_SECONDS;

/// Seconds until a renderer must produce its first output line.
const RENDER_START_SECONDS: u64 = 300;
/// Seconds from then until its first progress or the first bytes of a file: a game must simulate a late round from the
/// demo's beginning.
const RENDER_SEEK_SECONDS: u64 = 600;
/// Seconds that a renderer may then go without progress and without a file growing.
const RENDER_STALL_SECONDS: u64 = 120;
/// Base timeout of a renderer in seconds, in addition to [`RENDER_SECONDS_PER_CLIP_SECOND`]: it starts and seeks.
pub const RENDER_BASE_SECONDS: u64 = RENDER_START_SECONDS + RENDER_SEEK_SECONDS;
/// Additional seconds of a renderer's timeout per second of the clip.
const RENDER_SECONDS_PER_CLIP_SECOND: u64 = 10;
/// Seconds until a game that was not ready is tried again, doubled each time.
const GAME_RETRY_SECONDS: u64 = 600;
/// Seconds between writing the cancel file and killing the renderer.
const RENDER_CANCEL_SECONDS: u64 = 10;

/// A renderer's timeouts.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until its first line of output.
    pub start: Duration,
    /// From then until its first progress.
    pub seek: Duration,
    /// Without further progress or a growing file.
    pub stall: Duration,
    /// For the whole run.
    pub total: Duration,
    /// Until a game that was not ready is tried again the first time.
    pub retry: Duration,
    /// Between being asked to stop and being killed.
    pub cancel: Duration,
}

impl Patience {
    /// The timeout for a clip of this length, if it is known.
    pub fn total_for(&self, length_ms: Option<u64>) -> Duration {
        let needed = |millis: u64| RENDER_BASE_SECONDS + RENDER_SECONDS_PER_CLIP_SECOND * millis.div_ceil(1_000);
        length_ms.map_or(self.total, |millis| self.total.min(Duration::from_secs(needed(millis))))
    }
}

impl Default for Patience {
    fn default() -> Self {
        // Only the renderer knows the clip's length, so allow for the longest possible clip.
        let total = RENDER_BASE_SECONDS + RENDER_SECONDS_PER_CLIP_SECOND * u64::from(CLIP_SECONDS);
        Self {
            start: Duration::from_secs(RENDER_START_SECONDS),
            seek: Duration::from_secs(RENDER_SEEK_SECONDS),
            stall: Duration::from_secs(RENDER_STALL_SECONDS),
            total: Duration::from_secs(total),
            retry: Duration::from_secs(GAME_RETRY_SECONDS),
            cancel: Duration::from_secs(RENDER_CANCEL_SECONDS),
        }
    }
}
