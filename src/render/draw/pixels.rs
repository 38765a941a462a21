//! Loops over the pixels of rectangles: copying, clearing, darkening, putting one picture over another.

use tiny_skia::Pixmap;

use super::blend::{dimmed, over, scaled};
use super::tiles::{PixelRect, TILE};

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

/// Copies a run of tiles between pictures of the same size. Marks the tiles that differed.
pub fn replace(from: &Pixmap, to: &mut Pixmap, run: PixelRect, differ: &mut [bool]) {
    let stride = from.width() as usize;
    let (from, to) = (pixels(from), to.data_mut().as_chunks_mut::<4>().0);
    for row in run.y..run.y + run.height {
        let columns = row * stride + run.x..row * stride + run.x + run.width;
        let tiles = to[columns.clone()].chunks_mut(TILE).zip(from[columns].chunks(TILE));
        for (differ, (to, from)) in differ.iter_mut().zip(tiles) {
            if from != to {
                to.copy_from_slice(from);
                *differ = true;
            }
        }
    }
}

/// Marks the tiles of a run that are not wholly transparent.
pub fn find_visible(picture: &Pixmap, run: PixelRect, visible: &mut [bool]) {
    let stride = picture.width() as usize;
    for row in run.y..run.y + run.height {
        let line = &pixels(picture)[row * stride + run.x..][..run.width];
        for (visible, tile) in visible.iter_mut().zip(line.chunks(TILE)) {
            *visible |= tile.iter().any(|pixel| *pixel != [0; 4]);
        }
    }
}

/// Puts a run of tiles of `above`, with premultiplied opacity, over the opaque pixels of `below`. Marks the tiles that
/// differed.
pub fn compose(below: &Pixmap, above: &Pixmap, to: &mut Pixmap, run: PixelRect, differ: &mut [bool]) {
    let stride = below.width() as usize;
    let (below, above, to) = (pixels(below), pixels(above), to.data_mut().as_chunks_mut::<4>().0);
    for row in run.y..run.y + run.height {
        let columns = row * stride + run.x..row * stride + run.x + run.width;
        let below = below[columns.clone()].chunks(TILE).zip(above[columns.clone()].chunks(TILE));
        for (differ, (to, (below, above))) in differ.iter_mut().zip(to[columns].chunks_mut(TILE).zip(below)) {
            for ((to, below), above) in to.iter_mut().zip(below).zip(above) {
                let pixel = over(*below, u32::from_le_bytes(*above));
                *differ |= pixel != *to;
                *to = pixel;
            }
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

/// Darkens what lies outside a circle: not at all within `near`, by `darkness` from `far` on.
pub fn darken(picture: &mut Pixmap, (x, y): (f32, f32), (near, far): (f32, f32), darkness: f32) {
    let width = picture.width() as usize;
    let across: Vec<f32> = (0..width).map(|column| (column as f32 + 0.5 - x).powi(2)).collect();
    let fall = 255.0 * darkness / (far - near).max(1.0);
    let mut brightness = vec![0_u8; width];
    // Two rows differ too little to be told apart.
    for (pair, pixels) in picture.data_mut().as_chunks_mut::<4>().0.chunks_mut(2 * width).enumerate() {
        let down = ((2 * pair + 1) as f32 - y).powi(2);
        for (brightness, across) in brightness.iter_mut().zip(&across) {
            let lost = ((across + down).sqrt() - near) * fall;
            *brightness = 255 - rounded(lost.clamp(0.0, 255.0 * darkness));
        }
        pixels.chunks_mut(width).for_each(|row| dim(row, &brightness));
    }
}

/// Leaves so much of each opaque pixel's brightness, of 255.
pub fn dim(pixels: &mut [[u8; 4]], brightness: &[u8]) {
    for (pixel, brightness) in pixels.iter_mut().zip(brightness) {
        *pixel = dimmed(*pixel, *brightness);
    }
}

/// The nearest whole number to one from 0 to 255. A cast would keep the compiler from computing several at a time.
fn rounded(number: f32) -> u8 {
    // From here to twice as much floats are whole numbers, and their lowest bits count up.
    const WHOLE: f32 = 8_388_608.0;
    (number + WHOLE).to_bits() as u8
}

/// The pixels of a picture.
fn pixels(picture: &Pixmap) -> &[[u8; 4]] {
    picture.data().as_chunks::<4>().0
}
