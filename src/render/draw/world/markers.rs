//! The shapes of the two sides: a disc for counter-terrorists, a diamond for terrorists.

use crate::render::scene::Side;

/// Corners of a polygon that stands for a disc.
const CORNERS: u16 = 32;

/// The outline of a side's marker, as a polygon.
pub fn outline(side: Side, x: f32, y: f32, radius: f32) -> Vec<(f32, f32)> {
    if side == Side::T {
        // As large to the eye as the disc.
        let half = radius * 0.9 * std::f32::consts::SQRT_2;
        return vec![(x, y - half), (x + half, y), (x, y + half), (x - half, y)];
    }
    let corner = |corner: u16| {
        let (sin, cos) = (f32::from(corner) / f32::from(CORNERS) * std::f32::consts::TAU).sin_cos();
        (x + cos * radius, y + sin * radius)
    };
    (0..CORNERS).map(corner).collect()
}

/// The part of a convex polygon above a line: nearer to the top of the picture.
pub fn above(polygon: &[(f32, f32)], line: f32) -> Vec<(f32, f32)> {
    let mut part = Vec::with_capacity(polygon.len() + 2);
    for (index, &to) in polygon.iter().enumerate() {
        let from = polygon[(index + polygon.len() - 1) % polygon.len()];
        if (from.1 < line) != (to.1 < line) {
            let share = (line - from.1) / (to.1 - from.1);
            part.push((from.0 + (to.0 - from.0) * share, line));
        }
        if to.1 < line {
            part.push(to);
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_above_a_line_ends_at_the_line() {
        let diamond = outline(Side::T, 100.0, 100.0, 20.0);
        for (line, top, bottom) in [(90.0, 74.5, 90.0), (100.0, 74.5, 100.0), (300.0, 74.5, 125.5)] {
            let part = above(&diamond, line);
            let edge =
                |start: f32, pick: fn(f32, f32) -> f32| part.iter().fold(start, |edge, point| pick(edge, point.1));
            assert!((edge(1e9, f32::min) - top).abs() < 0.1, "{part:?}");
            assert!((edge(-1e9, f32::max) - bottom).abs() < 0.1, "{part:?}");
        }
        assert!(above(&diamond, 10.0).is_empty());
    }
}
