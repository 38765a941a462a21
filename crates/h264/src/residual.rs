//! What is left of a picture after its prediction: blocks become levels, and what the decoder sees of them.

use crate::frame::squares;
use crate::syntax::{CHROMA_BIT, Coded, Levels, SUM_BIT, place};
use crate::transform::{
    IN_ORDER, LEAST_BITS, Quantizer, RANKS_4, Scale, Transform, ZIGZAG_4, bits, chroma_step, forward_4, hadamard_2,
    hadamard_4, inverse_4,
};

/// How the macroblocks of a frame are coded.
pub struct Tools {
    pub luma: Quantizer,
    pub chroma: Quantizer,
    /// Squared error that a bit is worth, in 1/16.
    worth: u32,
    /// Absolute error that a bit is worth, in 1/16.
    worth_plain: u32,
    /// Sum of absolute differences of an 8×8 block, apart from their mean, below which they certainly have no levels.
    nothing: u32,
    /// The greatest sum of the differences of an 8×8 block that has no level: luma, chroma.
    light: [u32; 2],
    /// The processor has wide registers.
    pub wide: bool,
}

impl Tools {
    /// For a quantizer of luma.
    pub fn new(step: u8, key: bool) -> Self {
        let power = 2_f32.powf((f32::from(step) - 12.0) / 3.0);
        // What errs in a key frame is seen until the next one.
        let worth = power * if key { 0.6 } else { 0.85 };
        let nothing = 2_f32.powf((f32::from(step) - 27.0) / 6.0) * 13.0;
        let (luma, chroma) = (Quantizer::new(step, key), Quantizer::new(chroma_step(step), key));
        Self {
            light: [luma.eight.most_without_level(0), chroma.four.most_without_level(1)],
            luma,
            chroma,
            worth: (worth * 16.0) as u32,
            worth_plain: (power.sqrt() * 0.92 * 16.0) as u32,
            nothing: nothing as u32,
            wide: is_wide(),
        }
    }

    /// Squared error that so many eighths of a bit are worth.
    #[inline(always)]
    pub fn price(&self, eighths: u32) -> u32 {
        ((u64::from(eighths) * u64::from(self.worth)) >> 7) as u32
    }

    /// Absolute error that so many bits are worth.
    #[inline(always)]
    pub fn plain(&self, bits: u32) -> u32 {
        (bits * self.worth_plain) >> 4
    }

    /// Whether an 8×8 block is so near its prediction that the difference would have no levels.
    #[inline(always)]
    pub fn is_close(&self, source: &[u8; 64], predicted: &[u8; 64], is_chroma: bool) -> bool {
        let pairs = || source.iter().zip(predicted).map(|(mine, its)| i32::from(*mine) - i32::from(*its));
        let sum: i32 = pairs().sum();
        let mean = sum / 64;
        let rest: u32 = pairs().map(|difference| (difference - mean).unsigned_abs()).sum();
        rest <= self.nothing && sum.unsigned_abs() <= self.light[usize::from(is_chroma)]
    }

    /// Whether a macroblock's luma is so near its prediction that no better one needs to be looked for.
    #[inline(always)]
    pub fn is_near(&self, cost: u32) -> bool {
        cost <= self.nothing * 20
    }

    /// Codes a block of luma, or leaves its prediction, whichever is better.
    #[inline(always)]
    pub fn code<const N: usize>(&self, source: &[u8; N], predicted: &[u8; N]) -> Block<N>
    where
        Scale<N>: Transform<N>,
    {
        let nothing = Block::nothing(source, predicted);
        if nothing.cost <= self.price(LEAST_BITS) {
            return nothing;
        }
        let scale = Scale::<N>::of(&self.luma);
        let mut block = difference(source, predicted);
        Scale::<N>::forward(&mut block);
        if !scale.quantize(&mut block) {
            return nothing;
        }
        let levels = block;
        let price = self.price(bits(&levels, &Scale::<N>::RANKS));
        scale.restore(&mut block);
        Scale::<N>::inverse(&mut block);
        let pixels = sum(predicted, &block);
        let cost = squares(source, &pixels) + price;
        if nothing.cost <= cost {
            return nothing;
        }
        Block { levels: Scale::<N>::ZIGZAG.map(|at| levels[at] as i16), pixels, cost, filled: true }
    }

