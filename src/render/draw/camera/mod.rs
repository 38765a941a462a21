//! The camera: fixed shots with few eased moves, planned for the whole clip before the first frame is drawn.
//!
//! The picture stands still while everything that matters fits a safe frame, then moves to the place that lasts
//! longest. Two neighboring shots both contain what matters during the move between them, and so does every view in
//! between, because it is a mixture of the two.

mod need;
mod shots;
#[cfg(test)]
mod tests;

use super::canvas::{Area, UNITS};
use super::ground::Terrain;
use super::view::View;
use crate::domain::camera::CameraMode;
use crate::render::scene::Scene;
use need::Needs;
use shots::{Levels, Shot};

pub use need::{PLATE_SECONDS, Timeline};

/// Design units per map unit of the zoom levels above the whole map, tightest first.
const ZOOMS: [f32; 3] = [0.625, 0.48, 0.36];
/// Duration of a move.
const MOVE_SECONDS: f32 = 1.1;
/// Duration of the first move, from the whole map beside the intro card to the first shot; it ends with the freeze time.
pub const PUSH_SECONDS: f32 = 0.9;
/// Minimum seconds from the end of a move to the end of the next.
const STAND_SECONDS: f32 = 3.0;
/// Size of the safe frame at 1920 units, and the height of its center.
const SAFE: (f32, f32, f32) = (1_240.0, 720.0, 500.0);
/// Share of the distance between two zoom levels that makes one of them superfluous.
const ZOOM_STEP: f32 = 1.1;

/// What is seen at each frame.
pub struct Camera {
    shots: Vec<Shot>,
    /// Pixels per design unit.
    pixels: f32,
    /// Place of a shot's center on the picture in design units.
    middle: (f32, f32),
    /// See [`Self::opens_with_map`].
    opens_with_map: bool,
}

/// The camera at one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// What it sees.
    pub view: View,
    /// The shot that it rests on, or moves to.
    pub shot: usize,
    /// Whether it moves.
    pub moving: bool,
    /// Pixels per map unit of the shot that it comes from, and of the one that it moves to or rests on.
    pub scales: [f32; 2],
}

/// What the camera plan needs to know about the picture.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Width in design units.
    pub width: f32,
    /// Pixels per design unit.
    pub pixels: f32,
    /// Where the whole map is shown.
    pub map: Area,
    /// Where the whole map is shown before the round starts.
    pub intro: Area,
}

impl Camera {
    /// Plans a clip.
    pub fn plan(scene: &Scene, terrain: &Terrain, timeline: &Timeline, mode: CameraMode, frame: Frame) -> Self {
        let middle = (frame.width / 2.0, SAFE.2);
        let bounds = terrain.bounds().unwrap_or_else(|| need::extent(scene));
        let whole = |area: Area, most: f32| Shot::whole(bounds, area, middle, most);
        let map = whole(frame.map, f32::INFINITY);
        // The map only moves aside in map mode: a picture of its own would be drawn for each frame of a zoom.
        let most = if mode == CameraMode::Map { map.zoom } else { f32::INFINITY };
        let intro = whole(frame.intro, most);
        let push = shots::frames(PUSH_SECONDS, timeline.fps);
        let opening = Some(intro).filter(|_| timeline.start > 2 * push);
        let mut shots = match mode {
            CameraMode::Map => match opening.filter(|opening| *opening != map) {
                Some(opening) => vec![opening, Shot { first: timeline.start - push, move_frames: push, ..map }],
                None => vec![map],
            },
            CameraMode::Follow => {
                let safe = (frame.width - (1_920.0 - SAFE.0), SAFE.1);
                let widest = whole(Area::new(0.0, 0.0, frame.width, UNITS), ZOOMS[0]).zoom;
                let mut zooms: Vec<f32> = ZOOMS.into_iter().filter(|zoom| *zoom > widest * ZOOM_STEP).collect();
                zooms.push(widest);
                let levels = Levels { zooms, safe, fps: timeline.fps };
                let needs = Needs::of(scene, timeline);
                shots::plan(&needs, &levels, opening)
            }
        };
        if shots.is_empty() {
            shots.push(intro);
        }
        let opens_with_map = opening.is_some() && shots.len() > 1;
        Self { shots, pixels: frame.pixels, middle, opens_with_map }
    }

    /// Whether the clip begins with the whole map beside the intro card, before the first shot.
    pub fn opens_with_map(&self) -> bool {
        self.opens_with_map
    }

    /// The frames at which the camera comes to rest after a move.
    pub fn rests(&self) -> impl Iterator<Item = u64> {
        self.shots.iter().skip(1).map(|shot| shot.first + shot.move_frames)
    }

    /// What is seen at a frame.
    pub fn at(&self, frame: u64) -> Framing {
        let next = self.shots.partition_point(|shot| shot.first <= frame).max(1);
        let (index, shot) = (next - 1, &self.shots[next - 1]);
        let eased = |from: &Shot, part: f32| {
            let mix = |one: f32, other: f32| one + (other - one) * part;
            // Linear in extent, not in zoom: a mixture of two rectangles contains what both contain.
            let same = from.zoom == shot.zoom;
            let zoom = if same { shot.zoom } else { 1.0 / mix(1.0 / from.zoom, 1.0 / shot.zoom) };
            ((mix(from.center.0, shot.center.0), mix(from.center.1, shot.center.1)), zoom)
        };
        let begun = frame.saturating_sub(shot.first);
        let moving = begun < shot.move_frames && index > 0;
        let from = if moving { &self.shots[index - 1] } else { shot };
        let (center, zoom) = if moving {
            let part = (begun as f32 + 1.0) / (shot.move_frames as f32 + 1.0);
            eased(from, smootherstep(part))
        } else {
            (shot.center, shot.zoom)
        };
        let view = View::new(self.pixels, zoom, center, self.middle);
        Framing { view, shot: index, moving, scales: [from.zoom, shot.zoom].map(|zoom| zoom * self.pixels) }
    }
}

/// Eases from 0 to 1 without a jump in speed or acceleration.
fn smootherstep(part: f32) -> f32 {
    part * part * part * (part * (part * 6.0 - 15.0) + 10.0)
}
