//! Shots and kills: tracers, the line from killer to victim, the burst, and what darkens and frames the picture at the
//! followed player's multi-kills.

use std::f32::consts::TAU;

use super::deaths::cross;
use super::stage::Stage;
use crate::render::draw::canvas::{Canvas, UNITS};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, NIGHT, WHITE};
use crate::render::scene::{EffectKind, Kill};

/// Seconds for which the line from killer to victim is shown…
pub const LINE_SECONDS: f32 = 0.5;
/// … in which it reaches the victim, and after which it fades.
const LINE_GROWTH: (f32, f32) = (0.09, 0.25);
/// Seconds of the burst around the victim.
const BURST_SECONDS: f32 = 0.45;
/// Splinters of a burst, and how many of them fly on in the direction of the shot.
const SPLINTERS: (u32, u32) = (18, 12);
/// Seconds in which the spotlight of a multi-kill appears and disappears.
const SPOTLIGHT_SECONDS: (f32, f32) = (0.12, 0.7);
/// Its darkness, reached in so many steps: a picture that changes everywhere is expensive, and these are not seen.
const SPOTLIGHT: (f32, f32) = (0.6, 8.0);
/// Seconds of the lines at the rim, and the number of kills that deserve them.
const RIM: (f32, usize) = (0.3, 4);
/// Number of lines at the rim.
const RIM_LINES: u32 = 44;
/// Seconds of a tracer, and its length in map units.
const TRACER: (f32, f32) = (0.12, 700.0);

/// Darkens everything but the line of the followed player's latest multi-kill.
pub fn spotlight(stage: &Stage<'_>, canvas: &mut Canvas) {
    let Some((kill, age)) = multi_kill(stage, 2) else { return };
    let (rise, fall) = SPOTLIGHT_SECONDS;
    let strength = (age / rise).min((rise + fall - age) / fall).clamp(0.0, 1.0);
    if strength <= 0.0 {
        return;
    }
    // Where they were then: it does not follow the killer, for the same reason.
    let Some(then) = Now::at(stage.plan.scene, f64::from(kill.tick)) else { return };
    if let Some((one, other)) = then.drawn(stage.plan.scene.followed).zip(then.drawn(kill.victim)) {
        let (from, to) = (stage.project(one.at), stage.project(other.at));
        let half = (from.0 - to.0).hypot(from.1 - to.1) / 2.0;
        let (x, y) = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let (darkness, steps) = SPOTLIGHT;
        let darkness = darkness * (strength * steps).round() / steps;
        canvas.darken(x, y, (half.max(300.0), half.max(300.0) + 420.0), darkness);
    }
}

/// The latest kill of the followed player, if it is at least his `least`th; with its age.
fn multi_kill<'a>(stage: &Stage<'a>, least: usize) -> Option<(&'a Kill, f32)> {
    let mut kills = stage.own_kills();
    let latest = kills.next()?;
    (kills.count() + 1 >= least).then_some(latest)
}

/// Tracers of shots.
pub fn shots(stage: &Stage<'_>, canvas: &mut Canvas) {
    for effect in stage.plan.scene.effects.iter().filter(|effect| stage.now.reached(effect.tick)) {
        let age = stage.now.since(effect.tick);
        let EffectKind::Shot(player) = effect.kind else { continue };
        let Some(shooter) = stage.now.drawn(player).filter(|shooter| shooter.alive() && age < TRACER.0) else {
            continue;
        };
        let [x, y, z] = shooter.at;
        let (sin, cos) = shooter.yaw.to_radians().sin_cos();
        let terrain = &stage.plan.terrain;
        let relief = terrain.floors.get(terrain.floor_at(z)).filter(|_| x.is_finite() && y.is_finite());
        let reach = relief.map_or(TRACER.1, |relief| relief.sight((x, y), (cos, sin), TRACER.1));
        let shown = (1.0 - age / TRACER.0) * stage.visibility(player);
        let end = stage.project([x + cos * reach, y + sin * reach, z]);
        tracer(canvas, stage.project(shooter.at), end, 4.0, Ink(0xfff2c9), 0.85 * shown);
    }
}

/// A wedge that widens towards its end.
fn tracer(canvas: &mut Canvas, from: (f32, f32), to: (f32, f32), width: f32, ink: Ink, opacity: f32) {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    if length < 50.0 || !length.is_finite() {
        return;
    }
    let (along, across) = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    let muzzle = (from.0 + along * 34.0, from.1 + across * 34.0);
    let (right, down) = (-across * width / 2.0, along * width / 2.0);
    canvas.polygon(&[muzzle, (to.0 + right, to.1 + down), (to.0 - right, to.1 - down)], ink.with(opacity));
}

/// Lines and bursts of the latest kills.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    for kill in stage.now.kills().rev().take_while(|kill| stage.now.since(kill.tick) < LINE_SECONDS) {
        let Some(victim) = stage.now.drawn(kill.victim).filter(|victim| victim.present) else { continue };
        let age = stage.now.since(kill.tick);
        let to = stage.project(victim.at);
        let killer = kill.killer.filter(|killer| *killer != kill.victim).and_then(|killer| stage.now.drawn(killer));
        let from = killer.filter(|killer| killer.present).map(|killer| stage.project(killer.at));
        let own = kill.killer == Some(stage.plan.scene.followed) || kill.victim == stage.plan.scene.followed;
        if let (Some(from), Some(killer)) = (from, kill.killer) {
            line(stage, from, to, Ink::of(stage.side(killer)), age, own, canvas);
        }
        if age < BURST_SECONDS {
            let size = stage.size() * if own { 1.0 } else { 0.55 };
            burst(stage, kill, from, to, age / BURST_SECONDS, size, canvas);
        }
    }
}

