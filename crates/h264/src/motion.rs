//! Pictures of a macroblock that moved, to a quarter of a pixel.

use crate::frame::{Frame, Pixels, Plane};

/// A motion in quarters of a pixel: right, down.
pub type Vector = [i16; 2];

/// Pixels around a macroblock that interpolation reads: two before, three after, and some to fill a row.
const WINDOW: usize = 24;
const ROWS: usize = 21;

/// What a macroblock at a pixel looks like if it comes from where a vector points.
#[inline(always)]
pub fn predict(reference: &Frame, x: usize, y: usize, vector: Vector, to: &mut Pixels) {
    luma(&reference.planes[0], x, y, vector, &mut to.luma);
    for (plane, to) in reference.planes[1..].iter().zip(&mut to.chroma) {
        chroma(plane, x / 2, y / 2, vector, to);
    }
}

/// The same, luma only.
#[inline(always)]
pub fn luma(plane: &Plane, x: usize, y: usize, [right, down]: Vector, to: &mut [u8; 256]) {
    let (x, y) = (x as i32 + i32::from(right >> 2), y as i32 + i32::from(down >> 2));
    let (across, along) = (right & 3, down & 3);
    if across == 0 && along == 0 {
        return plane.read::<16>(plane.at(x, y), to);
    }
    let mut window = [[0; WINDOW]; ROWS];
    plane.read::<WINDOW>(plane.at(x - 2, y - 2), window.as_flattened_mut());
    // Where the nearest whole pixels and half pixels lie in the window.
    let (column, row) = (usize::from(across == 3), usize::from(along == 3));
    match (across, along) {
        (_, 0) => {
            horizontal(&window, 0, to);
            if across != 2 {
                mean_whole(&window, column, 0, to);
            }
        }
        (0, _) => {
            vertical(&window, 0, to);
            if along != 2 {
                mean_whole(&window, 0, row, to);
            }
        }
        (2, 2) => middle(&window, to),
        (2, _) => {
            let mut other = [0; 256];
            middle(&window, to);
            horizontal(&window, row, &mut other);
            mean(to, &other);
        }
        (_, 2) => {
            let mut other = [0; 256];
            middle(&window, to);
            vertical(&window, column, &mut other);
            mean(to, &other);
        }
        _ => {
            let mut other = [0; 256];
            horizontal(&window, row, to);
            vertical(&window, column, &mut other);
            mean(to, &other);
        }
    }
}

#[inline(always)]
fn tap([a, b, c, d, e, f]: [i32; 6]) -> i32 {
    a + f - 5 * (b + e) + 20 * (c + d)
}

#[inline(always)]
fn tap_16([a, b, c, d, e, f]: [u8; 6]) -> i16 {
    let wide = i16::from;
    wide(a) + wide(f) - 5 * (wide(b) + wide(e)) + 20 * (wide(c) + wide(d))
}

#[inline(always)]
fn half(sum: i16) -> u8 {
    ((sum + 16) >> 5).clamp(0, 255) as u8
}

/// Halves between neighbors in a row, from row 0 or 1.
#[inline(always)]
fn horizontal(window: &[[u8; WINDOW]; ROWS], row: usize, to: &mut [u8; 256]) {
    for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(&window[row + 2..]) {
        for at in 0..16 {
            to[at] = half(tap_16([from[at], from[at + 1], from[at + 2], from[at + 3], from[at + 4], from[at + 5]]));
        }
    }
}

/// Halves between neighbors in a column, from column 0 or 1.
#[inline(always)]
fn vertical(window: &[[u8; WINDOW]; ROWS], column: usize, to: &mut [u8; 256]) {
    for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(window.windows(6)) {
        for at in 0..16 {
            let at_row = |row: usize| from[row][at + column + 2];
            to[at] = half(tap_16([at_row(0), at_row(1), at_row(2), at_row(3), at_row(4), at_row(5)]));
        }
    }
}

/// Halves in both directions.
#[inline(always)]
fn middle(window: &[[u8; WINDOW]; ROWS], to: &mut [u8; 256]) {
    for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(window.windows(6)) {
        let mut sums = [0_i16; WINDOW];
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = tap_16([from[0][at], from[1][at], from[2][at], from[3][at], from[4][at], from[5][at]]);
        }
        for at in 0..16 {
            let wide = |offset: usize| i32::from(sums[at + offset]);
            let sum = tap([wide(0), wide(1), wide(2), wide(3), wide(4), wide(5)]);
            to[at] = ((sum + 512) >> 10).clamp(0, 255) as u8;
        }
    }
}

#[inline(always)]
fn mean(to: &mut [u8; 256], other: &[u8; 256]) {
    to.iter_mut().zip(other).for_each(|(to, other)| *to = between(*to, *other));
}

#[inline(always)]
fn mean_whole(window: &[[u8; WINDOW]; ROWS], column: usize, row: usize, to: &mut [u8; 256]) {
    for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(&window[row + 2..]) {
        to.iter_mut().zip(&from[column + 2..]).for_each(|(to, other)| *to = between(*to, *other));
    }
}

#[inline(always)]
fn between(one: u8, other: u8) -> u8 {
    (u16::from(one) + u16::from(other)).div_ceil(2) as u8
}

#[inline(always)]
fn chroma(plane: &Plane, x: usize, y: usize, [right, down]: Vector, to: &mut [u8; 64]) {
    let (x, y) = (x as i32 + i32::from(right >> 3), y as i32 + i32::from(down >> 3));
    let (across, along) = ((right & 7) as u16, (down & 7) as u16);
    let mut at = plane.at(x, y);
    if across == 0 && along == 0 {
        return plane.read::<8>(at, to);
    }
    let parts = [(8 - across) * (8 - along), across * (8 - along), (8 - across) * along, across * along];
    for to in to.as_chunks_mut::<8>().0 {
        let (upper, lower) = (&plane.data[at..at + 9], &plane.data[at + plane.stride..at + plane.stride + 9]);
        for at in 0..8 {
            let sum = parts[0] * u16::from(upper[at])
                + parts[1] * u16::from(upper[at + 1])
                + parts[2] * u16::from(lower[at])
                + parts[3] * u16::from(lower[at + 1]);
            to[at] = ((sum + 32) >> 6) as u8;
        }
        at += plane.stride;
    }
}
