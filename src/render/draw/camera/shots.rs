//! Chooses the shots: where the camera rests, from which frame on, and how close.

use super::need::{Extent, Need, Needs, join};
use super::{MOVE_SECONDS, PUSH_SECONDS, STAND_SECONDS};
use crate::render::draw::canvas::Area;

/// Design units by which a plate shortens the safe frame from below.
const PLATE: f32 = 90.0;
/// Empty margin around the whole map, in map units.
const MARGIN: f32 = 120.0;

/// A place where the camera rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// The frame at which the move to it begins.
    pub first: u64,
    /// Number of frames of that move; 0 for a cut.
    pub move_frames: u64,
    /// Map position at the middle of the safe frame.
    pub center: (f32, f32),
    /// Design units per map unit.
    pub zoom: f32,
}

impl Shot {
    /// From frame 0 on, the whole map in an area of the picture, at most at this zoom. `middle`: the place of a shot's
    /// center.
    pub fn whole([left, bottom, right, top]: Extent, area: Area, middle: (f32, f32), most: f32) -> Self {
        let (width, height) = (right - left + 2.0 * MARGIN, top - bottom + 2.0 * MARGIN);
        let zoom = (area.width / width).min(area.height / height).min(most);
        // From the center of the area to that of the safe frame.
        let aside = (middle.0 - area.x - area.width / 2.0, middle.1 - area.y - area.height / 2.0);
        let center = ((left + right) / 2.0 + aside.0 / zoom, (bottom + top) / 2.0 - aside.1 / zoom);
        Self { first: 0, move_frames: 0, center, zoom }
    }
}

/// The number of frames in so many seconds.
pub fn frames(seconds: f32, fps: u32) -> u64 {
    (seconds * fps as f32).round() as u64
}

/// The zoom levels, and what fits them.
pub struct Levels {
    /// Design units per map unit, tightest first; never empty.
    pub zooms: Vec<f32>,
    /// Size of the safe frame in design units.
    pub safe: (f32, f32),
    /// Frames per second.
    pub fps: u32,
}

impl Levels {
    fn frames(&self, seconds: f32) -> usize {
        frames(seconds, self.fps) as usize
    }

    fn fits(&self, [left, bottom, right, top]: Extent, zoom: f32) -> bool {
        right - left <= self.safe.0 / zoom && top - bottom <= self.safe.1 / zoom
    }

    /// What a frame must show at a zoom level, so that nothing lies under a plate. What does not even fit the widest
    /// level is reduced to the subject.
    fn needed(&self, need: &Need, zoom: f32, whole: bool) -> Option<Extent> {
        let widest = self.zooms.last().copied().unwrap_or(zoom);
        let scene = need.scene.filter(|scene| whole && self.fits(lowered(*scene, need.plate, widest), widest));
        scene.or(need.subject).map(|extent| lowered(extent, need.plate, zoom))
    }
}

fn lowered([left, bottom, right, top]: Extent, plate: bool, zoom: f32) -> Extent {
    [left, if plate { bottom - PLATE / zoom } else { bottom }, right, top]
}

/// A shot that serves some frames.
#[derive(Clone, Copy)]
struct Run {
    /// The first frame that it does not serve.
    end: usize,
    center: Option<(f32, f32)>,
    zoom: f32,
}

/// Plans all shots: the opening until the freeze time ends, then what must be seen. None if there is neither.
pub fn plan(needs: &Needs, levels: &Levels, opening: Option<Shot>) -> Vec<Shot> {
    let frames = &needs.frames;
    let (push, glide) = (levels.frames(PUSH_SECONDS), levels.frames(MOVE_SECONDS));
    let mut shots = Vec::from_iter(opening);
    // The first frame that the last shot must serve, the first that it does not, and its zoom.
    let (mut begun, mut end) = (0, 0);
    let mut zoom = None;
    while end < frames.len() {
        let cut = end > 0 && frames[end].cut;
        // Both shots must serve the frames of the move between them.
        let lead = if cut { 0 } else { glide.min(end - begun) };
        let run = longest(frames, end - lead, end, levels, zoom);
        let move_frames = match (shots.is_empty(), end) {
            (true, _) => 0,
            (false, 0) => push,
            _ => lead,
        };
        // Without anything to see, the camera rests where it is.
        if let Some(center) = run.center {
            let first = if shots.is_empty() { 0 } else { (needs.start as usize + end - move_frames) as u64 };
            shots.push(Shot { first, move_frames: move_frames as u64, center, zoom: run.zoom });
            zoom = Some(run.zoom);
        }
        begun = end;
        end = run.end.max(end + 1);
    }
    shots
}

/// The tightest shot from `from` on that stands long enough after `to`. The last zoom is kept if it stands much
/// longer.
fn longest(frames: &[Need], from: usize, to: usize, levels: &Levels, last: Option<f32>) -> Run {
    let stand = levels.frames(STAND_SECONDS);
    let stands = |run: &Run| run.end >= frames.len() || run.end >= to + stand;
    for whole in [true, false] {
        let runs = levels.zooms.iter().map(|zoom| run(frames, from, levels, *zoom, whole));
        let Some(tight) = runs.into_iter().find(stands) else { continue };
        let Some(kept) = last.filter(|last| *last < tight.zoom) else { return tight };
        let kept = run(frames, from, levels, kept, whole);
        return if stands(&kept) && kept.end - to > 2 * (tight.end.max(to) - to) { kept } else { tight };
    }
    let widest = levels.zooms.last().copied().unwrap_or(1.0);
    run(frames, from, levels, widest, false)
}

/// How long one shot serves from `from` on.
fn run(frames: &[Need], from: usize, levels: &Levels, zoom: f32, whole: bool) -> Run {
    let mut seen: Option<Extent> = None;
    let mut end = from;
    for (index, need) in frames.iter().enumerate().skip(from) {
        if need.cut && index > from {
            break;
        }
        if let Some(needed) = levels.needed(need, zoom, whole) {
            let joined = seen.map_or(needed, |seen| join(seen, needed));
            if !levels.fits(joined, zoom) {
                break;
            }
            seen = Some(joined);
        }
        end = index + 1;
    }
    let center = seen.map(|[left, bottom, right, top]| ((left + right) / 2.0, (bottom + top) / 2.0));
    Run { end, center, zoom }
}
