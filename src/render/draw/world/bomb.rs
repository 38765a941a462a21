//! The bomb when nobody carries it: dropped, ticking, being planted or defused, defused, exploded.

use super::stage::Stage;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::labels::{BOMB, Tag};
use crate::render::draw::metrics::marker_scale;
use crate::render::draw::now::{Now, RoundClock};
use crate::render::draw::palette::{CT, Ink, NIGHT, RED, SLAB, T, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::view::View;
use crate::render::scene::{Bomb, BombState, PLANT_SECONDS};

/// Size of the plate that names the bomb.
const PLATE: (f32, f32) = (92.0, 48.0);
/// Distance from the bomb to the plate at full size: beyond the ring around a planted bomb.
const OFF: f32 = 70.0;
/// Radius of the bomb's dot at full size.
const DOT: f32 = 8.5;
/// Seconds after a kill before a dropped bomb is named: first comes the burst.
const AFTER_KILL_SECONDS: f32 = 0.45;
/// Seconds left at which the planted bomb pulses faster.
const HURRY_SECONDS: f32 = 10.0;

/// The plate that names a bomb on the ground, for the plan of labels; `None` if there is none to name.
pub fn tag(plan: &Plan<'_>, now: &Now<'_>, view: &View) -> Option<Tag> {
    let bomb = now.moment.bomb?;
    let fresh = now.kills().next_back().is_some_and(|kill| now.since(kill.tick) < AFTER_KILL_SECONDS);
    if bomb.state == BombState::Exploded || (bomb.state == BombState::Dropped && fresh) {
        return None;
    }
    let (x, y) = view.project(bomb.at);
    let picture = Area::new(20.0, 20.0, plan.width() - 40.0, 1_040.0);
    let shown = picture.contains(x, y) && !plan.panels.iter().any(|panel| panel.contains(x, y));
    shown.then_some(Tag {
        at: (x, y),
        reach: DOT,
        off: OFF * marker_scale(view.zoom()),
        width: PLATE.0,
        height: PLATE.1,
        yaw: 0.0,
        first: false,
        named: true,
    })
}

/// Rings around the bomb, below the players: time running out, and what is being done.
pub fn rings(stage: &Stage<'_>, canvas: &mut Canvas) {
    planting(stage, canvas);
    let Some(bomb) = stage.now.moment.bomb else { return };
    let (x, y) = stage.project(bomb.at);
    let size = stage.size();
    match bomb.state {
        BombState::Dropped => {
            // The cross of the carrier shows between ring and dot.
            canvas.ring(x, y, 22.0 * size, 7.0, NIGHT.solid());
            canvas.ring(x, y, 22.0 * size, 3.5, RED.solid());
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

/// The plate that names the bomb, above players and deaths, but below the followed player.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    let (Some(bomb), Some(place)) = (stage.now.moment.bomb, stage.places[BOMB]) else { return };
    let (ink, icon) = look(&bomb);
    let (x, y) = stage.project(bomb.at);
    let middle = (x + place.offset.0, y + place.offset.1);
    let plate = Area::new(middle.0 - PLATE.0 / 2.0, middle.1 - PLATE.1 / 2.0, PLATE.0, PLATE.1);
    canvas.line(&[(x, y), middle], 4.0, ink.with(place.opacity));
    canvas.disc(x, y, DOT * stage.size(), NIGHT.solid());
    canvas.disc(x, y, DOT * stage.size() - 1.5, ink.solid());
    canvas.plate(plate, 6.0, SLAB.with(place.opacity));
    canvas.frame(plate, 6.0, 3.5, ink.with(place.opacity));
    canvas.icon(icon, plate.grown(-3.0), WHITE.with(place.opacity));
}

fn look(bomb: &Bomb) -> (Ink, Icon) {
    if bomb.state == BombState::Defused { (CT, Icon::KIT) } else { (RED, Icon::C4) }
}
