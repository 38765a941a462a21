//! Extracts the single demo from a ZIP archive as a stream: reads local headers in order and does not need the
//! central directory. Other members are skipped within a limit; a second demo is an error.
//!
//! Supports deflated and stored members, sizes before or after the data, 32 and 64 bits. Does not support encryption
//! or nested archives.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, BufRead, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::kind::MAGIC;

/// Files in a ZIP archive that contains a demo.
const ZIP_MEMBERS: u32 = 100;
/// Decompressed bytes of everything in such an archive other than the demo: 16 MiB.
const ZIP_OTHER_BYTES: u64 = 16 << 20;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const DATA_DESCRIPTOR: u32 = 0x0807_4b50;
/// Size of a local header after the signature, up to the member's name.
const HEADER_BYTES: usize = 26;
const FLAG_ENCRYPTED: u16 = 1;
/// CRC and sizes follow the data.
const FLAG_DESCRIPTOR: u16 = 8;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// ID of the extra field with 64-bit sizes.
const ZIP64: u16 = 1;

/// A problem with the archive, as a message for people. Wrapped in an [`io::Error`].
#[derive(Debug)]
pub(super) struct Fault(pub &'static str);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Fault {}

fn fault(words: &'static str) -> io::Error {
    io::Error::other(Fault(words))
}

const NO_DEMO: &str = "The ZIP archive contains no CS2 demo. It must contain one .dem file.";
const TWO_DEMOS: &str = "The ZIP archive contains more than one demo. Send each demo separately.";
const ENCRYPTED: &str = "The ZIP archive is encrypted.";
const METHOD: &str = "The ZIP archive uses an unsupported compression method. Use Deflate.";
const TOO_MUCH: &str = "The ZIP archive contains too much besides the demo. Send the demo by itself.";

/// Reads the single demo in the archive.
pub(super) struct ZipDemo<R> {
    at: At<R>,
    has_demo: bool,
    members: u32,
    skipped_bytes: u64,
}

/// The reader's position.
enum At<R> {
    /// Before a local header, or at the end of the members.
    Between(R),
    /// Inside the demo. `head`: its first bytes, which were read for detection and must still be returned.
    Demo { member: Member<R>, head: io::Cursor<Vec<u8>> },
    /// After the last member, or after an error.
    End,
}

impl<R: BufRead> ZipDemo<R> {
    pub(super) fn new(source: R) -> Self {
        Self { at: At::Between(source), has_demo: false, members: 0, skipped_bytes: 0 }
    }

    /// Advances to the next demo or to the end.
    fn next(&mut self, source: R) -> io::Result<At<R>> {
        let mut source = source;
        loop {
            let Some(mut member) = Member::begin(source)? else {
                return if self.has_demo { Ok(At::End) } else { Err(fault(NO_DEMO)) };
            };
            self.members += 1;
            if self.members > ZIP_MEMBERS {
                return Err(fault(TOO_MUCH));
            }
            let mut head = Vec::new();
            member.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head)?;
            if head == MAGIC {
                if std::mem::replace(&mut self.has_demo, true) {
                    return Err(fault(TWO_DEMOS));
                }
                return Ok(At::Demo { member, head: io::Cursor::new(head) });
            }
            let left = ZIP_OTHER_BYTES - self.skipped_bytes;
            self.skipped_bytes += io::copy(&mut member.by_ref().take(left), &mut io::sink())?;
            if self.skipped_bytes >= ZIP_OTHER_BYTES {
                return Err(fault(TOO_MUCH));
            }
            source = member.end()?;
        }
    }
}

impl<R: BufRead> Read for ZipDemo<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.at, At::End) {
                At::End => return Ok(0),
                At::Between(source) => self.at = self.next(source)?,
                At::Demo { mut member, mut head } => {
                    let count = match head.read(buffer)? {
                        0 => member.read(buffer)?,
                        count => count,
                    };
                    if count > 0 || buffer.is_empty() {
                        self.at = At::Demo { member, head };
                        return Ok(count);
                    }
                    self.at = At::Between(member.end()?);
                }
            }
        }
    }
}

