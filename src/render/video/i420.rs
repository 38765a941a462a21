//! A frame in the encoder's format: planar YUV 4:2:0, BT.709, limited range. Converts only what changed.

use h264::{Picture, Rect};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, rgba_to_yuv420};

use crate::domain::error::{Error, Result};

/// A planar YUV frame.
pub struct I420 {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
    /// What was converted since [`Self::begin`].
    changes: Vec<Rect>,
}

impl I420 {
    /// Creates a frame; width and height must be even.
    pub fn new(width: usize, height: usize) -> Self {
        let chroma = vec![128; width / 2 * (height / 2)];
        Self { width, height, luma: vec![16; width * height], blue: chroma.clone(), red: chroma, changes: Vec::new() }
    }

    /// The planes one after the other: raw `yuv420p`.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.luma.as_slice(), &self.blue, &self.red].concat()
    }

    /// The planes, as the encoder takes them.
    pub fn picture(&self) -> Picture<'_> {
        Picture { luma: &self.luma, blue: &self.blue, red: &self.red }
    }

    /// Begins the next frame, in which nothing has changed yet.
    pub fn begin(&mut self) {
        self.changes.clear();
    }

    /// What changed since the frame before.
    pub fn changes(&self) -> &[Rect] {
        &self.changes
    }

    /// Converts a rectangle, with even edges, of an RGBA picture of the same size.
    pub fn take(&mut self, rgba: &[u8], x: usize, y: usize, width: usize, height: usize) -> Result<()> {
        let outside = || Error::internal("Could not convert a frame.", "the rectangle is outside the picture");
        self.changes.push(Rect { x, y, width, height });
        // The converter skips rows shorter than the stride; only the last rows of the picture may be.
        let last = y + height >= self.height;
        let (x, width) = if last { (0, self.width) } else { (x, width) };
        let (from, to) = span(self.width, x, y, height);
        let (chroma_from, chroma_to) = span(self.width / 2, x / 2, y / 2, height / 2);
        let mut planes = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(self.luma.get_mut(from..to).ok_or_else(outside)?),
            y_stride: self.width as u32,
            u_plane: BufferStoreMut::Borrowed(self.blue.get_mut(chroma_from..chroma_to).ok_or_else(outside)?),
            u_stride: self.width as u32 / 2,
            v_plane: BufferStoreMut::Borrowed(self.red.get_mut(chroma_from..chroma_to).ok_or_else(outside)?),
            v_stride: self.width as u32 / 2,
            width: width as u32,
            height: height as u32,
        };
        let rgba = rgba.get(from * 4..to * 4).ok_or_else(outside)?;
        let stride = self.width as u32 * 4;
        let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt709);
        rgba_to_yuv420(&mut planes, rgba, stride, range, matrix, YuvConversionMode::Balanced)
            .map_err(|error| Error::internal("Could not convert a frame.", error))
    }
}

/// The bytes of a rectangle in a plane: full strides from its first byte.
fn span(stride: usize, x: usize, y: usize, height: usize) -> (usize, usize) {
    let from = y * stride + x;
    (from, from + height * stride)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_conversion_equals_full_conversion() {
        let (width, height) = (160, 90);
        let mut picture: Vec<u8> = (0..width * height * 4).map(|byte| (byte * 7 % 251) as u8).collect();
        let mut stepwise = I420::new(width, height);
        stepwise.take(&picture, 0, 0, width, height).unwrap();
        for (x, y, across, down) in [(32, 0, 64, 32), (128, 32, 32, 32), (96, 64, 32, 26), (0, 64, 32, 26)] {
            for row in y..y + down {
                let pixels = &mut picture[(row * width + x) * 4..(row * width + x + across) * 4];
                pixels.iter_mut().enumerate().for_each(|(at, byte)| *byte = ((at + row) * 13 % 241) as u8);
            }
            stepwise.take(&picture, x, y, across, down).unwrap();
        }
        let mut whole = I420::new(width, height);
        whole.take(&picture, 0, 0, width, height).unwrap();
        let planes = [(&stepwise.luma, &whole.luma), (&stepwise.blue, &whole.blue), (&stepwise.red, &whole.red)];
        for (index, (one, other)) in planes.into_iter().enumerate() {
            let far = one.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max();
            assert_eq!(far, Some(0), "plane {index}");
        }
        assert!(whole.take(&picture, 32, 64, 64, 64).is_err());
    }

    #[test]
    fn white_and_black_are_in_limited_range() {
        for (grey, luma) in [(0, 16), (255, 235)] {
            let mut frame = I420::new(2, 2);
            frame.take(&[grey, grey, grey, 255].repeat(4), 0, 0, 2, 2).unwrap();
            assert_eq!((frame.luma[0], frame.blue[0], frame.red[0]), (luma, 128, 128));
        }
    }
}
