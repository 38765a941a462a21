//! Rectangles in one color or shaded from left to right, several times faster than the general way of the rasterizer:
//! slabs cover most of a card.

use tiny_skia::{Color, Pixmap};

use super::blend::{blended, scaled};
use super::gradient::{color_at, line, span};

/// Fills a rectangle, given as left, top, right and bottom in pixels. Pixels at its edges are covered in part.
/// `stops`: 0 at the left edge, 1 at the right edge; in order.
pub fn shade(picture: &mut Pixmap, [left, top, right, bottom]: [f32; 4], stops: &[(f32, Color)]) {
    let Some(rows) = span(top, bottom, picture.height()) else { return };
    let Some(columns) = span(left, right, picture.width()) else { return };
    let color = |column: usize| {
        let part = (column as f32 + 0.5 - left) / (right - left);
        scaled(color_at(stops, part), covered(column, left, right))
    };
    let colors: Vec<u32> = columns.clone().map(color).collect();
    for row in rows {
        let line = &mut line(picture, row)[columns.clone()];
        let cover = covered(row, top, bottom);
        line.iter_mut().zip(&colors).for_each(|(pixel, color)| *pixel = blended(*pixel, scaled(*color, cover)));
    }
}

/// How much of a pixel lies between two positions, of 255.
fn covered(pixel: usize, from: f32, to: f32) -> u32 {
    let (first, end) = (pixel as f32, pixel as f32 + 1.0);
    ((to.min(end) - from.max(first)).clamp(0.0, 1.0) * 255.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(edges: [f32; 4], stops: &[(f32, Color)]) -> Pixmap {
        let mut picture = Pixmap::new(20, 10).unwrap();
        shade(&mut picture, edges, stops);
        picture
    }

    #[test]
    fn rectangle_covers_what_lies_inside_and_its_edges_in_part() {
        for edges in [[2.0, 3.0, 7.0, 8.0], [2.25, 3.5, 7.75, 8.5], [4.2, 4.2, 4.7, 4.6], [-9.0, -9.0, 99.0, 99.0]] {
            let picture = filled(edges, &[(0.0, Color::WHITE)]);
            for (x, y) in (0..20_u8).flat_map(|x| (0..10_u8).map(move |y| (x, y))) {
                let part = |at: u8, from: f32, to: f32| {
                    (to.min(f32::from(at) + 1.0) - from.max(f32::from(at))).clamp(0.0, 1.0)
                };
                let expected = 255.0 * part(x, edges[0], edges[2]) * part(y, edges[1], edges[3]);
                let pixel = picture.pixel(x.into(), y.into()).unwrap();
                assert!((f32::from(pixel.alpha()) - expected).abs() <= 2.0, "{edges:?} at {x}, {y}: {pixel:?}");
                assert_eq!(pixel.red(), pixel.alpha());
            }
        }
        for edges in [[5.0, 1.0, 5.0, 9.0], [7.0, 1.0, 5.0, 9.0], [30.0, 1.0, 40.0, 9.0]] {
            assert!(filled(edges, &[(0.0, Color::WHITE)]).data().iter().all(|byte| *byte == 0), "{edges:?}");
        }
    }

    #[test]
    fn shade_runs_from_left_to_right_over_what_is_there() {
        let mut picture = filled([0.0, 0.0, 20.0, 10.0], &[(0.0, Color::BLACK)]);
        let stops = [(0.0, Color::WHITE), (0.5, Color::from_rgba8(255, 255, 255, 0))];
        shade(&mut picture, [0.0, 0.0, 20.0, 10.0], &stops);
        for (x, expected) in [(0, 242), (5, 115), (9, 13), (10, 0), (19, 0)] {
            let pixel = picture.pixel(x, 5).unwrap();
            assert!(pixel.red().abs_diff(expected) <= 2 && pixel.alpha() == 255, "{x}: {pixel:?}");
        }
    }
}
