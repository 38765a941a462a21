//! Text rendering: built-in fonts, a glyph cache, and drawing lines of text.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use tiny_skia::{Color, Pixmap};

use crate::domain::error::{Error, Result};

/// Font weight. Each is a separate font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// Normal text.
    Semibold,
    /// Names, numbers.
    Bold,
    /// The clock, the score.
    Extrabold,
}

/// Horizontal alignment: which point of the text its position refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left end.
    Left,
    /// Center.
    Middle,
    /// Right end.
    Right,
}

impl Align {
    /// The fraction of the text's width to the left of its position.
    pub fn share(self) -> f32 {
        match self {
            Self::Left => 0.0,
            Self::Middle => 0.5,
            Self::Right => 1.0,
        }
    }
}

/// Appearance of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// Font weight.
    pub weight: Weight,
    /// Font size in design units.
    pub size: f32,
    /// Alignment.
    pub align: Align,
    /// All digits have the same width, for numbers that change in place.
    pub tabular: bool,
}

impl TextStyle {
    /// Left-aligned, proportional digits.
    pub const fn new(weight: Weight, size: f32) -> Self {
        Self { weight, size, align: Align::Left, tabular: false }
    }

    /// Centered.
    pub const fn middle(self) -> Self {
        Self { align: Align::Middle, ..self }
    }

    /// Right-aligned.
    pub const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// All digits have the same width.
    pub const fn tabular(self) -> Self {
        Self { tabular: true, ..self }
    }
}

/// Subpixel positions per pixel: even spacing without a glyph for every position.
const SUBPIXELS: f32 = 4.0;

static INTER_SEMIBOLD: &[u8] = include_bytes!("fonts/Inter-SemiBold.otf");
static INTER_BOLD: &[u8] = include_bytes!("fonts/Inter-Bold.otf");
static INTER_EXTRABOLD: &[u8] = include_bytes!("fonts/Inter-ExtraBold.otf");
static FALLBACK: &[u8] = include_bytes!("fonts/DroidSansFallback.ttf");

/// The built-in fonts.
#[derive(Clone)]
pub struct Fonts {
    /// By [`Weight`].
    inter: [FontRef<'static>; 3],
    /// Han, kana and Hangul, in one weight.
    fallback: FontRef<'static>,
}

impl Fonts {
    /// Loads the fonts.
    pub fn load() -> Result<Self> {
        let read = |bytes: &'static [u8]| {
            FontRef::try_from_slice(bytes).map_err(|error| Error::internal("Could not load a built-in font.", error))
        };
        Ok(Self {
            inter: [read(INTER_SEMIBOLD)?, read(INTER_BOLD)?, read(INTER_EXTRABOLD)?],
            fallback: read(FALLBACK)?,
        })
    }

    /// Whether the fonts have this character.
    pub fn has(&self, character: char) -> bool {
        let none = GlyphId(0);
        self.inter[1].glyph_id(character) != none || self.fallback.glyph_id(character) != none
    }

    fn font(&self, weight: Weight, character: char) -> &FontRef<'static> {
        let own = &self.inter[weight as usize];
        if own.glyph_id(character) != GlyphId(0) || !self.has(character) { own } else { &self.fallback }
    }
}

/// A rasterized glyph: the coverage of each pixel, and its offset from the pen position.
struct Drawn {
    coverage: Vec<u8>,
    left: i32,
    top: i32,
    width: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    weight: Weight,
    /// Font size in pixels, times four.
    size: u16,
    /// Subpixel position, in [`SUBPIXELS`].
    shift: u8,
    character: char,
}

/// The fonts and a cache of rasterized glyphs.
pub struct Glyphs {
    fonts: Fonts,
    drawn: HashMap<Key, Drawn>,
    advances: HashMap<Key, f32>,
}

impl Glyphs {
    /// An empty cache.
    pub fn new(fonts: Fonts) -> Self {
        Self { fonts, drawn: HashMap::new(), advances: HashMap::new() }
    }

    /// Width of a text in pixels.
    pub fn width(&mut self, weight: Weight, size: f32, tabular: bool, text: &str) -> f32 {
        text.chars().map(|character| self.advance(weight, size, tabular, character)).sum()
    }

    fn advance(&mut self, weight: Weight, size: f32, tabular: bool, character: char) -> f32 {
        // Zero is the widest digit in Inter.
        let character = if tabular && character.is_ascii_digit() { '0' } else { character };
        let key = Key { weight, size: (size * 4.0) as u16, shift: 0, character };
        let fonts = &self.fonts;
        *self.advances.entry(key).or_insert_with(|| {
            let font = fonts.font(weight, character);
            let font = font.as_scaled(scale(font, size));
            font.h_advance(font.glyph_id(character))
        })
    }

    /// Draws a text onto premultiplied pixels, starting at (`left`, `baseline`) in pixels.
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
    ) {
        let mut pen = left;
        for character in text.chars() {
            let advance = self.advance(style.weight, size, style.tabular, character);
            let centred = if style.tabular && character.is_ascii_digit() {
                (advance - self.advance(style.weight, size, false, character)) / 2.0
            } else {
                0.0
            };
            let steps = ((pen + centred) * SUBPIXELS).round();
            let whole = (steps / SUBPIXELS).floor();
            let shift = (steps - whole * SUBPIXELS) as u8;
            let key = Key { weight: style.weight, size: (size * 4.0) as u16, shift, character };
            let fonts = &self.fonts;
            let glyph = self.drawn.entry(key).or_insert_with(|| outline(fonts, key, size));
            blend(pixels, glyph, whole as i32, baseline as i32, color);
            pen += advance;
        }
    }
}

/// The scale at which an em is `size` pixels: `ab_glyph` measures from ascender to descender.
fn scale(font: &FontRef<'static>, size: f32) -> PxScale {
    PxScale::from(font.units_per_em().map_or(size, |em| size * font.height_unscaled() / em))
}

fn outline(fonts: &Fonts, key: Key, size: f32) -> Drawn {
    let font = fonts.font(key.weight, key.character);
    let shift = f32::from(key.shift) / SUBPIXELS;
    let glyph = font.glyph_id(key.character).with_scale_and_position(scale(font, size), point(shift, 0.0));
    let Some(outlined) = font.outline_glyph(glyph) else {
        return Drawn { coverage: Vec::new(), left: 0, top: 0, width: 1 };
    };
    let bounds = outlined.px_bounds();
    let (width, height) = (bounds.width() as usize, bounds.height() as usize);
    let mut coverage = vec![0; width * height];
    outlined.draw(|x, y, part| {
        if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize) {
            *pixel = (part.clamp(0.0, 1.0) * 255.0) as u8;
        }
    });
    Drawn { coverage, left: bounds.min.x as i32, top: bounds.min.y as i32, width: width.max(1) }
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
