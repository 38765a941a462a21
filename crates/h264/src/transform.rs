//! The integer transforms of H.264, quantization, and what a block of levels costs.

use std::ops::{Add, Shr, Sub};

/// Positions of a 4×4 block from low to high frequencies, as rows of 4.
pub const ZIGZAG_4: [usize; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];
/// The same of an 8×8 block, as rows of 8.
const ZIGZAG_8: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];
/// By how much chroma's quantizer is finer than luma's: on gray ground a trace of color is seen sooner than one of light.
pub const FINER_CHROMA: u8 = 3;
/// Quantizer of chroma for each number from 30 on that luma's and [`FINER_CHROMA`] give.
const CHROMA: [u8; 22] = [29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39];

/// By remainder of the quantizer: factors of the three kinds of positions in a 4×4 block, to quantize and back.
const FACTORS_4: [[(i32, i32); 3]; 6] = [
    [(13107, 10), (5243, 16), (8066, 13)],
    [(11916, 11), (4660, 18), (7490, 14)],
    [(10082, 13), (4194, 20), (6554, 16)],
    [(9362, 14), (3647, 23), (5825, 18)],
    [(8192, 16), (3355, 25), (5243, 20)],
    [(7282, 18), (2893, 29), (4559, 23)],
];
/// The same of the six kinds of positions in an 8×8 block.
const FACTORS_8: [[(i32, i32); 6]; 6] = [
    [(13107, 20), (11428, 18), (20972, 32), (12222, 19), (16777, 25), (15481, 24)],
    [(11916, 22), (10826, 19), (19174, 35), (11058, 21), (14980, 28), (14290, 26)],
    [(10082, 26), (8943, 23), (15978, 42), (9675, 24), (12710, 33), (11985, 31)],
    [(9362, 28), (8228, 25), (14913, 45), (8931, 26), (11984, 35), (11259, 33)],
    [(8192, 32), (7346, 28), (13159, 51), (7740, 30), (10486, 40), (9777, 38)],
    [(7282, 36), (6428, 32), (11570, 58), (6830, 34), (9118, 46), (8640, 43)],
];
/// Which kind a position of an 8×8 block is, by its row and column modulo 4.
const KINDS_8: [usize; 16] = [0, 3, 4, 3, 3, 1, 5, 1, 4, 5, 2, 5, 3, 1, 5, 1];

/// A quantizer for blocks of `N` coefficients.
#[derive(Clone)]
pub struct Scale<const N: usize> {
    quantize: [i32; N],
    restore: [i32; N],
    round: i32,
    shift: u32,
}

/// The quantizers of luma or chroma in one kind of frames.
#[derive(Clone)]
pub struct Quantizer {
    pub four: Scale<16>,
    pub eight: Scale<64>,
}

impl Quantizer {
    /// For a quantizer from 0 to 51. Key frames are rounded more exactly.
    pub fn new(step: u8, key: bool) -> Self {
        let (part, sixths) = (usize::from(step % 6), u32::from(step / 6));
        let rounding = |shift: u32| if key { (2 << shift) / 5 } else { (1 << shift) / 6 };
        let kind = |at: usize| match (at >> 2 & 1, at & 1) {
            (0, 0) => 0,
            (1, 1) => 1,
            _ => 2,
        };
        let four = std::array::from_fn(|at| FACTORS_4[part][kind(at)]);
        let eight: [_; 64] = std::array::from_fn(|at| FACTORS_8[part][KINDS_8[at >> 1 & 12 | at & 3]]);
        Self {
            four: Scale {
                quantize: four.map(|factors: (i32, i32)| factors.0),
                restore: four.map(|factors: (i32, i32)| factors.1 << sixths),
                round: rounding(15 + sixths),
                shift: 15 + sixths,
            },
            // The standard's 16 × factor << sixths − 6, with two bits more.
            eight: Scale {
                quantize: eight.map(|factors: (i32, i32)| factors.0),
                restore: eight.map(|factors: (i32, i32)| factors.1 << sixths),
                round: rounding(16 + sixths),
                shift: 16 + sixths,
            },
        }
    }
}

/// The quantizer of chroma that goes with one of luma.
pub fn chroma_step(luma: u8) -> u8 {
    let number = luma.saturating_sub(FINER_CHROMA);
    if number < 30 { number } else { CHROMA[usize::from(number - 30).min(CHROMA.len() - 1)] }
}

impl<const N: usize> Scale<N> {
    /// Quantizes coefficients to levels. Returns whether any is not 0.
    #[inline(always)]
    pub fn quantize(&self, coefficients: &mut [i32; N]) -> bool {
        let mut any = 0;
        for (value, factor) in coefficients.iter_mut().zip(&self.quantize) {
            let level = (value.abs() * factor + self.round) >> self.shift;
            any |= level;
            *value = if *value < 0 { -level } else { level };
        }
        any != 0
    }

    /// The greatest first coefficient without a level; for sums of coefficients, `doubled` is 1.
    pub fn most_without_level(&self, doubled: u32) -> u32 {
        (((((1 << self.shift) - self.round) << doubled) - 1) / self.quantize[0]) as u32
    }

