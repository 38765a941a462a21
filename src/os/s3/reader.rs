//! Reads an object like a file, by ranged requests; a connection that breaks is continued where it broke.

use std::io::{self, Read, Seek, SeekFrom};

use crate::domain::error::Error;
use crate::os::s3::Bucket;

/// How often a broken connection is continued without a single byte in between.
const CONTINUATIONS: u32 = 3;

/// A part of an object, or all of it.
pub struct ObjectReader {
    bucket: Bucket,
    key: String,
    bytes: u64,
    /// Where the next byte is read.
    at: u64,
    /// The first byte that is not read.
    end: u64,
    /// Bytes of one request at most: small for reading here and there.
    window: u64,
    /// The current response and the bytes that it still has.
    body: Option<(Box<dyn Read + Send>, u64)>,
}

impl ObjectReader {
    /// Reads `count` bytes of an object of `bytes` bytes, from byte `first`, in one response.
    pub fn section(bucket: Bucket, key: String, bytes: u64, first: u64, count: u64) -> Self {
        let end = first.saturating_add(count).min(bytes);
        Self { bucket, key, bytes, at: first, end, window: u64::MAX, body: None }
    }

    /// Reads here and there in an object of `bytes` bytes, with requests of at most `window` bytes.
    pub fn seeking(bucket: Bucket, key: String, bytes: u64, window: u64) -> Self {
        Self { bucket, key, bytes, at: 0, end: bytes, window, body: None }
    }

    fn open(&mut self) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let count = (self.end - self.at).min(self.window);
        let body = self.bucket.get(&self.key, self.at, count).map_err(failed)?;
        body.map(|body| (body, count)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.end || buffer.is_empty() {
            return Ok(0);
        }
        for _ in 0..=CONTINUATIONS {
            let (mut body, left) = match self.body.take() {
                Some(open) => open,
                None => self.open()?,
            };
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            // The end of a response that still has bytes is a broken connection, too.
            if let Ok(count @ 1..) = body.read(&mut buffer[..most]) {
                self.at += count as u64;
                self.body = Some((body, left - count as u64)).filter(|(_, left)| *left > 0);
                return Ok(count);
            }
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the bucket broke off an object again and again"))
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
        };
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        // A short way forward, within what was asked for, is read over.
        if let Some((mut body, left)) = self.body.take()
            && (self.at..self.at.saturating_add(left)).contains(&at)
            && self.window != u64::MAX
        {
            let skipped = io::copy(&mut body.by_ref().take(at - self.at), &mut io::sink()).unwrap_or(0);
            self.body = Some((body, left - skipped)).filter(|_| self.at + skipped == at);
        }
        self.at = at;
        Ok(at)
    }
}

fn failed(error: Error) -> io::Error {
    io::Error::other(error)
}
