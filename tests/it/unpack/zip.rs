//! Demos in ZIP archives.

use std::fs;
use std::process::Command;
use std::time::Duration;

use dinkem_appliance::render::demo::UnpackLimits;

use super::{demo, unpacked};
use crate::support::tools::{have, skip};
use crate::support::zip::{ENCODINGS, Encoding, archive, member};

#[test]
fn single_demo_in_a_zip_archive_is_unpacked_whatever_else_it_contains() {
    let plain = demo();
    for encoding in ENCODINGS {
        let demo = member("match.dem", &plain, encoding);
        let folder = member("demos/", b"", Encoding::Stored);
        let note = member("demos/README.txt", b"No demo.", encoding);
        let short = member("__MACOSX/._match.dem", b"PB", encoding);
        for members in [
            vec![demo.clone()],
            vec![folder.clone(), note.clone(), demo.clone()],
            vec![demo.clone(), short.clone(), note.clone()],
        ] {
            assert!(unpacked(&archive(&members), UnpackLimits::default()).unwrap() == plain);
        }
    }
}

#[test]
fn archive_without_exactly_one_demo_is_refused() {
    let plain = demo();
    let good = |encoding| member("a.dem", &plain, encoding);
    let note = member("a.txt", b"No demo.", Encoding::Deflated);
    let mut encrypted = good(Encoding::Deflated);
    encrypted[6] |= 1;
    let mut other = good(Encoding::Deflated);
    other[8] = 14;
    let mut damaged = good(Encoding::Stored);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut lied = good(Encoding::Deflated);
    lied[14] ^= 1;
    let large = member("large.bin", &vec![0; 17 << 20], Encoding::Deflated);
    let cut = &good(Encoding::Deflated)[..1_000];
    // (what, bytes, part of the message)
    let cases = [
        ("no demo", archive(std::slice::from_ref(&note)), "The ZIP archive contains no CS2 demo"),
        ("only folders", archive(&[member("a/", b"", Encoding::Stored)]), "contains no CS2 demo"),
        (
            "two demos",
            archive(&[good(Encoding::Deflated), note.clone(), good(Encoding::DataDescriptor)]),
            "more than one demo",
        ),
        ("encrypted", archive(&[encrypted]), "encrypted"),
        ("LZMA", archive(&[other]), "compression method"),
        ("one large other file", archive(&[large, good(Encoding::Deflated)]), "too much besides the demo"),
        ("many other files", archive(&vec![note; 200]), "too much besides the demo"),
        ("a wrong byte", archive(&[damaged]), "damaged"),
        ("a wrong checksum", archive(&[lied]), "damaged"),
        ("cut", cut.to_vec(), "damaged"),
        ("only a header", b"PK\x03\x04".to_vec(), "damaged"),
    ];
    for (what, bytes, message) in cases {
        let error = unpacked(&bytes, UnpackLimits::default()).unwrap_err();
        assert_eq!(error.code.as_str(), "demo_unreadable", "{what}: {error}");
        assert!(error.message.contains(message), "{what}: {error}");
    }
}

#[test]
fn zip_archives_have_the_same_limits_as_other_formats() {
    let mut zeros = b"PBDEMS2\0".to_vec();
    zeros.resize(200_000, 0);
    let packed = archive(&[member("a.dem", &zeros, Encoding::Deflated)]);
    let cases = [
        (UnpackLimits { bytes: 100_000, ..UnpackLimits::default() }, "larger than"),
        (UnpackLimits { ratio_from_bytes: 1_000, ..UnpackLimits::default() }, "times its compressed size"),
        (UnpackLimits { time: Duration::ZERO, ..UnpackLimits::default() }, "seconds to decompress"),
    ];
    for (limits, message) in cases {
        let error = unpacked(&packed, limits).unwrap_err();
        assert!(error.code.as_str() == "demo_too_large" && error.message.contains(message), "{error}");
    }
}

#[test]
fn archives_made_by_python_are_read() {
    if !have("python3", "ZIP archives of Python") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let plain = demo();
    fs::write(scratch.path().join("a.dem"), &plain).unwrap();
    fs::write(scratch.path().join("note.txt"), "No demo.").unwrap();
    let program = "import zipfile, io, sys
with zipfile.ZipFile('seekable.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    z.write('note.txt'); z.write('a.dem')
class Pipe(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
with zipfile.ZipFile(Pipe(open('streamed.zip', 'wb')), 'w', zipfile.ZIP_DEFLATED) as z:
    z.write('note.txt'); z.write('a.dem')
with zipfile.ZipFile('zip64.zip', 'w', zipfile.ZIP_STORED) as z:
    with z.open('a.dem', 'w', force_zip64=True) as f: f.write(open('a.dem', 'rb').read())
";
    let ran = Command::new("python3").args(["-c", program]).current_dir(scratch.path()).output().unwrap();
    if !ran.status.success() {
        return skip("ZIP archives of Python: it has no zipfile");
    }
    for name in ["seekable.zip", "streamed.zip", "zip64.zip"] {
        let packed = fs::read(scratch.path().join(name)).unwrap();
        assert!(unpacked(&packed, UnpackLimits::default()).unwrap() == plain, "{name}");
    }
}
