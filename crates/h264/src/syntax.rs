//! How a macroblock is written, and what its neighbors must know of it.

use crate::cabac::Cabac;
use crate::intra::MEAN;
use crate::motion::Vector;

/// How a macroblock is predicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// As its neighbors moved, without differences.
    Skipped,
    /// By a vector of its own.
    Moved,
    /// Each 4×4 block from its edge.
    Fours,
    /// Each 8×8 block from its edge.
    Eights,
    /// As a whole from its edge.
    Whole,
}

/// What is known of a macroblock after it was coded.
#[derive(Clone, Copy)]
pub struct Coded {
    pub kind: Kind,
    /// Luma is transformed in 8×8 blocks.
    pub eight: bool,
    /// Which quarters have levels of luma.
    pub luma: u8,
    /// Chroma: 0 none, 1 sums only, 2 all.
    pub chroma: u8,
    /// Mode of chroma.
    pub chroma_mode: u8,
    /// Mode of a macroblock predicted as a whole.
    pub mode: u8,
    /// Modes of the 4×4 blocks, row by row.
    pub modes: [u8; 16],
    /// Bits of blocks with levels: 16 of luma row by row, 4 of blue, 4 of red, then the sums of luma, blue and red.
    pub filled: u32,
    pub vector: Vector,
    /// What the vector points into: 0 the frame before, 1 the key frame.
    pub reference: u8,
    /// How far the vector is from its prediction.
    pub far: Vector,
}

impl Coded {
    /// A macroblock that stands still.
    pub const STILL: Self = Self {
        kind: Kind::Skipped,
        eight: false,
        luma: 0,
        chroma: 0,
        chroma_mode: 0,
        mode: 0,
        modes: [MEAN; 16],
        filled: 0,
        vector: [0, 0],
        reference: 0,
        far: [0, 0],
    };

    /// Whether it is predicted from the same frame.
    pub fn is_intra(&self) -> bool {
        !matches!(self.kind, Kind::Skipped | Kind::Moved)
    }

    /// Whether it is as in the frame before.
    pub fn is_still(&self) -> bool {
        self.kind == Kind::Skipped && self.vector == [0, 0]
    }

    fn is_split(&self) -> bool {
        matches!(self.kind, Kind::Fours | Kind::Eights)
    }
}

/// The neighbors of a macroblock, where there are any.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub left: Option<&'a Coded>,
    pub top: Option<&'a Coded>,
    pub top_left: Option<&'a Coded>,
    pub top_right: Option<&'a Coded>,
}

/// Levels of a macroblock, each block in the order of its frequencies.
#[derive(Clone)]
pub struct Levels {
    /// 16 blocks of 16 in the order of coding, or 4 blocks of 64.
    pub luma: [i16; 256],
    /// Sums of the luma of a macroblock predicted as a whole.
    pub sums: [i16; 16],
    pub chroma_sums: [[i16; 4]; 2],
    /// The first of each 16 is not used.
    pub chroma: [[[i16; 16]; 4]; 2],
}

impl Levels {
    /// No levels.
    pub const EMPTY: Self = Self { luma: [0; 256], sums: [0; 16], chroma_sums: [[0; 4]; 2], chroma: [[[0; 16]; 4]; 2] };
}

/// Column and row of a 4×4 block, by its place in the order of coding.
pub const fn place(block: usize) -> (usize, usize) {
    (block & 1 | block >> 1 & 2, block >> 1 & 1 | block >> 2 & 2)
}

/// First bit of blue's and red's blocks in [`Coded::filled`].
pub const CHROMA_BIT: [u32; 2] = [16, 20];
/// First bit of the sums there.
pub const SUM_BIT: u32 = 24;

/// A kind of block: first contexts of its flags, of its positions, last positions, and sizes.
#[derive(Clone, Copy)]
struct Category {
    flag: usize,
    position: usize,
    last: usize,
    size: usize,
}

