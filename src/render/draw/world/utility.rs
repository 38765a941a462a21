//! Grenades in flight, smokes, and fire.

use crate::render::draw::canvas::Canvas;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, NIGHT};
use crate::render::draw::replay::Replay;
use crate::render::scene::GrenadeKind;

/// Lifetime of a smoke in seconds.
const SMOKE_SECONDS: f32 = 22.0;
/// Radius of a smoke in map units.
const SMOKE_RADIUS: f32 = 144.0;
/// Radius of a flame in map units.
const FLAME_RADIUS: f32 = 62.0;

/// Draws fire; each flame flickers at its own phase.
pub fn flames(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    for (index, at) in now.moment.flames.iter().enumerate() {
        let (x, y) = replay.camera.project(*at);
        let flicker = 0.86 + 0.14 * (now.seconds() * 13.0 + index as f32 * 1.7).sin();
        let radius = FLAME_RADIUS * replay.camera.zoom * flicker;
        let stops = [(0.0, Ink(0xffb347).with(0.55)), (0.55, Ink(0xff6a1f).with(0.34)), (1.0, Ink(0xd92f0f).with(0.0))];
        canvas.cloud(x, y, radius, &stops);
    }
}

/// Draws smokes, each with its remaining time.
pub fn smokes(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    for smoke in &now.moment.smokes {
        let (x, y) = replay.camera.project(smoke.at);
        let age = now.since(smoke.since_tick).max(0.0);
        let opacity = 0.84 * ((SMOKE_SECONDS - age) / 2.0).clamp(0.3, 1.0);
        let radius = SMOKE_RADIUS * replay.camera.zoom * (age / 0.5).clamp(0.25, 1.0);
        let stops = [
            (0.0, Ink(0xaab4c0).with(opacity)),
            (0.7, Ink(0x97a2af).with(opacity * 0.95)),
            (0.9, Ink(0x8f9aa8).with(opacity * 0.5)),
            (1.0, Ink(0x8995a3).with(0.0)),
        ];
        canvas.cloud(x, y, radius, &stops);
        let left = 1.0 - age / SMOKE_SECONDS;
        if left > 0.0 {
            canvas.ring(x, y, 14.0, 3.0, Ink(0x3b4654).with(0.25));
            canvas.arc(x, y, 14.0, left, 3.0, Ink(0x2f3946).with(0.9));
        }
    }
}

/// Draws grenades in flight with their trails.
pub fn grenades(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    for (grenade, places) in now.flights() {
        let ink = match grenade.kind {
            GrenadeKind::Smoke => Ink(0xd6dde6),
            GrenadeKind::He => Ink(0xff7a59),
            GrenadeKind::Flash => Ink(0xffffff),
            GrenadeKind::Fire => Ink(0xffa03a),
            GrenadeKind::Decoy => Ink(0x9aa7b5),
        };
        let points: Vec<_> = places.into_iter().map(|at| replay.camera.project(at)).collect();
        let count = points.len();
        for (index, pair) in points.windows(2).enumerate() {
            canvas.line(pair, 2.5, ink.with(0.65 * (1.0 - index as f32 / count as f32)));
        }
        if let Some(&(x, y)) = points.first() {
            canvas.disc(x, y, 5.5, NIGHT.with(0.9));
            canvas.disc(x, y, 4.0, ink.solid());
        }
    }
}
