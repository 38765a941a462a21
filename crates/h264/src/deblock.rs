//! Smooths the edges between blocks, as the decoder does.

use crate::frame::{Frame, MACROBLOCK, Plane};
use crate::syntax::Coded;
use crate::transform::chroma_step;

/// By quantizer: how large a step across an edge may be, to count as an artefact.
const STEPS: [u8; 52] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 17, 20, 22, 25, 28, 32, 36,
    40, 45, 50, 56, 63, 71, 80, 90, 101, 113, 127, 144, 162, 182, 203, 226, 255, 255,
];
/// The same beside the edge.
const SLOPES: [u8; 52] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11,
    11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18,
];
/// By quantizer and strength, 1 to 3: the greatest change.
const CHANGES: [[u8; 3]; 52] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 1],
    [0, 0, 1],
    [0, 0, 1],
    [0, 0, 1],
    [0, 1, 1],
    [0, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 2],
    [1, 1, 2],
    [1, 1, 2],
    [1, 1, 2],
    [1, 2, 3],
    [1, 2, 3],
    [2, 2, 3],
    [2, 2, 4],
    [2, 3, 4],
    [2, 3, 4],
    [3, 3, 5],
    [3, 4, 6],
    [3, 4, 6],
    [4, 5, 7],
    [4, 5, 8],
    [4, 6, 9],
    [5, 7, 10],
    [6, 8, 11],
    [6, 8, 13],
    [7, 10, 14],
    [8, 11, 16],
    [9, 12, 18],
    [10, 13, 20],
    [11, 15, 23],
    [13, 17, 25],
];

/// Pixels along an edge, by their distance from it: four before it, four after it.
type Lines = [[u8; MACROBLOCK]; 8];

/// What an edge of a plane is filtered by.
struct Filter {
    step: i16,
    slope: i16,
    changes: [u8; 3],
    luma: bool,
}

impl Filter {
    fn new(quantizer: u8, luma: bool) -> Self {
        let at = usize::from(quantizer.min(51));
        Self { step: i16::from(STEPS[at]), slope: i16::from(SLOPES[at]), changes: CHANGES[at], luma }
    }

    /// Filters an edge: from its first pixel, `across` it, `along` it, four strengths for so many pixels each.
    #[inline]
    fn edge(&self, plane: &mut Plane, first: usize, across: usize, along: usize, strengths: [u8; 4], each: usize) {
        if self.luma {
            return self.luma(&mut plane.data, first, across, along, strengths);
        }
        for (part, strength) in strengths.into_iter().enumerate().filter(|(_, strength)| *strength > 0) {
            for pixel in 0..each {
                self.chroma(&mut plane.data, first + (part * each + pixel) * along, across, strength);
            }
        }
    }

    /// Without branches, so that many pixels can be looked at side by side.
    #[inline]
    fn is_artefact(&self, [p1, p0, q0, q1]: [i16; 4]) -> bool {
        ((p0 - q0).abs() < self.step) & ((p1 - p0).abs() < self.slope) & ((q1 - q0).abs() < self.slope)
    }

    /// The 16 pixels along an edge of luma side by side, each with four on both sides of the edge.
    #[inline]
    fn luma(&self, data: &mut [u8], first: usize, across: usize, along: usize, strengths: [u8; 4]) {
        let start = first - 4 * across;
        let mut lines = [[0; MACROBLOCK]; 8];
        if along == 1 {
            for (at, line) in (start..).step_by(across).zip(&mut lines) {
                line.copy_from_slice(&data[at..at + MACROBLOCK]);
            }
        } else {
            for pixel in 0..MACROBLOCK {
                let row = &data[start + pixel * along..][..8];
                lines.iter_mut().zip(row).for_each(|(line, value)| line[pixel] = *value);
            }
        }
        // Intra macroblocks have the same strength all along.
        if strengths[0] == 4 {
            self.smooth(&mut lines);
        } else {
            let most =
                strengths.map(|strength| strength.checked_sub(1).map_or(-1, |at| self.changes[usize::from(at)].into()));
            self.correct(&mut lines, &std::array::from_fn(|pixel| most[pixel / 4]));
        }
        if along == 1 {
            for (at, line) in (start..).step_by(across).zip(&lines).take(7).skip(1) {
                data[at..at + MACROBLOCK].copy_from_slice(line);
            }
        } else {
            for pixel in 0..MACROBLOCK {
                let row = &mut data[start + pixel * along..][..8];
                row.iter_mut().zip(&lines).for_each(|(value, line)| *value = line[pixel]);
            }
        }
    }

