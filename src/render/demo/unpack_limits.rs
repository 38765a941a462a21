//! How far unpacking may go, and the counters that hold it to that.

use std::cell::Cell;
use std::io::{self, Read};
use std::time::Duration;

use crate::domain::limits;
use crate::os::clock::Clock;

/// How far unpacking may go.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Bytes of the plain demo.
    pub bytes: u64,
    /// Bytes that the disk has room for.
    pub room: u64,
    /// Plain bytes for one packed byte…
    pub ratio: u64,
    /// …once there are this many of them.
    pub ratio_from_bytes: u64,
    /// Packed bytes.
    pub packed_bytes: u64,
    /// Members (gzip, bzip2) or frames (zstd), empty ones among them.
    pub members: u64,
    /// Time in all.
    pub time: Duration,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            bytes: limits::UNPACKED_BYTES,
            room: u64::MAX,
            ratio: limits::UNPACK_RATIO,
            ratio_from_bytes: limits::UNPACK_RATIO_FROM_BYTES,
            packed_bytes: limits::DEMO_BYTES,
            members: limits::UNPACK_MEMBERS,
            time: Duration::from_secs(limits::UNPACK_SECONDS),
        }
    }
}

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

    /// Counts one member.
    pub fn member(&self) -> io::Result<()> {
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
