//! Enforces the limits on size, time and speed while a demo is downloaded.

use std::io::{self, Read};
use std::time::Duration;

use sha2::{Digest, Sha256 as Hasher};

use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use crate::domain::sha256::Sha256;
use crate::render::demo::kind;
use crate::wire::node::FetchPolicy;

use crate::node::lease::{Ended, Hold};

/// Bytes per second below which a fetch is aborted, averaged over [`FETCH_STALL_SECONDS`].
const FETCH_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Seconds over which the speed of a fetch is averaged; also its timeout if no data arrives.
pub const FETCH_STALL_SECONDS: u64 = 10;

/// A reader that keeps the cause of a failure, and hashes everything it reads.
pub struct Meter<'a> {
    source: Box<dyn Read + Send>,
    expected: Option<u64>,
    max_bytes: u64,
    max_time: Duration,
    hold: &'a Hold<'a>,
    hash: Hasher,
    bytes: u64,
    began: Duration,
    window: (Duration, u64),
    trouble: Option<Ended>,
}

impl<'a> Meter<'a> {
    /// Reads from `source`, which announced `expected` bytes.
    pub fn new(source: Box<dyn Read + Send>, expected: Option<u64>, policy: &FetchPolicy, hold: &'a Hold<'a>) -> Self {
        let began = hold.now();
        Self {
            source,
            expected,
            max_bytes: policy.max_bytes,
            max_time: Duration::from_secs(policy.max_seconds),
            hold,
            hash: Hasher::new(),
            bytes: 0,
            began,
            window: (began, 0),
            trouble: None,
        }
    }

    /// The first [`kind::HEAD_BYTES`] bytes, or fewer if the demo is shorter.
    pub fn head(&mut self) -> Result<Vec<u8>, Ended> {
        let mut head = Vec::new();
        if self.expected.is_some_and(|bytes| bytes > self.max_bytes) {
            return Err(self.too_large().into());
        }
        match self.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut head) {
            Ok(_) => Ok(head),
            Err(error) => Err(self.trouble.take().unwrap_or_else(|| interrupted(&error).into())),
        }
    }

    /// The SHA-256 of everything in lower-case hexadecimal, after reading the rest if `read_rest`. Fails if the source
    /// exceeded a limit or was interrupted.
    pub fn finish(mut self, read_rest: bool) -> Result<String, Ended> {
        if read_rest && self.trouble.is_none() {
            // `read` keeps the error in `trouble`.
            let _ = io::copy(&mut self, &mut io::sink());
        }
        match self.trouble {
            Some(trouble) => Err(trouble),
            None => Ok(Sha256::from(self.hash.finalize()).to_string()),
        }
    }

    fn check_limits(&mut self) -> Result<(), Ended> {
        self.hold.check()?;
        if self.bytes > self.max_bytes {
            return Err(self.too_large().into());
        }
        let now = self.hold.now();
        if now.saturating_sub(self.began) > self.max_time {
            let message = format!("The download took longer than {} seconds.", self.max_time.as_secs());
            return Err(Failure::for_good(FailureCode::FetchFailed, message).into());
        }
        let (since, at) = self.window;
        if now.saturating_sub(since) >= Duration::from_secs(FETCH_STALL_SECONDS) {
            if self.bytes - at < FETCH_BYTES_PER_SECOND * FETCH_STALL_SECONDS {
                let message = "The server sent data too slowly.";
                return Err(Failure::for_good(FailureCode::FetchFailed, message).into());
            }
            self.window = (now, self.bytes);
        }
        if let Some(expected) = self.expected.filter(|&bytes| bytes > 0) {
            self.hold.report(Stage::Fetching, self.bytes as f64 / expected as f64);
        }
        Ok(())
    }

    fn too_large(&self) -> Failure {
        let message = format!("The demo is larger than the limit of {} bytes.", self.max_bytes);
        Failure::for_good(FailureCode::DemoTooLarge, message)
    }
}

impl Read for Meter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.trouble.is_some() {
            return Err(io::ErrorKind::Other.into());
        }
        let read = match self.source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => Err(Ended::Failed(interrupted(&error))),
            Ok(count) => {
                self.hash.update(&buffer[..count]);
                self.bytes += count as u64;
                self.check_limits().map(|()| count)
            }
        };
        read.map_err(|trouble| {
            self.trouble = Some(trouble);
            io::ErrorKind::Other.into()
        })
    }
}

fn interrupted(error: &io::Error) -> Failure {
    log::info!("A demo download was interrupted: {error}");
    let message = match error.kind() {
        io::ErrorKind::TimedOut => "The server stopped sending data.",
        _ => "The server closed the connection before the end of the file.",
    };
    Failure::here(FailureCode::FetchFailed, message)
}