    /// The strongest filter.
    #[inline]
    fn smooth(&self, lines: &mut Lines) {
        for pixel in 0..MACROBLOCK {
            let [p3, p2, p1, p0, q0, q1, q2, q3] = lines.each_ref().map(|line| i16::from(line[pixel]));
            let artefact = self.is_artefact([p1, p0, q0, q1]);
            let close = (p0 - q0).abs() < (self.step >> 2) + 2;
            let (flat_p, flat_q) = (close & ((p2 - p0).abs() < self.slope), close & ((q2 - q0).abs() < self.slope));
            let inner = |flat: bool, [far, near, mine, its, behind]: [i16; 5]| {
                let (strong, weak) =
                    ((far + 2 * (near + mine + its) + behind + 4) >> 3, (2 * near + mine + behind + 2) >> 2);
                if flat { strong } else { weak }
            };
            let middle = |flat: bool, [far, near, mine, its]: [i16; 4]| {
                if flat { (far + near + mine + its + 2) >> 2 } else { near }
            };
            let outer = |flat: bool, [last, far, near, mine, its]: [i16; 5]| {
                if flat { (2 * last + 3 * far + near + mine + its + 4) >> 3 } else { far }
            };
            let done = [
                outer(flat_p, [p3, p2, p1, p0, q0]),
                middle(flat_p, [p2, p1, p0, q0]),
                inner(flat_p, [p2, p1, p0, q0, q1]),
                inner(flat_q, [q2, q1, q0, p0, p1]),
                middle(flat_q, [q2, q1, q0, p0]),
                outer(flat_q, [q3, q2, q1, q0, p0]),
            ];
            for ((line, old), new) in lines[1..7].iter_mut().zip([p2, p1, p0, q0, q1, q2]).zip(done) {
                line[pixel] = if artefact { new } else { old } as u8;
            }
        }
    }

    /// The filter of a limited change, for each pixel; no filter where the limit is negative.
    #[inline]
    fn correct(&self, lines: &mut Lines, most: &[i16; MACROBLOCK]) {
        for (pixel, most) in most.iter().copied().enumerate() {
            let [_, p2, p1, p0, q0, q1, q2, _] = lines.each_ref().map(|line| i16::from(line[pixel]));
            let artefact = self.is_artefact([p1, p0, q0, q1]) & (most >= 0);
            let (flat_p, flat_q) = ((p2 - p0).abs() < self.slope, (q2 - q0).abs() < self.slope);
            let limited = |change: i16, most: i16| change.min(most).max(-most);
            let middle = (p0 + q0 + 1) >> 1;
            let near = |flat: bool, far: i16, near: i16| {
                if flat { near + limited((far + middle - 2 * near) >> 1, most) } else { near }
            };
            let most = most + i16::from(flat_p) + i16::from(flat_q);
            let change = limited((4 * (q0 - p0) + (p1 - q1) + 4) >> 3, most);
            let done =
                [near(flat_p, p2, p1), (p0 + change).clamp(0, 255), (q0 - change).clamp(0, 255), near(flat_q, q2, q1)];
            for ((line, old), new) in lines[2..6].iter_mut().zip([p1, p0, q0, q1]).zip(done) {
                line[pixel] = if artefact { new } else { old } as u8;
            }
        }
    }

