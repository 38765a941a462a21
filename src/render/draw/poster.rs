//! The poster: selects its moment in the clip and writes it as JPEG.

use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};
use tiny_skia::Pixmap;

use crate::domain::error::{Error, Result};
use crate::render::scene::Scene;

/// Maximum seconds between the kills of a multi-kill.
const MULTI_KILL_SECONDS: f32 = 5.0;
/// Seconds after the kill: the line to the victim is still visible, and the kill feed shows it.
const AFTER_SECONDS: f32 = 0.2;
/// JPEG quality without visible artifacts around text.
const QUALITY: u8 = 88;

/// The tick to show: the followed player's first multi-kill, else the first kill, else the middle of the round.
pub fn tick(scene: &Scene) -> f64 {
    let in_clip = |tick: &i32| (scene.clip_start_tick..=scene.clip_end_tick).contains(tick);
    let own: Vec<i32> = scene.own_kills().map(|kill| kill.tick).filter(in_clip).collect();
    let together = (MULTI_KILL_SECONDS * scene.tick_rate) as i32;
    let multi = own.windows(2).find(|pair| pair[1] - pair[0] <= together).map(|pair| pair[1]);
    match multi.or_else(|| own.first().copied()) {
        Some(kill) => f64::from(kill) + f64::from(AFTER_SECONDS * scene.tick_rate),
        None => (f64::from(scene.freeze_end_tick) + f64::from(scene.end_tick)) / 2.0,
    }
}

/// Writes a picture as JPEG.
pub fn write(picture: &Pixmap, path: &Path) -> Result<()> {
    let failed = |error: jpeg_encoder::EncodingError| Error::internal("Could not write the poster.", error);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    let encoder = Encoder::new_file(path, QUALITY).map_err(failed)?;
    encoder.encode(picture.data(), width, height, ColorType::Rgba).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Kill, Side, Undrawn};

    #[test]
    fn poster_shows_the_best_moment() {
        const ME: usize = 3;
        let sides = [Side::Ct, Side::Ct, Side::Ct, Side::Ct, Side::T, Side::T, Side::T, Side::T];
        let undrawn = sides.map(|side| Undrawn { side, ..Undrawn::default() });
        // Kills (tick and killer), and the expected tick.
        type Case = (&'static [(i32, Option<usize>)], f64);
        let cases: [Case; 7] = [
            (&[], 3_500.0),
            (&[(2_000, Some(1)), (2_100, None)], 3_500.0),
            (&[(2_000, Some(1)), (2_500, Some(ME))], 2_512.8),
            (&[(2_000, Some(ME)), (3_000, Some(ME))], 2_012.8),
            (&[(2_000, Some(ME)), (3_000, Some(ME)), (3_320, Some(ME))], 3_332.8),
            (&[(2_000, Some(ME)), (3_000, Some(ME)), (3_321, Some(ME))], 2_012.8),
            (&[(100, Some(ME)), (3_000, Some(ME))], 3_012.8),
        ];
        for (kills, expected) in cases {
            let kills = kills.iter().map(|&(tick, killer)| Kill { tick, killer, victim: 7, ..Kill::default() });
            let scene = Scene {
                tick_rate: 64.0,
                clip_start_tick: 1_000,
                freeze_end_tick: 2_000,
                end_tick: 5_000,
                clip_end_tick: 5_200,
                followed: ME,
                undrawn: undrawn.to_vec(),
                kills: kills.collect(),
                ..Scene::default()
            };
            assert!((tick(&scene) - expected).abs() < 0.01, "{expected}: {}", tick(&scene));
        }
    }
}
