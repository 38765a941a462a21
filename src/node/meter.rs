//! Reads a demo's bytes as they come, and holds them to the limits on size, time and speed.

use std::io::{self, Read};
use std::time::Duration;

use sha2::{Digest, Sha256 as Hasher};

use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use crate::domain::limits;
use crate::domain::sha256::Sha256;
use crate::render::demo::kind;
use crate::wire::node::FetchPolicy;

use crate::node::lease::{Ended, Hold};

/// A reader that knows afterwards what was wrong and what the SHA-256 of all it read is.
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
    /// Reads from `source`, which said that it has `expected` bytes.
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

    /// The first bytes, fewer only where there are no more.
    pub fn head(&mut self) -> Result<Vec<u8>, Ended> {
        let mut head = Vec::new();
        if self.expected.is_some_and(|bytes| bytes > self.max_bytes) {
            return Err(self.too_large().into());
        }
        match self.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut head) {
            Ok(_) => Ok(head),
            Err(error) => Err(self.trouble.take().unwrap_or_else(|| broken_off(&error).into())),
        }
    }

    /// Reads what is left, unless there is no use in it, and gives the SHA-256 of everything in lower-case
    /// hexadecimal. An error when the source broke a limit or broke off.
    pub fn finish(mut self, useful: bool) -> Result<String, Ended> {
        if useful && self.trouble.is_none() {
            // Its own error is kept in `trouble`.
            let _ = io::copy(&mut self, &mut io::sink());
        }
        match self.trouble {
            Some(trouble) => Err(trouble),
            None => Ok(Sha256::from(self.hash.finalize()).to_string()),
        }
    }

    fn look(&mut self) -> Result<(), Ended> {
        self.hold.check()?;
        if self.bytes > self.max_bytes {
            return Err(self.too_large().into());
        }
        let now = self.hold.now();
        if now.saturating_sub(self.began) > self.max_time {
            let message = format!("It took longer than {} seconds.", self.max_time.as_secs());
            return Err(Failure::for_good(FailureCode::FetchFailed, message).into());
        }
        let (since, at) = self.window;
        if now.saturating_sub(since) >= Duration::from_secs(limits::FETCH_STALL_SECONDS) {
            if self.bytes - at < limits::FETCH_BYTES_PER_SECOND * limits::FETCH_STALL_SECONDS {
                let message = "Its server sends too slowly.";
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
            Err(error) => Err(Ended::Failed(broken_off(&error))),
            Ok(count) => {
                self.hash.update(&buffer[..count]);
                self.bytes += count as u64;
                self.look().map(|()| count)
            }
        };
        read.map_err(|trouble| {
            self.trouble = Some(trouble);
            io::ErrorKind::Other.into()
        })
    }
}

fn broken_off(error: &io::Error) -> Failure {
    log::info!("A demo broke off: {error}");
    let message = match error.kind() {
        io::ErrorKind::TimedOut => "Its server stopped sending.",
        _ => "Its server closed the connection before the end.",
    };
    Failure::here(FailureCode::FetchFailed, message)
}