    #[inline]
    fn chroma(&self, data: &mut [u8], at: usize, across: usize, strength: u8) {
        let start = at - 2 * across;
        let line = &mut data[start..=start + 3 * across];
        let [p1, p0, q0, q1] = std::array::from_fn(|place| i16::from(line[place * across]));
        if !self.is_artefact([p1, p0, q0, q1]) {
            return;
        }
        if strength == 4 {
            line[across] = ((2 * p1 + p0 + q1 + 2) >> 2) as u8;
            line[2 * across] = ((2 * q1 + q0 + p1 + 2) >> 2) as u8;
            return;
        }
        let most = i16::from(self.changes[usize::from(strength - 1)]) + 1;
        let change = ((((q0 - p0) << 2) + (p1 - q1) + 4) >> 3).clamp(-most, most);
        line[across] = (p0 + change).clamp(0, 255) as u8;
        line[2 * across] = (q0 - change).clamp(0, 255) as u8;
    }
}

/// Smooths a whole frame: its macroblocks, `columns` in a row, all have the same quantizer.
pub fn frame(frame: &mut Frame, coded: &[Coded], columns: usize, quantizer: u8) {
    let luma = Filter::new(quantizer, true);
    let chroma = Filter::new(chroma_step(quantizer), false);
    for (at, mb) in coded.iter().enumerate() {
        let (column, row) = (at % columns, at / columns);
        let left = (column > 0).then(|| &coded[at - 1]);
        let top = (row > 0).then(|| &coded[at - columns]);
        if mb.is_still() && left.is_none_or(Coded::is_still) && top.is_none_or(Coded::is_still) {
            continue;
        }
        for upright in [true, false] {
            let neighbor = if upright { left } else { top };
            for edge in 0..4 {
                let strengths = if edge == 0 {
                    neighbor.map_or([0; 4], |other| outer(mb, other, upright))
                } else {
                    inner(mb, edge, upright)
                };
                if strengths == [0; 4] {
                    continue;
                }
                filter(frame, (&luma, &chroma), (column, row), (edge, upright), strengths);
            }
        }
    }
}

fn filter(
    frame: &mut Frame,
    (luma, chroma): (&Filter, &Filter),
    (column, row): (usize, usize),
    (edge, upright): (usize, bool),
    strengths: [u8; 4],
) {
    for (plane, side) in frame.planes.iter_mut().zip([MACROBLOCK, MACROBLOCK / 2, MACROBLOCK / 2]) {
        let is_luma = side == MACROBLOCK;
        if !is_luma && edge % 2 > 0 {
            continue;
        }
        let (filter, inset) = if is_luma { (luma, edge * 4) } else { (chroma, edge * 2) };
        let (x, y) = (column * side, row * side);
        let (x, y) = if upright { (x + inset, y) } else { (x, y + inset) };
        let (first, stride) = (plane.at(x as i32, y as i32), plane.stride);
        let (across, along) = if upright { (1, stride) } else { (stride, 1) };
        filter.edge(plane, first, across, along, strengths, side / 4);
    }
}

/// Strengths of the edge to the macroblock on the left or above.
fn outer(mb: &Coded, other: &Coded, upright: bool) -> [u8; 4] {
    if mb.is_intra() || other.is_intra() {
        return [4; 4];
    }
    let moved = u8::from(mb.reference != other.reference || apart(mb.vector, other.vector));
    if (mb.filled | other.filled) & 0xffff == 0 {
        return [moved; 4];
    }
    std::array::from_fn(|part| {
        let (mine, its) = if upright { (part * 4, part * 4 + 3) } else { (part, part + 12) };
        if mb.filled >> mine & 1 > 0 || other.filled >> its & 1 > 0 { 2 } else { moved }
    })
}

/// Strengths of an edge within a macroblock.
fn inner(mb: &Coded, edge: usize, upright: bool) -> [u8; 4] {
    if mb.eight && edge != 2 {
        return [0; 4];
    }
    if mb.is_intra() {
        return [3; 4];
    }
    if mb.filled & 0xffff == 0 {
        return [0; 4];
    }
    std::array::from_fn(|part| {
        let (here, before) =
            if upright { (part * 4 + edge, part * 4 + edge - 1) } else { (edge * 4 + part, edge * 4 - 4 + part) };
        if mb.filled >> here & 1 > 0 || mb.filled >> before & 1 > 0 { 2 } else { 0 }
    })
}

fn apart(one: [i16; 2], other: [i16; 2]) -> bool {
    one.iter().zip(&other).any(|(one, other)| one.abs_diff(*other) >= 4)
}
