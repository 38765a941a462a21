//! Packed demos (`.gz`, `.bz2`, `.zst`, `.zip`) to plain ones, streaming, with a limit on everything that could run away.
//!
//! What the bytes are is seen from their first four, never from a name. Knows nothing of what is inside a demo.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::limits;
use crate::os::clock::{Clock, SystemClock};

use super::failure;
use super::kind::{self, BZIP2, GZIP, ZIP};
use super::zip::{self, ZipDemo};

/// Bytes moved at a time; the limits are looked at in between.
const CHUNK_BYTES: usize = 256 * 1024;
/// Memory that a zstd frame may ask for as its window: what the `zstd` tool accepts by default.
const ZSTD_WINDOW_BYTES: u64 = 128 << 20;

/// Code of the error for a demo that this machine has no room for: another one, or another time, may have.
pub const NO_ROOM: &str = "no_room";

/// How far unpacking may go.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Bytes of the plain demo.
    pub bytes: u64,
    /// Bytes that the disk has room for.
    pub room: u64,
    /// Plain bytes for one packed byte…
    pub ratio: u64,
    /// …once there are this many of them.
    pub ratio_from_bytes: u64,
    /// Time in all.
    pub time: Duration,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            bytes: limits::UNPACKED_BYTES,
            room: u64::MAX,
            ratio: limits::UNPACK_RATIO,
            ratio_from_bytes: limits::UNPACK_RATIO_FROM_BYTES,
            time: Duration::from_secs(limits::UNPACK_SECONDS),
        }
    }
}

/// Writes the plain demo that `source` holds, packed or not, to `target`, and says how many bytes it has.
///
/// Errors: `demo_too_large` over a limit, [`NO_ROOM`] where only the disk is too small, `demo_unreadable` where the packed bytes are damaged. Nothing is left at
/// `target` then.
pub fn unpack(source: &mut dyn Read, target: &Path, limits: UnpackLimits) -> Result<u64> {
    unpack_by(source, target, limits, &SystemClock::new())
}

/// [`unpack`] by a given clock.
pub fn unpack_by(source: &mut dyn Read, target: &Path, limits: UnpackLimits, clock: &dyn Clock) -> Result<u64> {
    let result = File::create(target)
        .map_err(|error| Error::internal("The unpacked demo could not be written.", error))
        .and_then(|file| unpack_into(source, file, limits, clock));
    if result.is_err() {
        // It may not even exist; what counts is that half a demo is never taken for a whole one.
        let _ = fs::remove_file(target);
    }
    result
}

fn unpack_into(source: &mut dyn Read, file: File, limits: UnpackLimits, clock: &dyn Clock) -> Result<u64> {
    let (packed, broken) = (Cell::new(0), Cell::new(false));
    let mut source = BufReader::with_capacity(CHUNK_BYTES, Watched { source, bytes: &packed, broken: &broken });
    let head = source.fill_buf().map_err(source_failed)?;
    let mut plain: Box<dyn Read + '_> = if head.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(source))
    } else if head.starts_with(BZIP2) {
        Box::new(MultiBzDecoder::new(source))
    } else if kind::is_zstd(head) {
        Box::new(ZstdFrames::new(source))
    } else if head.starts_with(ZIP) {
        Box::new(ZipDemo::new(source))
    } else {
        // A plain demo is as large as it is: only a packed one can have a ratio above 1.
        Box::new(source)
    };

    let start = clock.monotonic();
    let mut file = BufWriter::with_capacity(CHUNK_BYTES, file);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut written = 0_u64;
    loop {
        let count = match plain.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if broken.get() => return Err(source_failed(error)),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<zip::Fault>()) => {
                return Err(failure(FailureCode::DemoUnreadable, error.to_string()));
            }
            Err(error) => {
                let message = "The packed demo is damaged or not complete, and cannot be unpacked.";
                return Err(failure(FailureCode::DemoUnreadable, message).because(error));
            }
        };
        written += count as u64;
        check(limits, written, packed.get(), clock.monotonic().saturating_sub(start))?;
        file.write_all(&chunk[..count]).map_err(target_failed)?;
    }
    file.flush().map_err(target_failed)?;
    Ok(written)
}

fn check(limits: UnpackLimits, written: u64, packed: u64, spent: Duration) -> Result<()> {
    let too_large = |message: String| Err(failure(FailureCode::DemoTooLarge, message));
    if written > limits.bytes {
        return too_large(format!("The demo is larger than {} MiB once unpacked.", limits.bytes >> 20));
    }
    if written > limits.room {
        return Err(no_room());
    }
    if written > limits.ratio_from_bytes && written > packed.saturating_mul(limits.ratio) {
        return too_large(format!("The demo unpacks to more than {} times its packed size.", limits.ratio));
    }
    if spent > limits.time {
        return too_large(format!("The demo takes more than {} seconds to unpack.", limits.time.as_secs()));
    }
    Ok(())
}

fn source_failed(error: io::Error) -> Error {
    Error::internal("The packed demo could not be read.", error)
}

fn target_failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            no_room().because(error)
        }
        _ => Error::internal("The unpacked demo could not be written.", error),
    }
}

fn no_room() -> Error {
    Error::new(Kind::NoSpace, NO_ROOM, "The demo needs more disk space to be unpacked than there is.")
}

/// Counts what is read, and knows afterwards whether it was the source that failed and not the unpacking.
struct Watched<'a> {
    source: &'a mut dyn Read,
    bytes: &'a Cell<u64>,
    broken: &'a Cell<bool>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).inspect_err(|error| {
            self.broken.set(error.kind() != io::ErrorKind::Interrupted);
        })?;
        self.bytes.set(self.bytes.get() + count as u64);
        Ok(count)
    }
}

/// All frames of a zstd stream, one after the other. The decoder itself knows one frame only.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_BYTES);
        Self { source, decoder, in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame {
                if self.decoder.can_collect() > 0 {
                    return self.decoder.read(buffer);
                }
                if !self.decoder.is_finished() {
                    let step = BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder.decode_blocks(&mut self.source, step).map_err(io::Error::other)?;
                    continue;
                }
            }
            self.in_frame = self.next_frame()?;
            if !self.in_frame {
                return Ok(0);
            }
        }
    }
}