const LUMA_SUMS: Category = Category { flag: 85, position: 105, last: 166, size: 227 };
const LUMA_REST: Category = Category { flag: 89, position: 120, last: 181, size: 237 };
const LUMA_4: Category = Category { flag: 93, position: 134, last: 195, size: 247 };
const CHROMA_SUMS: Category = Category { flag: 97, position: 149, last: 210, size: 257 };
const CHROMA_REST: Category = Category { flag: 101, position: 152, last: 213, size: 266 };
const LUMA_8: Category = Category { flag: 0, position: 402, last: 417, size: 426 };

/// Contexts of positions in an 8×8 block.
const POSITIONS_8: [u8; 64] = [
    0, 1, 2, 3, 4, 5, 5, 4, 4, 3, 3, 4, 4, 4, 5, 5, 4, 4, 4, 4, 3, 3, 6, 7, 7, 7, 8, 9, 10, 9, 8, 7, 7, 6, 11, 12, 13,
    11, 6, 7, 8, 9, 14, 10, 9, 8, 6, 11, 12, 13, 11, 6, 9, 14, 10, 9, 11, 12, 13, 11, 14, 10, 12, 14,
];
/// Contexts of last positions in an 8×8 block.
const LASTS_8: [u8; 64] = [
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3,
    3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8,
];

/// Writes a macroblock, skipped or not.
pub fn write(
    cabac: &mut Cabac,
    mb: &Coded,
    levels: &Levels,
    around: Around<'_>,
    predicted: &[u8; 16],
    references: usize,
) {
    let key = references == 0;
    let skipped = mb.kind == Kind::Skipped;
    if !key {
        let coded = |other: Option<&Coded>| usize::from(other.is_some_and(|other| other.kind != Kind::Skipped));
        cabac.bit(11 + coded(around.left) + coded(around.top), skipped);
    }
    if skipped {
        return;
    }
    kind(cabac, mb, around, key);
    if mb.is_split() {
        eight(cabac, mb, around);
        modes(cabac, mb, predicted);
    }
    if mb.is_intra() {
        chroma_mode(cabac, mb, around);
    } else {
        if references > 1 {
            let old = |other: Option<&Coded>| usize::from(other.is_some_and(|other| other.reference > 0));
            cabac.bit(54 + old(around.left) + 2 * old(around.top), mb.reference > 0);
            if mb.reference > 0 {
                cabac.bit(58, false);
            }
        }
        for axis in 0..2 {
            let near = |other: Option<&Coded>| other.map_or(0, |other| u32::from(other.far[axis].unsigned_abs()));
            distance(cabac, 40 + 7 * axis, i32::from(mb.far[axis]), near(around.left) + near(around.top));
        }
    }
    if mb.kind != Kind::Whole {
        pattern(cabac, mb, around);
        if mb.kind == Kind::Moved && mb.luma > 0 {
            eight(cabac, mb, around);
        }
        if mb.luma == 0 && mb.chroma == 0 {
            return;
        }
    }
    // The quantizer never changes within a frame.
    cabac.bit(60, false);
    residual(cabac, mb, levels, around);
}

fn kind(cabac: &mut Cabac, mb: &Coded, around: Around<'_>, key: bool) {
    if mb.kind == Kind::Moved {
        return [14, 15, 16].into_iter().for_each(|context| cabac.bit(context, false));
    }
    let whole = mb.kind == Kind::Whole;
    let contexts = if key {
        let other = |other: Option<&Coded>| usize::from(other.is_some_and(|other| !other.is_split()));
        cabac.bit(3 + other(around.left) + other(around.top), whole);
        [6, 7, 8, 9, 10]
    } else {
        cabac.bit(14, true);
        cabac.bit(17, whole);
        [18, 19, 19, 20, 20]
    };
    if whole {
        cabac.go_on();
        cabac.bit(contexts[0], mb.luma > 0);
        cabac.bit(contexts[1], mb.chroma > 0);
        if mb.chroma > 0 {
            cabac.bit(contexts[2], mb.chroma > 1);
        }
        cabac.bit(contexts[3], mb.mode > 1);
        cabac.bit(contexts[4], mb.mode & 1 > 0);
    }
}