    /// Codes luma that was predicted as a whole by its edge. Returns its cost.
    #[inline(always)]
    pub fn code_whole(
        &self,
        source: &[u8; 256],
        predicted: &[u8; 256],
        mb: &mut Coded,
        levels: &mut Levels,
        pixels: &mut [u8; 256],
    ) -> u32 {
        let mut blocks = [[0; 16]; 16];
        let mut sums = [0; 16];
        mb.filled = 0;
        for (at, block) in blocks.iter_mut().enumerate() {
            let (column, row) = place(at);
            *block =
                difference(&cut::<4, 16>(source, column * 4, row * 4), &cut::<4, 16>(predicted, column * 4, row * 4));
            forward_4(block);
            sums[row * 4 + column] = std::mem::take(&mut block[0]);
            if self.luma.four.quantize(block) {
                mb.filled |= 1 << (row * 4 + column);
            }
        }
        hadamard_4(&mut sums);
        sums.iter_mut().for_each(|sum| *sum = self.luma.four.quantize_sum((*sum + 1) >> 1));
        levels.sums = ZIGZAG_4.map(|at| sums[at] as i16);
        let mut eighths = bits(&sums, &RANKS_4);
        mb.luma = if mb.filled > 0 { 15 } else { 0 };
        if sums != [0; 16] {
            mb.filled |= 1 << SUM_BIT;
        }
        hadamard_4(&mut sums);
        for (at, block) in blocks.iter_mut().enumerate() {
            let (column, row) = place(at);
            let rest = ZIGZAG_4.map(|at| block[at] as i16);
            levels.luma[at * 16..at * 16 + 16].copy_from_slice(&rest);
            eighths += bits(block, &RANKS_4);
            self.luma.four.restore(block);
            block[0] = self.luma.four.restore_luma_sum(sums[row * 4 + column]);
            inverse_4(block);
            let restored = sum(&cut::<4, 16>(predicted, column * 4, row * 4), block);
            paste::<4, 16>(pixels, column * 4, row * 4, &restored);
        }
        squares(source, pixels) + self.price(eighths)
    }

    /// Codes luma that was predicted by motion, in blocks of 4×4 or 8×8. Returns its cost.
    #[inline(always)]
    pub fn code_moved(
        &self,
        source: &[u8; 256],
        predicted: &[u8; 256],
        mb: &mut Coded,
        levels: &mut Levels,
        pixels: &mut [u8; 256],
    ) -> u32 {
        let mut total = 0;
        (mb.luma, mb.filled) = (0, 0);
        for quarter in 0..4 {
            let (x, y) = (quarter % 2 * 8, quarter / 2 * 8);
            let (mine, its) = (cut::<8, 64>(source, x, y), cut::<8, 64>(predicted, x, y));
            let nothing = squares(&mine, &its);
            if nothing <= self.price(LEAST_BITS) {
                paste::<8, 64>(pixels, x, y, &its);
                total += nothing;
                continue;
            }
            let mut filled = 0;
            let mut cost = 0;
            if mb.eight {
                let block = self.code(&mine, &its);
                cost = block.cost;
                if block.filled {
                    filled = 0b11_0011 << (y + x / 4);
                    paste::<8, 64>(pixels, x, y, &block.pixels);
                    levels.luma[quarter * 64..quarter * 64 + 64].copy_from_slice(&block.levels);
                }
            } else {
                for part in 0..4 {
                    let (x, y) = (x + part % 2 * 4, y + part / 2 * 4);
                    let block = self.code(&cut::<4, 16>(source, x, y), &cut::<4, 16>(predicted, x, y));
                    cost += block.cost + self.price(4);
                    paste::<4, 16>(pixels, x, y, &block.pixels);
                    let at = quarter * 4 + part;
                    levels.luma[at * 16..at * 16 + 16].copy_from_slice(&block.levels);
                    if block.filled {
                        filled |= 1 << (y + x / 4);
                    }
                }
            }
            if filled == 0 || nothing <= cost {
                paste::<8, 64>(pixels, x, y, &its);
                total += nothing;
            } else {
                mb.luma |= 1 << quarter;
                mb.filled |= filled;
                total += cost;
            }
        }
        total
    }

