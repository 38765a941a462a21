//! Grenades in flight, explosions, smokes, and fire.

use super::stage::Stage;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::palette::{Ink, NIGHT, WHITE};
use crate::render::scene::{EffectKind, GrenadeKind, Side};

/// Lifetime of a smoke in seconds.
const SMOKE_SECONDS: f32 = 22.0;
/// Radius of a smoke in map units.
const SMOKE_RADIUS: f32 = 144.0;
/// Clouds of a smoke around its middle.
const PUFFS: u16 = 8;
/// Radius of a flame in map units.
const FLAME_RADIUS: f32 = 62.0;
/// Seconds in which an HE grenade's ring spreads, and from which radius to which in map units.
const HE: (f32, f32, f32) = (0.3, 110.0, 350.0);
/// Seconds of a flash, and its radius in map units.
const FLASH: (f32, f32) = (0.5, 240.0);
/// Seconds of the bomb's explosion, and its radius in map units.
const BOMB: (f32, f32) = (1.4, 900.0);

/// Draws fire; each flame flickers at its own phase.
pub fn flames(stage: &Stage<'_>, canvas: &mut Canvas) {
    for (index, at) in stage.now.moment.flames.iter().enumerate() {
        let (x, y) = stage.project(*at);
        let flicker = 0.86 + 0.14 * (stage.now.seconds() * 13.0 + index as f32 * 1.7).sin();
        let stops = [(0.0, Ink(0xffd27a).with(0.6)), (0.5, Ink(0xff7a2a).with(0.4)), (1.0, Ink(0xc22a10).with(0.0))];
        canvas.cloud(x, y, stage.units(FLAME_RADIUS) * flicker, &stops);
    }
}

/// Draws smokes, each with its remaining time.
pub fn smokes(stage: &Stage<'_>, canvas: &mut Canvas) {
    for smoke in &stage.now.moment.smokes {
        let (x, y) = stage.project(smoke.at);
        let age = stage.now.since(smoke.since_tick).max(0.0);
        let opacity = ((SMOKE_SECONDS - age) / 2.0).clamp(0.3, 1.0);
        let radius = stage.units(SMOKE_RADIUS) * (0.35 + age / 1.2).clamp(0.25, 1.0);
        canvas.disc(x + 8.0, y + 10.0, radius * 1.04, Ink(0x04070b).with(0.35 * opacity));
        let stops = [
            (0.0, Ink(0xe9edf1).with(0.92 * opacity)),
            (0.62, Ink(0xcdd4dc).with(0.84 * opacity)),
            (1.0, Ink(0xaab4c0).with(0.0)),
        ];
        for puff in 0..PUFFS {
            let uneven = f32::from((puff * 37 + (smoke.id & 0xff) as u16 * 11) % 16) / 16.0;
            let (sin, cos) = (f32::from(puff) * std::f32::consts::TAU / f32::from(PUFFS) + uneven * 0.5).sin_cos();
            canvas.cloud(x + cos * radius * 0.52, y + sin * radius * 0.52, radius * (0.5 + 0.14 * uneven), &stops);
        }
        canvas.cloud(x, y, radius * 0.8, &stops);
        let left = 1.0 - age / SMOKE_SECONDS;
        if left > 0.0 {
            let ring = 15.0 * stage.size();
            canvas.ring(x, y, ring, 6.0 * stage.size(), Ink(0x5c6877).with(0.45));
            canvas.arc(x, y, ring, left, 6.0 * stage.size(), Ink(0x39434f).solid());
        }
    }
}

/// Draws explosions and flashes.
pub fn explosions(stage: &Stage<'_>, canvas: &mut Canvas) {
    for effect in stage.plan.scene.effects.iter().filter(|effect| stage.now.reached(effect.tick)) {
        let age = stage.now.since(effect.tick);
        let (x, y) = stage.project(effect.at);
        match effect.kind {
            EffectKind::He if age < 2.0 * HE.0 => {
                let part = (age / HE.0).min(1.0);
                let radius = stage.units(HE.1 + (HE.2 - HE.1) * part);
                blast(canvas, x, y, radius, 1.0 - age / (2.0 * HE.0));
            }
            EffectKind::BombExploded if age < BOMB.0 => {
                let part = age / BOMB.0;
                blast(canvas, x, y, stage.units(BOMB.1) * part.sqrt(), 1.0 - part);
            }
            EffectKind::Flash if age < FLASH.0 => {
                let part = age / FLASH.0;
                let stops =
                    [(0.0, WHITE.with(1.0 - part)), (0.5, WHITE.with(0.7 * (1.0 - part))), (1.0, WHITE.with(0.0))];
                canvas.cloud(x, y, stage.units(FLASH.1) * (0.5 + 0.5 * part), &stops);
            }
            _ => {}
        }
    }
}

fn blast(canvas: &mut Canvas, x: f32, y: f32, radius: f32, left: f32) {
    if radius < 1.0 || !radius.is_finite() {
        return;
    }
    let stops =
        [(0.0, Ink(0xffd9a0).with(0.8 * left)), (0.6, Ink(0xff7a3c).with(0.5 * left)), (1.0, Ink(0xff5a1f).with(0.0))];
    canvas.cloud(x, y, radius, &stops);
    canvas.ring(x, y, radius, 5.0, Ink(0xffb37a).with(0.8 * left));
}

/// Draws grenades in flight: what they are, and where they come from, in the color of the thrower's side.
pub fn grenades(stage: &Stage<'_>, canvas: &mut Canvas) {
    for (grenade, places) in stage.now.flights() {
        let ink = if grenade.side == Side::None { WHITE } else { Ink::of(grenade.side) };
        let points: Vec<_> = places.into_iter().map(|at| stage.project(at)).collect();
        let count = points.len();
        for (index, pair) in points.windows(2).enumerate() {
            canvas.line(pair, 4.0, ink.with(0.8 * (1.0 - index as f32 / count as f32)));
        }
        let icon = match grenade.kind {
            GrenadeKind::Smoke => Icon::SMOKE_GRENADE,
            GrenadeKind::He => Icon::HE_GRENADE,
            GrenadeKind::Flash => Icon::FLASHBANG,
            GrenadeKind::Fire => Icon::MOLOTOV,
            GrenadeKind::Decoy => Icon::DECOY,
        };
        if let Some(&(x, y)) = points.first() {
            let area = Area::new(x - 34.0, y - 13.0, 68.0, 26.0);
            canvas.disc(x, y, 18.0, NIGHT.with(0.75));
            canvas.ring(x, y, 18.0, 2.5, ink.with(0.9));
            canvas.icon(icon, area, WHITE.solid());
        }
    }
}
