//! What one frame shows: the scene at its time, and how the camera sees it.

use crate::render::draw::labels::Places;
use crate::render::draw::metrics::marker_scale;
use crate::render::draw::now::Now;
use crate::render::draw::plan::Plan;
use crate::render::draw::view::View;
use crate::render::scene::{Kill, PlayerAt, Side};

/// Seconds for which the picture shakes after a kill of the followed player.
const SHAKE_SECONDS: f32 = 0.18;
/// Greatest distance of the shake in design units.
const SHAKE: f32 = 7.0;
/// Seconds in which a player fades between floors.
const FLOOR_FADE_SECONDS: f32 = 0.3;

/// A frame to draw.
pub struct Stage<'a> {
    pub plan: &'a Plan<'a>,
    pub now: &'a Now<'a>,
    pub view: View,
    /// The floor that is shown: the followed player's.
    pub floor: usize,
    pub places: &'a Places,
    /// Opacity of the panels that are not cards.
    pub panels: f32,
}

impl<'a> Stage<'a> {
    /// A frame's stage.
    pub fn new(plan: &'a Plan<'a>, now: &'a Now<'a>, frame: u64, places: &'a Places, panels: f32) -> Self {
        let (right, down) = shake(plan, now);
        let view = plan.framing(frame).view.shifted(right, down);
        Self { plan, now, view, floor: plan.floor(frame), places, panels }
    }

    /// Projects a map position onto the picture.
    pub fn project(&self, at: [f32; 3]) -> (f32, f32) {
        self.view.project(at)
    }

    /// A length of so many map units on the picture.
    pub fn units(&self, length: f32) -> f32 {
        length * self.view.zoom()
    }

    /// Share of their full size that markers and bursts have.
    pub fn size(&self) -> f32 {
        marker_scale(self.view.zoom())
    }

    /// A player's side.
    pub fn side(&self, player: usize) -> Side {
        self.plan.sides.get(player).copied().unwrap_or_default()
    }

    /// How much a player is above or below the shown floor, from 0 to 1: only where the map has two floors.
    pub fn elsewhere(&self, player: usize) -> f32 {
        let terrain = &self.plan.terrain;
        if terrain.split().is_none() || player == self.plan.scene.followed {
            return 0.0;
        }
        let is = |at: &PlayerAt| {
            let [x, y, z] = at.at;
            terrain.floor_at(z) != self.floor && terrain.is_stacked(x, y)
        };
        let (mut all, mut away) = (0.0, 0.0);
        for moment in self.now.past(FLOOR_FADE_SECONDS, 0.05) {
            all += 1.0;
            away += if is(&moment.players[player]) { 1.0 } else { 0.0 };
        }
        away / f32::max(all, 1.0)
    }

    /// The followed player's kills so far that count, the latest first, each with its seconds since.
    pub fn own_kills(&self) -> impl Iterator<Item = (&'a Kill, f32)> + '_ {
        self.now.own_kills().rev().map(|kill| (kill, self.now.since(kill.tick)))
    }
}

fn shake(plan: &Plan<'_>, now: &Now<'_>) -> (i32, i32) {
    let age = now.own_kills().next_back().map_or(f32::INFINITY, |kill| now.since(kill.tick));
    if age >= SHAKE_SECONDS {
        return (0, 0);
    }
    let reach = SHAKE * (1.0 - age / SHAKE_SECONDS) * plan.look.height as f32 / 1_080.0;
    let (sin, cos) = (age * 95.0).sin_cos();
    ((reach * cos).round() as i32, (reach * sin * 0.7).round() as i32)
}
