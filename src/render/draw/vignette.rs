//! Darkens the picture towards its corners.

use tiny_skia::Pixmap;

use super::pixels::dim;

/// Darkness of the corners.
const DARKNESS: f32 = 0.7;
/// Distance from the middle at which it begins, and at which it is complete, in widths and heights of the picture.
const REACH: (f32, f32) = (0.36, 0.70);

/// How dark each pixel of a picture becomes.
pub struct Vignette {
    /// What remains of each pixel, of 255.
    brightness: Vec<u8>,
}

impl Vignette {
    /// For a picture of this size in pixels.
    pub fn new(width: u32, height: u32) -> Self {
        let part = |at: u32, size: u32| (at as f32 + 0.5) / size as f32;
        let brightness = |x: u32, y: u32| {
            let far = (part(x, width) - 0.5).hypot(part(y, height) - 0.47);
            let part = ((far - REACH.0) / (REACH.1 - REACH.0)).clamp(0.0, 1.0);
            (255.0 * (1.0 - DARKNESS * part)) as u8
        };
        let rows = (0..height).flat_map(|y| (0..width).map(move |x| brightness(x, y)));
        Self { brightness: rows.collect() }
    }

    /// Darkens a picture of that size.
    pub fn darken(&self, picture: &mut Pixmap) {
        dim(picture.data_mut().as_chunks_mut::<4>().0, &self.brightness);
    }
}
