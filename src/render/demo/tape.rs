//! The intact frames of a demo file: where they lie, and how to load some of them for the parser.
//!
//! The frames are walked before anything is parsed, because a single bad length makes the parser reject the whole file.
//! Full packets repeat the state of all entities, so a part of the file that begins with one can be played on its own,
//! after the sign-on. What was loaded is a private copy: a file that shrinks meanwhile must not matter.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;

use awpy::io::ByteReader;

use super::kind::MAGIC;

/// Bytes of a demo before its match begins (the sign-on), which are kept in memory: 64 MiB. The largest seen is 3 MB.
pub(super) const SIGN_ON_BYTES: usize = 64 << 20;

/// Bytes before the first frame: the magic, then two offsets to frames near the end.
const HEADER_BYTES: usize = 16;
/// Bit of a frame's command that marks its body as Snappy-compressed.
const COMPRESSED: u32 = 64;
/// The frame that ends the match; what follows describes the file.
const STOP: u32 = 0;
/// The frame at which the match begins; everything before it is the sign-on.
const SYNC_TICK: u32 = 3;
/// A frame that repeats the state of all entities; about one in a minute.
const FULL_PACKET: u32 = 13;
/// Maximum uncompressed size of a frame. The largest seen (a full packet of a real match) is 2 MB.
const FRAME_BYTES: usize = 64 << 20;
/// Maximum length of a number in a frame's head.
const VARINT_BYTES: usize = 5;
/// Bytes that are walked at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Maximum number of full packets that are remembered: a match of an hour has 60.
const FULL_PACKETS: usize = 100_000;

/// A demo's frames on disk.
pub(super) struct Tape {
    file: File,
    /// The header and the frames before the match.
    sign_on: Vec<u8>,
    /// Offset behind the last frame.
    end: u64,
    /// Full packets that may begin a stretch, in order.
    full_packets: Vec<FullPacket>,
    /// Whether the match goes on in bytes that are no frames.
    pub is_cut: bool,
}

#[derive(Clone, Copy)]
struct FullPacket {
    offset: u64,
    tick: i32,
}

/// Why there is nothing to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwound {
    /// The sign-on is incomplete.
    NoMatch,
    /// The sign-on is larger than [`SIGN_ON_BYTES`].
    LongSignOn,
}

impl Tape {
    /// Walks the intact frames within the first `size` bytes, up to the end of the match or to a tick.
    pub fn unwind(file: File, size: u64, last_tick: Option<i32>) -> io::Result<Result<Self, Unwound>> {
        let mut walk = Walk::new(BufReader::with_capacity(CHUNK_BYTES, (&file).take(size)));
        walk.skip(HEADER_BYTES)?;
        let (mut end, mut sign_on, mut is_cut) = (walk.at, None, true);
        let mut full_packets: Vec<FullPacket> = Vec::new();
        while let Some(frame) = walk.frame()? {
            let is_last = frame.command == STOP || last_tick.is_some_and(|last| frame.tick > last);
            if sign_on.is_some() && is_last {
                is_cut = false;
                break;
            }
            let is_late = full_packets.last().is_none_or(|last| last.tick < frame.tick);
            if frame.command == FULL_PACKET && sign_on.is_some() && is_late && full_packets.len() < FULL_PACKETS {
                full_packets.push(FullPacket { offset: end as u64, tick: frame.tick });
            }
            end = walk.at;
            if sign_on.is_none() && end > SIGN_ON_BYTES {
                return Ok(Err(Unwound::LongSignOn));
            }
            if frame.command == SYNC_TICK && sign_on.is_none() {
                sign_on = Some(end);
            }
        }
        let end = end as u64;
        is_cut &= end < size;
        let Some(match_begins) = sign_on else { return Ok(Err(Unwound::NoMatch)) };
        let mut sign_on = Vec::new();
        let mut tape = Self { file, sign_on: Vec::new(), end, full_packets, is_cut };
        tape.read(&(0..match_begins as u64), &mut sign_on)?;
        // These offsets may point past the end or nowhere; nothing here needs them.
        sign_on[MAGIC.len()..HEADER_BYTES].fill(0);
        tape.sign_on = sign_on;
        Ok(Ok(tape))
    }

