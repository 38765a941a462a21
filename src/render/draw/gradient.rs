//! Radial gradients, several times faster than the general way of the rasterizer: light and clouds cover much of the
//! picture in every frame.

use tiny_skia::{Color, FillRule, Mask, Path, Pixmap, PremultipliedColorU8, Transform};

/// Steps from the middle to the radius, by squared distance.
const STEPS: usize = 512;

/// Colors around a point, in pixels.
pub struct Gradient {
    middle: (f32, f32),
    radius: f32,
    /// Premultiplied, by squared distance.
    colors: Vec<[u16; 4]>,
}

impl Gradient {
    /// `stops`: 0 at the middle, 1 at the radius; in order.
    pub fn new(middle: (f32, f32), radius: f32, stops: &[(f32, Color)]) -> Self {
        let color = |step: usize| {
            let part = (step as f32 / (STEPS - 1) as f32).sqrt();
            let after = stops.iter().position(|(at, _)| *at >= part).unwrap_or(stops.len().saturating_sub(1));
            let before = after.saturating_sub(1);
            let (Some((from, one)), Some((to, other))) = (stops.get(before), stops.get(after)) else { return [0; 4] };
            let share = if to > from { ((part - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
            let mix = |one: f32, other: f32| one + (other - one) * share;
            let alpha = mix(one.alpha(), other.alpha());
            let channel = |one: f32, other: f32| (mix(one, other) * alpha * 255.0).round() as u16;
            [
                channel(one.red(), other.red()),
                channel(one.green(), other.green()),
                channel(one.blue(), other.blue()),
                (alpha * 255.0).round() as u16,
            ]
        };
        Self { middle, radius, colors: (0..STEPS).map(color).collect() }
    }

    /// Fills the disc.
    pub fn disc(&self, pixels: &mut Pixmap) {
        let (x, y) = self.middle;
        let Some(rows) = span(y - self.radius, y + self.radius, pixels.height()) else { return };
        let width = pixels.width();
        for row in rows {
            let down = row as f32 + 0.5 - y;
            let half = (self.radius * self.radius - down * down).max(0.0).sqrt();
            let Some(columns) = span(x - half, x + half, width) else { continue };
            let start = row * width as usize;
            let line = &mut pixels.pixels_mut()[start + columns.start..start + columns.end];
            self.blend(line, columns.start, down, |_| 256);
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
        let width = pixels.width() as usize;
        for (row, covered) in rows.zip(mask.data().chunks_exact(across)) {
            // Most of a fan's box is empty.
            let Some(first) = covered.iter().position(|cover| *cover > 0) else { continue };
            let last = covered.iter().rposition(|cover| *cover > 0).unwrap_or(first);
            let line = &mut pixels.pixels_mut()[row * width + columns.start + first..][..=last - first];
            let covered = &covered[first..];
            self.blend(line, columns.start + first, row as f32 + 0.5 - self.middle.1, |index| {
                u16::from(covered[index]) + u16::from(covered[index] >> 7)
            });
        }
    }

    /// Blends a line of pixels that begins at a column, `down` pixels below the middle. `cover`: of 256.
    fn blend(&self, line: &mut [PremultipliedColorU8], column: usize, down: f32, cover: impl Fn(usize) -> u16) {
        let scale = (STEPS - 1) as f32 / (self.radius * self.radius).max(1.0);
        let mut across = column as f32 + 0.5 - self.middle.0;
        let down = down * down;
        for (index, pixel) in line.iter_mut().enumerate() {
            let step = ((across * across + down) * scale) as usize;
            across += 1.0;
            let (Some(color), cover) = (self.colors.get(step), cover(index)) else { continue };
            if cover == 0 || color[3] == 0 {
                continue;
            }
            let [red, green, blue, alpha] = color.map(|channel| channel * cover / 256);
            let rest = 255 - alpha;
            let over = |above: u16, below: u8| (above + (u16::from(below) * rest + 127) / 255).min(255) as u8;
            let opacity = over(alpha, pixel.alpha());
            let mixed = [over(red, pixel.red()), over(green, pixel.green()), over(blue, pixel.blue())];
            let [red, green, blue] = mixed.map(|channel| channel.min(opacity));
            *pixel = PremultipliedColorU8::from_rgba(red, green, blue, opacity).unwrap_or(*pixel);
        }
    }
}

/// The whole pixels from one position to another inside a picture; `None` if there are none.
fn span(from: f32, to: f32, size: u32) -> Option<std::ops::Range<usize>> {
    let (from, to) = (from.floor().max(0.0), to.ceil().min(size as f32));
    (from < to).then(|| from as usize..to as usize)
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
