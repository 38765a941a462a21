//! Decompression limits and the meter that enforces them.

use crate::domain::demo::{DEMO_BYTES, UNPACKED_BYTES};
use crate::os::clock::Clock;
use std::cell::Cell;
use std::io::{self, Read};
use std::time::Duration;

/// Maximum compression ratio. Real demos reach 2 to 4; a decompression bomb reaches 1,000.
const UNPACK_RATIO: u64 = 100;
/// Decompressed bytes below which the ratio is not checked: 16 MiB.
const UNPACK_RATIO_FROM_BYTES: u64 = 16 << 20;
/// Timeout of decompression in seconds.
const UNPACK_SECONDS: u64 = 120;
/// Members (gzip, bzip2) or frames (zstd) of one compressed demo: parallel compressors write one for every 64 KiB or
/// more, and an empty one takes 14 bytes and 0.2 ms.
const UNPACK_MEMBERS: u64 = 16_384;

/// Decompression limits.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Maximum uncompressed size.
    pub bytes: u64,
    /// Free disk space.
    pub room: u64,
    /// Maximum compression ratio…
    pub ratio: u64,
    /// …enforced once this many bytes are decompressed.
    pub ratio_from_bytes: u64,
    /// Maximum compressed size.
    pub packed_bytes: u64,
    /// Maximum number of members (gzip, bzip2) or frames (zstd), including empty ones.
    pub members: u64,
    /// Maximum total time.
    pub time: Duration,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            bytes: UNPACKED_BYTES,
            room: u64::MAX,
            ratio: UNPACK_RATIO,
            ratio_from_bytes: UNPACK_RATIO_FROM_BYTES,
            packed_bytes: DEMO_BYTES,
            members: UNPACK_MEMBERS,
            time: Duration::from_secs(UNPACK_SECONDS),
        }
    }
}

/// The input limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    /// Too many members or frames.
    Members,
    /// Too slow, with or without output.
    Time,
    /// Too many compressed bytes.
    Packed,
}

/// Meters the input. Decoders hide the errors of their source, so the cause is recorded here.
pub(super) struct Meter<'a> {
    limits: UnpackLimits,
    clock: &'a dyn Clock,
    began: Duration,
    packed: Cell<u64>,
    members: Cell<u64>,
    source_failed: Cell<bool>,
    exceeded: Cell<Option<Exceeded>>,
}

impl<'a> Meter<'a> {
    /// Starts the clock.
    pub fn new(limits: UnpackLimits, clock: &'a dyn Clock) -> Self {
        let (packed, members, source_failed, exceeded) = Default::default();
        Self { limits, clock, began: clock.monotonic(), packed, members, source_failed, exceeded }
    }

    /// Compressed bytes read so far.
    pub fn packed(&self) -> u64 {
        self.packed.get()
    }

    /// Whether the source failed, as opposed to decompression.
    pub fn source_failed(&self) -> bool {
        self.source_failed.get()
    }

    /// The limit that was exceeded.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    /// Counts one member.
    pub fn member(&self) -> io::Result<()> {
        self.members.set(self.members.get() + 1);
        self.enforce(self.members.get() > self.limits.members, Exceeded::Members)
    }

    /// Checks time and size. Must also be called while no input is read, because time passes anyway.
    pub fn check(&self) -> io::Result<()> {
        let spent = self.clock.monotonic().saturating_sub(self.began);
        self.enforce(spent > self.limits.time, Exceeded::Time)?;
        self.enforce(self.packed() > self.limits.packed_bytes, Exceeded::Packed)
    }

    fn enforce(&self, is_over: bool, what: Exceeded) -> io::Result<()> {
        if !is_over {
            return Ok(());
        }
        self.exceeded.set(Some(what));
        Err(io::ErrorKind::Other.into())
    }
}

/// Meters everything read through it.
pub(super) struct Metered<'a> {
    /// The compressed demo.
    pub source: &'a mut dyn Read,
    /// The meter.
    pub meter: &'a Meter<'a>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).inspect_err(|error| {
            self.meter.source_failed.set(error.kind() != io::ErrorKind::Interrupted);
        })?;
        self.meter.packed.set(self.meter.packed() + count as u64);
        self.meter.check()?;
        Ok(count)
    }
}
