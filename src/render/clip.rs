//! One clip from end to end: read the scene, draw and encode its frames, write video and poster.

use std::ops::ControlFlow;
use std::path::Path;

use crate::domain::error::Result;
use crate::domain::job::Stage;

/// What to make. The built-in renderer's whole input.
#[derive(Clone, Debug)]
pub struct ClipRequest<'a> {
    /// A plain, unpacked demo.
    pub demo: &'a Path,
    /// Whom to follow.
    pub steam64: u64,
    /// The N-th round.
    pub round: u32,
    /// Frames a second: 30 or 60.
    pub fps: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `spec_show_xray`.
    pub xray: bool,
    /// `cl_draw_only_deathnotices`.
    pub deathnotices_only: bool,
    /// Where the MP4 goes.
    pub video: &'a Path,
    /// Where the poster (JPEG) goes.
    pub poster: &'a Path,
}

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipReport {
    /// Frames written.
    pub frames: u64,
    /// First tick shown.
    pub start_tick: i32,
    /// Last tick shown.
    pub end_tick: i32,
}

/// Where a render stands: called with `parsing` or `rendering` and 0 to 1 within it, between any two frames. On `Break`
/// the render stops, leaves no file and answers with an error.
pub type OnProgress<'a> = &'a mut dyn FnMut(Stage, f64) -> ControlFlow<()>;

/// Makes one clip. Errors carry a [`crate::domain::failure::FailureCode`] word as their code, so that the command
/// contract can pass it on.
pub fn render(_request: &ClipRequest<'_>, _progress: OnProgress<'_>) -> Result<ClipReport> {
    todo!()
}
