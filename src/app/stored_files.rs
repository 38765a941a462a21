//! Reading request bodies onto the disk, and removing files.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::domain::error::{Error, Kind, Result};

/// Reads until there is something, the end (0), or a fault of the sender's.
pub(in crate::app) fn read_some(body: &mut dyn Read, chunk: &mut [u8]) -> Result<usize> {
    loop {
        match body.read(chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other.map_err(body_incomplete),
        }
    }
}

/// A body that ended before its end.
pub(in crate::app) fn body_incomplete(error: io::Error) -> Error {
    Error::new(Kind::Invalid, "body_broke_off", "The request's body broke off.").because(error)
}

/// A body over its limit.
pub(in crate::app) fn too_large(what: &str, bytes: u64) -> Error {
    Error::new(Kind::TooLarge, "too_large", format!("{what} may have at most {} MiB.", bytes >> 20))
}

/// A disk that does not take it.
pub(in crate::app) fn cannot_store(what: &str, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Kind::NoSpace, "no_space", "The server's disk is full.").because(error)
        }
        _ => Error::internal(what, error),
    }
}

/// Removes a file. True when it was there and is gone; a failure is logged.
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
