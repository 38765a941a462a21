//! Chooses how a macroblock is coded, and codes it.

use crate::frame::{Frame, Pixels, differences, squares};
use crate::intra::{Directions, Edge, HORIZONTAL, MEAN, PLANE, VERTICAL, chroma_8, luma_16};
use crate::motion::{self, Vector};
use crate::place::Place;
use crate::residual::{cut, paste};
use crate::search::{expected_vector, skipped_vector, vector_bits};
use crate::syntax::{Around, Coded, Kind, Levels, place};
use crate::transform::{Scale, Transform};

/// Bits of what comes before the levels of a macroblock, in eighths.
const HEAD: u32 = 40;
/// The same of a mode of a block: as predicted, and any other.
const MODE: [u32; 2] = [1, 4];

/// How much more an error counts in a macroblock without levels: frame by frame it washes out what is faint, and the next
/// key frame brings it back at once.
const WASHED_OUT: u32 = 2;

/// A macroblock as it was coded.
#[derive(Clone)]
pub struct Choice {
    pub coded: Coded,
    pub levels: Levels,
    pub pixels: Pixels,
    /// Modes that were to be expected of its blocks.
    pub predicted: [u8; 16],
    pub cost: u32,
}

/// Luma predicted as a whole by its edge.
struct ByEdge {
    /// Absolute differences to the macroblock.
    far: u32,
    mode: u8,
    predicted: [u8; 256],
}

impl Choice {
    #[inline(always)]
    fn new(kind: Kind) -> Self {
        Self {
            coded: Coded { kind, ..Coded::STILL },
            levels: Levels::EMPTY,
            pixels: Pixels::EMPTY,
            predicted: [MEAN; 16],
            cost: 0,
        }
    }
}

/// The frames that a frame refers to.
#[derive(Clone, Copy)]
pub struct References<'a> {
    pub before: &'a Frame,
    /// The key frame, unless it is the one before.
    pub key: Option<&'a Frame>,
}