fn eight(cabac: &mut Cabac, mb: &Coded, around: Around<'_>) {
    let eight = |other: Option<&Coded>| usize::from(other.is_some_and(|other| other.eight));
    cabac.bit(399 + eight(around.left) + eight(around.top), mb.eight);
}

/// Modes of the blocks, as far as they are not what was predicted.
fn modes(cabac: &mut Cabac, mb: &Coded, predicted: &[u8; 16]) {
    let step = if mb.kind == Kind::Eights { 4 } else { 1 };
    for block in (0..16).step_by(step) {
        let (column, row) = place(block);
        let (mode, expected) = (mb.modes[row * 4 + column], predicted[row * 4 + column]);
        cabac.bit(68, mode == expected);
        if mode != expected {
            let rest = if mode > expected { mode - 1 } else { mode };
            (0..3).for_each(|bit| cabac.bit(69, rest >> bit & 1 > 0));
        }
    }
}

fn chroma_mode(cabac: &mut Cabac, mb: &Coded, around: Around<'_>) {
    // The order of the standard: mean, horizontal, vertical, plane; ours has mean and vertical changed.
    let other =
        |other: Option<&Coded>| usize::from(other.is_some_and(|other| other.is_intra() && other.chroma_mode != MEAN));
    let number = [2, 1, 0, 3][usize::from(mb.chroma_mode & 3)];
    cabac.bit(64 + other(around.left) + other(around.top), number > 0);
    if number > 0 {
        cabac.bit(67, number > 1);
        if number > 1 {
            cabac.bit(67, number > 2);
        }
    }
}

/// One axis of a vector's distance from its prediction.
fn distance(cabac: &mut Cabac, context: usize, far: i32, around: u32) {
    let size = far.unsigned_abs();
    let first = match around {
        0..=2 => 0,
        3..=32 => 1,
        _ => 2,
    };
    cabac.bit(context + first, size > 0);
    if size == 0 {
        return;
    }
    for more in 1..size.min(9) {
        cabac.bit(context + 2 + (more as usize).min(4), true);
    }
    if size < 9 {
        cabac.bit(context + 2 + (size as usize).min(4), false);
    } else {
        cabac.golomb(3, size - 9);
    }
    cabac.bypass(far < 0);
}

/// Which quarters have levels.
fn pattern(cabac: &mut Cabac, mb: &Coded, around: Around<'_>) {
    let empty = |other: Option<&Coded>, quarter: u8| other.is_some_and(|other| other.luma >> quarter & 1 == 0);
    let own = |quarter: u8| mb.luma >> quarter & 1 == 0;
    let (left, top) = (around.left, around.top);
    let contexts =
        [(empty(left, 1), empty(top, 2)), (own(0), empty(top, 3)), (empty(left, 3), own(0)), (own(2), own(1))];
    for (quarter, (left, top)) in contexts.into_iter().enumerate() {
        cabac.bit(73 + usize::from(left) + 2 * usize::from(top), mb.luma >> quarter & 1 > 0);
    }
    let at_least = |other: Option<&Coded>, least: u8| usize::from(other.is_some_and(|other| other.chroma >= least));
    cabac.bit(77 + at_least(left, 1) + 2 * at_least(top, 1), mb.chroma > 0);
    if mb.chroma > 0 {
        cabac.bit(81 + at_least(left, 2) + 2 * at_least(top, 2), mb.chroma > 1);
    }
}

