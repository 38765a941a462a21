//! Decompression bombs and other demos that are small to send but large to read.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use dinkem_appliance::domain::error::{Error, Result};
use dinkem_appliance::os::clock::{Clock, FakeClock};
use dinkem_appliance::render::command::{Reading, Space, Verdict, read_in_child};
use dinkem_appliance::render::demo::{self, UnpackLimits, unpack_by};
use dinkem_appliance::render::forge;

use crate::support::compression::{COMPRESSORS, bz2, gz, zst};
use crate::support::process::BINARY;

/// Unpacks with the default limits.
fn unpacked(source: &mut dyn Read, clock: &dyn Clock) -> Result<u64> {
    let scratch = tempfile::tempdir().unwrap();
    let target = scratch.path().join("plain.dem");
    let result = unpack_by(source, &target, UnpackLimits::default(), clock);
    assert_eq!(result.is_ok(), target.exists(), "a failure must leave no file");
    result
}

fn too_large(result: Result<u64>, message: &str, name: &str) -> Error {
    let error = result.expect_err(name);
    assert!(error.code.as_str() == "demo_too_large" && error.message.contains(message), "{name}: {error}");
    error
}

#[test]
fn bomb_of_empty_members_is_stopped_by_the_member_limit() {
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0].to_vec();
    for (name, member) in [("gz", gz(b"")), ("bz2", bz2(b"")), ("zst", zst(b"")), ("zst, to skip", skippable)] {
        too_large(unpacked(&mut &member.repeat(20_000)[..], &FakeClock::at(0)), "16384 compressed pieces", name);
    }
}

#[test]
fn demo_with_many_members_from_parallel_compressors_is_unpacked() {
    for (name, pack) in COMPRESSORS {
        let packed = pack(b"PBDEMS2\0 and so on").repeat(2_000);
        assert_eq!(unpacked(&mut &packed[..], &FakeClock::at(0)).unwrap(), 2_000 * 18, "{name}");
    }
}

/// An endless compressed stream without output; each read advances the clock.
struct Endless<'a> {
    head: &'a [u8],
    again: &'a [u8],
    at: usize,
    clock: &'a FakeClock,
    a_read: Duration,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.clock.advance(self.a_read);
        for byte in &mut *buffer {
            *byte = match self.head.get(self.at) {
                Some(byte) => *byte,
                None => self.again[(self.at - self.head.len()) % self.again.len()],
            };
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn endless_input_without_output_is_stopped_by_the_time_limit() {
    // Empty blocks within one member: stored blocks of gzip, raw blocks of zstd.
    let streams: [(&str, &[u8], &[u8]); 2] = [
        ("gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &[0, 0, 0, 0xff, 0xff]),
        ("zst", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0x40], &[0, 0, 0]),
    ];
    for (name, head, again) in streams {
        let clock = FakeClock::at(0);
        let mut source = Endless { head, again, at: 0, clock: &clock, a_read: Duration::from_secs(50) };
        too_large(unpacked(&mut source, &clock), "120 seconds", name);
        assert!(clock.monotonic() < Duration::from_secs(300), "{name}: it must stop soon");
    }
}

#[test]
fn compressed_size_is_limited() {
    let clock = FakeClock::at(0);
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut source =
        Endless { head: &head, again: &[0, 0, 0, 0xff, 0xff], at: 0, clock: &clock, a_read: Duration::ZERO };
    let scratch = tempfile::tempdir().unwrap();
    let limits = UnpackLimits { packed_bytes: 5 << 20, ..UnpackLimits::default() };
    too_large(unpack_by(&mut source, &scratch.path().join("plain"), limits, &clock), "larger than 5 MiB", "gz");
}

#[test]
fn doubly_compressed_demo_is_refused() {
    for (outer, pack) in COMPRESSORS {
        for (inner, pack_first) in COMPRESSORS {
            let packed = pack(&pack_first(b"PBDEMS2\0 and so on"));
            let error = unpacked(&mut &packed[..], &FakeClock::at(0)).unwrap_err();
            assert_eq!(error.code.as_str(), "demo_unreadable", "{inner}.{outer}: {error}");
            assert!(error.message.contains("compressed twice"), "{inner}.{outer}: {error}");
        }
    }
}

/// A plain demo with frames of 60 MiB before the match begins, written as a sparse file.
fn sign_on(path: &Path, frames: u32) {
    /// A frame at tick 0; its length is a varint.
    const FRAME: [u8; 6] = [8, 0, 0x80, 0x80, 0x80, 0x1e];
    let mut file = File::create(path).unwrap();
    file.write_all(b"PBDEMS2\0\0\0\0\0\0\0\0\0").unwrap();
    for _ in 0..frames {
        file.write_all(&FRAME).unwrap();
        file.seek(SeekFrom::Current(60 << 20)).unwrap();
    }
    // The match begins.
    file.write_all(&[3, 0, 0]).unwrap();
}

#[test]
fn sign_on_of_500_mb_is_too_large() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("sign_on.dem");
    sign_on(&path, 9);
    let error = demo::index(&path).unwrap_err();
    assert!(error.code.as_str() == "demo_too_large" && error.message.contains("before the match begins"), "{error}");
}

