//! Parses a track's index tables. The tables are untrusted: they must be consistent with each other and with
//! the location of media data. Whatever length they claim, the work is bounded by the longest allowed clip.

use std::ops::Range;

use super::boxes::{Fields, boxes, find, find_path};

use crate::domain::clip::CLIP_SECONDS;

/// Maximum frame rate of a clip.
const CLIP_FPS: u32 = 60;
/// Minimum bytes of a frame, including its length prefix: in H.264, even a repeated frame is no shorter.
const CLIP_FRAME_BYTES: u64 = 8;

/// Number of frames of the longest clip.
const MOST_FRAMES: u64 = (CLIP_SECONDS + 1) as u64 * CLIP_FPS as u64;

/// A video track.
pub struct Track {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether it is H.264.
    pub h264: bool,
    /// H.264 profile number; 0 for another codec.
    pub profile: u8,
    /// Time units per second.
    timescale: u64,
    /// Total duration in time units.
    duration: u64,
    /// Number of frames.
    pub frames: u64,
    /// Shortest and longest frame in time units; a last frame with its own duration is not counted.
    shortest: u32,
    longest: u32,
}

/// Why a track is rejected.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The tables are inconsistent.
    Tables,
    /// More frames than the longest clip.
    TooLong,
    /// A frame too small to be one.
    EmptyFrame,
    /// A frame outside the media data, or overlapping another.
    Outside,
}

impl Track {
    /// Parses a `trak` box; `media`: byte ranges where frames may be, in order.
    pub fn read(trak: &[u8], media: &[Range<u64>]) -> Result<Self, Fault> {
        let tables = find_path(trak, &[b"mdia", b"minf", b"stbl"]).ok_or(Fault::Tables)?;
        let sizes = Sizes::read(tables).ok_or(Fault::Tables)?;
        if sizes.frames > MOST_FRAMES {
            return Err(Fault::TooLong);
        }
        let track = Self::times(trak, tables, sizes.frames).ok_or(Fault::Tables)?;
        if sizes.clone().any(|size| size < CLIP_FRAME_BYTES) {
            return Err(Fault::EmptyFrame);
        }
        let chunks = Chunks::read(tables).ok_or(Fault::Tables)?;
        check_chunks(media, chunks, sizes)?;
        Ok(track)
    }

    fn times(trak: &[u8], tables: &[u8], frames: u64) -> Option<Self> {
        let timescale = timescale(trak)?;
        let (mut timed, mut duration, mut shortest, mut longest) = (0u64, 0u64, u32::MAX, 0);
        for [count, delta] in entries::<2>(find(tables, b"stts")?)? {
            timed += u64::from(count);
            if count == 0 || timed > frames {
                return None;
            }
            duration += u64::from(count) * u64::from(delta);
            // Many programs guess the duration of the last frame.
            if count > 1 || timed < frames || frames == 1 {
                (shortest, longest) = (shortest.min(delta), longest.max(delta));
            }
        }
        let (width, height, h264, profile) = description(find(tables, b"stsd")?)?;
        let agrees = timed == frames && timescale > 0;
        agrees.then_some(Self { width, height, h264, profile, timescale, duration, frames, shortest, longest })
    }

    /// Its duration.
    pub fn duration_ms(&self) -> u64 {
        milliseconds(self.duration, self.timescale)
    }

