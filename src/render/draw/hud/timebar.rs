//! The time bar: how much of the clip is over, and the kills so far. It marks nothing that is still to come.

use super::Panel;
use super::parts::slab;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::layout::{Layout, TIME_PIECES};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, NIGHT};
use crate::render::draw::plan::Plan;
use crate::render::scene::Side;

/// Width of a mark.
const MARK: f32 = 8.0;
/// See [`Piece::filled`].
const FULL: u16 = u16::MAX;

/// A piece of the bar. Each is redrawn on its own, so that a frame changes only where the bar grows.
#[derive(PartialEq)]
pub struct Piece {
    /// Filled width in whole units; [`FULL`] if the bar reaches the next piece.
    filled: u16,
    marks: Vec<Mark>,
}

/// A kill.
#[derive(PartialEq)]
struct Mark {
    /// Distance from the left end of the piece.
    x: f32,
    /// The victim's side.
    side: Side,
    /// A kill of the followed player that counts.
    own: bool,
}

/// All pieces, from left to right.
pub fn pieces(plan: &Plan<'_>, now: &Now<'_>, layout: &Layout) -> Vec<Piece> {
    let scene = plan.scene;
    let begin = f64::from(scene.clip_start_tick);
    let ticks = (f64::from(scene.clip_end_tick) - begin).max(1.0);
    let place = |tick: f64| ((tick - begin) / ticks).clamp(0.0, 1.0) as f32 * plan.width();
    let head = place(now.time());
    let mut pieces: Vec<Piece> = (0..TIME_PIECES)
        .map(|piece| {
            let area = layout.time_piece(piece);
            let filled = if head >= area.x + area.width { FULL } else { (head - area.x).max(0.0) as u16 };
            Piece { filled, marks: Vec::new() }
        })
        .collect();
    for kill in now.kills() {
        let at = place(f64::from(kill.tick));
        let piece = (0..TIME_PIECES).rposition(|piece| layout.time_piece(piece).x <= at).unwrap_or(0);
        let (area, reach) = (layout.time_piece(piece), MARK / 2.0 + 2.0);
        pieces[piece].marks.push(Mark {
            x: (at - area.x).min(area.width - reach).max(reach),
            side: plan.sides.get(kill.victim).copied().unwrap_or_default(),
            own: kill.killer == Some(scene.followed) && scene.counts(kill),
        });
    }
    pieces
}

impl Panel for Piece {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let groove = Area { y: area.y + 10.0, height: 10.0, ..area };
        slab(groove, Ink(0).with(0.6), canvas);
        slab(Area { width: f32::from(self.filled).min(area.width), ..groove }, Ink(0xdfe6ee).with(0.8), canvas);
        for mark in &self.marks {
            let top = area.y + if mark.own { 2.0 } else { 8.0 };
            let plate = Area::new(area.x + mark.x - MARK / 2.0, top, MARK, area.y + area.height - top);
            slab(Area::new(plate.x - 2.0, top - 2.0, MARK + 4.0, plate.height + 2.0), NIGHT.solid(), canvas);
            slab(plate, Ink::of(mark.side).solid(), canvas);
        }
    }
}
