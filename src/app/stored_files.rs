//! Helpers for storing request bodies and removing files.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Reads some bytes, or 0 at the end; retries on interrupts.
pub(in crate::app) fn read_some(body: &mut dyn Read, chunk: &mut [u8]) -> Result<usize> {
    loop {
        match body.read(chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other.map_err(body_incomplete),
        }
    }
}

/// The error for an incomplete body.
pub(in crate::app) fn body_incomplete(error: io::Error) -> Error {
    Error::new(Kind::Invalid, ErrorCode::BodyIncomplete, "The request body ended early.").because(error)
}

/// The error for a body over its limit.
pub(in crate::app) fn too_large(what: &str, bytes: u64) -> Error {
    Error::new(Kind::TooLarge, ErrorCode::TooLarge, format!("{what} is too large: the limit is {} MiB.", bytes >> 20))
}

/// The error for a failed write.
pub(in crate::app) fn cannot_store(what: &str, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Kind::NoSpace, ErrorCode::NoSpace, "The server's disk is full.").because(error)
        }
        _ => Error::internal(what, error),
    }
}

/// Removes a file. Returns whether it existed and is gone; logs failures.
pub(in crate::app) fn remove(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                log::warn!("{} could not be removed: {error}", path.display());
            }
            false
        }
    }
}
