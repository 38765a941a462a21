//! Parameter sets and slice headers.

use crate::bits::Bits;
use crate::frame::MACROBLOCK;
use crate::interface::Settings;
use crate::transform::FINER_CHROMA;

/// Levels of the standard: macroblocks per second and per frame, at most.
const LEVELS: [(u32, u32, u32); 15] = [
    (10, 1_485, 99),
    (11, 3_000, 396),
    (12, 6_000, 396),
    (13, 11_880, 396),
    (21, 19_800, 792),
    (22, 20_250, 1_620),
    (30, 40_500, 1_620),
    (31, 108_000, 3_600),
    (32, 216_000, 5_120),
    (40, 245_760, 8_192),
    (42, 522_240, 8_704),
    (50, 589_824, 22_080),
    (51, 983_040, 36_864),
    (52, 2_073_600, 36_864),
    (62, 16_711_680, 139_264),
];
/// Bits of a frame's number.
const NUMBER_BITS: u32 = 8;

/// The sequence's parameters: size, rate, color.
pub fn sequence(settings: &Settings) -> Vec<u8> {
    let Settings { width, height, fps, .. } = *settings;
    let (columns, rows) = (width.div_ceil(MACROBLOCK) as u32, height.div_ceil(MACROBLOCK) as u32);
    let enough = |(_, rate, size): &&(u32, u32, u32)| {
        u64::from(*rate) >= u64::from(columns * rows) * u64::from(fps) && *size >= columns * rows
    };
    let level = LEVELS.iter().find(enough).map_or(62, |level| level.0);
    let mut bits = Bits::default();
    bits.put(8, 100); // High profile
    bits.put(8, 0);
    bits.put(8, level);
    bits.unsigned(0); // this set's number
    bits.unsigned(1); // 4:2:0
    bits.unsigned(0); // 8 bits of luma
    bits.unsigned(0); // 8 bits of chroma
    bits.flag(false); // lossless
    bits.flag(false); // scaling matrices
    bits.unsigned(NUMBER_BITS - 4);
    bits.unsigned(2); // frames are shown in the order of coding
    bits.unsigned(2); // references
    bits.flag(false); // gaps
    bits.unsigned(columns - 1);
    bits.unsigned(rows - 1);
    bits.flag(true); // whole frames
    bits.flag(true); // direct inference of 8×8 blocks
    let cut = [(columns as usize * MACROBLOCK - width) as u32 / 2, (rows as usize * MACROBLOCK - height) as u32 / 2];
    bits.flag(cut != [0, 0]);
    if cut != [0, 0] {
        [0, cut[0], 0, cut[1]].into_iter().for_each(|side| bits.unsigned(side));
    }
    bits.flag(true); // the rest is about use
    bits.flag(false); // aspect ratio
    bits.flag(false); // overscan
    bits.flag(true); // signal
    bits.put(3, 5);
    bits.flag(false); // full range
    bits.flag(true); // primaries, transfer, matrix: BT.709
    bits.put(24, 0x01_0101);
    bits.flag(false); // place of chroma
    bits.flag(true); // timing
    bits.put(32, 1);
    bits.put(32, 2 * fps);
    bits.flag(true); // constant rate
    bits.flag(false); // buffers of NAL units
    bits.flag(false); // buffers of slices
    bits.flag(false); // fields
    bits.flag(true); // limits
    bits.flag(true); // vectors point outside
    bits.unsigned(0);
    bits.unsigned(0);
    bits.unsigned(14); // longest vectors
    bits.unsigned(14);
    bits.unsigned(0); // frames that are reordered
    bits.unsigned(2); // frames that are kept
    bits.finish()
}

/// The picture's parameters.
pub fn picture() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.unsigned(0); // this set's number
    bits.unsigned(0); // the sequence's
    bits.flag(true); // arithmetic coding
    bits.flag(false); // bottom field
    bits.unsigned(0); // slice groups
    bits.unsigned(1); // references, less one
    bits.unsigned(0);
    bits.flag(false); // weights
    bits.put(2, 0);
    bits.signed(0); // quantizer 26
    bits.signed(0);
    bits.signed(-i32::from(FINER_CHROMA)); // chroma's offset
    bits.flag(false); // control of smoothing
    bits.flag(false); // intra prediction only from intra
    bits.flag(false); // redundancy
    bits.flag(true); // 8×8 transform
    bits.flag(false); // scaling matrices
    bits.signed(-i32::from(FINER_CHROMA)); // red's offset
    bits.finish()
}

/// The header of a frame's only slice, up to the arithmetic coder's first byte. `number` counts from the key frame.
pub fn slice(key: Option<u32>, number: u32, quantizer: u8) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.unsigned(0); // first macroblock
    bits.unsigned(if key.is_some() { 7 } else { 5 });
    bits.unsigned(0); // the picture's parameters
    bits.put(NUMBER_BITS, number % (1 << NUMBER_BITS));
    if let Some(key) = key {
        bits.unsigned(key % 2);
        bits.flag(false); // earlier frames are not shown
        bits.flag(true); // long-term reference
    } else {
        // The first has only the key frame to refer to.
        bits.flag(number == 1);
        if number == 1 {
            bits.unsigned(0);
        }
        bits.flag(false); // references are reordered
        bits.flag(false); // marking
        bits.unsigned(0); // contexts
    }
    bits.signed(i32::from(quantizer) - 26);
    bits.align(true);
    bits.into_bytes()
}
