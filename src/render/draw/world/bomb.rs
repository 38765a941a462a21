//! The bomb when nobody carries it: dropped, ticking, being defused, defused, exploded.

use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::now::{Now, RoundClock};
use crate::render::draw::palette::{CT, Ink, NIGHT, RED, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::BombState;

const CAPTION: TextStyle = TextStyle::new(Weight::Extrabold, 11.0).middle();
/// Period in seconds of the pulsing ring, normally and in the last ten seconds.
const PULSE_SECONDS: (f32, f32) = (1.0, 0.4);

/// Draws the bomb.
pub fn draw(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    let Some(bomb) = now.moment.bomb else { return };
    let (x, y) = replay.camera.project(bomb.at);
    match bomb.state {
        BombState::Dropped => plate(canvas, x, y, Ink(0xff9c42), "C4"),
        BombState::Defused => plate(canvas, x, y, CT, "OK"),
        BombState::Exploded => canvas.disc(x, y, 9.0, NIGHT.with(0.6)),
        BombState::Planted => {
            if let (RoundClock::Bomb(left, _), Some(plant)) = (now.clock(), &replay.scene.plant) {
                let period = if left > 10.0 { PULSE_SECONDS.0 } else { PULSE_SECONDS.1 };
                let phase = (now.since(plant.tick) / period).fract().abs();
                canvas.ring(x, y, 12.0 + 24.0 * phase, 3.0, RED.with(0.9 * (1.0 - phase)));
                canvas.ring(x, y, 18.0, 3.0, NIGHT.with(0.8));
                let ink = if bomb.being_defused { CT } else { RED };
                canvas.arc(x, y, 18.0, left / plant.fuse_seconds.max(1.0), 3.0, ink.solid());
            }
            if bomb.being_defused {
                let blink = 0.55 + 0.45 * (now.seconds() * 9.0).sin();
                canvas.ring(x, y, 24.0, 2.5, WHITE.with(blink));
            }
            plate(canvas, x, y, RED, "C4");
        }
    }
}

fn plate(canvas: &mut Canvas, x: f32, y: f32, ink: Ink, caption: &str) {
    canvas.plate(Area::new(x - 10.5, y - 8.5, 21.0, 17.0), 4.5, NIGHT.with(0.85));
    canvas.plate(Area::new(x - 9.0, y - 7.0, 18.0, 14.0), 3.0, ink.solid());
    canvas.text(CAPTION, x, y + 4.0, NIGHT.solid(), caption);
}
