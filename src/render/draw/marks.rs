//! What is painted on the ground: letters of the bomb sites, and the spawns.

use tiny_skia::{Paint, PathBuilder, Pixmap, Shader, Stroke, StrokeDash, Transform};

use super::canvas::UNITS;
use super::ground::{Layer, Region};
use super::palette::{Ink, WHITE};
use super::plan::Plan;
use super::text::{Glyphs, TextStyle, Weight};
use crate::render::scene::Side;

/// Height of a site's letter in map units, and the smallest in design units.
const LETTER: (f32, f32) = (600.0, 150.0);
/// Its opacity.
const LETTER_OPACITY: f32 = 0.2;
/// Radius of a spawn in map units.
const SPAWN: f32 = 260.0;
/// Size of a spawn's name in map units, and the smallest in design units: readable in a picture 360 pixels high.
const NAME: (f32, f32) = (42.0, 27.0);
/// Its opacity.
const NAME_OPACITY: f32 = 0.6;

/// Paints the marks of a floor on a layer.
pub fn draw(plan: &Plan<'_>, floor: usize, layer: &mut Layer) {
    let scale = layer.scale();
    let (pixels, region) = layer.pixels_mut();
    let unit = plan.look.height as f32 / UNITS;
    let mut sheet = Sheet { pixels, region, scale, unit, glyphs: Glyphs::new(plan.fonts.clone()) };
    let here = |at: &[f32; 3]| at.iter().all(|axis| axis.is_finite()) && plan.terrain.floor_at(at[2]) == floor;
    for (letter, site) in ["A", "B"].into_iter().zip(plan.scene.sites) {
        if let Some(site) = site.filter(here) {
            sheet.letter(site, letter);
        }
    }
    for (side, spawn) in [Side::T, Side::Ct].into_iter().zip(plan.scene.spawns) {
        if let Some(spawn) = spawn.filter(here) {
            sheet.spawn(spawn, side);
        }
    }
}

/// A layer to paint on, in map positions.
struct Sheet<'a> {
    pixels: &'a mut Pixmap,
    region: Region,
    /// Pixels per map unit.
    scale: f32,
    /// Pixels per design unit.
    unit: f32,
    glyphs: Glyphs,
}

impl Sheet<'_> {
    fn place(&self, [x, y, _]: [f32; 3]) -> (f32, f32) {
        (x * self.scale - self.region[0] as f32, -y * self.scale - self.region[1] as f32)
    }

    /// A size in pixels, from one in map units and the smallest in design units.
    fn size(&self, (usual, smallest): (f32, f32)) -> f32 {
        (usual * self.scale).max(smallest * self.unit)
    }

    fn letter(&mut self, at: [f32; 3], letter: &str) {
        let (x, y) = self.place(at);
        let size = self.size(LETTER);
        let style = TextStyle::new(Weight::Extrabold, size);
        self.text(style, (x, y + size * 0.36), letter, WHITE.with(LETTER_OPACITY));
    }

    fn spawn(&mut self, at: [f32; 3], side: Side) {
        let (x, y) = self.place(at);
        let ink = Ink::of(side);
        let Some(circle) = PathBuilder::from_circle(x, y, SPAWN * self.scale) else { return };
        let paint =
            |opacity| Paint { shader: Shader::SolidColor(ink.with(opacity)), anti_alias: true, ..Paint::default() };
        let line = (4.8 * self.scale).max(1.5);
        let stroke = Stroke {
            width: line,
            line_cap: tiny_skia::LineCap::Round,
            dash: StrokeDash::new(vec![line * 1.3, line * 4.0], 0.0),
            ..Stroke::default()
        };
        self.pixels.fill_path(&circle, &paint(0.07), tiny_skia::FillRule::Winding, Transform::identity(), None);
        self.pixels.stroke_path(&circle, &paint(0.35), &stroke, Transform::identity(), None);
        let size = self.size(NAME);
        let name = if side == Side::T { "T SPAWN" } else { "CT SPAWN" };
        self.text(TextStyle::new(Weight::Extrabold, size), (x, y + size * 0.36), name, ink.with(NAME_OPACITY));
    }

    /// A text centered at a place, in pixels of the layer.
    fn text(&mut self, style: TextStyle, (x, baseline): (f32, f32), text: &str, color: tiny_skia::Color) {
        let width = self.glyphs.width(style.weight, style.size, style.tabular, text);
        let left = x - width / 2.0;
        self.glyphs.draw(self.pixels, style, style.size, left, baseline.round(), color, text);
    }
}
