//! What a node uploads, as bytes.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use super::clip;

/// Frames of each video.
pub const FRAMES: usize = clip::FRAMES as usize;

/// A true video of 1080p30.
pub static CLIP: LazyLock<Vec<u8>> = LazyLock::new(|| write(1080, 30));

/// A true video of every kind but [`CLIP`]'s, by lines and frames a second.
static OTHERS: LazyLock<HashMap<(u32, u32), Vec<u8>>> =
    LazyLock::new(|| [(1080, 60), (1440, 30), (1440, 60)].map(|(lines, fps)| ((lines, fps), write(lines, fps))).into());

/// A true video of these lines and frames a second.
pub fn of(lines: u32, fps: u32) -> &'static [u8] {
    OTHERS.get(&(lines, fps)).unwrap_or(&CLIP)
}

fn write(lines: u32, fps: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    clip::write_video(&path, lines / 9 * 16, lines, fps);
    fs::read(path).unwrap()
}

/// A true JPEG.
pub static POSTER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&[128; 64 * 36], 64, 36, jpeg_encoder::ColorType::Luma).unwrap();
    file
});
