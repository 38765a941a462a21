//! Shapes a line of text: finds the order, the font, the glyph and the place of each character. Handles text from right
//! to left, joined letters, and stacked marks.

use rustybuzz::{Direction, Feature, UnicodeBuffer, ttf_parser::Tag};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use super::fonts::Fonts;
use super::style::Weight;

/// A shaped line of text.
pub struct Line {
    /// The glyphs from left to right.
    pub glyphs: Vec<Placed>,
    /// Width in pixels.
    pub width: f32,
}

/// A glyph and its place.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// Index into the fonts.
    pub font: u8,
    /// The font's number of the glyph.
    pub glyph: u16,
    /// Distance from the start of the line to the pen, in pixels.
    pub x: f32,
    /// Distance below the baseline, in pixels.
    pub y: f32,
}

/// Shapes a line whose em is `size` pixels.
pub fn line(fonts: &Fonts, weight: Weight, size: f32, tabular: bool, text: &str) -> Line {
    let mut line = Line { glyphs: Vec::new(), width: 0.0 };
    let bidi = BidiInfo::new(text, Some(base_level(text)));
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let backward = levels.get(run.start).is_some_and(Level::is_rtl);
            let mut pieces = pieces(fonts, weight, &text[run]);
            if backward {
                pieces.reverse();
            }
            for (font, piece) in pieces {
                let shaper = Shaper { fonts, weight, font, size, tabular };
                shaper.add(piece, backward, &mut line);
            }
        }
    }
    line
}

/// Right to left for a text that has only such letters: its ellipsis belongs on the left.
fn base_level(text: &str) -> Level {
    let classes = || text.chars().map(bidi_class);
    let backward = classes().any(|class| matches!(class, BidiClass::R | BidiClass::AL));
    if backward && !classes().any(|class| class == BidiClass::L) { Level::rtl() } else { Level::ltr() }
}

/// A text in pieces of one font each. Marks and joiners stay with the character before them.
fn pieces<'t>(fonts: &Fonts, weight: Weight, text: &'t str) -> Vec<(u8, &'t str)> {
    let mut pieces: Vec<(u8, &str)> = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let attached = matches!(bidi_class(character), BidiClass::NSM | BidiClass::BN);
        let own = fonts.find(weight, character).unwrap_or(weight as u8);
        match pieces.last_mut() {
            Some((font, piece)) if attached || *font == own => *piece = &text[start..end],
            _ => {
                start = at;
                pieces.push((own, &text[start..end]));
            }
        }
    }
    pieces
}

struct Shaper<'a> {
    fonts: &'a Fonts,
    weight: Weight,
    font: u8,
    size: f32,
    tabular: bool,
}

impl Shaper<'_> {
    /// Adds a text in one font and direction to the end of the line.
    fn add(&self, text: &str, backward: bool, line: &mut Line) {
        let face = self.fonts.face(self.font);
        let scale = self.size / face.units_per_em() as f32;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if backward { Direction::RightToLeft } else { Direction::LeftToRight });
        // Kerning would give equal digits different widths.
        let features = [Feature::new(Tag::from_bytes(b"kern"), u32::from(!self.tabular), ..)];
        let shaped = rustybuzz::shape(face, &features, buffer);
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let mut advance = position.x_advance as f32 * scale;
            let mut x = position.x_offset as f32 * scale;
            let digit = || text.as_bytes().get(info.cluster as usize).is_some_and(u8::is_ascii_digit);
            if self.tabular && digit() {
                let cell = self.digit_width(scale);
                x += (cell - advance) / 2.0;
                advance = cell;
            }
            // Glyph numbers of OpenType fonts have 16 bits.
            let glyph = u16::try_from(info.glyph_id).unwrap_or(0);
            let y = -position.y_offset as f32 * scale;
            line.glyphs.push(Placed { font: self.font, glyph, x: line.width + x, y });
            line.width += advance;
        }
    }

    /// The width of zero, the widest digit in Inter.
    fn digit_width(&self, scale: f32) -> f32 {
        let face = self.fonts.face(self.weight as u8);
        let zero = face.glyph_index('0').and_then(|glyph| face.glyph_hor_advance(glyph));
        zero.map_or(0.0, |width| f32::from(width) * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(text: &str) -> Vec<Placed> {
        line(&Fonts::load().unwrap(), Weight::Bold, 100.0, false, text).glyphs
    }

    fn numbers(text: &str) -> Vec<u16> {
        shaped(text).iter().map(|placed| placed.glyph).collect()
    }

    #[test]
    fn letters_from_right_to_left_are_in_visual_order() {
        for (first, second) in [("ש", "ל"), ("د", "ر")] {
            let text = format!("{first}{second}");
            assert_eq!(numbers(&text), [numbers(second), numbers(first)].concat(), "{text}");
        }
        // The name in a sentence: only the name is backward.
        let sentence = numbers("של is");
        assert_eq!(sentence, [numbers("ל"), numbers("ש"), numbers(" is")].concat());
        let ellipsis = numbers("של…");
        assert_eq!(ellipsis[0], numbers("…")[0], "the end of a name from right to left is on the left");
    }

    #[test]
    fn arabic_letters_are_joined() {
        let alone = numbers("ب");
        assert!(!numbers("ببب").contains(&alone[0]));
        assert_eq!(numbers("لا").len(), 1, "lam and alef are one glyph");
        assert_eq!(numbers("(ب)").len(), 3);
    }

    #[test]
    fn thai_marks_take_no_width_and_are_stacked() {
        let fonts = Fonts::load().unwrap();
        let width = |text| line(&fonts, Weight::Bold, 100.0, false, text).width;
        assert_eq!(width("ที่"), width("ท"));
        let stacked = shaped("ที่");
        let alone = shaped("ท่");
        assert_ne!(stacked.last().unwrap().glyph, 0);
        let tone = |glyphs: &[Placed]| (glyphs.last().unwrap().glyph, glyphs.last().unwrap().y as i32);
        assert_ne!(tone(&stacked), tone(&alone), "the tone mark is higher above a vowel");
    }

    #[test]
    fn equal_digits_have_equal_widths_only_in_tables() {
        let fonts = Fonts::load().unwrap();
        let width = |text, tabular| line(&fonts, Weight::Bold, 100.0, tabular, text).width;
        assert_eq!(width("1:11", true), width("0:48", true));
        assert!(width("111", false) < width("000", false));
    }

    #[test]
    fn every_kind_of_name_has_its_glyphs() {
        for text in ["龙之队", "さくら", "한국인", "Дмитрий", "Σωκράτης", "محمد", "שלום", "สวัสดี", "🔥", "🇩🇪"]
        {
            let glyphs = shaped(text);
            assert!(!glyphs.is_empty() && glyphs.iter().all(|placed| placed.glyph != 0), "{text}: {glyphs:?}");
        }
    }
}