impl Place<'_> {
    /// Predicts from the same frame. The frame has the macroblocks before this one; its place is overwritten.
    pub fn intra(&self, frame: &mut Frame) -> Choice {
        #[cfg(target_arch = "x86_64")]
        if self.tools.wide {
            // SAFETY: `wide` says that the processor has what the function is compiled for.
            return unsafe { self.intra_wide(frame) };
        }
        self.intra_any(frame)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn intra_wide(&self, frame: &mut Frame) -> Choice {
        self.intra_any(frame)
    }

    #[inline(always)]
    fn intra_any(&self, frame: &mut Frame) -> Choice {
        let mut best = self.whole(self.by_edge(frame));
        let limit = best.cost;
        self.splits(frame, &mut best, limit);
        best
    }

    /// The same for a macroblock that can be predicted by motion, too: the better one. `far`: absolute differences of
    /// luma to what is predicted by motion.
    #[inline(always)]
    fn intra_below(&self, frame: &mut Frame, moved: Choice, far: u32) -> Choice {
        let by_edge = self.by_edge(frame);
        if by_edge.far > MUCH_FARTHER * far {
            return moved;
        }
        let mut best = self.whole(by_edge);
        // Blocks of their own seldom save more than a third.
        if 2 * best.cost > 3 * moved.cost {
            return moved;
        }
        let limit = best.cost.min(moved.cost);
        self.splits(frame, &mut best, limit);
        if best.cost < moved.cost { best } else { moved }
    }

    /// Predicts blocks instead, if that costs less than what is best so far and than the limit. Then codes chroma.
    #[inline(always)]
    fn splits(&self, frame: &mut Frame, best: &mut Choice, mut limit: u32) {
        if limit > self.tools.price(HEAD + 8 * WORTH_A_SPLIT) {
            if let Some(eights) = self.split::<8, 64>(frame, limit) {
                limit = eights.cost;
                *best = eights;
            }
            if let Some(fours) = self.split::<4, 16>(frame, limit) {
                *best = fours;
            }
        }
        self.chroma(frame, best);
    }

    /// Predicts luma as a whole by its edge.
    #[inline(always)]
    fn by_edge(&self, frame: &Frame) -> ByEdge {
        let edge = self.edge::<16>(frame, 0);
        let each = [VERTICAL, HORIZONTAL, MEAN, PLANE].into_iter().filter_map(|mode| {
            let predicted = luma_16(&edge, mode)?;
            Some(ByEdge { far: differences(&self.source.luma, &predicted), mode, predicted })
        });
        each.min_by_key(|by_edge| by_edge.far).unwrap_or(ByEdge { far: u32::MAX, mode: MEAN, predicted: [0; 256] })
    }

    #[inline(always)]
    fn whole(&self, ByEdge { mode, predicted, .. }: ByEdge) -> Choice {
        let mut choice = Choice::new(Kind::Whole);
        let source = &self.source.luma;
        choice.coded.mode = mode;
        let Choice { coded, levels, pixels, .. } = &mut choice;
        choice.cost =
            self.tools.code_whole(source, &predicted, coded, levels, &mut pixels.luma) + self.tools.price(HEAD);
        choice
    }

    /// Predicts each block from its edge; `None` once it costs more than the limit.
    #[inline(always)]
    fn split<const N: usize, const AREA: usize>(&self, frame: &mut Frame, limit: u32) -> Option<Choice>
    where
        Scale<AREA>: Transform<AREA>,
    {
        let mut choice = Choice::new(if N == 4 { Kind::Fours } else { Kind::Eights });
        choice.coded.eight = N == 8;
        choice.cost = self.tools.price(HEAD);
        let source = &self.source.luma;
        let plane = &mut frame.planes[0];
        let (left_x, top_y) = (self.at.0 * 16, self.at.1 * 16);
        for block in (0..16).step_by(AREA / 16) {
            let (column, row) = place(block);
            let (x, y) = (column * 4, row * 4);
            let at = plane.at((left_x + x) as i32, (top_y + y) as i32);
            let (has_left, has_top) = (x > 0 || self.around.left.is_some(), y > 0 || self.around.top.is_some());
            let has_corner = match (x > 0, y > 0) {
                (true, true) => true,
                (true, false) => self.around.top.is_some(),
                (false, true) => self.around.left.is_some(),
                (false, false) => self.around.top_left.is_some(),
            };
            let mut above = [0; 16];
            let has_right = match (x + N == 16, y > 0) {
                (true, false) => self.around.top_right.is_some(),
                (false, false) => has_top,
                (true, true) => false,
                (false, true) => N == 8 || column != 1 || row == 2,
            };
            if has_top {
                let start = at - plane.stride;
                above[..2 * N].copy_from_slice(&plane.data[start..start + 2 * N]);
                if !has_right {
                    let last = above[N - 1];
                    above[N..2 * N].fill(last);
                }
            }
            let beside: [u8; N] = std::array::from_fn(|row| plane.data[at + row * plane.stride - 1]);
            let corner = has_corner.then(|| plane.data[at - plane.stride - 1]);
            let directions =
                Directions::<N>::new(has_left.then_some(&beside), corner, has_top.then_some(&above), N == 8);
            let expected = self.expected(&choice.coded.modes, column, row);
            let mine = cut::<N, AREA>(source, x, y);
            let (mut predicted, mut best) = ([0; AREA], (u32::MAX, MEAN));
            for mode in (0..9).filter(|mode| directions.allows(*mode)) {
                let mut candidate = [0; AREA];
                directions.predict(mode, &mut candidate);
                let cost = differences(&mine, &candidate) + self.tools.plain(MODE[usize::from(mode != expected)]);
                if cost < best.0 {
                    best = (cost, mode);
                    predicted = candidate;
                }
            }
            let mode = best.1;
            let coded = self.tools.code(&mine, &predicted);
            choice.cost += coded.cost;
            choice.levels.luma[block * 16..block * 16 + AREA].copy_from_slice(&coded.levels);
            if coded.filled {
                choice.coded.luma |= 1 << (block / 4);
            }
            for part in 0..AREA / 16 {
                let at = (row + part / 2) * 4 + column + part % 2;
                choice.coded.filled |= u32::from(coded.filled) << at;
                choice.coded.modes[at] = mode;
            }
            plane.write::<N>(at, &coded.pixels);
            paste::<N, AREA>(&mut choice.pixels.luma, x, y, &coded.pixels);
            choice.predicted[row * 4 + column] = expected;
            choice.cost += self.tools.price(8 * MODE[usize::from(mode != expected)]);
            if choice.cost >= limit {
                return None;
            }
        }
        Some(choice)
    }

    /// The mode to expect of a block: the lesser of its neighbors'.
    #[inline(always)]
    fn expected(&self, modes: &[u8; 16], column: usize, row: usize) -> u8 {
        let left = if column > 0 {
            Some(modes[row * 4 + column - 1])
        } else {
            self.around.left.map(|left| left.modes[row * 4 + 3])
        };
        let top =
            if row > 0 { Some(modes[row * 4 - 4 + column]) } else { self.around.top.map(|top| top.modes[12 + column]) };
        left.zip(top).map_or(MEAN, |(left, top)| left.min(top))
    }

    #[inline(always)]
    fn chroma(&self, frame: &Frame, choice: &mut Choice) {
        let edges = [self.edge::<8>(frame, 1), self.edge::<8>(frame, 2)];
        let source = &self.source.chroma;
        let each = [MEAN, HORIZONTAL, VERTICAL, PLANE].into_iter().filter_map(|mode| {
            let predicted = [chroma_8(&edges[0], mode)?, chroma_8(&edges[1], mode)?];
            let cost = differences(&source[0], &predicted[0]) + differences(&source[1], &predicted[1]);
            Some((mode, predicted, cost + self.tools.plain(if mode == MEAN { 1 } else { 3 })))
        });
        let Some((mode, predicted, _)) = each.min_by_key(|(_, _, cost)| *cost) else { return };
        choice.coded.chroma_mode = mode;
        let Choice { coded, levels, pixels, cost, .. } = choice;
        *cost += self.tools.code_chroma(source, &predicted, coded, levels, &mut pixels.chroma);
    }

    #[inline(always)]
    fn edge<const N: usize>(&self, frame: &Frame, plane: usize) -> Edge<N> {
        let plane = &frame.planes[plane];
        let at = plane.at((self.at.0 * N) as i32, (self.at.1 * N) as i32);
        Edge {
            left: self.around.left.map(|_| std::array::from_fn(|row| plane.data[at + row * plane.stride - 1])),
            corner: self.around.top_left.map(|_| plane.data[at - plane.stride - 1]),
            top: self.around.top.map(|_| std::array::from_fn(|column| plane.data[at - plane.stride + column])),
        }
    }

    /// Codes a macroblock of a frame that follows others. `likely` are vectors to try.
    pub fn inter(&self, frame: &mut Frame, references: References<'_>, likely: [Vector; 2]) -> Choice {
        #[cfg(target_arch = "x86_64")]
        if self.tools.wide {
            // SAFETY: `wide` says that the processor has what the function is compiled for.
            return unsafe { self.inter_wide(frame, references, likely) };
        }
        self.inter_any(frame, references, likely)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn inter_wide(&self, frame: &mut Frame, references: References<'_>, likely: [Vector; 2]) -> Choice {
        self.inter_any(frame, references, likely)
    }

    #[inline(always)]
    fn inter_any(&self, frame: &mut Frame, references: References<'_>, likely: [Vector; 2]) -> Choice {
        let (x, y) = (self.at.0 * 16, self.at.1 * 16);
        let expected = expected_vector(self.around, 0);
        let free = skipped_vector(self.around);
        let mut skipped = None;
        if self.reaches(free) {
            let mut choice = Choice::new(Kind::Skipped);
            choice.coded.vector = free;
            motion::predict(references.before, x, y, free, &mut choice.pixels);
            choice.cost = WASHED_OUT * self.error(&choice.pixels) + self.tools.price(2);
            skipped = Some(choice);
        }
        let close = skipped.as_ref().is_some_and(|skipped| self.is_close(&skipped.pixels));
        // Nothing costs less than this in the key frame.
        if close && let Some(skipped) = skipped.take_if(|skipped| skipped.cost <= self.tools.price(HEAD / 2 + 16)) {
            return skipped;
        }
        let mut old = None;
        if let Some(plate) = references.key {
            let mut pixels = Pixels::EMPTY;
            motion::predict(plate, x, y, [0, 0], &mut pixels);
            let [right, down] = expected_vector(self.around, 1);
            let far = [-right, -down];
            let cost = WASHED_OUT * self.error(&pixels) + self.tools.price(HEAD / 2 + 8 * vector_bits(far));
            if close || self.is_close(&pixels) {
                if let Some(skipped) = skipped.take_if(|skipped| skipped.cost <= cost) {
                    return skipped;
                }
                let mut choice = Choice::new(Kind::Moved);
                (choice.coded.reference, choice.coded.far, choice.pixels) = (1, far, pixels);
                return choice;
            }
            old = Some((pixels, far));
        } else if close && let Some(skipped) = skipped {
            return skipped;
        }
        if let Some(skipped) = skipped.take_if(|skipped| skipped.cost <= self.tools.price(8 * SELDOM_WORSE)) {
            return skipped;
        }
        let vector = self.search(references.before, expected, [free, likely[0], likely[1]]);
        let mut predicted = Pixels::EMPTY;
        motion::predict(references.before, x, y, vector, &mut predicted);
        let far = [vector[0] - expected[0], vector[1] - expected[1]];
        let mut best = self.moved(&predicted, vector, far, 0);
        let near = |pixels: &Pixels| differences(&self.source.luma, &pixels.luma);
        if let Some((pixels, far)) = old.filter(|(pixels, _)| near(pixels) < near(&predicted)) {
            let other = self.moved(&pixels, [0, 0], far, 1);
            if other.cost < best.cost {
                best = other;
            }
        }
        // Levels are only half of what a frame between costs: what does not fit may have appeared.
        if best.cost > self.tools.price(8 * WORTH_A_LOOK) {
            best = self.intra_below(frame, best, near(&predicted));
        }
        match skipped {
            Some(skipped) if skipped.cost <= best.cost => skipped,
            _ => best,
        }
    }

    /// Codes the differences to a prediction by motion.
    #[inline(always)]
    fn moved(&self, predicted: &Pixels, vector: Vector, far: Vector, reference: u8) -> Choice {
        let mut choice = Choice::new(Kind::Moved);
        (choice.coded.vector, choice.coded.far, choice.coded.reference) = (vector, far, reference);
        let Choice { coded, levels, pixels, .. } = &mut choice;
        let source = &self.source.luma;
        let mut cost = self.tools.code_moved(source, &predicted.luma, coded, levels, &mut pixels.luma);
        if coded.luma > 0 {
            let mut other = (Coded { eight: true, ..*coded }, Levels::EMPTY, [0; 256]);
            let its = self.tools.code_moved(source, &predicted.luma, &mut other.0, &mut other.1, &mut other.2);
            if its < cost && other.0.luma > 0 {
                cost = its;
                *coded = other.0;
                levels.luma = other.1.luma;
                pixels.luma = other.2;
            }
        }
        cost += self.tools.code_chroma(&self.source.chroma, &predicted.chroma, coded, levels, &mut pixels.chroma);
        // As for one that is skipped, which costs fewer bits.
        if coded.luma == 0 && coded.chroma == 0 {
            cost *= WASHED_OUT;
        }
        choice.cost = cost + self.tools.price(HEAD + 8 * vector_bits(far));
        choice
    }

    /// A macroblock that stays as it was, beside others that move.
    pub fn still(around: Around<'_>) -> Coded {
        if skipped_vector(around) == [0, 0] {
            return Coded::STILL;
        }
        let [right, down] = expected_vector(around, 0);
        Coded { kind: Kind::Moved, far: [-right, -down], ..Coded::STILL }
    }

    /// Whether a prediction is so near that no block of the difference would have levels.
    #[inline(always)]
    fn is_close(&self, predicted: &Pixels) -> bool {
        let mut quarters = (0..4).map(|quarter| (quarter % 2 * 8, quarter / 2 * 8));
        let mut chroma = self.source.chroma.iter().zip(&predicted.chroma);
        let cut = |luma: &[u8; 256], (x, y)| cut::<8, 64>(luma, x, y);
        quarters.all(|at| self.tools.is_close(&cut(&self.source.luma, at), &cut(&predicted.luma, at), false))
            && chroma.all(|(mine, its)| self.tools.is_close(mine, its, true))
    }

    #[inline(always)]
    fn error(&self, pixels: &Pixels) -> u32 {
        squares(&self.source.luma, &pixels.luma)
            + squares(&self.source.chroma[0], &pixels.chroma[0])
            + squares(&self.source.chroma[1], &pixels.chroma[1])
    }
}

/// Bits up to which a macroblock that is skipped is hardly ever worse than one with a vector or levels.
const SELDOM_WORSE: u32 = 20;
/// How many times farther than by motion luma may be predicted by its edge; beyond, it is hardly ever better in the end.
const MUCH_FARTHER: u32 = 4;
/// Bits from which on a macroblock predicted by motion is compared with one that is not.
const WORTH_A_LOOK: u32 = 60;
/// Bits beyond the least from which on one predicted as a whole is compared with one predicted in blocks.
const WORTH_A_SPLIT: u32 = 8;