    /// The header and the frames before the match.
    pub fn sign_on(&self) -> &[u8] {
        &self.sign_on
    }

    /// The last full packet before a tick.
    pub fn full_packet_before(&self, tick: i32) -> Option<u64> {
        let before = self.full_packets.partition_point(|packet| packet.tick < tick);
        before.checked_sub(1).map(|last| self.full_packets[last].offset)
    }

    /// The frames from the last full packet before the tick `from` (else from the beginning) to at least the tick `end`,
    /// in parts of not much more than `most` bytes that can be played one after the other.
    pub fn stretches(&self, from: i32, end: i32, most: u64) -> Vec<Range<u64>> {
        let mut start = self.full_packet_before(from).unwrap_or(self.sign_on.len() as u64);
        let after = self.full_packets.partition_point(|packet| packet.tick <= end);
        let end = self.full_packets.get(after).map_or(self.end, |packet| packet.offset);
        let mut stretches = Vec::new();
        for packet in &self.full_packets[..after] {
            if packet.offset > start && packet.offset - start >= most {
                stretches.push(start..packet.offset);
                start = packet.offset;
            }
        }
        stretches.push(start..end);
        stretches
    }

    /// The sign-on and a stretch, as one demo.
    pub fn load(&self, stretch: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = self.sign_on.clone();
        self.read(stretch, &mut bytes)?;
        // The file may have changed since it was walked.
        let mut walk = Walk::new(&bytes[self.sign_on.len()..]);
        let mut intact = self.sign_on.len();
        while walk.frame()?.is_some() {
            intact = self.sign_on.len() + walk.at;
        }
        bytes.truncate(intact);
        Ok(bytes)
    }

    /// Appends bytes of the file. The process may have less memory than they need: that must not crash it.
    fn read(&self, range: &Range<u64>, to: &mut Vec<u8>) -> io::Result<()> {
        let length = range.end - range.start;
        to.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|_| ErrorKind::OutOfMemory)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(range.start))?;
        file.take(length).read_to_end(to).map(drop)
    }
}

/// Reads frames.
struct Walk<R> {
    reader: R,
    /// Bytes read so far.
    at: usize,
}

struct Frame {
    command: u32,
    tick: i32,
}

impl<R: BufRead> Walk<R> {
    fn new(reader: R) -> Self {
        Self { reader, at: 0 }
    }

    /// The next frame; `None` at the first that is incomplete or wrong.
    fn frame(&mut self) -> io::Result<Option<Frame>> {
        let (Some(command), Some(tick), Some(size)) = (self.number()?, self.number()?, self.number()?) else {
            return Ok(None);
        };
        let mut left = size as usize;
        if command >= 2 * COMPRESSED || left > FRAME_BYTES {
            return Ok(None);
        }
        if command & COMPRESSED != 0 {
            // The body begins with its uncompressed size; the parser allocates this many bytes.
            let mut start = Vec::new();
            self.at += self.reader.by_ref().take(left.min(VARINT_BYTES) as u64).read_to_end(&mut start)?;
            if !snap::raw::decompress_len(&start).is_ok_and(|bytes| bytes <= FRAME_BYTES) {
                return Ok(None);
            }
            left -= start.len();
        }
        // Ticks before the match are negative.
        let frame = Frame { command: command & !COMPRESSED, tick: tick as i32 };
        Ok(self.skip(left)?.then_some(frame))
    }

    fn number(&mut self) -> io::Result<Option<u32>> {
        let mut bytes = Vec::with_capacity(VARINT_BYTES);
        while bytes.last().is_none_or(|byte| byte & 0x80 != 0) && bytes.len() < VARINT_BYTES {
            let Some(&byte) = self.reader.fill_buf()?.first() else { return Ok(None) };
            self.reader.consume(1);
            self.at += 1;
            bytes.push(byte);
        }
        Ok(ByteReader::new(&bytes).read_uvarint32().ok())
    }

    /// Skips bytes. Returns whether all of them were there.
    fn skip(&mut self, mut bytes: usize) -> io::Result<bool> {
        while bytes > 0 {
            let there = self.reader.fill_buf()?.len().min(bytes);
            if there == 0 {
                return Ok(false);
            }
            self.reader.consume(there);
            self.at += there;
            bytes -= there;
        }
        Ok(true)
    }
}
