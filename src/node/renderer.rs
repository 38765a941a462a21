//! Runs a renderer under the command contract (`nodes.md`), and watches over it.

use std::time::Duration;

use crate::domain::limits;

/// How long a renderer is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until its first word.
    pub start: Duration,
    /// Without progress and without a growing file.
    pub stall: Duration,
    /// In all.
    pub total: Duration,
    /// Between being asked to stop and being killed.
    pub cancel: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        // How long the clip is, only the renderer knows: the longest one that there can be decides.
        let total =
            limits::RENDER_BASE_SECONDS + limits::RENDER_SECONDS_PER_CLIP_SECOND * u64::from(limits::CLIP_SECONDS);
        Self {
            start: Duration::from_secs(limits::RENDER_START_SECONDS),
            stall: Duration::from_secs(limits::RENDER_STALL_SECONDS),
            total: Duration::from_secs(total),
            cancel: Duration::from_secs(limits::RENDER_CANCEL_SECONDS),
        }
    }
}
