//! What each player sees: a fan of light that stops at walls.

use super::stage::Stage;
use crate::render::draw::canvas::Canvas;
use crate::render::draw::palette::Ink;
use crate::render::scene::Side;

/// The followed player's fan, and that of everyone else.
const FOLLOWED: Fan = Fan { half: 36.0, reach: 1_250.0, rays: 60, opacity: 0.42 };
const OTHERS: Fan = Fan { half: 28.0, reach: 380.0, rays: 24, opacity: 0.34 };

struct Fan {
    /// Half its angle in degrees.
    half: f32,
    /// Its length in map units.
    reach: f32,
    rays: u16,
    /// Opacity at the player.
    opacity: f32,
}

/// Draws the fans of all living players on the shown floor, the followed player's last.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    let followed = stage.plan.scene.followed;
    let living = (0..stage.plan.scene.players.len()).filter(|player| stage.now.players[*player].alive());
    let (own, others): (Vec<usize>, Vec<usize>) = living.partition(|player| *player == followed);
    for player in others.into_iter().chain(own) {
        let shown = (1.0 - stage.elsewhere(player)) * stage.visibility(player);
        if shown > 0.01 {
            fan(stage, player, shown, canvas);
        }
    }
}

fn fan(stage: &Stage<'_>, player: usize, shown: f32, canvas: &mut Canvas) {
    let at = &stage.now.players[player];
    let [x, y, z] = at.at;
    let terrain = &stage.plan.terrain;
    let Some(relief) = terrain.floors.get(terrain.floor_at(z)).filter(|_| x.is_finite() && y.is_finite()) else {
        return;
    };
    let followed = player == stage.plan.scene.followed;
    let fan = if followed { FOLLOWED } else { OTHERS };
    let mut points = vec![stage.project(at.at)];
    for ray in 0..=fan.rays {
        let turn = (f32::from(ray) / f32::from(fan.rays) * 2.0 - 1.0) * fan.half;
        let (sin, cos) = (at.yaw + turn).to_radians().sin_cos();
        let far = relief.sight((x, y), (cos, sin), fan.reach);
        points.push(stage.project([x + cos * far, y + sin * far, z]));
    }
    let (ink, side) = (Ink::of(stage.side(player)), stage.side(player));
    let near = match (followed, side) {
        (false, _) => ink,
        (true, Side::T) => Ink(0xffe6bf),
        (true, _) => Ink(0xcfe6ff),
    };
    let (middle_x, middle_y) = points[0];
    // Two stops: the rasterizer has a fast path for them.
    let stops = [(0.0, near.with(fan.opacity * shown)), (1.0, ink.with(0.0))];
    canvas.glow(&points, middle_x, middle_y, stage.units(fan.reach), &stops);
}