    /// Codes chroma. Returns its cost.
    #[inline(always)]
    pub fn code_chroma(
        &self,
        source: &[[u8; 64]; 2],
        predicted: &[[u8; 64]; 2],
        mb: &mut Coded,
        levels: &mut Levels,
        pixels: &mut [[u8; 64]; 2],
    ) -> u32 {
        let scale = &self.chroma.four;
        let mut blocks = [[[0; 16]; 4]; 2];
        let mut sums = [[0; 4]; 2];
        let mut rest = 0_u32;
        let (mut filled, mut eighths, mut eighths_rest) = (0, 0, 0);
        for plane in 0..2 {
            for at in 0..4 {
                let (x, y) = (at % 2 * 4, at / 2 * 4);
                let block = &mut blocks[plane][at];
                *block = difference(&cut_8(&source[plane], x, y), &cut_8(&predicted[plane], x, y));
                forward_4(block);
                sums[plane][at] = std::mem::take(&mut block[0]);
                if scale.quantize(block) {
                    rest |= 1 << (CHROMA_BIT[plane] + at as u32);
                }
                levels.chroma[plane][at] = ZIGZAG_4.map(|at| block[at] as i16);
                eighths_rest += bits(block, &RANKS_4);
                scale.restore(block);
            }
            sums[plane] = hadamard_2(sums[plane]).map(|sum| scale.quantize_sum(sum));
            levels.chroma_sums[plane] = sums[plane].map(|level| level as i16);
            if sums[plane] != [0; 4] {
                filled |= 1 << (SUM_BIT + 1 + plane as u32);
            }
            eighths += bits(&sums[plane], &IN_ORDER);
            sums[plane] = hadamard_2(sums[plane]).map(|sum| scale.restore_chroma_sum(sum));
        }
        mb.filled &= 0xffff | 1 << SUM_BIT;
        let whole = |pixels: &[[u8; 64]; 2]| squares(&source[0], &pixels[0]) + squares(&source[1], &pixels[1]);
        let mut best = whole(predicted);
        (mb.chroma, *pixels) = (0, *predicted);
        if filled == 0 && rest == 0 {
            return best;
        }
        for (kind, blocks) in [(1, None), (2, Some(&blocks))] {
            if kind == 2 && rest == 0 || kind == 1 && filled == 0 {
                continue;
            }
            let mut restored = [[0; 64]; 2];
            for plane in 0..2 {
                for at in 0..4 {
                    let (x, y) = (at % 2 * 4, at / 2 * 4);
                    let mut block = blocks.map_or([0; 16], |blocks| blocks[plane][at]);
                    block[0] = sums[plane][at];
                    inverse_4(&mut block);
                    let done = sum(&cut_8(&predicted[plane], x, y), &block);
                    for (row, done) in (y..).zip(done.as_chunks::<4>().0) {
                        restored[plane][row * 8 + x..row * 8 + x + 4].copy_from_slice(done);
                    }
                }
            }
            let eighths = if kind == 2 { eighths + eighths_rest + 16 } else { eighths + 8 };
            let cost = whole(&restored) + self.price(eighths);
            if cost < best {
                best = cost;
                (mb.chroma, *pixels) = (kind, restored);
            }
        }
        match mb.chroma {
            0 => {}
            1 => mb.filled |= filled,
            _ => mb.filled |= filled | rest,
        }
        best
    }
}

/// Whether the processor has what `choose.rs` compiles its functions for.
#[cfg(target_arch = "x86_64")]
fn is_wide() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt")
}

/// The same for other processors, which have no such functions.
#[cfg(not(target_arch = "x86_64"))]
fn is_wide() -> bool {
    false
}

/// A coded block.
pub struct Block<const N: usize> {
    pub levels: [i16; N],
    pub pixels: [u8; N],
    /// Squared error, and what its bits are worth.
    pub cost: u32,
    /// Whether any level is not 0.
    pub filled: bool,
}

impl<const N: usize> Block<N> {
    #[inline(always)]
    fn nothing(source: &[u8; N], predicted: &[u8; N]) -> Self {
        Self { levels: [0; N], pixels: *predicted, cost: squares(source, predicted), filled: false }
    }
}

/// A square of a macroblock's luma.
#[inline(always)]
pub fn cut<const SIDE: usize, const AREA: usize>(from: &[u8; 256], x: usize, y: usize) -> [u8; AREA] {
    let mut to = [0; AREA];
    for (row, to) in (y..).zip(to.as_chunks_mut::<SIDE>().0) {
        to.copy_from_slice(&from[row * 16 + x..row * 16 + x + SIDE]);
    }
    to
}

/// The reverse.
#[inline(always)]
pub fn paste<const SIDE: usize, const AREA: usize>(to: &mut [u8; 256], x: usize, y: usize, from: &[u8; AREA]) {
    for (row, from) in (y..).zip(from.as_chunks::<SIDE>().0) {
        to[row * 16 + x..row * 16 + x + SIDE].copy_from_slice(from);
    }
}

/// A 4×4 block of chroma.
#[inline(always)]
fn cut_8(from: &[u8; 64], x: usize, y: usize) -> [u8; 16] {
    let mut to = [0; 16];
    for (row, to) in (y..).zip(to.as_chunks_mut::<4>().0) {
        to.copy_from_slice(&from[row * 8 + x..row * 8 + x + 4]);
    }
    to
}

#[inline(always)]
fn difference<const N: usize>(one: &[u8; N], other: &[u8; N]) -> [i32; N] {
    std::array::from_fn(|at| i32::from(one[at]) - i32::from(other[at]))
}

#[inline(always)]
fn sum<const N: usize>(predicted: &[u8; N], block: &[i32; N]) -> [u8; N] {
    std::array::from_fn(|at| (i32::from(predicted[at]) + block[at]).clamp(0, 255) as u8)
}
