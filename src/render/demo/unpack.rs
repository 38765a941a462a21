//! Decompresses demos (`.gz`, `.bz2`, `.zst`, `.zip`) as a stream, with limits against decompression bombs.
//!
//! The format is detected from the first bytes, never from a name. Knows nothing about the demo format.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::os::clock::{Clock, SystemClock};

use super::failure;
use super::kind::{self, BZIP2, GZIP, ZIP};
use super::members::{Members, ZstdFrames};
use super::unpack_limits::{Exceeded, Meter, Metered, UnpackLimits};
use super::zip::{self, ZipDemo};

/// Buffer size; limits are checked once per buffer.
const CHUNK_BYTES: usize = 256 * 1024;
/// First bytes, which tell the format.
const HEAD_BYTES: usize = 4;

/// Writes the uncompressed demo to `target` and returns its size. `source` may be compressed or not.
///
/// Errors: `demo_too_large` over a limit, [`ErrorCode::NoRoom`] if only the disk is too small, `demo_unreadable` if the
/// compressed data is damaged or compressed twice. On an error nothing is left at `target`.
pub fn unpack(source: &mut dyn Read, target: &Path, limits: UnpackLimits) -> Result<u64> {
    unpack_by(source, target, limits, &SystemClock::new())
}

/// Like [`unpack`], with the given clock.
pub fn unpack_by(source: &mut dyn Read, target: &Path, limits: UnpackLimits, clock: &dyn Clock) -> Result<u64> {
    let result = File::create(target)
        .map_err(|error| Error::internal("Could not write the decompressed demo.", error))
        .and_then(|file| unpack_into(source, file, limits, clock));
    if result.is_err() {
        // It may not exist; what matters is that a partial demo is never mistaken for a complete one.
        let _ = fs::remove_file(target);
    }
    result
}

fn unpack_into(source: &mut dyn Read, file: File, limits: UnpackLimits, clock: &dyn Clock) -> Result<u64> {
    let meter = Meter::new(limits, clock);
    let mut source = BufReader::with_capacity(CHUNK_BYTES, Metered { source, meter: &meter });
    let head = source.fill_buf().map_err(|error| unpacking_failed(error, &meter, limits))?;
    let packed = kind::is_packed(head);
    let mut plain: Box<dyn Read + '_> = if head.starts_with(GZIP) {
        Box::new(Members::<GzDecoder<_>>::new(source, &meter))
    } else if head.starts_with(BZIP2) {
        Box::new(Members::<BzDecoder<_>>::new(source, &meter))
    } else if head.starts_with(ZIP) {
        Box::new(ZipDemo::new(source))
    } else if packed {
        Box::new(ZstdFrames::new(source, &meter))
    } else {
        // The ratio limit is for compressed demos: a plain one always has ratio 1.
        Box::new(source)
    };

    let mut file = BufWriter::with_capacity(CHUNK_BYTES, file);
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut head, mut written) = (Vec::new(), 0_u64);
    loop {
        let count = match plain.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<zip::Fault>()) => {
                return Err(failure(FailureCode::DemoUnreadable, error.to_string()));
            }
            Err(error) => return Err(unpacking_failed(error, &meter, limits)),
        };
        if head.len() < HEAD_BYTES {
            head.extend(chunk[..count].iter().take(HEAD_BYTES - head.len()));
            if packed && kind::is_packed(&head) {
                return Err(failure(
                    FailureCode::DemoUnreadable,
                    "The demo is compressed twice. Compress it only once.",
                ));
            }
        }
        written += count as u64;
        check(limits, written, meter.packed())?;
        meter.check().map_err(|error| unpacking_failed(error, &meter, limits))?;
        file.write_all(&chunk[..count]).map_err(target_failed)?;
    }
    file.flush().map_err(target_failed)?;
    Ok(written)
}

fn too_large(message: String) -> Error {
    failure(FailureCode::DemoTooLarge, message)
}

/// Checks the output limits.
fn check(limits: UnpackLimits, written: u64, packed: u64) -> Result<()> {
    if written > limits.bytes {
        return Err(too_large(format!("The demo is larger than {} MiB once decompressed.", limits.bytes >> 20)));
    }
    if written > limits.room {
        return Err(no_room());
    }
    if written > limits.ratio_from_bytes && written > packed.saturating_mul(limits.ratio) {
        return Err(too_large(format!(
            "The demo decompresses to more than {} times its compressed size.",
            limits.ratio
        )));
    }
    Ok(())
}

/// The error for a failed read: a limit, the source, or damaged data.
fn unpacking_failed(error: io::Error, meter: &Meter<'_>, limits: UnpackLimits) -> Error {
    match meter.exceeded() {
        Some(Exceeded::Members) => {
            too_large(format!("The demo consists of more than {} compressed pieces.", limits.members))
        }
        Some(Exceeded::Time) => {
            too_large(format!("The demo takes more than {} seconds to decompress.", limits.time.as_secs()))
        }
        Some(Exceeded::Packed) => too_large(format!("The demo is larger than {} MiB.", limits.packed_bytes >> 20)),
        None if meter.source_failed() => source_failed(error),
        None => {
            let message = "Could not decompress the demo: the data is damaged or incomplete.";
            failure(FailureCode::DemoUnreadable, message).because(error)
        }
    }
}

fn source_failed(error: io::Error) -> Error {
    Error::internal("Could not read the compressed demo.", error)
}

fn target_failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            no_room().because(error)
        }
        _ => Error::internal("Could not write the decompressed demo.", error),
    }
}

fn no_room() -> Error {
    Error::new(Kind::NoSpace, ErrorCode::NoRoom, "Not enough disk space to decompress the demo.")
}
