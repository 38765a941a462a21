//! A cross where somebody died.

use super::stage::Stage;
use crate::render::draw::canvas::Canvas;
use crate::render::draw::palette::{Ink, NIGHT, WHITE};

/// Half the width of a cross at full size.
const ARM: f32 = 13.0;
/// Opacity of a cross at first, and after some seconds.
const FADE: (f32, f32) = (0.8, 0.34);
/// What it loses per second.
const FADE_PER_SECOND: f32 = 0.1;

/// Draws a cross for each death on the shown floor.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    for kill in stage.now.kills() {
        let Some(victim) = stage.now.drawn(kill.victim) else { continue };
        if victim.alive() || !victim.present {
            continue;
        }
        let (x, y) = stage.project(victim.at);
        let age = stage.now.since(kill.tick);
        let followed = kill.victim == stage.plan.scene.followed;
        let faded = (FADE.0 - age * FADE_PER_SECOND).max(FADE.1);
        let opacity = if followed { FADE.0 } else { faded };
        let opacity = opacity * (1.0 - stage.elsewhere(kill.victim) * 0.6);
        cross(canvas, x, y, ARM * stage.size(), (11.0, 5.5), [NIGHT, Ink::of(stage.side(kill.victim))], opacity);
        if followed {
            canvas.ring(x, y, 26.0 * stage.size(), 3.0, WHITE.with(0.7));
        }
    }
}

/// A cross with a dark border: widths and inks of border and core.
pub fn cross(canvas: &mut Canvas, x: f32, y: f32, arm: f32, widths: (f32, f32), inks: [Ink; 2], opacity: f32) {
    for (width, ink) in [widths.0, widths.1].into_iter().zip(inks) {
        canvas.line(&[(x - arm, y - arm), (x + arm, y + arm)], width, ink.with(opacity));
        canvas.line(&[(x - arm, y + arm), (x + arm, y - arm)], width, ink.with(opacity));
    }
}
