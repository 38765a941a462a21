//! The picture: a tactical replay from above that follows one player.
//!
//! [`Replay`] holds everything that is constant over a clip: backdrop, camera, names, and label positions. [`Painter`]
//! draws its frames in any order and reports which pixels changed. Knows nothing about demos and video encoding.

mod area;
mod blend;
mod camera;
mod canvas;
mod fonts;
mod gradient;
mod ground;
mod hud;
mod icons;
mod label_plan;
mod labels;
mod layers;
mod layout;
mod look;
mod marks;
mod metrics;
mod names;
mod now;
mod palette;
mod pixels;
mod plan;
pub mod poster;
mod rectangle;
mod replay;
mod shape;
mod style;
#[cfg(test)]
pub mod tests;
mod text;
mod tiles;
mod view;
mod vignette;
mod world;

pub use look::Look;
pub use replay::Replay;
pub use tiles::PixelRect;

use tiny_skia::Pixmap;

use crate::domain::error::{Error, Result};

use canvas::Canvas;
use hud::Hud;
use text::Glyphs;
use view::View;
use vignette::Vignette;
use world::Stage;

/// Draws the frames of a clip.
pub struct Painter<'a> {
    replay: &'a Replay<'a>,
    canvas: Canvas,
    hud: Hud,
    vignette: Vignette,
    /// The ground that the canvas shows: view and floor.
    ground: Option<(View, usize)>,
}

impl<'a> Painter<'a> {
    /// Creates a painter that draws its first frame in full.
    ///
    /// Fails if there is no memory for a picture of this size.
    pub fn new(replay: &'a Replay<'a>) -> Result<Self> {
        let look = replay.look();
        let canvas = Canvas::new(look.width, look.height, Glyphs::new(replay.plan.fonts.clone()));
        let too_large = || Error::internal("The picture size is invalid.", format!("{}x{}", look.width, look.height));
        let canvas = canvas.ok_or_else(too_large)?;
        let vignette = Vignette::new(look.width, look.height);
        Ok(Self { replay, hud: Hud::new(&replay.plan), canvas, vignette, ground: None })
    }

    /// Draws a frame, counted from 0.
    pub fn frame(&mut self, frame: u64) {
        let plan = &self.replay.plan;
        let Some(now) = now::Now::at(plan.scene, plan.tick_of(frame)) else { return };
        let stage = Stage::new(plan, &now, frame, self.replay.places(frame), hud::panels_opacity(plan, &now));
        let ground = Some((stage.view, stage.floor));
        if self.ground != ground {
            let layer = self.replay.layer(&plan.framing(frame), stage.floor);
            let vignette = &self.vignette;
            self.canvas.ground(|picture| {
                if let Some(layer) = layer {
                    layer.paint(&stage.view, picture);
                }
                vignette.darken(picture);
            });
            self.ground = ground;
        }
        self.canvas.begin();
        world::draw(&stage, &mut self.canvas);
        self.hud.update(&stage, &mut self.canvas);
        self.canvas.finish();
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
    #[cfg(test)]
    pub fn invalidate(&mut self) {
        self.canvas.invalidate();
    }
}
