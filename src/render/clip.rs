//! One clip from end to end: read the scene, draw and encode its frames, write video and poster.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::demo;
use super::draw::{Film, Look, Painter, poster};
use super::reel;
use super::video::Movie;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
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

/// Makes one clip. Errors carry a [`FailureCode`] word as their code, so that the command contract can pass it on.
///
/// The video appears at its path only when it is whole, and after the poster.
pub fn render(request: &ClipRequest<'_>, progress: OnProgress<'_>) -> Result<ClipReport> {
    let look = look(request)?;
    tell(progress, Stage::Parsing, 0.0)?;
    let scene = demo::scene(request.demo, request.round, request.steam64)?;
    tell(progress, Stage::Parsing, 1.0)?;
    let film = Film::new(&scene, look)?;
    tell(progress, Stage::Rendering, 0.0)?;

    let (video, poster) = (unfinished(request.video), unfinished(request.poster));
    let made = make(&film, look, &video, &poster, progress).and_then(|frames| {
        std::fs::rename(&poster, request.poster).map_err(disk)?;
        std::fs::rename(&video, request.video).map_err(disk)?;
        Ok(frames)
    });
    if made.is_err() {
        // Whatever is there is worth nothing, and the node sweeps what cannot be removed.
        let _ = std::fs::remove_file(&video);
        let _ = std::fs::remove_file(&poster);
    }
    Ok(ClipReport { frames: made?, start_tick: scene.clip_start_tick, end_tick: scene.clip_end_tick })
}

fn make(film: &Film<'_>, look: Look, video: &Path, poster: &Path, progress: OnProgress<'_>) -> Result<u64> {
    let mut movie = Movie::create(video, look.width, look.height, look.fps)?;
    reel::shoot(film, &mut movie, &mut |part| tell(progress, Stage::Rendering, part))?;
    let mut painter = Painter::new(film);
    painter.frame(film.poster_frame());
    poster::write(painter.picture(), poster)?;
    let frames = movie.frames();
    movie.finish()?;
    Ok(frames)
}

fn look(request: &ClipRequest<'_>) -> Result<Look> {
    let ClipRequest { fps, width, height, xray, deathnotices_only, .. } = *request;
    // Even sizes: chroma has half of each. What the encoder and the players manage ends at 4K.
    let possible = |edge: u32| (64..=3_840).contains(&edge) && edge.is_multiple_of(2);
    if !possible(width) || !possible(height) || !(1..=120).contains(&fps) {
        let message = format!("A clip cannot be {width}x{height} at {fps} frames a second.");
        return Err(Error::new(Kind::Invalid, FailureCode::RenderFailed.as_str(), message));
    }
    Ok(Look { fps, width, height, xray, deathnotices_only })
}

fn tell(progress: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>, stage: Stage, part: f64) -> Result<()> {
    match progress(stage, part) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(Error::new(Kind::Conflict, FailureCode::RenderFailed.as_str(), "The render was stopped."))
        }
    }
}

/// The name of a file until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn disk(error: std::io::Error) -> Error {
    Error::new(Kind::Internal, FailureCode::NodeFailed.as_str(), "The clip could not be written.").because(error)
}
