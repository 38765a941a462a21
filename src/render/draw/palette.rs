//! The colors of the picture by meaning.

use tiny_skia::Color;

use crate::render::scene::Side;

/// A color without opacity: 0xRRGGBB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u32);

/// Background, and outlines of markers and labels.
pub const NIGHT: Ink = Ink(0x0c1016);
/// Panels.
pub const PANEL: Ink = Ink(0x151b24);
/// Panels of dead players.
pub const PANEL_OUT: Ink = Ink(0x11161d);
/// Highlights on a panel: the clock, weapon labels.
pub const PANEL_HIGH: Ink = Ink(0x222c3a);
/// The empty part of bars.
pub const GROOVE: Ink = Ink(0x2b3543);
/// Text.
pub const TEXT: Ink = Ink(0xe9eef5);
/// Secondary text.
pub const TEXT_DIM: Ink = Ink(0x93a0b1);
/// Text about dead players.
pub const TEXT_OUT: Ink = Ink(0x5d6876);
/// The followed player.
pub const WHITE: Ink = Ink(0xffffff);
/// Danger: low health, the bomb, kills.
pub const RED: Ink = Ink(0xff5a4f);
/// Frame around the followed player's kills and death.
pub const FRAME: Ink = Ink(0xe5484d);
/// Counter-terrorists.
pub const CT: Ink = Ink(0x4aa8ff);
/// Terrorists.
pub const T: Ink = Ink(0xf5b340);

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
}
