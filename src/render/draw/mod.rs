//! The picture: a tactical replay from above, following one player.
//!
//! [`Film`] is what stays the same through a clip: the backdrop, the view, names and where they go. [`Painter`] draws
//! frames of it, any of them in any order, and tells which pixels changed. Knows nothing of demos and videos.

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

/// Draws frames of a film.
pub struct Painter<'a> {
    film: &'a Film<'a>,
    canvas: Canvas,
    hud: Hud,
}

impl<'a> Painter<'a> {
    /// A painter whose first frame is drawn whole.
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

    /// The picture: RGBA, opaque.
    pub fn picture(&self) -> &Pixmap {
        self.canvas.pixels()
    }

    /// What is different from the frame that was drawn before.
    pub fn changes(&mut self) -> impl Iterator<Item = PixelRect> {
        self.canvas.changes()
    }

    /// Forgets the frame before: the next one is drawn whole.
    pub fn invalidate(&mut self) {
        self.canvas.invalidate();
    }
}
