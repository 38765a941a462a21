//! What lists return: which rows, and how many.

use super::job::{JobStatus, SteamId};
use super::sha256::Sha256;

/// Maximum number of rows in a list without pages.
pub const LIST_ROWS: u32 = 10_000;
/// Default number of jobs on a page.
pub const PAGE_DEFAULT: u32 = 50;
/// Maximum number of jobs on a page.
pub const PAGE_MAX: u32 = 100;

/// Which of an account's jobs to list; `None` matches everything. Times are Unix times in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobFilter {
    /// Only jobs with this status.
    pub status: Option<JobStatus>,
    /// Only jobs that follow this player.
    pub player: Option<SteamId>,
    /// Only jobs of this uploaded demo.
    pub demo: Option<Sha256>,
    /// Only jobs submitted after this time.
    pub created_after_ms: Option<i64>,
    /// Only jobs submitted before this time.
    pub created_before_ms: Option<i64>,
}

/// Cuts a page that was read with one extra row to its limit. Returns whether there was one: then another page follows.
pub fn cut<T>(rows: &mut Vec<T>, limit: u32) -> bool {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    more
}