    /// Frames per second, rounded; 0 for a track without duration.
    pub fn fps(&self) -> u32 {
        let units = u128::from(self.frames) * u128::from(self.timescale);
        let duration = u128::from(self.duration);
        let rate = (units + duration / 2).checked_div(duration).unwrap_or(0);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// Whether the frame rate is constant: each frame lasts one frame interval up to rounding, and all together last
    /// as long as that many intervals, give or take one.
    pub fn is_constant(&self) -> bool {
        let fps = u64::from(self.fps());
        // Compared in time units multiplied by the rate.
        let is_even = |delta: u32| (u64::from(delta) * fps).abs_diff(self.timescale) <= fps;
        let (whole, each) = (u128::from(self.duration) * u128::from(fps), u128::from(self.timescale));
        is_even(self.shortest) && is_even(self.longest) && whole.abs_diff(u128::from(self.frames) * each) <= each
    }
}

/// The length of an audio track in milliseconds. `None` if its tables are inconsistent.
pub fn audio_ms(trak: &[u8]) -> Option<u64> {
    let tables = find_path(trak, &[b"mdia", b"minf", b"stbl"])?;
    let timescale = timescale(trak).filter(|timescale| *timescale > 0)?;
    let mut duration = 0u64;
    for [count, delta] in entries::<2>(find(tables, b"stts")?)? {
        duration = duration.checked_add(u64::from(count) * u64::from(delta))?;
    }
    Some(milliseconds(duration, timescale))
}

/// A track's time units per second.
fn timescale(trak: &[u8]) -> Option<u64> {
    let mut head = Fields(find_path(trak, &[b"mdia", b"mdhd"])?);
    let version = head.version()?;
    head.u64_or_u32(version)?;
    head.u64_or_u32(version)?;
    head.u32().map(u64::from)
}

fn milliseconds(duration: u64, timescale: u64) -> u64 {
    let milliseconds = u128::from(duration) * 1_000 / u128::from(timescale);
    u64::try_from(milliseconds).unwrap_or(u64::MAX)
}

/// Checks that each chunk is inside the media data after the preceding one, with all frames it should contain.
fn check_chunks(media: &[Range<u64>], mut chunks: Chunks<'_>, mut sizes: Sizes<'_>) -> Result<(), Fault> {
    let (mut end, mut left, mut media) = (0, sizes.frames, media.iter().peekable());
    while left > 0 {
        let (offset, frames) = chunks.next().ok_or(Fault::Tables)?;
        if frames == 0 || frames > left {
            return Err(Fault::Tables);
        }
        left -= frames;
        let bytes: u64 = sizes.by_ref().take(frames as usize).sum();
        while media.next_if(|range| range.end <= offset).is_some() {}
        let is_inside = media.peek().is_some_and(|range| range.start <= offset && bytes <= range.end - offset);
        if !is_inside || offset < end {
            return Err(Fault::Outside);
        }
        end = offset + bytes;
    }
    // A chunk without frames, or more chunks than frames.
    if chunks.next().is_some() { Err(Fault::Tables) } else { Ok(()) }
}

/// The entries of a full box's table: a count, then that many tuples of `N` numbers; `None` if it is truncated.
fn entries<const N: usize>(table: &[u8]) -> Option<impl Iterator<Item = [u32; N]> + Clone> {
    let mut fields = Fields(table);
    fields.version()?;
    let count = fields.u32()? as usize;
    let mut entries = Fields(fields.bytes(count.checked_mul(N * 4)?)?);
    Some(std::iter::from_fn(move || {
        let mut entry = [0; N];
        for number in &mut entry {
            *number = entries.u32()?;
        }
        Some(entry)
    }))
}

/// Frame sizes in bytes, in order (`stsz`).
#[derive(Clone)]
struct Sizes<'a> {
    frames: u64,
    left: u64,
    /// The size of every frame, or 0 if each has its own.
    each: u32,
    own: Fields<'a>,
}

impl<'a> Sizes<'a> {
    fn read(tables: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(find(tables, b"stsz")?);
        fields.version()?;
        let (each, frames) = (fields.u32()?, u64::from(fields.u32()?));
        let are_there = each > 0 || frames * 4 <= fields.0.len() as u64;
        are_there.then_some(Self { frames, left: frames, each, own: fields })
    }
}

impl Iterator for Sizes<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        Some(u64::from(if self.each > 0 { self.each } else { self.own.u32()? }))
    }
}

/// Chunks in order: offset (`stco`, `co64`) and number of frames (`stsc`).
struct Chunks<'a> {
    offsets: Fields<'a>,
    is_long: bool,
    number: u32,
    /// Remaining runs: number of the first chunk, and frames per chunk.
    runs: Fields<'a>,
    frames: u32,
}

impl<'a> Chunks<'a> {
    fn read(tables: &'a [u8]) -> Option<Self> {
        let (table, is_long) = match find(tables, b"stco") {
            Some(table) => (table, false),
            None => (find(tables, b"co64")?, true),
        };
        let list = |table: &'a [u8], width: usize| {
            let mut fields = Fields(table);
            fields.version()?;
            let count = fields.u32()? as usize;
            fields.bytes(count.checked_mul(width)?).map(Fields)
        };
        let offsets = list(table, if is_long { 8 } else { 4 })?;
        let runs = list(find(tables, b"stsc")?, 12)?;
        Some(Self { offsets, is_long, number: 0, runs, frames: 0 })
    }
}

impl Iterator for Chunks<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let offset = if self.is_long { self.offsets.u64()? } else { u64::from(self.offsets.u32()?) };
        self.number += 1;
        let mut ahead = self.runs;
        if ahead.u32() == Some(self.number) {
            self.frames = ahead.u32()?;
            ahead.u32()?;
            self.runs = ahead;
        }
        Some((offset, u64::from(self.frames)))
    }
}

/// `stsd`: width, height, whether it is H.264, profile.
fn description(table: &[u8]) -> Option<(u32, u32, bool, u8)> {
    let mut fields = Fields(table);
    fields.version()?;
    fields.u32()?;
    let (codec, entry) = boxes(fields.0).next()?;
    let mut entry = Fields(entry);
    entry.bytes(24)?;
    let (width, height) = (entry.u16()?, entry.u16()?);
    entry.bytes(50)?;
    let h264 = codec == *b"avc1" || codec == *b"avc3";
    let profile = if h264 { *find(entry.0, b"avcC")?.get(1)? } else { 0 };
    Some((u32::from(width), u32::from(height), h264, profile))
}
