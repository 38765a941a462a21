//! Demos that are small to send but large to read.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use crate::support::compression::bz2;
use crate::support::rng::Rng;

const MIB: usize = 1 << 20;
/// Incompressible bytes in each mebibyte: a ratio of 90, just below the limit.
const NOISE: usize = MIB / 90;
/// Frames of 60 MiB each before the match begins.
const FRAMES: usize = 9;

/// 5.6 MB of empty bzip2 members.
pub fn empty_members() -> Arc<[u8]> {
    bz2(b"").repeat(400_000).into()
}

/// A gzip file just below the ratio limit with a demo that has 540 MB before the match begins.
pub fn huge_sign_on() -> Arc<[u8]> {
    static DEMO: LazyLock<Arc<[u8]>> = LazyLock::new(pack_sign_on);
    DEMO.clone()
}

fn pack_sign_on() -> Arc<[u8]> {
    let mut rng = Rng::new(1);
    let mut mebibyte: Vec<u8> = (0..NOISE).map(|_| rng.below(256) as u8).collect();
    mebibyte.resize(MIB, 0);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(b"PBDEMS2\0\0\0\0\0\0\0\0\0").unwrap();
    for _ in 0..FRAMES {
        // Of the sign-on, at tick 0, with a length of 60 MiB.
        packer.write_all(&[8, 0, 0x80, 0x80, 0x80, 0x1e]).unwrap();
        for _ in 0..60 {
            packer.write_all(&mebibyte).unwrap();
        }
    }
    // The match begins.
    packer.write_all(&[3, 0, 0]).unwrap();
    packer.finish().unwrap().into()
}
