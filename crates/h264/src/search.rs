//! Looks for where a macroblock comes from.

use crate::frame::{Frame, Plane, differences};
use crate::motion::{self, Vector};
use crate::place::Place;
use crate::syntax::{Around, Coded};

/// Maximum number of steps of one pixel.
const STEPS: usize = 24;

impl Place<'_> {
    /// The vector that costs least: from likely ones by steps of a pixel, then of half and a quarter of one.
    #[inline(always)]
    pub fn search(&self, reference: &Frame, expected: Vector, likely: [Vector; 3]) -> Vector {
        let plane = &reference.planes[0];
        let neighbors = [self.around.left, self.around.top, self.around.top_right];
        let [left, top, right] = neighbors.map(|other| other.map_or([0, 0], |other| other.vector));
        let [free, before, last] = likely;
        let candidates = [[0, 0], expected, free, before, last, left, top, right].map(rounded);
        let mut best = (u32::MAX, [0, 0]);
        for (at, vector) in candidates.into_iter().enumerate() {
            if !candidates[..at].contains(&vector) && self.reaches(vector) {
                best = best.min((self.whole_pixels(plane, vector, expected), vector));
            }
        }
        for _ in 0..STEPS {
            let middle = best.1;
            for vector in beside(middle, 4) {
                if self.reaches(vector) {
                    best = best.min((self.whole_pixels(plane, vector, expected), vector));
                }
            }
            if best.1 == middle {
                break;
            }
        }
        if self.tools.is_near(best.0) {
            return best.1;
        }
        for step in [2, 1] {
            for vector in beside(best.1, step) {
                if self.reaches(vector) {
                    best = best.min((self.parts_of_pixels(plane, vector, expected), vector));
                }
            }
        }
        best.1
    }

    #[inline(always)]
    fn whole_pixels(&self, plane: &Plane, vector: Vector, expected: Vector) -> u32 {
        let (x, y) = ((self.at.0 * 16) as i32, (self.at.1 * 16) as i32);
        let mut at = plane.at(x + i32::from(vector[0] >> 2), y + i32::from(vector[1] >> 2));
        let mut sum = self.price(vector, expected);
        for row in self.source.luma.as_chunks::<16>().0 {
            sum += differences(row, &plane.data[at..at + 16]);
            at += plane.stride;
        }
        sum
    }

    #[inline(always)]
    fn parts_of_pixels(&self, plane: &Plane, vector: Vector, expected: Vector) -> u32 {
        let mut predicted = [0; 256];
        motion::luma(plane, self.at.0 * 16, self.at.1 * 16, vector, &mut predicted);
        differences(&self.source.luma, &predicted) + self.price(vector, expected)
    }

    #[inline(always)]
    fn price(&self, vector: Vector, expected: Vector) -> u32 {
        self.tools.plain(vector_bits([vector[0] - expected[0], vector[1] - expected[1]]))
    }
}

/// The nearest vector of whole pixels.
fn rounded(vector: Vector) -> Vector {
    vector.map(|axis| (axis + 2) & !3)
}

fn beside([right, down]: Vector, step: i16) -> [Vector; 4] {
    [[right - step, down], [right + step, down], [right, down - step], [right, down + step]]
}

/// About how many bits a distance from the expected vector takes.
#[inline(always)]
pub fn vector_bits(far: Vector) -> u32 {
    far.iter().map(|far| 1 + 2 * (u32::from(far.unsigned_abs()) + 1).ilog2()).sum()
}

/// The vector into a reference that neighbors suggest.
pub fn expected_vector(around: Around<'_>, reference: u8) -> Vector {
    let third = around.top_right.or(around.top_left);
    if around.top.is_none()
        && third.is_none()
        && let Some(left) = around.left
    {
        return left.vector;
    }
    let all = [around.left, around.top, third];
    let same = all.map(|other| other.filter(|other| !other.is_intra() && other.reference == reference));
    let mut known = same.iter().flatten();
    if let (Some(only), None) = (known.next(), known.next()) {
        return only.vector;
    }
    // What is predicted from its own frame has the vector 0.
    let [a, b, c] = all.map(|other| other.map_or([0, 0], |other| other.vector));
    std::array::from_fn(|axis| a[axis].min(b[axis]).max(a[axis].max(b[axis]).min(c[axis])))
}

/// The vector of a macroblock that is skipped.
pub fn skipped_vector(around: Around<'_>) -> Vector {
    let (Some(left), Some(top)) = (around.left, around.top) else { return [0, 0] };
    let rests = |other: &Coded| !other.is_intra() && other.reference == 0 && other.vector == [0, 0];
    if rests(left) || rests(top) { [0, 0] } else { expected_vector(around, 0) }
}
