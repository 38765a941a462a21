//! The picture: a tactical replay from above that follows one player.
//!
//! [`Film`] holds everything that is constant over a clip: backdrop, camera, names, and label positions. [`Painter`]
//! draws its frames in any order and reports which pixels changed. Knows nothing about demos and video encoding.

mod backdrop;
mod camera;
mod canvas;
mod distance;
mod film;
mod hud;
mod labels;
mod metrics;
mod names;
mod now;
mod palette;
pub mod poster;
#[cfg(test)]
mod tests;
mod text;
mod tiles;
mod weapons;
mod world;

pub use film::{Film, Look};
pub use tiles::PixelRect;

use tiny_skia::Pixmap;

use canvas::Canvas;
use hud::Hud;
use text::Glyphs;

/// Draws the frames of a clip.
pub struct Painter<'a> {
    film: &'a Film<'a>,
    canvas: Canvas,
    hud: Hud,
}

impl<'a> Painter<'a> {
    /// Creates a painter that draws its first frame in full.
    pub fn new(film: &'a Film<'a>) -> Self {
        let canvas = Canvas::new(&film.backdrop, Glyphs::new(film.fonts.clone()));
        Self { film, hud: Hud::new(film, canvas.width()), canvas }
    }

    /// Draws a frame, counted from 0.
    pub fn frame(&mut self, frame: u64) {
        let Some(now) = now::Now::at(self.film.scene, self.film.tick_of(frame)) else { return };
        self.hud.update(self.film, &now, &mut self.canvas);
        self.canvas.begin();
        world::draw(self.film, &now, self.film.places(frame), &mut self.canvas);
        self.hud.draw_moving(self.film, &now, &mut self.canvas);
    }

    /// The picture: opaque RGBA.
    pub fn picture(&self) -> &Pixmap {
        self.canvas.pixels()
    }

    /// What changed since the frame drawn before.
    pub fn changes(&mut self) -> impl Iterator<Item = PixelRect> {
        self.canvas.changes()
    }

    /// Forgets the previous frame: the next one is drawn in full.
    pub fn invalidate(&mut self) {
        self.canvas.invalidate();
    }
}