    /// The same for sums of coefficients, twice as large.
    #[inline(always)]
    pub fn quantize_sum(&self, value: i32) -> i32 {
        let level = (value.abs() * self.quantize[0] + 2 * self.round) >> (self.shift + 1);
        if value < 0 { -level } else { level }
    }
}

/// What a quantizer for blocks of `N` coefficients goes with.
pub trait Transform<const N: usize> {
    /// Positions from low to high frequencies.
    const ZIGZAG: [usize; N];
    /// Where each position stands in that order, from 1.
    const RANKS: [i32; N];

    /// The one for blocks of this size.
    fn of(quantizer: &Quantizer) -> &Self;
    /// Transforms differences.
    fn forward(block: &mut [i32; N]);
    /// Levels back to coefficients.
    fn restore(&self, levels: &mut [i32; N]);
    /// Transforms coefficients back to differences.
    fn inverse(block: &mut [i32; N]);
}

impl Transform<16> for Scale<16> {
    const ZIGZAG: [usize; 16] = ZIGZAG_4;
    const RANKS: [i32; 16] = RANKS_4;

    #[inline(always)]
    fn of(quantizer: &Quantizer) -> &Self {
        &quantizer.four
    }

    #[inline(always)]
    fn forward(block: &mut [i32; 16]) {
        forward_4(block);
    }

    #[inline(always)]
    fn restore(&self, levels: &mut [i32; 16]) {
        levels.iter_mut().zip(&self.restore).for_each(|(level, factor)| *level *= factor);
    }

    #[inline(always)]
    fn inverse(block: &mut [i32; 16]) {
        inverse_4(block);
    }
}

impl Scale<16> {
    /// Sums of levels back to coefficients, for the first of each 4×4 block of a macroblock's luma.
    #[inline(always)]
    pub fn restore_luma_sum(&self, sum: i32) -> i32 {
        (sum * self.restore[0] + 2) >> 2
    }

    /// The same for chroma.
    #[inline(always)]
    pub fn restore_chroma_sum(&self, sum: i32) -> i32 {
        (sum * self.restore[0]) >> 1
    }
}

impl Transform<64> for Scale<64> {
    const ZIGZAG: [usize; 64] = ZIGZAG_8;
    const RANKS: [i32; 64] = RANKS_8;

    #[inline(always)]
    fn of(quantizer: &Quantizer) -> &Self {
        &quantizer.eight
    }

    #[inline(always)]
    fn forward(block: &mut [i32; 64]) {
        forward_8(block);
    }

    #[inline(always)]
    fn restore(&self, levels: &mut [i32; 64]) {
        levels.iter_mut().zip(&self.restore).for_each(|(level, factor)| *level = (*level * factor + 2) >> 2);
    }

    #[inline(always)]
    fn inverse(block: &mut [i32; 64]) {
        inverse_8(block);
    }
}

/// Numbers that are computed side by side.
#[derive(Clone, Copy)]
struct Lanes<const N: usize>([i32; N]);

impl<const N: usize> Add for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }
}

impl<const N: usize> Sub for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] - other.0[at]))
    }
}

impl<const N: usize> Shr<u32> for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn shr(self, by: u32) -> Self {
        Self(std::array::from_fn(|at| self.0[at] >> by))
    }
}

/// Transforms the columns of a square block, then its rows.
#[inline(always)]
fn both_ways<const N: usize>(block: &mut [i32], pass: impl Fn([Lanes<N>; N]) -> [Lanes<N>; N]) {
    let rows = block.as_chunks_mut::<N>().0;
    let down = pass(std::array::from_fn(|row| Lanes(rows[row])));
    let turned = std::array::from_fn(|column| Lanes(std::array::from_fn(|row| down[row].0[column])));
    let across = pass(turned);
    for (row, to) in rows.iter_mut().enumerate() {
        *to = std::array::from_fn(|column| across[column].0[row]);
    }
}

/// Transforms differences.
#[inline(always)]
pub fn forward_4(block: &mut [i32; 16]) {
    both_ways::<4>(block, forward_4_pass);
}

#[inline(always)]
fn forward_4_pass([a, b, c, d]: [Lanes<4>; 4]) -> [Lanes<4>; 4] {
    let (outer, inner, far, near) = (a + d, b + c, a - d, b - c);
    [outer + inner, far + far + near, outer - inner, far - near - near]
}

/// Transforms coefficients back to differences.
#[inline(always)]
pub fn inverse_4(block: &mut [i32; 16]) {
    // The standard begins with the rows.
    turn_4(block);
    both_ways::<4>(block, inverse_4_pass);
    turn_4(block);
    block.iter_mut().for_each(|value| *value = (*value + 32) >> 6);
}

#[inline(always)]
fn inverse_4_pass([a, b, c, d]: [Lanes<4>; 4]) -> [Lanes<4>; 4] {
    let (even, odd) = (a + c, a - c);
    let (less, more) = ((b >> 1) - d, b + (d >> 1));
    [even + more, odd + less, odd - less, even - more]
}

