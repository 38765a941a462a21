//! Small icons of the kill feed and the cards, drawn from lines and discs.

use tiny_skia::Color;

use crate::render::draw::canvas::{Area, Canvas};

/// Width of an icon, including its gap.
pub const ADVANCE: f32 = 25.0;

/// Circumstances of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Headshot.
    Headshot,
    /// Through a wall.
    Wallbang,
    /// Through smoke.
    Smoke,
    /// Killer was flashed.
    Blind,
    /// Without the scope.
    NoScope,
}

impl Mark {
    /// Draws it around its center; `ground` is the background color.
    pub fn draw(self, x: f32, y: f32, ink: Color, ground: Color, canvas: &mut Canvas) {
        match self {
            Self::Headshot => {
                canvas.ring(x, y, 7.0, 2.0, ink);
                canvas.disc(x, y, 2.6, ink);
                for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
                    canvas.line(&[(x + dx * 6.0, y + dy * 6.0), (x + dx * 9.5, y + dy * 9.5)], 2.0, ink);
                }
            }
            Self::Wallbang => {
                canvas.plate(Area::new(x - 2.5, y - 9.0, 5.0, 18.0), 1.5, ink);
                canvas.line(&[(x - 9.0, y), (x + 7.0, y)], 4.5, ground);
                canvas.line(&[(x - 9.0, y), (x + 7.0, y)], 2.0, ink);
                canvas.polygon(&[(x + 10.5, y), (x + 5.0, y - 4.0), (x + 5.0, y + 4.0)], ink);
            }
            Self::Smoke => {
                for (dx, dy, radius) in [(-4.5, 2.0, 4.8), (4.5, 2.5, 4.6), (0.0, -2.5, 5.8)] {
                    canvas.disc(x + dx, y + dy, radius, ink);
                }
                canvas.plate(Area::new(x - 6.0, y + 1.0, 12.0, 6.0), 2.0, ink);
            }
            Self::Blind => {
                for (dx, dy) in RAYS {
                    canvas.line(&[(x + dx * 5.5, y + dy * 5.5), (x + dx * 9.0, y + dy * 9.0)], 2.0, ink);
                }
                canvas.disc(x, y, 3.6, ink);
            }
            Self::NoScope => {
                canvas.ring(x, y, 7.5, 2.0, ink);
                canvas.line(&[(x - 5.5, y + 5.5), (x + 5.5, y - 5.5)], 2.0, ink);
            }
        }
    }
}

const DIAGONAL: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Eight directions.
const RAYS: [(f32, f32); 8] = [
    (1.0, 0.0),
    (DIAGONAL, DIAGONAL),
    (0.0, 1.0),
    (-DIAGONAL, DIAGONAL),
    (-1.0, 0.0),
    (-DIAGONAL, -DIAGONAL),
    (0.0, -1.0),
    (DIAGONAL, -DIAGONAL),
];

/// A shield icon for armor, 14 units wide, around its center.
pub fn shield(x: f32, y: f32, ink: Color, canvas: &mut Canvas) {
    let half = [(0.0, -7.5), (6.0, -5.0), (6.0, 0.5), (4.0, 4.5), (0.0, 7.5)];
    let mirrored = half.iter().rev().map(|(dx, dy)| (-dx, *dy));
    let points: Vec<_> = half.iter().copied().chain(mirrored).map(|(dx, dy)| (x + dx, y + dy)).collect();
    canvas.polygon(&points, ink);
}
