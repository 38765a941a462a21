//! How long a preset waits for what, and how much free disk space it needs.

use std::time::Duration;

/// Seconds for a tool to read the demo.
const ANALYZE_SECONDS: u64 = 300;
/// Seconds until the game plays the demo: the script or the plugin says that it is loaded.
const START_SECONDS: u64 = 300;
/// Seconds from the start within which a game that has closed counts as one that cannot start.
const FAST_CRASH_SECONDS: u64 = 60;
/// Seconds until recording begins: a late round is simulated from the demo's start.
const SEEK_SECONDS: u64 = 600;
/// Seconds without progress and without a growing file while recording.
const STALL_SECONDS: u64 = 120;
/// Seconds until the game has quit after recording.
const QUIT_SECONDS: u64 = 120;
/// Seconds for putting picture and sound together.
const ENCODE_SECONDS: u64 = 300;
/// Seconds of silence on standard output: writing to it is how a preset notices that its parent is gone.
const SILENCE_SECONDS: u64 = 5;
/// Seconds between two looks for error windows.
const WINDOWS_SECONDS: u64 = 2;
/// Free bytes that the disks of the work directory and of the game must keep: 4 GiB.
const FREE_BYTES: u64 = 4 << 30;

/// The limits of a preset. Tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a tool to read the demo.
    pub analyze: Duration,
    /// Until the game plays the demo.
    pub start: Duration,
    /// From the start, while a closed game counts as one that cannot start.
    pub fast_crash: Duration,
    /// Until recording begins.
    pub seek: Duration,
    /// Without progress and without a growing file while recording.
    pub stall: Duration,
    /// Until the game has quit.
    pub quit: Duration,
    /// For putting picture and sound together.
    pub encode: Duration,
    /// Between two lines on standard output.
    pub silence: Duration,
    /// Between two looks for error windows.
    pub windows: Duration,
    /// Free bytes that the disks must keep.
    pub free_bytes: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            analyze: Duration::from_secs(ANALYZE_SECONDS),
            start: Duration::from_secs(START_SECONDS),
            fast_crash: Duration::from_secs(FAST_CRASH_SECONDS),
            seek: Duration::from_secs(SEEK_SECONDS),
            stall: Duration::from_secs(STALL_SECONDS),
            quit: Duration::from_secs(QUIT_SECONDS),
            encode: Duration::from_secs(ENCODE_SECONDS),
            silence: Duration::from_secs(SILENCE_SECONDS),
            windows: Duration::from_secs(WINDOWS_SECONDS),
            free_bytes: FREE_BYTES,
        }
    }
}
