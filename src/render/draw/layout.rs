//! Where everything on the picture's rim is: one slot for each panel, in design units. Slots that can be shown at the
//! same time do not overlap.
//!
//! The picture is 1080 units high; slots are anchored to its left edge, its middle, or its right edge. In narrow
//! pictures (4:3) the feed is below the score, and shorter.

use crate::domain::camera::CameraMode;
use crate::render::draw::canvas::{Area, UNITS};
use crate::render::draw::look::Look;
use crate::render::scene::Side;

/// Distance of the outer slots from the picture's edges.
const EDGE: f32 = 24.0;
/// Distance between neighboring slots in the middle.
const GAP: f32 = 8.0;
/// Height of a row of the feed, and distance from one to the next.
pub const FEED_ROW: (f32, f32) = (48.0, 56.0);
/// Distance of the feed's rows from the picture's right edge: they slide in from there.
pub const FEED_EDGE: f32 = 32.0;
/// Narrowest feed beside the score.
const FEED_WIDTH: f32 = 500.0;
/// Height of a strip of the roster, and distance from one to the next.
const STRIP: (f32, f32) = (52.0, 58.0);
/// Maximum number of strips per side.
pub const STRIPS: usize = 5;
/// Number of pieces of the time bar, each redrawn on its own.
pub const TIME_PIECES: usize = 30;

/// The slots of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Width of the picture.
    width: f32,
    /// Width of the picture in pixels.
    pixels: u32,
    /// Only what `cl_draw_only_deathnotices` keeps.
    deathnotices_only: bool,
    /// The inset shows two floors.
    two_floors: bool,
    /// The picture always shows the whole map.
    whole_map: bool,
    /// The plate for two kills and more is below the score.
    plate_on_top: bool,
}

impl Layout {
    /// For these output settings.
    pub fn new(look: Look, two_floors: bool) -> Self {
        let width = look.width as f32 * UNITS / look.height as f32;
        let whole_map = look.camera == CameraMode::Map;
        let deathnotices_only = look.deathnotices_only;
        Self { width, pixels: look.width, deathnotices_only, two_floors, whole_map, plate_on_top: false }
    }

    /// The same with the plate below the score, if there is room for it beside the feed.
    pub fn with_plate_on_top(self) -> Self {
        Self { plate_on_top: !self.narrow(), ..self }
    }

    /// The whole picture: intro card and end card, which are shown alone.
    pub fn whole(&self) -> Area {
        Area::new(0.0, 0.0, self.width, UNITS)
    }

    /// Score and clock.
    pub fn score(&self) -> Area {
        let width = self.width.min(800.0);
        Area::new((self.width - width) / 2.0, 18.0, width, 86.0)
    }

    /// Whether there is no room for the feed beside the score.
    fn narrow(&self) -> bool {
        !self.deathnotices_only && self.beside_score() < FEED_WIDTH
    }

    fn beside_score(&self) -> f32 {
        let score = self.score();
        self.width - (score.x + score.width + GAP)
    }

    /// Maximum number of rows of the feed.
    pub fn feed_rows(&self) -> usize {
        if self.narrow() { 3 } else { 5 }
    }

    /// The kill feed; its rows are right-aligned.
    pub fn feed(&self) -> Area {
        let top = if self.narrow() { 116.0 } else { 28.0 };
        let alone = self.narrow() || self.deathnotices_only;
        let width = if alone { 780.0_f32.min(self.width) } else { self.beside_score() };
        let (height, step) = FEED_ROW;
        Area::new(self.width - width, top, width, (self.feed_rows() - 1) as f32 * step + height)
    }

    /// A strip of the roster, counted from the top.
    pub fn strip(&self, side: Side, place: usize) -> Area {
        let (height, step) = STRIP;
        Area::new(self.roster_left(side), self.roster_top(side) + place as f32 * step, self.roster_width(), height)
    }

    /// A note below the roster.
    pub fn roster_note(&self, side: Side) -> Area {
        let top = self.roster_top(side) + STRIPS as f32 * STRIP.1;
        Area::new(self.roster_left(side), top, self.roster_width(), 28.0)
    }

    fn roster_width(&self) -> f32 {
        (self.width / 2.0 - EDGE).clamp(0.0, 236.0)
    }

    fn roster_left(&self, side: Side) -> f32 {
        if side == Side::Ct { EDGE } else { self.width - EDGE - self.roster_width() }
    }

    fn roster_top(&self, side: Side) -> f32 {
        if self.two_floors && side != Side::Ct { 320.0 } else { 372.0 }
    }

    /// The inset map, or the upper and the lower floor; none where it would repeat the picture.
    pub fn inset(&self) -> Vec<Area> {
        let area = |top, height| Area::new(self.inset_left(), top, 308.0_f32.min(self.width), height);
        match (self.two_floors, self.whole_map) {
            (true, _) => vec![area(640.0, 168.0), area(812.0, 236.0)],
            (false, true) => Vec::new(),
            (false, false) => vec![area(724.0, 320.0)],
        }
    }

    fn inset_left(&self) -> f32 {
        (self.width - EDGE - 308.0).max(0.0)
    }

    /// The followed player, or who plants or defuses.
    pub fn lower_third(&self) -> Area {
        let width = self.middle(800.0, 12.0);
        Area::new((self.width - width) / 2.0, 940.0, width, 108.0)
    }

    /// The plate for two kills and more: above the lower third, or below the score and as wide.
    pub fn plate(&self) -> Area {
        let (score, height) = (self.score(), 132.0);
        if self.plate_on_top {
            return Area { y: score.y + score.height + GAP, height, ..score };
        }
        let width = self.middle(828.0, 4.0);
        Area::new((self.width - width) / 2.0, 788.0, width, height)
    }

