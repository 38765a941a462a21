//! Momentary effects: shots, explosions, flashes; and deaths, which leave a mark.

use crate::render::draw::canvas::Canvas;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, RED};
use crate::render::draw::replay::Replay;
use crate::render::scene::EffectKind;

/// Duration in seconds of the longest effect.
const LONGEST_SECONDS: f32 = 1.4;
/// Length of a tracer in map units.
const TRACER: f32 = 420.0;

/// Draws shots, explosions, and flashes.
pub fn draw(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    let zoom = replay.camera.zoom;
    for effect in replay.scene.effects.iter().filter(|effect| now.reached(effect.tick)) {
        let age = now.since(effect.tick);
        if age > LONGEST_SECONDS {
            continue;
        }
        let (x, y) = replay.camera.project(effect.at);
        match effect.kind {
            EffectKind::He if age < 0.6 => blast(canvas, x, y, 200.0 * zoom, age / 0.6),
            EffectKind::BombExploded => blast(canvas, x, y, 900.0 * zoom, age / LONGEST_SECONDS),
            EffectKind::Flash if age < 0.5 => {
                let part = age / 0.5;
                let stops = [(0.0, Ink(0xffffff).with(0.95 * (1.0 - part))), (1.0, Ink(0xffffff).with(0.0))];
                canvas.cloud(x, y, 170.0 * zoom * (0.4 + 0.6 * part), &stops);
            }
            EffectKind::Shot(player) if age < 0.12 => tracer(replay, now, player, age / 0.12, canvas),
            _ => {}
        }
    }
}

fn blast(canvas: &mut Canvas, x: f32, y: f32, reach: f32, part: f32) {
    let (radius, left) = (reach * part.sqrt(), 1.0 - part);
    if radius < 1.0 {
        return;
    }
    let stops =
        [(0.0, Ink(0xffd9a0).with(0.8 * left)), (0.6, Ink(0xff7a3c).with(0.5 * left)), (1.0, Ink(0xff5a1f).with(0.0))];
    canvas.cloud(x, y, radius, &stops);
    canvas.ring(x, y, radius, 3.0, Ink(0xffb37a).with(0.8 * left));
}

fn tracer(replay: &Replay<'_>, now: &Now<'_>, player: usize, part: f32, canvas: &mut Canvas) {
    let Some(shooter) = now.players.get(player).filter(|shooter| shooter.alive()) else { return };
    let (x, y) = replay.camera.project(shooter.at);
    let (sin, cos) = shooter.yaw.to_radians().sin_cos();
    let reach = TRACER * replay.camera.zoom;
    let muzzle = 17.0;
    let line = [(x + cos * muzzle, y - sin * muzzle), (x + cos * (muzzle + reach), y - sin * (muzzle + reach))];
    canvas.line(&line, 2.0, Ink(0xfff2c9).with(0.8 * (1.0 - part)));
}

/// Draws a cross for each death and, for a moment, a line from the killer.
pub fn deaths(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    for kill in now.kills() {
        let Some(victim) = now.drawn(kill.victim) else { continue };
        let (x, y) = replay.camera.project(victim.at);
        let age = now.since(kill.tick);
        let side = replay.sides.get(kill.victim).copied().unwrap_or_default();
        let followed = kill.victim == replay.scene.followed;
        let faded = if followed { 0.8 } else { 0.42 };
        let color = Ink::of(side).with(0.95 + (faded - 0.95) * (age / 3.0).min(1.0));
        let arm = if followed { 9.0 } else { 7.0 };
        canvas.line(&[(x - arm, y - arm), (x + arm, y + arm)], 4.0, color);
        canvas.line(&[(x - arm, y + arm), (x + arm, y - arm)], 4.0, color);
        if followed {
            canvas.ring(x, y, 17.0, 2.5, Ink(0xffffff).with(0.7));
        }
        let left = 1.0 - age / 0.7;
        if left > 0.0 {
            if let Some(killer) = kill.killer.and_then(|killer| now.drawn(killer)) {
                canvas.line(&[replay.camera.project(killer.at), (x, y)], 2.5, RED.with(0.85 * left));
            }
            canvas.ring(x, y, 12.0 + 30.0 * (1.0 - left), 3.0, RED.with(0.9 * left));
        }
    }
}
