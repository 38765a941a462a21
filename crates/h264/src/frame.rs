//! Frames as the decoder will have them, with a border for motion that points outside.

/// Edge length of a macroblock in pixels.
pub const MACROBLOCK: usize = 16;
/// Pixels of luma around a frame.
const BORDER: usize = 32;

/// One plane of a frame.
#[derive(Clone)]
pub struct Plane {
    /// Rows with their borders.
    pub data: Vec<u8>,
    /// Bytes from one row to the next.
    pub stride: usize,
    border: usize,
    width: usize,
    height: usize,
}

/// A frame of whole macroblocks: luma, blue, red.
#[derive(Clone)]
pub struct Frame {
    pub planes: [Plane; 3],
}

impl Frame {
    /// A frame of so many macroblocks.
    pub fn new(columns: usize, rows: usize) -> Self {
        let chroma = || Plane::new(columns * 8, rows * 8, BORDER / 2);
        Self { planes: [Plane::new(columns * MACROBLOCK, rows * MACROBLOCK, BORDER), chroma(), chroma()] }
    }

    /// Repeats the outermost pixels in the borders.
    pub fn extend(&mut self) {
        self.planes.iter_mut().for_each(Plane::extend);
    }

    /// Copies a macroblock from another frame of the same size.
    pub fn copy(&mut self, from: &Self, column: usize, row: usize) {
        for (to, from) in self.planes.iter_mut().zip(&from.planes) {
            let side = if to.border == BORDER { MACROBLOCK } else { MACROBLOCK / 2 };
            let mut at = to.at((column * side) as i32, (row * side) as i32);
            for _ in 0..side {
                to.data[at..at + side].copy_from_slice(&from.data[at..at + side]);
                at += to.stride;
            }
        }
    }
}

impl Plane {
    fn new(width: usize, height: usize, border: usize) -> Self {
        let stride = width + 2 * border;
        Self { data: vec![0; stride * (height + 2 * border)], stride, border, width, height }
    }

    /// The index of a pixel, from the picture's corner; negative in the border.
    #[inline(always)]
    pub fn at(&self, x: i32, y: i32) -> usize {
        let border = self.border as i32;
        (y + border) as usize * self.stride + (x + border) as usize
    }

    /// Copies a square from the plane.
    #[inline(always)]
    pub fn read<const SIDE: usize>(&self, mut at: usize, to: &mut [u8]) {
        for row in to.as_chunks_mut::<SIDE>().0 {
            row.copy_from_slice(&self.data[at..at + SIDE]);
            at += self.stride;
        }
    }

    /// Copies a square to the plane.
    #[inline(always)]
    pub fn write<const SIDE: usize>(&mut self, mut at: usize, from: &[u8]) {
        for row in from.as_chunks::<SIDE>().0 {
            self.data[at..at + SIDE].copy_from_slice(row);
            at += self.stride;
        }
    }

    fn extend(&mut self) {
        let (border, stride, width) = (self.border, self.stride, self.width);
        for row in self.data.chunks_mut(stride).skip(border).take(self.height) {
            let (first, last) = (row[border], row[border + width - 1]);
            row[..border].fill(first);
            row[border + width..].fill(last);
        }
        let (top, bottom) = (border * stride, (border + self.height - 1) * stride);
        for row in 0..border {
            self.data.copy_within(top..top + stride, row * stride);
            self.data.copy_within(bottom..bottom + stride, bottom + (row + 1) * stride);
        }
    }
}

/// The pixels of a macroblock: luma as rows of 16, blue and red as rows of 8.
#[derive(Clone)]
pub struct Pixels {
    pub luma: [u8; 256],
    pub chroma: [[u8; 64]; 2],
}

impl Pixels {
    /// Black.
    pub const EMPTY: Self = Self { luma: [0; 256], chroma: [[0; 64]; 2] };
}

/// Sum of squared differences.
#[inline(always)]
pub fn squares(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other)).pow(2)).sum()
}

/// Sum of absolute differences.
#[inline(always)]
pub fn differences(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum()
}