fn line(stage: &Stage<'_>, from: (f32, f32), to: (f32, f32), ink: Ink, age: f32, own: bool, canvas: &mut Canvas) {
    let reach = (age / LINE_GROWTH.0).min(1.0);
    let shown = (1.0 - (age - LINE_GROWTH.1) / (LINE_SECONDS - LINE_GROWTH.1)).clamp(0.0, 1.0);
    let end = (from.0 + (to.0 - from.0) * reach, from.1 + (to.1 - from.1) * reach);
    let length = (end.0 - from.0).hypot(end.1 - from.1);
    if length < 60.0 * stage.size() || !length.is_finite() {
        return;
    }
    let (along, across) = ((end.0 - from.0) / length, (end.1 - from.1) / length);
    let place = |far: f32| (from.0 + along * far, from.1 + across * far);
    let (start, stop) = (46.0 * stage.size(), length - 14.0);
    if own {
        canvas.line(&[place(start), place(stop)], 26.0, ink.with(0.22 * shown));
    }
    tracer(canvas, place(start - 34.0), place(stop), if own { 9.0 } else { 5.0 }, ink, 0.9 * shown);
    if own {
        canvas.line(&[place(start + (stop - start) * 0.3), place(stop)], 3.0, WHITE.with(shown));
    }
}

fn burst(
    stage: &Stage<'_>,
    kill: &Kill,
    from: Option<(f32, f32)>,
    (x, y): (f32, f32),
    part: f32,
    size: f32,
    canvas: &mut Canvas,
) {
    let ink = Ink::of(stage.side(kill.victim));
    let left = 1.0 - part;
    let stops = [(0.0, WHITE.with(0.95 * left)), (0.3, ink.with(0.7 * left)), (1.0, ink.with(0.0))];
    canvas.cloud(x, y, 96.0 * size, &stops);
    canvas.ring(x, y, (40.0 + 130.0 * part) * size, 6.0 * size, WHITE.with(0.85 * left));
    canvas.ring(x, y, (60.0 + 190.0 * part) * size, 3.0 * size, ink.with(0.6 * left));
    let ahead = from.map_or(0.0, |from| (y - from.1).atan2(x - from.0));
    for splinter in 0..SPLINTERS.0 {
        let chance = |what: u32| chance(kill.tick as u32, splinter * 8 + what);
        let onwards = splinter < SPLINTERS.1;
        let angle = if onwards { ahead + (chance(0) + chance(1) - 1.0) * 1.7 } else { chance(0) * TAU };
        let (sin, cos) = angle.sin_cos();
        let near = (30.0 + chance(2) * 30.0 + 60.0 * part) * size;
        let far = near + (40.0 + chance(3) * 100.0 * if onwards { 1.2 } else { 0.6 }) * left.sqrt() * size;
        let half = (4.0 + chance(4) * 6.0) * left * size;
        let place = |along: f32, across: f32| (x + cos * along - sin * across, y + sin * along + cos * across);
        let color = if splinter % 3 == 0 { WHITE } else { ink };
        canvas.polygon(&[place(near, half), place(far, 0.0), place(near, -half)], color.with(0.92 * left.sqrt()));
    }
    cross(canvas, x, y, 15.0 * size, (14.0, 7.0), [NIGHT, WHITE], left.sqrt());
}

/// Lines at the rim of the picture that point to the victim of a fourth or fifth kill.
pub fn rim(stage: &Stage<'_>, canvas: &mut Canvas) {
    let Some((kill, age)) = multi_kill(stage, RIM.1).filter(|(_, age)| *age < RIM.0) else { return };
    let Some(victim) = stage.now.drawn(kill.victim) else { return };
    let (middle_x, middle_y) = (stage.plan.width() / 2.0, UNITS / 2.0 - 40.0);
    let (x, _) = stage.project(victim.at);
    let middle_x = middle_x + (x - middle_x).clamp(-600.0, 600.0) * 0.25;
    let left = 1.0 - age / RIM.0;
    for number in 0..RIM_LINES {
        let chance = |what: u32| chance(kill.tick as u32, 1_000 + number * 8 + what);
        let (sin, cos) = (number as f32 / RIM_LINES as f32 * TAU + chance(0) * 0.1).sin_cos();
        let (near, far) = (760.0 + chance(1) * 160.0 + 120.0 * (1.0 - left), 1_400.0);
        let half = 3.0 + chance(2) * 5.0;
        let place = |along: f32, across: f32| {
            (middle_x + (cos * along - sin * across) * 1.2, middle_y + (sin * along + cos * across) * 0.66)
        };
        let color = WHITE.with((0.05 + 0.11 * chance(3)) * left);
        canvas.polygon(&[place(near, 0.0), place(far, half * 2.0), place(far, -half * 2.0)], color);
    }
}

/// A deterministic number from 0 to 1.
fn chance(seed: u32, number: u32) -> f32 {
    let mixed = seed.wrapping_mul(2_654_435_761) ^ number.wrapping_mul(2_246_822_519);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(3_266_489_917);
    ((mixed ^ (mixed >> 16)) & 0xffff) as f32 / 65_535.0
}
