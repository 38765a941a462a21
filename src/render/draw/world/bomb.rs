//! The bomb when nobody carries it: dropped, ticking, being planted or defused, defused, exploded.

use super::stage::Stage;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::{Now, RoundClock};
use crate::render::draw::palette::{CT, Ink, NIGHT, RED, SLAB, T, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::view::View;
use crate::render::scene::{Bomb, BombState, PLANT_SECONDS};

/// Size of the plate that names the bomb.
const PLATE: (f32, f32) = (92.0, 48.0);
/// From the bomb to the plate's center: places to choose from.
const PLATE_OFFSETS: [(f32, f32); 4] = [(-132.0, -66.0), (132.0, -66.0), (-132.0, 70.0), (132.0, 70.0)];
/// Seconds after a kill before a dropped bomb is named: first comes the burst.
const AFTER_KILL_SECONDS: f32 = 0.45;
/// Seconds left at which the planted bomb pulses faster.
const HURRY_SECONDS: f32 = 10.0;

/// The plate that names a bomb on the ground, beside it; `None` if there is none to name.
pub fn callout(plan: &Plan<'_>, now: &Now<'_>, view: &View) -> Option<Area> {
    let bomb = now.moment.bomb?;
    let fresh = now.kills().next_back().is_some_and(|kill| now.since(kill.tick) < AFTER_KILL_SECONDS);
    if bomb.state == BombState::Exploded || (bomb.state == BombState::Dropped && fresh) {
        return None;
    }
    let (x, y) = view.project(bomb.at);
    let picture = Area::new(20.0, 20.0, plan.width() - 40.0, 1_040.0);
    if !picture.contains(x, y) || plan.panels.iter().any(|panel| panel.contains(x, y)) {
        return None;
    }
    let plate =
        |(right, down): (f32, f32)| Area::new(x + right - PLATE.0 / 2.0, y + down - PLATE.1 / 2.0, PLATE.0, PLATE.1);
    let free = |area: &Area| {
        let inside = area.overlap(&picture) > PLATE.0 * PLATE.1 - 0.5;
        inside && !plan.slots.iter().any(|slot| slot.overlap(area) > 0.0)
    };
    PLATE_OFFSETS.into_iter().map(plate).find(free)
}

/// Rings around the bomb, below the players: time running out, and what is being done.
pub fn rings(stage: &Stage<'_>, canvas: &mut Canvas) {
    planting(stage, canvas);
    let Some(bomb) = stage.now.moment.bomb else { return };
    let (x, y) = stage.project(bomb.at);
    let size = stage.size();
    match bomb.state {
        BombState::Dropped => {
            canvas.disc(x, y, 17.0 * size, NIGHT.solid());
            canvas.disc(x, y, 13.0 * size, RED.solid());
        }
        BombState::Planted => {
            if let (RoundClock::Bomb(left, _), Some(plant)) = (stage.now.clock(), &stage.plan.scene.plant) {
                let period = if left > HURRY_SECONDS { 1.0 } else { 0.4 };
                let phase = (stage.now.since(plant.tick) / period).fract().abs();
                canvas.disc(x, y, 60.0 * size, RED.with(0.12));
                canvas.ring(x, y, 60.0 * size, 4.0, RED.solid());
                canvas.ring(x, y, (60.0 + 48.0 * phase) * size, 3.0, RED.with(0.6 * (1.0 - phase)));
            }
            if let Some(part) = stage.now.defuse().map(|(defuse, age)| age / defuse.seconds.max(0.1)) {
                progress(canvas, x, y, size, part, CT);
            }
        }
        BombState::Defused => canvas.ring(x, y, 60.0 * size, 4.0, CT.solid()),
        BombState::Exploded => canvas.disc(x, y, 26.0 * size, NIGHT.with(0.6)),
    }
}

fn planting(stage: &Stage<'_>, canvas: &mut Canvas) {
    let Some((planting, age)) = stage.now.planting() else { return };
    if let Some(player) = stage.now.drawn(planting.player).filter(|player| player.alive()) {
        let (x, y) = stage.project(player.at);
        progress(canvas, x, y, stage.size(), age / PLANT_SECONDS, T);
    }
}

fn progress(canvas: &mut Canvas, x: f32, y: f32, size: f32, part: f32, ink: Ink) {
    canvas.ring(x, y, 64.0 * size, 18.0 * size, NIGHT.with(0.75));
    canvas.arc(x, y, 64.0 * size, part.clamp(0.02, 1.0), 13.0 * size, ink.solid());
}

/// The plate that names the bomb, above players and deaths.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    let Some(bomb) = stage.now.moment.bomb else { return };
    let Some(plate) = callout(stage.plan, stage.now, &stage.view) else { return };
    let (ink, icon) = look(&bomb);
    let (x, y) = stage.project(bomb.at);
    let middle = (plate.x + plate.width / 2.0, plate.y + plate.height / 2.0);
    canvas.line(&[(x, y), middle], 4.0, ink.solid());
    canvas.disc(x, y, 8.5, NIGHT.solid());
    canvas.disc(x, y, 6.0, ink.solid());
    canvas.plate(plate, 6.0, SLAB.solid());
    canvas.frame(plate, 6.0, 3.5, ink.solid());
    canvas.icon(icon, plate.grown(-3.0), WHITE.solid());
}

fn look(bomb: &Bomb) -> (Ink, Icon) {
    if bomb.state == BombState::Defused { (CT, Icon::KIT) } else { (RED, Icon::C4) }
}