/// Reads a demo in a child process of the real binary.
fn read(demo: &Path, reading: Reading, most_bytes: u64) -> (Verdict, Option<&'static str>, bool) {
    let work = tempfile::tempdir().unwrap();
    let space = Space { most_bytes, room: u64::MAX };
    let end = read_in_child(Path::new(BINARY), demo, work.path(), reading, space, &mut || true).unwrap().unwrap();
    let left = fs::read_dir(work.path()).unwrap().count() > 0;
    (end.verdict, end.code.map(|code| code.as_str()), left)
}

#[test]
fn demo_larger_than_its_readers_memory_is_too_large() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("large.dem");
    let demo = forge::quick();
    // The header says where the second-last frame begins; the one before it ends the match.
    let (play, end) = demo.split_at(u32::from_le_bytes(demo[12..16].try_into().unwrap()) as usize - 4);
    assert_eq!((end[0], end[3]), (0, 0));
    let mut file = File::create(&path).unwrap();
    file.write_all(play).unwrap();
    // Frames that the parser skips, up to the maximum size of a demo, which is more than a child can map into memory.
    let mut left = (4 << 30) - demo.len();
    while left > 0 {
        let bytes = left.min(60 << 20) - 7;
        let [low, middle, high] = [bytes, bytes >> 7, bytes >> 14].map(|bits| 0x80 | (bits & 0x7f) as u8);
        file.write_all(&[10, 0x80, 0x40, low, middle, high, (bytes >> 21) as u8]).unwrap();
        file.seek(SeekFrom::Current(bytes as i64)).unwrap();
        left -= bytes + 7;
    }
    file.write_all(end).unwrap();
    assert_eq!(read(&path, Reading::Index, 4 << 30), (Verdict::BadJob, Some("demo_too_large"), false));
}

#[test]
fn bomb_just_below_the_ratio_limit_is_stopped_by_size_in_a_child() {
    // 8 KiB of noise for each MiB of zeros: a ratio of about 80.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut plain = b"PBDEMS2\0".to_vec();
    for _ in 0..48 {
        plain.extend(std::iter::repeat_with(&mut noise).take(8 << 10));
        plain.resize(plain.len() + (1 << 20), 0);
    }
    let packed = gz(&plain);
    let ratio = plain.len() / packed.len();
    assert!((60..100).contains(&ratio), "{ratio}");
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("bomb.dem.gz");
    fs::write(&path, packed).unwrap();
    let unpack = |most_bytes| read(&path, Reading::Unpack, most_bytes);
    assert_eq!(unpack(32 << 20), (Verdict::BadJob, Some("demo_too_large"), false));
    assert_eq!(read(&path, Reading::Index, 32 << 20), (Verdict::BadJob, Some("demo_too_large"), false));
    assert_eq!(unpack(64 << 20), (Verdict::Done, None, true));
}
