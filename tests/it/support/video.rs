//! What a node uploads, as bytes.

use std::fs;
use std::sync::LazyLock;

use super::clip;

/// Frames of [`CLIP`] at 30 a second.
pub const FRAMES: usize = clip::FRAMES as usize;

/// A true video of 1080p30.
pub static CLIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    clip::write_video(&path, 1920, 1080, 30);
    fs::read(path).unwrap()
});

/// A true JPEG.
pub static POSTER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&[128; 64 * 36], 64, 36, jpeg_encoder::ColorType::Luma).unwrap();
    file
});
