//! Packed demos (`.gz`, `.bz2`, `.zst`, `.zip`) to plain ones, streaming, with a limit on everything that could run away.
//!
//! What the bytes are is seen from their first four, never from a name. Knows nothing of what is inside a demo.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::os::clock::{Clock, SystemClock};

use super::failure;
use super::kind::{self, BZIP2, GZIP, ZIP};
use super::members::{Members, ZstdFrames};
use super::unpack_limits::{Gauge, Over, UnpackLimits, Watched};
use super::zip::{self, ZipDemo};

/// Bytes moved at a time; the limits are looked at in between.
const CHUNK_BYTES: usize = 256 * 1024;
/// First bytes that tell what something is.
const HEAD_BYTES: usize = 4;

/// Code of the error for a demo that this machine has no room for: another one, or another time, may have.
pub const NO_ROOM: &str = "no_room";

/// Writes the plain demo that `source` holds, packed or not, to `target`, and says how many bytes it has.
///
/// Errors: `demo_too_large` over a limit, [`NO_ROOM`] where only the disk is too small, `demo_unreadable` where the packed
/// bytes are damaged or packed twice. Nothing is left at `target` then.
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
    let gauge = Gauge::new(limits, clock);
    let mut source = BufReader::with_capacity(CHUNK_BYTES, Watched { source, gauge: &gauge });
    let head = source.fill_buf().map_err(|error| unpacking_failed(error, &gauge, limits))?;
    let packed = kind::is_packed(head);
    let mut plain: Box<dyn Read + '_> = if head.starts_with(GZIP) {
        Box::new(Members::<GzDecoder<_>>::new(source, &gauge))
    } else if head.starts_with(BZIP2) {
        Box::new(Members::<BzDecoder<_>>::new(source, &gauge))
    } else if head.starts_with(ZIP) {
        Box::new(ZipDemo::new(source))
    } else if packed {
        Box::new(ZstdFrames::new(source, &gauge))
    } else {
        // A plain demo is as large as it is: only a packed one can have a ratio above 1.
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
            Err(error) => return Err(unpacking_failed(error, &gauge, limits)),
        };
        if head.len() < HEAD_BYTES {
            head.extend(chunk[..count].iter().take(HEAD_BYTES - head.len()));
            if packed && kind::is_packed(&head) {
                return Err(failure(FailureCode::DemoUnreadable, "The demo is packed twice: pack it once."));
            }
        }
        written += count as u64;
        check(limits, written, gauge.packed())?;
        gauge.look().map_err(|error| unpacking_failed(error, &gauge, limits))?;
        file.write_all(&chunk[..count]).map_err(target_failed)?;
    }
    file.flush().map_err(target_failed)?;
    Ok(written)
}

fn too_large(message: String) -> Error {
    failure(FailureCode::DemoTooLarge, message)
}

/// Holds what comes out to its limits.
fn check(limits: UnpackLimits, written: u64, packed: u64) -> Result<()> {
    if written > limits.bytes {
        return Err(too_large(format!("The demo is larger than {} MiB once unpacked.", limits.bytes >> 20)));
    }
    if written > limits.room {
        return Err(no_room());
    }
    if written > limits.ratio_from_bytes && written > packed.saturating_mul(limits.ratio) {
        return Err(too_large(format!("The demo unpacks to more than {} times its packed size.", limits.ratio)));
    }
    Ok(())
}

/// The error for a read that failed: a limit, the source, or what is packed.
fn unpacking_failed(error: io::Error, gauge: &Gauge<'_>, limits: UnpackLimits) -> Error {
    match gauge.over() {
        Some(Over::Members) => {
            too_large(format!("The demo is packed in more than {} pieces, one behind the other.", limits.members))
        }
        Some(Over::Time) => too_large(format!("The demo takes more than {} seconds to unpack.", limits.time.as_secs())),
        Some(Over::Packed) => too_large(format!("The demo is larger than {} MiB.", limits.packed_bytes >> 20)),
        None if gauge.broken() => source_failed(error),
        None => {
            let message = "The packed demo is damaged or not complete, and cannot be unpacked.";
            failure(FailureCode::DemoUnreadable, message).because(error)
        }
    }
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
