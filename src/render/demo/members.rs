//! Packed streams as their packers write them: one member (zstd: frame) after the other, each counted. A bomb of empty
//! members puts nothing out that a limit could see.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::time::Duration;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::unpack::UnpackLimits;
use crate::os::clock::Clock;

/// Memory that a zstd frame may ask for as its window: what the `zstd` tool accepts by default.
const ZSTD_WINDOW_BYTES: u64 = 128 << 20;

/// A limit of what goes in that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Too many members or frames.
    Members,
    /// It takes too long, be it without putting anything out.
    Time,
    /// Too many packed bytes.
    Packed,
}

/// Counts what goes in. Decoders hide the errors of what they read from, so that what was wrong is kept here.
pub(super) struct Gauge<'a> {
    limits: UnpackLimits,
    clock: &'a dyn Clock,
    began: Duration,
    packed: Cell<u64>,
    members: Cell<u64>,
    broken: Cell<bool>,
    over: Cell<Option<Over>>,
}

impl<'a> Gauge<'a> {
    /// Nothing went in yet.
    pub fn new(limits: UnpackLimits, clock: &'a dyn Clock) -> Self {
        let (packed, members, broken, over) = Default::default();
        Self { limits, clock, began: clock.monotonic(), packed, members, broken, over }
    }

    /// Packed bytes so far.
    pub fn packed(&self) -> u64 {
        self.packed.get()
    }

    /// Whether it was the source that failed and not the unpacking.
    pub fn broken(&self) -> bool {
        self.broken.get()
    }

    /// The limit that was broken.
    pub fn over(&self) -> Option<Over> {
        self.over.get()
    }

    fn member(&self) -> io::Result<()> {
        self.members.set(self.members.get() + 1);
        self.hold(self.members.get() > self.limits.members, Over::Members)
    }

    /// Also to be called where nothing comes in: time goes by there, too.
    pub fn look(&self) -> io::Result<()> {
        let spent = self.clock.monotonic().saturating_sub(self.began);
        self.hold(spent > self.limits.time, Over::Time)?;
        self.hold(self.packed() > self.limits.packed_bytes, Over::Packed)
    }

    fn hold(&self, is_over: bool, what: Over) -> io::Result<()> {
        if !is_over {
            return Ok(());
        }
        self.over.set(Some(what));
        Err(io::ErrorKind::Other.into())
    }
}

/// What is read through it is counted.
pub(super) struct Watched<'a> {
    /// The packed demo.
    pub source: &'a mut dyn Read,
    /// Who counts.
    pub gauge: &'a Gauge<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).inspect_err(|error| {
            self.gauge.broken.set(error.kind() != io::ErrorKind::Interrupted);
        })?;
        self.gauge.packed.set(self.gauge.packed() + count as u64);
        self.gauge.look()?;
        Ok(count)
    }
}

/// A decoder of one member, which leaves what comes behind it where it is.
pub(super) trait Member<R>: Read {
    /// Begins one.
    fn begin(source: R) -> Self;
    /// Ends it.
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
    gauge: &'a Gauge<'a>,
    /// Nothing at the end of the stream.
    member: Option<D>,
}

impl<'a, D> Members<'a, D> {
    /// A stream has one member at least.
    pub fn new<R>(source: R, gauge: &'a Gauge<'a>) -> Self
    where
        D: Member<R>,
    {
        Self { gauge, member: Some(D::begin(source)) }
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
            self.gauge.member()?;
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

/// All frames of a zstd stream, those to be skipped among them. The decoder itself knows one frame only.
pub(super) struct ZstdFrames<'a, R> {
    source: R,
    gauge: &'a Gauge<'a>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<'a, R: BufRead> ZstdFrames<'a, R> {
    /// A stream of frames.
    pub fn new(source: R, gauge: &'a Gauge<'a>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_BYTES);
        Self { source, gauge, decoder, in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            self.gauge.member()?;
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
