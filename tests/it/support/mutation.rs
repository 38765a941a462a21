//! Damages demos at random: their bytes, their frames, what is compressed inside the frames, and their wrapping.
//!
//! The same base and random numbers give the same bytes.

use std::borrow::Cow;
use std::ops::Range;

use awpy::io::ByteReader;

use super::compression::COMPRESSORS;
use super::rng::Rng;
use super::zip::{ENCODINGS, archive, member};

/// Bytes before the first frame.
const HEADER_BYTES: usize = 16;
/// Bit of a frame's command that marks its body as compressed.
const COMPRESSED: u32 = 64;
/// Frames at the beginning with the header, tables and classes, which few random places would hit.
const FIRST_FRAMES: usize = 12;
/// Maximum length of a stretch that is overwritten, removed, repeated or swapped.
const STRETCH_BYTES: usize = 3_000;
/// Maximum decompressed size of a frame that is damaged: those of a short demo are smaller.
const BODY_BYTES: usize = 4 << 20;
/// Extremes of varints, of fixed-size integers, and of floats.
const EXTREMES: [&[u8]; 14] = [
    &[0x00],
    &[0x7f],
    &[0xff, 0x7f],
    &[0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0, 0, 0, 0x80],
    &[0, 0, 0xc0, 0x7f],
    &[0xff, 0xff, 0x7f, 0x7f],
];

/// A damaged copy of a demo; one in four is compressed too.
pub fn mutated(base: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0 => damaged(&wrapped(base, rng), rng),
        1 => wrapped(&damaged_inside(base, rng), rng),
        2 => damaged(base, rng),
        3 => rearranged(base, rng),
        _ => damaged_inside(base, rng),
    }
}

/// The demo in one of the wrappings that can be unpacked.
fn wrapped(demo: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.below(COMPRESSORS.len() + 1) {
        at if at < COMPRESSORS.len() => COMPRESSORS[at].1(demo),
        _ => archive(&[member("match.dem", demo, ENCODINGS[rng.below(ENCODINGS.len())])]),
    }
}

/// One to three mutations at random places.
fn damaged(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(3) {
        match rng.below(8) {
            0 => bytes.truncate(rng.below(bytes.len().max(1))),
            1 => drop(bytes.drain(stretch(&bytes, rng))),
            2 => {
                let repeated = bytes[stretch(&bytes, rng)].to_vec();
                let at = rng.below(bytes.len() + 1);
                bytes.splice(at..at, repeated);
            }
            3 => {
                let (one, other) = (stretch(&bytes, rng), stretch(&bytes, rng));
                let length = one.len().min(other.len());
                (0..length).for_each(|at| bytes.swap(one.start + at, other.start + at));
            }
            4 => {
                let at = rng.below(bytes.len() + 1);
                bytes.splice(at..at, EXTREMES[rng.below(EXTREMES.len())].iter().copied());
            }
            _ => overwrite(&mut bytes, rng),
        }
    }
    bytes
}

/// One mutation that keeps the length, so that everything around it is still read as before.
fn overwrite(bytes: &mut [u8], rng: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    match rng.below(6) {
        0 => {
            for at in stretch(bytes, rng) {
                bytes[at] = rng.below(256) as u8;
            }
        }
        1 => {
            let filled = stretch(bytes, rng);
            bytes[filled].fill([0x00, 0xff, 0xa5][rng.below(3)]);
        }
        2 => {
            let at = rng.below(bytes.len());
            let extreme = EXTREMES[rng.below(EXTREMES.len())];
            bytes[at..].iter_mut().zip(extreme).for_each(|(byte, &new)| *byte = new);
        }
        _ => {
            // A single bit often changes a value and nothing else.
            for _ in 0..=[0, rng.below(8)][rng.below(2)] {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
        }
    }
}

/// A random stretch; mostly short.
fn stretch(bytes: &[u8], rng: &mut Rng) -> Range<usize> {
    let start = rng.below(bytes.len() + 1);
    let longest = [8, 64, STRETCH_BYTES][rng.below(3)];
    start..(start + 1 + rng.below(longest)).min(bytes.len())
}

/// A frame of a demo.
#[derive(Clone)]
struct Frame<'a> {
    /// With its bit for compression.
    command: u32,
    tick: u32,
    /// What it says about the length of its body.
    size: u32,
    /// Compressed or not.
    body: Cow<'a, [u8]>,
}

