//! The preview: a small picture of the frame that is being drawn, written beside the clip now and then, for whoever
//! watches the render.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tiny_skia::Pixmap;

use crate::domain::frame::{FRAME_BYTES, FRAME_EDGE, FRAME_WIDTH};

/// JPEG quality: about 3 KB of a map with its players, 4 KB with all panels. Names are just legible.
const QUALITY: u8 = 25;

/// Where previews go, and whether one is due. Shared by all threads that draw.
#[derive(Debug)]
pub struct Preview {
    path: PathBuf,
    due: AtomicBool,
    /// Held while the file is written.
    writing: Mutex<()>,
}

impl Preview {
    /// Previews in this file. The first is due at once.
    pub fn at(path: PathBuf) -> Self {
        Self { path, due: AtomicBool::new(true), writing: Mutex::default() }
    }

    /// The next frame that is drawn shall be shown.
    pub fn ask(&self) {
        self.due.store(true, Ordering::Relaxed);
    }

    /// A frame, opaque RGBA, has been drawn: replaces the file, atomically, if a preview is due.
    pub fn show(&self, frame: &Pixmap) {
        if !self.due.load(Ordering::Relaxed) || !self.due.swap(false, Ordering::Relaxed) {
            return;
        }
        let Some(jpeg) = encode(frame) else { return };
        let beside = self.path.with_extension("jpg.part");
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // A clip can do without: on a full disk, for example, only the last preview stays.
        if fs::write(&beside, jpeg).and_then(|()| fs::rename(&beside, &self.path)).is_err() {
            let _gone = fs::remove_file(&beside);
        }
    }
}

/// A small JPEG of the picture; `None` if it would be larger than a live frame may be.
fn encode(picture: &Pixmap) -> Option<Vec<u8>> {
    let (width, height) = size(picture.width(), picture.height());
    let mut jpeg = Vec::with_capacity(FRAME_BYTES);
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(&shrunk(picture, width, height), width as u16, height as u16, ColorType::Rgb).ok()?;
    Some(jpeg).filter(|jpeg| jpeg.len() <= FRAME_BYTES)
}

/// [`FRAME_WIDTH`] pixels wide, or as wide as a smaller picture, in the picture's proportions.
fn size(width: u32, height: u32) -> (u32, u32) {
    let small = width.min(FRAME_WIDTH);
    (small, (height * small / width.max(1)).clamp(1, height.clamp(1, FRAME_EDGE)))
}

/// The picture in this size, which is no larger: RGB, each pixel the mean of those that it covers.
fn shrunk(picture: &Pixmap, width: u32, height: u32) -> Vec<u8> {
    let (across, down) = (picture.width() as usize, picture.height() as usize);
    let (width, height) = (width as usize, height as usize);
    let pixels = picture.data().as_chunks::<4>().0;
    let mut small = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        let rows = y * down / height..(y + 1) * down / height;
        for x in 0..width {
            let columns = x * across / width..(x + 1) * across / width;
            let mut sum = [0_u32; 3];
            for row in rows.clone() {
                for [red, green, blue, _] in pixels.iter().skip(row * across + columns.start).take(columns.len()) {
                    sum = [sum[0] + u32::from(*red), sum[1] + u32::from(*green), sum[2] + u32::from(*blue)];
                }
            }
            let count = (rows.len() * columns.len()).max(1) as u32;
            small.extend(sum.map(|sum| (sum / count) as u8));
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use tiny_skia::Color;

    use super::*;
    use crate::render::video::{is_frame, jpeg_size};

    #[test]
    fn preview_is_written_when_due_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preview.jpg");
        let preview = Preview::at(path.clone());
        let mut frame = Pixmap::new(1920, 1080).unwrap();
        preview.show(&frame);
        let first = fs::read(&path).unwrap();
        assert!(is_frame(&first));
        assert_eq!(jpeg_size(&first), Some((320, 180)));
        frame.fill(Color::WHITE);
        preview.show(&frame);
        assert_eq!(fs::read(&path).unwrap(), first);
        preview.ask();
        preview.show(&frame);
        assert!(fs::read(&path).unwrap() != first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn preview_that_cannot_be_written_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone/preview.jpg");
        Preview::at(path.clone()).show(&Pixmap::new(64, 64).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn pictures_of_any_shape_fit() {
        for ((width, height), expected) in [
            ((1920, 1080), (320, 180)),
            ((2560, 1440), (320, 180)),
            ((320, 180), (320, 180)),
            ((64, 64), (64, 64)),
            ((64, 3840), (64, 640)),
            ((3840, 64), (320, 5)),
        ] {
            assert_eq!(size(width, height), expected, "{width}x{height}");
            assert!(encode(&Pixmap::new(width, height).unwrap()).is_some_and(|jpeg| is_frame(&jpeg)));
        }
    }

    #[test]
    fn each_pixel_is_the_mean_of_those_it_covers() {
        let mut picture = Pixmap::new(4, 2).unwrap();
        let greys = [0, 100, 10, 30, 100, 200, 20, 20];
        for (pixel, grey) in picture.data_mut().chunks_exact_mut(4).zip(greys) {
            pixel.copy_from_slice(&[grey, grey, 0, 255]);
        }
        assert_eq!(shrunk(&picture, 2, 1), [100, 100, 0, 20, 20, 0]);
    }
}
