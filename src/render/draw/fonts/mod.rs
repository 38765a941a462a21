//! The built-in fonts: which one has a character, and the pixels of a glyph.

use std::sync::Arc;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, point};
use rustybuzz::Face;

use super::style::Weight;
use crate::domain::error::{Error, Result};

/// Inter in each [`Weight`], then the fonts for what Inter does not have, in one weight, in order of preference.
static FILES: [&[u8]; 8] = [
    include_bytes!("Inter-SemiBold.otf"),
    include_bytes!("Inter-Bold.otf"),
    include_bytes!("Inter-ExtraBold.otf"),
    // Han, kana and Hangul.
    include_bytes!("DroidSansFallback.ttf"),
    include_bytes!("NotoSansArabic-Bold.ttf"),
    include_bytes!("NotoSansHebrew-Bold.ttf"),
    include_bytes!("NotoSansThai-Bold.ttf"),
    include_bytes!("NotoEmoji-Bold.ttf"),
];

/// Number of weights of Inter.
const WEIGHTS: usize = 3;

/// The built-in fonts.
#[derive(Clone)]
pub struct Fonts(Arc<Vec<LoadedFont>>);

/// A font, loaded for outlines and for shaping.
struct LoadedFont {
    outlines: FontRef<'static>,
    face: Face<'static>,
}

/// A rasterized glyph: the coverage of each pixel, and its offset from the pen position.
pub struct Drawn {
    /// Row by row, from 0 to 255.
    pub coverage: Vec<u8>,
    /// Distance from the pen to the left edge, in pixels.
    pub left: i32,
    /// Distance from the baseline to the top edge, in pixels; negative above it.
    pub top: i32,
    /// Pixels per row; at least 1.
    pub width: usize,
}

impl Fonts {
    /// Loads the fonts.
    pub fn load() -> Result<Self> {
        let fonts = FILES.iter().map(|bytes| {
            let failed = || Error::internal("Could not load a built-in font.", "not a font");
            let outlines = FontRef::try_from_slice(bytes).map_err(|_| failed())?;
            Ok(LoadedFont { outlines, face: Face::from_slice(bytes, 0).ok_or_else(failed)? })
        });
        Ok(Self(Arc::new(fonts.collect::<Result<_>>()?)))
    }

    /// Whether the fonts have this character.
    pub fn has(&self, character: char) -> bool {
        self.find(Weight::Bold, character).is_some()
    }

    /// The index of the font that has this character.
    pub fn find(&self, weight: Weight, character: char) -> Option<u8> {
        let fonts = std::iter::once(weight as usize).chain(WEIGHTS..FILES.len());
        let mut having = fonts.filter(|font| self.0[*font].face.glyph_index(character).is_some());
        having.next().map(|font| font as u8)
    }

    /// A font by index, for shaping.
    pub fn face(&self, font: u8) -> &Face<'static> {
        &self.0[usize::from(font)].face
    }

    /// The pixels of a glyph whose em is `size` pixels, at a fraction of a pixel to the right of the pen.
    pub fn rasterize(&self, font: u8, glyph: u16, size: f32, shift: f32) -> Drawn {
        let font = &self.0[usize::from(font)].outlines;
        // The scale is measured from ascender to descender.
        let scale = font.units_per_em().map_or(size, |em| size * font.height_unscaled() / em);
        let glyph = GlyphId(glyph).with_scale_and_position(PxScale::from(scale), point(shift, 0.0));
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
}