/// The frames up to the first that cannot be read.
fn frames(demo: &[u8]) -> Vec<Frame<'_>> {
    let mut reader = ByteReader::new(demo.get(HEADER_BYTES..).unwrap_or_default());
    std::iter::from_fn(|| {
        let (command, tick) = (reader.read_uvarint32().ok()?, reader.read_uvarint32().ok()?);
        let size = reader.read_uvarint32().ok()?;
        Some(Frame { command, tick, size, body: reader.read_bytes(size as usize).ok()?.into() })
    })
    .collect()
}

/// A demo of these frames, with the header of another.
fn joined(demo: &[u8], frames: &[Frame<'_>]) -> Vec<u8> {
    let mut bytes = demo[..demo.len().min(HEADER_BYTES)].to_vec();
    for frame in frames {
        for number in [frame.command, frame.tick, frame.size] {
            prost::encoding::encode_varint(number.into(), &mut bytes);
        }
        bytes.extend_from_slice(&frame.body);
    }
    bytes
}

/// Damages what is compressed in one to three frames, so that the damage reaches messages, tables and entities.
fn damaged_inside(demo: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut frames = frames(demo);
    for _ in 0..=rng.below(3) {
        let Some(at) = place(&frames, rng) else { break };
        let frame = &mut frames[at];
        let is_packed = frame.command & COMPRESSED != 0;
        let mut body = frame.body.to_vec();
        if is_packed {
            let fits = snap::raw::decompress_len(&body).is_ok_and(|bytes| bytes <= BODY_BYTES);
            let Some(plain) = fits.then(|| snap::raw::Decoder::new().decompress_vec(&body).ok()).flatten() else {
                continue;
            };
            body = plain;
        }
        if rng.below(6) == 0 {
            body = damaged(&body, rng);
        } else {
            overwrite(&mut body, rng);
        }
        if is_packed {
            body = snap::raw::Encoder::new().compress_vec(&body).unwrap_or_default();
        }
        frame.size = body.len() as u32;
        frame.body = body.into();
    }
    joined(demo, &frames)
}

/// The index of a random frame, one of the first in a sixth of all cases.
fn place(frames: &[Frame<'_>], rng: &mut Rng) -> Option<usize> {
    let among = if rng.below(6) == 0 { frames.len().min(FIRST_FRAMES) } else { frames.len() };
    (among > 0).then(|| rng.below(among))
}

/// Removes, repeats, swaps and relabels one to four whole frames, or makes them lie about their length.
fn rearranged(demo: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut frames = frames(demo);
    for _ in 0..=rng.below(4) {
        let (Some(one), Some(other)) = (place(&frames, rng), place(&frames, rng)) else { break };
        match rng.below(7) {
            0 => drop(frames.remove(one)),
            1 => frames.insert(other, frames[one].clone()),
            2 => frames.swap(one, other),
            3 => frames[one].command = rng.below(2 * COMPRESSED as usize) as u32,
            4 => {
                let size = frames[one].size;
                frames[one].size = [0, 1, size / 2, size.wrapping_add(1), 64 << 20, u32::MAX][rng.below(6)];
            }
            // A compressed body begins with its length when decompressed.
            5 => {
                let extreme = EXTREMES[rng.below(EXTREMES.len())];
                frames[one].body.to_mut().iter_mut().zip(extreme).for_each(|(byte, &new)| *byte = new);
            }
            _ => {
                let ticks = [0, 1, frames[other].tick, i32::MAX as u32, i32::MIN as u32, u32::MAX];
                // A jump, or a clock that is wrong from here on.
                let until = if rng.below(2) == 0 { one + 1 } else { frames.len() };
                let shift = ticks[rng.below(ticks.len())].wrapping_sub(frames[one].tick);
                for frame in &mut frames[one..until] {
                    frame.tick = frame.tick.wrapping_add(shift);
                }
            }
        }
    }
    joined(demo, &frames)
}