fn residual(cabac: &mut Cabac, mb: &Coded, levels: &Levels, around: Around<'_>) {
    let unknown = mb.is_intra();
    let filled = |other: Option<&Coded>, bit: u32| other.map_or(unknown, |other| other.filled >> bit & 1 > 0);
    // Of a grid of blocks: whether those to the left and above are filled.
    let context = |first: u32, side: u32, column: u32, row: u32| {
        let own = |column: u32, row: u32| mb.filled >> (first + row * side + column) & 1 > 0;
        let left = if column > 0 { own(column - 1, row) } else { filled(around.left, first + row * side + side - 1) };
        let top = if row > 0 { own(column, row - 1) } else { filled(around.top, first + (side - 1) * side + column) };
        usize::from(left) + 2 * usize::from(top)
    };
    let sum_context = |which: u32| {
        usize::from(filled(around.left, SUM_BIT + which)) + 2 * usize::from(filled(around.top, SUM_BIT + which))
    };
    if mb.kind == Kind::Whole {
        block(cabac, LUMA_SUMS, sum_context(0), &levels.sums);
    }
    if mb.eight {
        for (quarter, levels) in levels.luma.as_chunks::<64>().0.iter().enumerate() {
            if mb.luma >> quarter & 1 > 0 {
                block_8(cabac, levels);
            }
        }
    } else {
        for (at, levels) in levels.luma.as_chunks::<16>().0.iter().enumerate() {
            if mb.luma >> (at / 4) & 1 > 0 {
                let (column, row) = place(at);
                let context = context(0, 4, column as u32, row as u32);
                if mb.kind == Kind::Whole {
                    block(cabac, LUMA_REST, context, &levels[1..]);
                } else {
                    block(cabac, LUMA_4, context, levels);
                }
            }
        }
    }
    if mb.chroma == 0 {
        return;
    }
    for (plane, sums) in (1..).zip(&levels.chroma_sums) {
        block(cabac, CHROMA_SUMS, sum_context(plane), sums);
    }
    if mb.chroma == 2 {
        for (blocks, first) in levels.chroma.iter().zip(CHROMA_BIT) {
            for (at, levels) in (0..).zip(blocks) {
                block(cabac, CHROMA_REST, context(first, 2, at & 1, at >> 1), &levels[1..]);
            }
        }
    }
}

fn block(cabac: &mut Cabac, category: Category, context: usize, levels: &[i16]) {
    let Some(last) = levels.iter().rposition(|level| *level != 0) else {
        return cabac.bit(category.flag + context, false);
    };
    cabac.bit(category.flag + context, true);
    for (at, level) in levels[..levels.len() - 1].iter().enumerate().take(last + 1) {
        cabac.bit(category.position + at, *level != 0);
        if *level != 0 {
            cabac.bit(category.last + at, at == last);
        }
    }
    sizes(cabac, category.size, &levels[..=last], if levels.len() == 4 { 4 } else { 5 });
}

fn block_8(cabac: &mut Cabac, levels: &[i16; 64]) {
    let Some(last) = levels.iter().rposition(|level| *level != 0) else { return };
    for (at, level) in levels[..63].iter().enumerate().take(last + 1) {
        cabac.bit(LUMA_8.position + usize::from(POSITIONS_8[at]), *level != 0);
        if *level != 0 {
            cabac.bit(LUMA_8.last + usize::from(LASTS_8[at]), at == last);
        }
    }
    sizes(cabac, LUMA_8.size, &levels[..=last], 5);
}

/// Sizes and signs, from high to low frequencies.
fn sizes(cabac: &mut Cabac, first: usize, levels: &[i16], most: usize) {
    let (mut ones, mut more) = (1, 0_usize);
    for level in levels.iter().rev().filter(|level| **level != 0) {
        let size = level.unsigned_abs();
        let context = first + if more > 0 { 0 } else { ones.min(4) };
        cabac.bit(context, size > 1);
        if size > 1 {
            more += 1;
            let context = first + 4 + more.min(most);
            for _ in 2..size.min(15) {
                cabac.bit(context, true);
            }
            if size < 15 {
                cabac.bit(context, false);
            } else {
                cabac.golomb(0, u32::from(size) - 15);
            }
        } else {
            ones += 1;
        }
        cabac.bypass(*level < 0);
    }
}
