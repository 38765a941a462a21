//! Unpacking compressed demos, and the limits that stop bombs.

#[cfg(target_os = "linux")]
mod bombs;
mod zip;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use dinkem_appliance::domain::error::{Kind, Result};
use dinkem_appliance::os::clock::{Clock, FakeClock};
use dinkem_appliance::render::demo::{UnpackLimits, unpack, unpack_by};

use crate::support::compression::{COMPRESSORS, gz, zst};

fn demo() -> Vec<u8> {
    let body = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 26) as u8);
    b"PBDEMS2\0".iter().copied().chain(body).collect()
}

fn unpacked(packed: &[u8], limits: UnpackLimits) -> Result<Vec<u8>> {
    let scratch = tempfile::tempdir().unwrap();
    let target = scratch.path().join("plain.dem");
    let result = unpack(&mut &packed[..], &target, limits);
    assert_eq!(result.is_ok(), target.exists(), "a failure must leave no file");
    result.map(|size| {
        let plain = fs::read(&target).unwrap();
        assert_eq!(plain.len() as u64, size);
        plain
    })
}

#[test]
fn every_compression_format_is_unpacked() {
    let plain = demo();
    assert_eq!(unpacked(&plain, UnpackLimits::default()).unwrap(), plain);
    for (name, pack) in COMPRESSORS {
        assert!(unpacked(&pack(&plain), UnpackLimits::default()).unwrap() == plain, "{name}");
    }
}

#[test]
fn concatenated_streams_are_one_demo() {
    let plain = demo();
    let (head, tail) = plain.split_at(100_000);
    for (name, pack) in COMPRESSORS {
        let packed = [pack(head), pack(tail)].concat();
        assert!(unpacked(&packed, UnpackLimits::default()).unwrap() == plain, "{name}");
    }
    // zstd also has skippable frames.
    let skipped = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let packed = [&skipped[..], &zst(head), &skipped, &zst(tail)].concat();
    assert!(unpacked(&packed, UnpackLimits::default()).unwrap() == plain);
}

#[test]
fn truncated_or_damaged_compressed_demo_is_unreadable() {
    for (name, pack) in COMPRESSORS {
        let packed = pack(&demo());
        let error = unpacked(&packed[..packed.len() / 2], UnpackLimits::default()).unwrap_err();
        assert_eq!(error.code.as_str(), "demo_unreadable", "{name}, cut");
        let mut damaged = packed;
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        match unpacked(&damaged, UnpackLimits::default()) {
            Err(error) => assert_eq!(error.code.as_str(), "demo_unreadable", "{name}, damaged"),
            // Without a checksum it may not notice; then reading the demo fails later.
            Ok(_) => assert_eq!(name, "zstd"),
        }
    }
}

#[test]
fn bomb_is_stopped_by_ratio_and_size() {
    let zeros = vec![0; 24 << 20];
    for (name, pack) in COMPRESSORS {
        let packed = pack(&zeros);
        let error = unpacked(&packed, UnpackLimits::default()).unwrap_err();
        assert_eq!(error.code.as_str(), "demo_too_large", "{name}: {} bytes packed", packed.len());
        let small = UnpackLimits { bytes: 1 << 20, ratio: u64::MAX, ..UnpackLimits::default() };
        assert_eq!(unpacked(&packed, small).unwrap_err().code.as_str(), "demo_too_large", "{name}");
    }
    let small = UnpackLimits { bytes: 1_000, ..UnpackLimits::default() };
    assert_eq!(unpacked(&demo(), small).unwrap_err().code.as_str(), "demo_too_large", "plain");
}

/// A source whose reads advance the clock by a minute each.
struct Slow<'a>(&'a [u8], &'a FakeClock);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.advance(Duration::from_secs(60));
        let few = buffer.len().min(1_000);
        self.0.read(&mut buffer[..few])
    }
}

#[test]
fn slow_unpacking_is_stopped() {
    let scratch = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(0);
    let packed = gz(&demo());
    let stop = |source: &mut dyn Read, target: &Path| unpack_by(source, target, UnpackLimits::default(), &clock);
    let error = stop(&mut Slow(&packed, &clock), &scratch.path().join("slow.dem")).unwrap_err();
    assert_eq!(error.code.as_str(), "demo_too_large");
    assert!(error.message.contains("120 seconds"), "{}", error.message);
    assert!(clock.monotonic() < Duration::from_secs(600), "it must stop soon");
}

#[test]
fn read_error_is_internal_and_not_blamed_on_the_demo() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                count => Ok(count),
            }
        }
    }
    let scratch = tempfile::tempdir().unwrap();
    for packed in [gz(&demo()), demo()] {
        let mut source = Broken(&packed[..packed.len() / 2]);
        let error = unpack(&mut source, &scratch.path().join("x.dem"), UnpackLimits::default()).unwrap_err();
        assert_eq!(error.kind, Kind::Internal, "{error}");
    }
}
