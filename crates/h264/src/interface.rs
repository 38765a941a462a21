//! What goes into the encoder and comes out of it.

use std::fmt;

/// Minimum width and height of a picture in pixels: a macroblock.
const MIN_SIDE: usize = 16;
/// Maximum longer and shorter side of a picture in pixels.
const MAX_SIDES: (usize, usize) = (3840, 2160);
/// The coarsest quantizer of H.264.
const MAX_QUANTIZER: u8 = 51;

/// How to encode a sequence of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Pixels, even, at least 16; one side at most 3840, the other at most 2160.
    pub width: usize,
    /// The same.
    pub height: usize,
    /// Pictures per second, from 1.
    pub fps: u32,
    /// Frames from one key frame to the next, from 1.
    pub key_interval: u32,
    /// Quantizer of key frames: 0 (finest) to 51.
    pub key_quantizer: u8,
    /// Quantizer of the frames between them: 0 (finest) to 51.
    pub quantizer: u8,
}

/// A picture in planar YUV 4:2:0, BT.709, limited range, rows without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Brightness: width × height bytes.
    pub luma: &'a [u8],
    /// Blue difference: half the width × half the height.
    pub blue: &'a [u8],
    /// Red difference: half the width × half the height.
    pub red: &'a [u8],
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// An encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Annex B NAL units.
    pub bytes: Vec<u8>,
    /// Whether this is a key frame.
    pub key: bool,
}

/// Why a picture could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A setting is outside the limits that [`Settings`] gives.
    Settings,
    /// A plane of the picture does not have the size that the settings give.
    Plane,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Settings => "a setting of the encoder is out of range",
            Self::Plane => "a plane of the picture has the wrong size",
        })
    }
}

impl std::error::Error for Error {}

impl Settings {
    /// Whether the encoder can do this.
    pub(crate) fn are_valid(&self) -> bool {
        let (shorter, longer) = (self.width.min(self.height), self.width.max(self.height));
        let even = self.width.is_multiple_of(2) && self.height.is_multiple_of(2);
        let size = even && shorter >= MIN_SIDE && shorter <= MAX_SIDES.1 && longer <= MAX_SIDES.0;
        let quantizers = self.key_quantizer.max(self.quantizer) <= MAX_QUANTIZER;
        size && self.fps > 0 && self.key_interval > 0 && quantizers
    }
}
