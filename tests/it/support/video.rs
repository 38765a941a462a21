//! Valid videos and a poster for uploads.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use super::clip;

pub const FRAMES: usize = clip::FRAMES as usize;

/// A valid 1080p30 video.
pub static CLIP: LazyLock<Vec<u8>> = LazyLock::new(|| write(1080, 30));

/// Valid videos of the other formats, by height and fps.
static OTHERS: LazyLock<HashMap<(u32, u32), Vec<u8>>> =
    LazyLock::new(|| [(1080, 60), (1440, 30), (1440, 60)].map(|(lines, fps)| ((lines, fps), write(lines, fps))).into());

/// A valid video of this height and fps.
pub fn of(lines: u32, fps: u32) -> &'static [u8] {
    OTHERS.get(&(lines, fps)).unwrap_or(&CLIP)
}

fn write(lines: u32, fps: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    clip::write_video(&path, lines / 9 * 16, lines, fps);
    fs::read(path).unwrap()
}

/// A valid JPEG.
pub static POSTER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&[128; 64 * 36], 64, 36, jpeg_encoder::ColorType::Luma).unwrap();
    file
});
