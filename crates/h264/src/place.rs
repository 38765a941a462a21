//! A macroblock to code, and what is around it.

use crate::frame::Pixels;
use crate::motion::Vector;
use crate::residual::Tools;
use crate::syntax::Around;

/// Pixels by which a macroblock may lie outside the frame, before it and after it.
const OUTSIDE: (i32, i32) = (20, 4);
/// Maximum length of a vector along an axis, in quarters of a pixel.
const LONGEST: u16 = 1_000;

/// A macroblock to code.
pub struct Place<'a> {
    pub tools: &'a Tools,
    pub source: &'a Pixels,
    /// Column and row, in macroblocks.
    pub at: (usize, usize),
    /// Columns and rows of the frame.
    pub size: (usize, usize),
    pub around: Around<'a>,
}

impl Place<'_> {
    /// Whether a vector stays near enough to the frame.
    #[inline(always)]
    pub fn reaches(&self, vector: Vector) -> bool {
        let ((column, row), (columns, rows)) = (self.at, self.size);
        let inside = |at: usize, all: usize, far: i16| {
            let at = (at * 16) as i32 + i32::from(far >> 2);
            at >= -OUTSIDE.0 && at <= (all * 16) as i32 + OUTSIDE.1 && far.unsigned_abs() <= LONGEST
        };
        inside(column, columns, vector[0]) && inside(row, rows, vector[1])
    }
}