    /// Width between the inset and its mirror image.
    fn middle(&self, width: f32, gap: f32) -> f32 {
        (2.0 * (self.inset_left() - gap) - self.width).clamp(0.0, width)
    }

    /// Beside the lower third: what became of the followed player, or who else plants or defuses.
    pub fn aside(&self) -> Area {
        Area::new(EDGE, 940.0, (self.lower_third().x - EDGE - GAP).clamp(0.0, 440.0), 108.0)
    }

    /// The floor that is shown.
    pub fn floor(&self) -> Area {
        Area::new(EDGE, 28.0, (self.score().x - EDGE - GAP).clamp(0.0, 236.0), 52.0)
    }

    /// A note about players who are not shown.
    pub fn note(&self) -> Area {
        Area::new(EDGE, 112.0, 340.0_f32.min(self.width), 32.0)
    }

    /// A piece of the time bar; kill marks rise above the bar. Neighbors share an edge, which is on a whole pixel.
    pub fn time_piece(&self, piece: usize) -> Area {
        let edge = |piece: usize| (piece * self.pixels as usize / TIME_PIECES) as f32 * self.width / self.pixels as f32;
        Area::new(edge(piece), 1060.0, edge(piece + 1) - edge(piece), 20.0)
    }

    /// Where the whole map is shown during the action: beside the panels.
    pub fn map(&self) -> Area {
        if self.deathnotices_only {
            return self.whole().grown(-30.0);
        }
        let left = EDGE + self.roster_width() + 30.0;
        let top = self.score().y + self.score().height + GAP;
        Area::new(left, top, self.width - 2.0 * left, self.lower_third().y - GAP - top)
    }

    /// Where the whole map is shown before the round starts: beside the intro card.
    pub fn intro_map(&self) -> Area {
        if self.deathnotices_only {
            return self.whole().grown(-30.0);
        }
        let left = self.width * 0.45;
        Area::new(left, 24.0, self.width - left - 30.0, UNITS - 48.0)
    }

    /// The slots that are never empty during the action.
    pub fn standing(&self) -> Vec<Area> {
        let mut slots = self.inset();
        if !self.deathnotices_only {
            slots.extend([self.score(), self.lower_third()]);
            slots.extend(
                [Side::Ct, Side::T]
                    .into_iter()
                    .flat_map(|side| (0..STRIPS).map(move |place| (side, place)))
                    .map(|(side, place)| self.strip(side, place)),
            );
        }
        slots
    }

    /// All slots that can be shown during the action, so that nothing else is drawn there.
    pub fn slots(&self) -> Vec<Area> {
        let mut slots = vec![self.feed(), self.note(), self.floor()];
        slots.extend(self.inset());
        if self.deathnotices_only {
            return slots;
        }
        slots.extend([self.score(), self.lower_third(), self.plate(), self.aside()]);
        for side in [Side::Ct, Side::T] {
            slots.extend((0..STRIPS).map(|place| self.strip(side, place)));
            slots.push(self.roster_note(side));
        }
        slots.extend((0..TIME_PIECES).map(|piece| self.time_piece(piece)));
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout((width, height): (u32, u32), deathnotices_only: bool, two_floors: bool) -> Layout {
        Layout::new(
            Look { fps: 30, width, height, xray: true, deathnotices_only, camera: CameraMode::Follow },
            two_floors,
        )
    }

    #[test]
    fn slots_do_not_overlap_and_are_inside_the_picture() {
        for size in [(1_920, 1_080), (640, 360), (1_280, 800), (1_280, 960), (2_560, 1_080)] {
            for (deathnotices_only, two_floors) in [(false, false), (false, true), (true, false), (true, true)] {
                let layout = layout(size, deathnotices_only, two_floors);
                for layout in [layout, layout.with_plate_on_top()] {
                    let slots = layout.slots();
                    assert!(slots.len() >= if deathnotices_only { 4 } else { 50 });
                    for (index, slot) in slots.iter().enumerate() {
                        let inside = slot.x >= 0.0 && slot.y >= 0.0 && slot.x + slot.width <= layout.width + 0.01;
                        assert!(inside && slot.y + slot.height <= UNITS, "{size:?} {slot:?}");
                        for other in &slots[index + 1..] {
                            assert!(slot.overlap(other) < 0.01, "{size:?} {slot:?} {other:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn slots_are_where_the_design_puts_them() {
        let floors = layout((1_920, 1_080), false, true);
        assert_eq!((floors.strip(Side::Ct, 0).y, floors.strip(Side::T, 0).y), (372.0, 320.0));
        let layout = layout((1_920, 1_080), false, false);
        for (slot, expected) in [
            (layout.score(), [560.0, 18.0, 800.0, 86.0]),
            (layout.strip(Side::Ct, 0), [24.0, 372.0, 236.0, 52.0]),
            (layout.strip(Side::T, 4), [1_660.0, 604.0, 236.0, 52.0]),
            (layout.lower_third(), [560.0, 940.0, 800.0, 108.0]),
            (layout.plate(), [546.0, 788.0, 828.0, 132.0]),
            (layout.aside(), [24.0, 940.0, 440.0, 108.0]),
            (layout.inset()[0], [1_588.0, 724.0, 308.0, 320.0]),
        ] {
            let [x, y, width, height] = expected;
            assert_eq!(slot, Area::new(x, y, width, height));
        }
    }
}
