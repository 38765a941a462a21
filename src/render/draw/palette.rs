//! The colors of the picture by meaning.

use tiny_skia::Color;

use crate::render::scene::Side;

/// A color without opacity: 0xRRGGBB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u32);

/// Outlines of markers and labels.
pub const NIGHT: Ink = Ink(0x0a0e14);
/// Panels.
pub const SLAB: Ink = Ink(0x0b1017);
/// Panels that stand out: the clock, the plate, the end card.
pub const SLAB_HIGH: Ink = Ink(0x172130);
/// Text.
pub const TEXT: Ink = Ink(0xf3f6fa);
/// Secondary text.
pub const TEXT_DIM: Ink = Ink(0xa9b7c8);
/// The followed player.
pub const WHITE: Ink = Ink(0xffffff);
/// The followed player's kills, and headshots.
pub const GOLD: Ink = Ink(0xffe08a);
/// The bomb, and low health.
pub const RED: Ink = Ink(0xff5252);
/// Counter-terrorists.
pub const CT: Ink = Ink(0x4da6ff);
/// Terrorists.
pub const T: Ink = Ink(0xffb53a);

impl Ink {
    /// With an opacity from 0 to 1.
    pub fn with(self, opacity: f32) -> Color {
        let [_, red, green, blue] = self.0.to_be_bytes();
        Color::from_rgba8(red, green, blue, (opacity.clamp(0.0, 1.0) * 255.0) as u8)
    }

    /// Opaque.
    pub fn solid(self) -> Color {
        self.with(1.0)
    }

    /// The color of a side.
    pub fn of(side: Side) -> Self {
        match side {
            Side::T => T,
            Side::Ct => CT,
            Side::None => TEXT_DIM,
        }
    }

    /// The color of a side where health is lost.
    pub fn drained(side: Side) -> Self {
        match side {
            Side::T => Self(0x84591a),
            Side::Ct => Self(0x21527f),
            Side::None => Self(0x4a525c),
        }
    }
}
