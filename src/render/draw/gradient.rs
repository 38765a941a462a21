//! Radial gradients, several times faster than the general way of the rasterizer: light and clouds cover much of the
//! picture in every frame.

use tiny_skia::{Color, FillRule, Mask, Path, Pixmap, Transform};

use super::blend::{over, scaled};

/// Steps from the middle to the radius, by squared distance.
const STEPS: u64 = 512;
/// Parts of a pixel in which distances are measured.
const PARTS: f32 = 16.0;
/// Greatest radius in pixels: squared distances in parts must fit a whole number of 32 bits.
const RADIUS: f32 = 1_800.0;

/// Colors around a point of an opaque picture, in pixels.
pub struct Gradient {
    middle: (f32, f32),
    radius: f32,
    /// Premultiplied, by squared distance.
    colors: Vec<u32>,
}

impl Gradient {
    /// `stops`: 0 at the middle, 1 at the radius; in order.
    pub fn new(middle: (f32, f32), radius: f32, stops: &[(f32, Color)]) -> Self {
        let color = |step: u64| color_at(stops, (step as f32 / (STEPS - 1) as f32).sqrt());
        Self { middle, radius: radius.min(RADIUS), colors: (0..STEPS).map(color).collect() }
    }

    /// Fills the disc.
    pub fn disc(&self, pixels: &mut Pixmap) {
        let (x, y) = self.middle;
        let (width, height) = (pixels.width(), pixels.height());
        let Some(rows) = span(y - self.radius, y + self.radius, height) else { return };
        for row in rows {
            let down = row as f32 + 0.5 - y;
            let half = (self.radius * self.radius - down * down).max(0.0).sqrt();
            if let Some(columns) = span(x - half, x + half, width) {
                let line = &mut line(pixels, row)[columns.clone()];
                let each = line.iter_mut().zip(self.along(columns.start, down));
                each.for_each(|(pixel, color)| *pixel = over(*pixel, color));
            }
        }
    }

    /// Fills a path.
    pub fn fill(&self, path: &Path, pixels: &mut Pixmap) {
        let bounds = path.bounds();
        let Some(rows) = span(bounds.top(), bounds.bottom(), pixels.height()) else { return };
        let Some(columns) = span(bounds.left(), bounds.right(), pixels.width()) else { return };
        let (across, down) = (columns.len(), rows.len());
        let Some(mut mask) = Mask::new(across as u32, down as u32) else { return };
        let transform = Transform::from_translate(-(columns.start as f32), -(rows.start as f32));
        mask.fill_path(path, FillRule::Winding, true, transform);
        for (row, covered) in rows.zip(mask.data().chunks_exact(across)) {
            // Most of a fan's box is empty.
            let Some(first) = covered.iter().position(|cover| *cover > 0) else { continue };
            let last = covered.iter().rposition(|cover| *cover > 0).unwrap_or(first);
            let line = &mut line(pixels, row)[columns.start + first..=columns.start + last];
            let colors = self.along(columns.start + first, row as f32 + 0.5 - self.middle.1);
            for ((pixel, color), cover) in line.iter_mut().zip(colors).zip(&covered[first..]) {
                let color = if *cover == 255 { color } else { scaled(color, u32::from(*cover)) };
                *pixel = over(*pixel, color);
            }
        }
    }

    /// The colors along a line, from a column on, `down` pixels below the middle.
    fn along(&self, column: usize, down: f32) -> impl Iterator<Item = u32> + '_ {
        let radius = f64::from(self.radius * PARTS).max(64.0);
        let scale = ((STEPS - 1) as f64 * f64::from(u32::MAX) / (radius * radius)) as u64;
        let parts = |pixels: f32| (pixels * PARTS) as i64;
        let (mut across, down) = (parts(column as f32 + 0.5 - self.middle.0), parts(down));
        std::iter::from_fn(move || {
            let distance = (across * across + down * down) as u64;
            across += PARTS as i64;
            let step = distance.wrapping_mul(scale) >> 32;
            Some(self.colors.get(step as usize).copied().unwrap_or(0))
        })
    }
}

/// The premultiplied color at a part of the way between stops, which are in order.
pub fn color_at(stops: &[(f32, Color)], part: f32) -> u32 {
    let after = stops.iter().position(|(at, _)| *at >= part).unwrap_or(stops.len().saturating_sub(1));
    let before = after.saturating_sub(1);
    let (Some((from, one)), Some((to, other))) = (stops.get(before), stops.get(after)) else { return 0 };
    let share = if to > from { ((part - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
    let mix = |one: f32, other: f32| one + (other - one) * share;
    let alpha = (mix(one.alpha(), other.alpha()) * 255.0 + 0.5) as u8;
    let channel = |one: f32, other: f32| (mix(one, other) * f32::from(alpha)) as u8;
    u32::from_le_bytes([
        channel(one.red(), other.red()),
        channel(one.green(), other.green()),
        channel(one.blue(), other.blue()),
        alpha,
    ])
}

/// A row of a picture.
pub fn line(pixels: &mut Pixmap, row: usize) -> &mut [[u8; 4]] {
    let width = pixels.width() as usize;
    &mut pixels.data_mut().as_chunks_mut::<4>().0[row * width..(row + 1) * width]
}

/// The whole pixels from one position to another inside a picture; `None` if there are none.
pub fn span(from: f32, to: f32, size: u32) -> Option<std::ops::Range<usize>> {
    let (from, to) = (from.floor().max(0.0), to.ceil().min(size as f32));
    (from < to).then_some(from as usize..to as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiny_skia::PathBuilder;

    fn white() -> Pixmap {
        let mut pixels = Pixmap::new(100, 80).unwrap();
        pixels.fill(Color::WHITE);
        pixels
    }

    #[test]
    fn gradient_runs_from_the_middle_to_the_radius() {
        let stops = [(0.0, Color::BLACK), (1.0, Color::from_rgba8(0, 0, 0, 0))];
        let gradient = Gradient::new((50.0, 40.0), 30.0, &stops);
        let mut pixels = white();
        gradient.disc(&mut pixels);
        for (x, y, expected) in [(50, 40, 5), (65, 40, 127), (50, 55, 127), (79, 40, 252), (90, 40, 255), (50, 5, 255)]
        {
            let red = pixels.pixel(x, y).unwrap().red();
            assert!(red.abs_diff(expected) <= 8, "{x}, {y}: {red}");
        }
    }

    #[test]
    fn only_the_inside_of_a_path_is_filled_wherever_it_lies() {
        let stops = [(0.0, Color::BLACK), (1.0, Color::BLACK)];
        for (x, y) in [(50.0, 40.0), (-5.0, 40.0), (98.0, 78.0), (-500.0, 9_000.0), (f32::NAN, 0.0)] {
            let mut path = PathBuilder::new();
            path.move_to(x - 10.0, y - 10.0);
            path.line_to(x + 10.0, y - 10.0);
            path.line_to(x + 10.0, y + 10.0);
            path.line_to(x - 10.0, y + 10.0);
            path.close();
            let mut pixels = white();
            let Some(path) = path.finish() else { continue };
            Gradient::new((x, y), 500.0, &stops).fill(&path, &mut pixels);
            for (column, row) in (0..100).flat_map(|x| (0..80).map(move |y| (x, y))) {
                let (right, down) = ((column as f32 + 0.5 - x).abs(), (row as f32 + 0.5 - y).abs());
                let black = pixels.pixel(column, row).unwrap().red() == 0;
                assert_eq!(black, right < 10.0 && down < 10.0, "{column}, {row} of a square at {x}, {y}");
            }
        }
    }
}
