//! The job as clients see it (`api.md`, "The job").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A job in an answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JobView {
    /// UUID v7.
    pub id: String,
    /// `queued`, `rendering`, `done`, `failed` or `cancelled`.
    pub status: String,
    /// While rendering: `fetching`, `parsing`, `rendering`, `uploading`.
    pub stage: Option<String>,
    /// 0 to 1.
    pub progress: f64,
    /// 1 + the same account's and class's waiting jobs ahead; null unless queued.
    pub queue_position: Option<u64>,
    /// Why it waits, in words; null unless queued.
    pub waiting_because: Option<String>,
    /// `metered` or `reserved`.
    pub job_type: String,
    /// As submitted.
    pub demo_url: String,
    /// As submitted.
    pub steam64_id: String,
    /// As submitted.
    pub round: u32,
    /// Frames a second.
    pub fps: u32,
    /// Lines.
    pub resolution: u32,
    /// Both overrides, with defaults filled in.
    pub commands: CommandsView,
    /// `builtin` or `game`.
    pub renderer: String,
    /// The client's own object, to the byte.
    pub metadata: Option<Box<RawValue>>,
    /// Attempts so far.
    pub attempts: u32,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// Why it failed.
    pub error: Option<FailureView>,
    /// The clip, once done and until deleted.
    pub clip: Option<ClipView>,
}

/// The answer of `GET /api/clips`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JobList {
    /// Newest first.
    pub clips: Vec<JobView>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Console overrides in an answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CommandsView {
    /// `"0"` or `"1"`.
    pub spec_show_xray: String,
    /// `"0"` or `"1"`.
    pub cl_draw_only_deathnotices: String,
}

/// Why a job failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FailureView {
    /// A word of [`crate::domain::failure::FailureCode`].
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

/// A published clip in an answer. URLs are absolute.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClipView {
    /// The MP4.
    pub url: String,
    /// The poster, a JPEG.
    pub poster_url: String,
    /// The player page.
    pub embed_url: String,
    /// An iframe with the player page.
    pub embed_html: String,
    /// Seconds of footage.
    pub duration_seconds: f64,
    /// Bytes of the MP4.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of the MP4.
    pub sha256: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// `tactical` or `first_person`.
    pub view: String,
    /// Whether it has sound.
    pub has_audio: bool,
    /// Whether the right point of view was seen throughout; null for the tactical view.
    pub pov_verified: Option<bool>,
}
