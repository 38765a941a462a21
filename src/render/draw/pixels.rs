//! Loops over the pixels of rectangles: copying, clearing, putting one picture over another.

use tiny_skia::Pixmap;

use super::blend::{over, scaled};
use super::tiles::PixelRect;

/// Copies a rectangle between pictures of the same size.
pub fn copy(from: &Pixmap, to: &mut Pixmap, run: PixelRect) {
    let stride = from.width() as usize * 4;
    let (from, to) = (from.data(), to.data_mut());
    for row in run.y..run.y + run.height {
        let start = row * stride + run.x * 4;
        let end = start + run.width * 4;
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

/// Makes a rectangle transparent.
pub fn clear(picture: &mut Pixmap, run: PixelRect) {
    let stride = picture.width() as usize * 4;
    let data = picture.data_mut();
    for row in run.y..run.y + run.height {
        data[row * stride + run.x * 4..][..run.width * 4].fill(0);
    }
}

/// Puts a rectangle of `above`, with premultiplied opacity, over the opaque pixels of `below`.
pub fn compose(below: &Pixmap, above: &Pixmap, to: &mut Pixmap, run: PixelRect) {
    let stride = below.width() as usize;
    let (below, above, to) = (pixels(below), pixels(above), to.data_mut().as_chunks_mut::<4>().0);
    for row in run.y..run.y + run.height {
        let columns = row * stride + run.x..row * stride + run.x + run.width;
        let lines = to[columns.clone()].iter_mut().zip(&below[columns.clone()]).zip(&above[columns]);
        for ((to, below), above) in lines {
            *to = over(*below, u32::from_le_bytes(*above));
        }
    }
}

/// Leaves so much of a rectangle's opacity, of 255.
pub fn fade(picture: &mut Pixmap, run: PixelRect, opacity: u8) {
    let stride = picture.width() as usize;
    let pixels = picture.data_mut().as_chunks_mut::<4>().0;
    for row in run.y..run.y + run.height {
        for pixel in &mut pixels[row * stride + run.x..][..run.width] {
            *pixel = scaled(u32::from_le_bytes(*pixel), u32::from(opacity)).to_le_bytes();
        }
    }
}

/// The pixels of a picture.
fn pixels(picture: &Pixmap) -> &[[u8; 4]] {
    picture.data().as_chunks::<4>().0
}
