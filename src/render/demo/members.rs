//! Decoders for compressed streams with several members (zstd: frames), each counted. A bomb made of empty members
//! produces no output that an output limit could catch.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::unpack_limits::Meter;

/// Maximum window size of a zstd frame: the `zstd` tool's default.
const ZSTD_WINDOW_BYTES: u64 = 128 << 20;

/// A decoder of one member that does not read past its end.
pub(super) trait Member<R>: Read {
    /// Starts a member.
    fn begin(source: R) -> Self;
    /// Ends it and returns the source.
    fn into_source(self) -> R;
}

impl<R: BufRead> Member<R> for GzDecoder<R> {
    fn begin(source: R) -> Self {
        Self::new(source)
    }

    fn into_source(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Member<R> for BzDecoder<R> {
    fn begin(source: R) -> Self {
        Self::new(source)
    }

    fn into_source(self) -> R {
        self.into_inner()
    }
}

/// All members of a gzip or bzip2 stream.
pub(super) struct Members<'a, D> {
    meter: &'a Meter<'a>,
    /// `None` at the end of the stream.
    member: Option<D>,
}

impl<'a, D> Members<'a, D> {
    /// A stream has at least one member.
    pub fn new<R>(source: R, meter: &'a Meter<'a>) -> Self
    where
        D: Member<R>,
    {
        Self { meter, member: Some(D::begin(source)) }
    }

    fn next<R: BufRead>(&mut self, buffer: &mut [u8]) -> io::Result<usize>
    where
        D: Member<R>,
    {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut source) = self.member.take().map(D::into_source) else { break };
            self.meter.member()?;
            if !source.fill_buf()?.is_empty() {
                self.member = Some(D::begin(source));
            }
        }
        Ok(0)
    }
}

impl<R: BufRead> Read for Members<'_, GzDecoder<R>> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer)
    }
}

impl<R: BufRead> Read for Members<'_, BzDecoder<R>> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer)
    }
}

/// All frames of a zstd stream, including skippable ones. The decoder itself handles a single frame only.
pub(super) struct ZstdFrames<'a, R> {
    source: R,
    meter: &'a Meter<'a>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<'a, R: BufRead> ZstdFrames<'a, R> {
    /// Creates a decoder that has read nothing yet.
    pub fn new(source: R, meter: &'a Meter<'a>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_BYTES);
        Self { source, meter, decoder, in_frame: false }
    }

    /// Starts the next frame; `false` at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            self.meter.member()?;
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

impl<R: BufRead> Read for ZstdFrames<'_, R> {
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