/// The uncompressed data of a member.
struct Member<R> {
    body: Body<R>,
    crc: Crc,
    /// The CRC from the header; `None` if it follows the data.
    stated_crc: Option<u32>,
    is_long: bool,
}

enum Body<R> {
    Stored(io::Take<R>),
    Deflated(DeflateDecoder<R>),
}

impl<R: BufRead> Member<R> {
    /// Reads a local header; `None` if there are no more members.
    fn begin(mut source: R) -> io::Result<Option<Self>> {
        let mut signature = [0; 4];
        source.read_exact(&mut signature)?;
        if u32::from_le_bytes(signature) != LOCAL_HEADER {
            // The central directory: no members follow.
            io::copy(&mut source, &mut io::sink())?;
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        source.read_exact(&mut header)?;
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (flags, method, crc, packed, plain) = (short(2), short(4), long(10), long(14), long(18));
        let mut rest = vec![0; usize::from(short(22)) + usize::from(short(24))];
        source.read_exact(&mut rest)?;
        let long_lengths = zip64(&rest[usize::from(short(22))..]);
        if flags & FLAG_ENCRYPTED != 0 {
            return Err(fault(ENCRYPTED));
        }
        let is_behind = flags & FLAG_DESCRIPTOR != 0;
        let body = match method {
            DEFLATED => Body::Deflated(DeflateDecoder::new(source)),
            // A stored member with its size after the data has no detectable end. Only directories, of size 0, are
            // written so.
            STORED if is_behind && plain != 0 => return Err(fault(METHOD)),
            STORED => {
                let length = if packed == u32::MAX { long_lengths.unwrap_or(u64::from(packed)) } else { packed.into() };
                Body::Stored(source.take(length))
            }
            _ => return Err(fault(METHOD)),
        };
        let stated_crc = (!is_behind).then_some(crc);
        Ok(Some(Self { body, crc: Crc::new(), stated_crc, is_long: long_lengths.is_some() }))
    }

    /// Moves past a member that was read to its end, and verifies its checksum.
    fn end(mut self) -> io::Result<R> {
        let (mut source, packed) = match self.body {
            Body::Stored(body) if body.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Body::Stored(body) => (body.into_inner(), None),
            Body::Deflated(body) => {
                let packed = body.total_in();
                (body.into_inner(), Some(packed))
            }
        };
        let stated = match (self.stated_crc.take(), packed) {
            (Some(crc), _) => crc,
            (None, _) => descriptor(&mut source, self.is_long)?,
        };
        if stated == self.crc.sum() { Ok(source) } else { Err(io::Error::other("CRC mismatch")) }
    }
}

/// The CRC of a data descriptor, which may have a signature and is followed by 32-bit or 64-bit sizes.
fn descriptor(source: &mut impl BufRead, is_long: bool) -> io::Result<u32> {
    let mut word = [0; 4];
    source.read_exact(&mut word)?;
    if u32::from_le_bytes(word) == DATA_DESCRIPTOR {
        source.read_exact(&mut word)?;
    }
    let mut lengths = [0; 16];
    source.read_exact(&mut lengths[..if is_long { 16 } else { 8 }])?;
    Ok(u32::from_le_bytes(word))
}

/// The compressed size from a ZIP64 extra field, where it follows the uncompressed size.
fn zip64(mut extra: &[u8]) -> Option<u64> {
    while let [a, b, c, d, rest @ ..] = extra {
        let (kind, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let field = rest.get(..length)?;
        if kind == ZIP64 {
            return Some(field.get(8..16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes));
        }
        extra = &rest[length..];
    }
    None
}

impl<R: BufRead> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.body {
            Body::Stored(body) => body.read(buffer)?,
            Body::Deflated(body) => body.read(buffer)?,
        };
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