#[inline(always)]
fn turn_4(block: &mut [i32; 16]) {
    *block = std::array::from_fn(|at| block[at % 4 * 4 + at / 4]);
}

/// Sums and differences of a 4×4 block, in both directions; its own inverse but for a factor.
#[inline(always)]
pub fn hadamard_4(block: &mut [i32; 16]) {
    both_ways::<4>(block, hadamard_4_pass);
}

#[inline(always)]
fn hadamard_4_pass([a, b, c, d]: [Lanes<4>; 4]) -> [Lanes<4>; 4] {
    let (outer, inner, far, near) = (a + d, b + c, a - d, b - c);
    [outer + inner, far + near, outer - inner, far - near]
}

/// The same of a 2×2 block.
#[inline(always)]
pub fn hadamard_2([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d]
}

#[inline(always)]
fn forward_8(block: &mut [i32; 64]) {
    both_ways::<8>(block, forward_8_pass);
}

#[inline(always)]
fn forward_8_pass(s: [Lanes<8>; 8]) -> [Lanes<8>; 8] {
    let (s07, s16, s25, s34) = (s[0] + s[7], s[1] + s[6], s[2] + s[5], s[3] + s[4]);
    let (d07, d16, d25, d34) = (s[0] - s[7], s[1] - s[6], s[2] - s[5], s[3] - s[4]);
    let (a0, a1, a2, a3) = (s07 + s34, s16 + s25, s07 - s34, s16 - s25);
    let a4 = d16 + d25 + (d07 + (d07 >> 1));
    let a5 = d07 - d34 - (d25 + (d25 >> 1));
    let a6 = d07 + d34 - (d16 + (d16 >> 1));
    let a7 = d16 - d25 + (d34 + (d34 >> 1));
    [a0 + a1, a4 + (a7 >> 2), a2 + (a3 >> 1), a5 + (a6 >> 2), a0 - a1, a6 - (a5 >> 2), (a2 >> 1) - a3, (a4 >> 2) - a7]
}

#[inline(always)]
fn inverse_8(block: &mut [i32; 64]) {
    // The standard begins with the rows.
    turn_8(block);
    both_ways::<8>(block, inverse_8_pass);
    turn_8(block);
    block.iter_mut().for_each(|value| *value = (*value + 32) >> 6);
}

#[inline(always)]
fn inverse_8_pass(s: [Lanes<8>; 8]) -> [Lanes<8>; 8] {
    let (a0, a2, a4, a6) = (s[0] + s[4], s[0] - s[4], (s[2] >> 1) - s[6], (s[6] >> 1) + s[2]);
    let (b0, b2, b4, b6) = (a0 + a6, a2 + a4, a2 - a4, a0 - a6);
    let a1 = s[5] - s[3] - s[7] - (s[7] >> 1);
    let a3 = s[1] + s[7] - s[3] - (s[3] >> 1);
    let a5 = s[7] - s[1] + s[5] + (s[5] >> 1);
    let a7 = s[3] + s[5] + s[1] + (s[1] >> 1);
    let (b1, b3, b5, b7) = ((a7 >> 2) + a1, a3 + (a5 >> 2), (a3 >> 2) - a5, a7 - (a1 >> 2));
    [b0 + b7, b2 + b5, b4 + b3, b6 + b1, b6 - b1, b4 - b3, b2 - b5, b0 - b7]
}

#[inline(always)]
fn turn_8(block: &mut [i32; 64]) {
    *block = std::array::from_fn(|at| block[at % 8 * 8 + at / 8]);
}

/// Where each position of a block stands in the order of frequencies, from 1.
pub const RANKS_4: [i32; 16] = ranks(&ZIGZAG_4);
/// The same of an 8×8 block.
const RANKS_8: [i32; 64] = ranks(&ZIGZAG_8);
/// The same of a block that already is in that order.
pub const IN_ORDER: [i32; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

const fn ranks<const N: usize>(order: &[usize; N]) -> [i32; N] {
    let mut ranks = [0; N];
    let mut rank = 0;
    while rank < N {
        ranks[order[rank]] = rank as i32 + 1;
        rank += 1;
    }
    ranks
}

/// The fewest eighths of a bit that a block with levels takes, by [`bits`].
pub const LEAST_BITS: u32 = 24;

/// About how many eighths of a bit a block of levels takes, each with its rank in the order of frequencies.
#[inline(always)]
pub fn bits(levels: &[i32], ranks: &[i32]) -> u32 {
    let (mut last, mut ones, mut more, mut all) = (0, 0, 0, 0);
    for (level, rank) in levels.iter().zip(ranks) {
        let size = level.abs();
        last = last.max(if size > 0 { *rank } else { 0 });
        ones += i32::from(size > 0);
        more += i32::from(size > 1);
        all += size.min(32);
    }
    (5 * last + 15 * ones + 16 * more + 4 * all) as u32
}
