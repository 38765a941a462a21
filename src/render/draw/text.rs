//! Draws lines of text, with caches of shaped lines and rasterized glyphs.

use std::collections::HashMap;
use std::sync::Arc;

use tiny_skia::{Color, Pixmap};

use super::fonts::{Drawn, Fonts};
use super::shape::{self, Line};
pub use super::style::{Align, TextStyle, Weight};

/// Subpixel positions per pixel: even spacing without a glyph for every position.
const SUBPIXELS: f32 = 4.0;
/// Steps of font sizes per pixel. All text is measured and drawn at such a size, so that equal keys are equal glyphs.
const SIZES: f32 = 4.0;
/// Maximum number of glyphs, and of shaped lines per style, that are kept.
const CACHED: usize = 4_096;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// Index into the fonts.
    font: u8,
    glyph: u16,
    /// Font size, in [`SIZES`].
    size: u16,
    /// Subpixel position, in [`SUBPIXELS`].
    shift: u8,
}

/// What determines the shape of a line, besides its text: weight, size in [`SIZES`], tabular digits.
type Style = (Weight, u16, bool);

/// The fonts, and caches of what was drawn with them.
pub struct Glyphs {
    fonts: Fonts,
    drawn: HashMap<Key, Drawn>,
    lines: HashMap<Style, HashMap<String, Arc<Line>>>,
}

/// The bounds of something drawn, in pixels: left, top, right, bottom.
pub type Bounds = [f32; 4];

impl Glyphs {
    /// Empty caches.
    pub fn new(fonts: Fonts) -> Self {
        Self { fonts, drawn: HashMap::new(), lines: HashMap::new() }
    }

    /// Width of a text in pixels.
    pub fn width(&mut self, weight: Weight, size: f32, tabular: bool, text: &str) -> f32 {
        self.line(weight, steps(size), tabular, text).width
    }

    fn line(&mut self, weight: Weight, size: u16, tabular: bool, text: &str) -> Arc<Line> {
        let lines = self.lines.entry((weight, size, tabular)).or_default();
        if let Some(line) = lines.get(text) {
            return Arc::clone(line);
        }
        if lines.len() >= CACHED {
            lines.clear();
        }
        let line = Arc::new(shape::line(&self.fonts, weight, f32::from(size) / SIZES, tabular, text));
        lines.insert(text.to_owned(), Arc::clone(&line));
        line
    }

    /// Draws a text onto premultiplied pixels, starting at (`left`, `baseline`) in pixels. Returns what it covers.
    #[allow(clippy::too_many_arguments, reason = "a line of text has this many properties")]
    pub fn draw(
        &mut self,
        pixels: &mut Pixmap,
        style: TextStyle,
        size: f32,
        left: f32,
        baseline: f32,
        color: Color,
        text: &str,
    ) -> Bounds {
        let size = steps(size);
        let line = self.line(style.weight, size, style.tabular, text);
        let mut covered = [left, baseline, left + line.width, baseline];
        if self.drawn.len() >= CACHED {
            self.drawn.clear();
        }
        for placed in &line.glyphs {
            let steps = ((left + placed.x) * SUBPIXELS).round();
            let whole = (steps / SUBPIXELS).floor();
            let shift = (steps - whole * SUBPIXELS) as u8;
            let key = Key { font: placed.font, glyph: placed.glyph, size, shift };
            let fonts = &self.fonts;
            let glyph = self.drawn.entry(key).or_insert_with(|| {
                let shift = f32::from(shift) / SUBPIXELS;
                fonts.rasterize(placed.font, placed.glyph, f32::from(size) / SIZES, shift)
            });
            let (x, y) = (whole as i32, (baseline + placed.y).round() as i32);
            blend(pixels, glyph, x, y, color);
            let (glyph_left, glyph_top) = ((x + glyph.left) as f32, (y + glyph.top) as f32);
            let height = glyph.coverage.len() / glyph.width;
            covered = [
                covered[0].min(glyph_left),
                covered[1].min(glyph_top),
                covered[2].max(glyph_left + glyph.width as f32),
                covered[3].max(glyph_top + height as f32),
            ];
        }
        covered
    }
}

/// A font size in [`SIZES`], rounded down, so that no text is wider than at its exact size.
fn steps(size: f32) -> u16 {
    ((size * SIZES) as u16).max(1)
}

fn blend(pixels: &mut Pixmap, glyph: &Drawn, x: i32, y: i32, color: Color) {
    let (width, height) = (pixels.width() as i32, pixels.height() as i32);
    let color = color.to_color_u8();
    let ink = [color.red(), color.green(), color.blue(), 255];
    let opacity = u32::from(color.alpha());
    let data = pixels.data_mut();
    for (row, line) in (y + glyph.top..).zip(glyph.coverage.chunks(glyph.width)) {
        if row < 0 || row >= height {
            continue;
        }
        for (column, &coverage) in (x + glyph.left..).zip(line) {
            if coverage == 0 || column < 0 || column >= width {
                continue;
            }
            let part = u32::from(coverage) * opacity / 255;
            let at = (row * width + column) as usize * 4;
            for (pixel, ink) in data[at..at + 4].iter_mut().zip(ink) {
                *pixel = ((u32::from(ink) * part + u32::from(*pixel) * (255 - part) + 127) / 255) as u8;
            }
        }
    }
}
