//! Renders one clip end to end: reads the scene, draws and encodes its frames, writes the video and the poster.

use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::demo::{self, Known};
use super::draw::{Look, Painter, Replay, poster};
use super::map_grounds::MapGround;
use super::pipeline;
use super::preview::Preview;
use super::radars;
use super::scene::Scene;
use super::video::Mp4Writer;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::job::Stage;

/// Everything the built-in renderer needs for one clip.
#[derive(Clone, Debug)]
pub struct ClipRequest<'a> {
    /// An uncompressed demo.
    pub demo: &'a Path,
    /// The player to follow.
    pub steam64: u64,
    /// Round number.
    pub round: u32,
    /// The output settings.
    pub look: Look,
    /// The folder of what is known of maps, if any: see [`super::map_grounds`].
    pub maps: Option<&'a Path>,
    /// The folder of the studio's own pictures of maps, if any: see [`super::radars`].
    pub radars: Option<&'a Path>,
    /// Output path of the MP4.
    pub video: &'a Path,
    /// Output path of the poster (JPEG).
    pub poster: &'a Path,
    /// Small pictures of the render as it goes on, if they are wanted.
    pub preview: Option<&'a Preview>,
}

/// What was rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipReport {
    /// Frames written.
    pub frames: u64,
    /// First tick shown.
    pub start_tick: i32,
    /// Last tick shown.
    pub end_tick: i32,
    /// Whether the map is a picture from [`ClipRequest::radars`].
    pub own_map: bool,
}

/// Progress callback, called between frames with `parsing` or `rendering` and the stage's progress from 0 to 1. On
/// `Break` the render stops, leaves no files, and returns an error.
pub type OnProgress<'a> = &'a mut dyn FnMut(Stage, f64) -> ControlFlow<()>;

/// Renders one clip. The code of an error is a [`FailureCode`], as the command contract expects.
///
/// Video and poster appear at their paths only when complete, the poster first.
pub fn render(request: &ClipRequest<'_>, progress: OnProgress<'_>) -> Result<ClipReport> {
    let look = request.look;
    check(look)?;
    report(progress, Stage::Parsing, 0.0)?;
    let mut scene = scene(request)?;
    if let Some(folder) = request.radars {
        // A clip can do without: its map is then drawn as for everybody.
        scene.radar = radars::read(folder, &scene.map).unwrap_or_else(|error| {
            log::warn!("{}", error.message);
            None
        });
    }
    report(progress, Stage::Parsing, 1.0)?;
    let replay = Replay::new(&scene, look)?;
    report(progress, Stage::Rendering, 0.0)?;

    let (video, poster) = (partial_path(request.video), partial_path(request.poster));
    let made = make(&replay, request, &video, &poster, progress).and_then(|frames| {
        std::fs::rename(&poster, request.poster).map_err(write_failed)?;
        std::fs::rename(&video, request.video).map_err(write_failed)?;
        Ok(frames)
    });
    if made.is_err() {
        // Partial files are useless; if they cannot be removed, the node's cleanup will.
        let _ = std::fs::remove_file(&video);
        let _ = std::fs::remove_file(&poster);
    }
    let (start_tick, end_tick, own_map) = (scene.clip_start_tick, scene.clip_end_tick, scene.radar.is_some());
    Ok(ClipReport { frames: made?, start_tick, end_tick, own_map })
}

/// Reads the round, with what other demos have shown of its map.
fn scene(request: &ClipRequest<'_>) -> Result<Scene> {
    let read = |known| demo::scene(request.demo, request.round, request.steam64, &known);
    let Some(folder) = request.maps else { return read(Known::default()) };
    let map = OnceCell::new();
    let ground = |name: &str| map.get_or_init(|| MapGround::read(folder, name)).enough();
    let mut scene = read(Known { ground: Some(&ground), ..Known::default() })?;
    if let Some(Err(error)) = map.into_inner().map(|map| map.add_to(&mut scene.ground)) {
        log::warn!("What the demo shows of its map could not be kept: {error}");
    }
    Ok(scene)
}

fn make(
    replay: &Replay<'_>,
    request: &ClipRequest<'_>,
    video: &Path,
    poster: &Path,
    progress: OnProgress<'_>,
) -> Result<u64> {
    let look = request.look;
    let mut video = Mp4Writer::create(video, look.width, look.height, look.fps)?;
    pipeline::run(replay, &mut video, request.preview, &mut |part| report(progress, Stage::Rendering, part))?;
    let mut painter = Painter::new(replay)?;
    painter.frame(replay.poster_frame());
    poster::write(painter.picture(), poster)?;
    let frames = video.frames();
    video.finish()?;
    Ok(frames)
}

/// Errors: sizes and frame rates that cannot be encoded.
fn check(look: Look) -> Result<()> {
    let Look { fps, width, height, .. } = look;
    // Width and height must be even for 4:2:0 chroma; encoder and players support up to 4K.
    let possible = |edge: u32| (64..=3_840).contains(&edge) && edge.is_multiple_of(2);
    if !possible(width) || !possible(height) || width.min(height) > 2_160 || !(1..=120).contains(&fps) {
        let message = format!("Cannot render a clip at {width}x{height} and {fps} frames per second.");
        return Err(Error::of_failure(Kind::Invalid, FailureCode::RenderFailed, message));
    }
    Ok(())
}

fn report(progress: &mut dyn FnMut(Stage, f64) -> ControlFlow<()>, stage: Stage, part: f64) -> Result<()> {
    match progress(stage, part) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(Error::of_failure(Kind::Conflict, FailureCode::RenderFailed, "The render was stopped."))
        }
    }
}

/// Temporary name of a file until it is complete.
fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn write_failed(error: std::io::Error) -> Error {
    Error::of_failure(Kind::Internal, FailureCode::NodeFailed, "Could not write the clip.").because(error)
}
