//! Scalar fields on a grid: exact distance transform, and blur.

/// A grid of numbers, row by row.
#[derive(Clone, Debug)]
pub struct Field {
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// `width * height` values.
    pub values: Vec<f32>,
}

impl Field {
    /// All zero.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0.0; width * height] }
    }

    /// The distance, in cells, from each cell to the nearest cell of the set. Exact, after Felzenszwalb and
    /// Huttenlocher: the lower envelope of parabolas, along columns, then along rows.
    pub fn distance(width: usize, height: usize, inside: impl Fn(usize) -> bool) -> Self {
        /// Larger than any squared distance on a grid, and exact as `f32`.
        const FAR: f32 = 1e10;
        let mut field = Self::new(width, height);
        let longest = width.max(height);
        let mut pass = Envelope::new(longest);
        let mut line = vec![0.0; longest];
        for x in 0..width {
            for (y, value) in line[..height].iter_mut().enumerate() {
                *value = if inside(y * width + x) { 0.0 } else { FAR };
            }
            pass.run(&line[..height], |y, value| field.values[y * width + x] = value);
        }
        for row in field.values.chunks_exact_mut(width) {
            line[..width].copy_from_slice(row);
            pass.run(&line[..width], |x, value| row[x] = value.sqrt());
        }
        field
    }

    /// Box blur with this radius, applied twice to approximate a Gaussian.
    pub fn blur(&mut self, radius: usize) {
        let mut line = vec![0.0; self.width.max(self.height)];
        for _ in 0..2 {
            for y in 0..self.height {
                let start = y * self.width;
                blur_line(&mut self.values, start, 1, self.width, radius, &mut line);
            }
            for x in 0..self.width {
                blur_line(&mut self.values, x, self.width, self.height, radius, &mut line);
            }
        }
    }

    /// The interpolated value at a position, in cells from the center of the first.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, self.width as f32 - 1.001);
        let y = y.clamp(0.0, self.height as f32 - 1.001);
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let at = row * self.width + column;
        let across = |at: usize| self.values[at] * (1.0 - right) + self.values[at + 1] * right;
        across(at) * (1.0 - down) + across(at + self.width) * down
    }
}

fn blur_line(values: &mut [f32], start: usize, step: usize, count: usize, radius: usize, line: &mut [f32]) {
    let line = &mut line[..count];
    for (index, value) in line.iter_mut().enumerate() {
        *value = values[start + index * step];
    }
    // The line is extended with its last cell.
    let at = |index: usize| line[index.saturating_sub(radius).min(count - 1)];
    let mut sum: f32 = (0..=2 * radius).map(at).sum();
    let share = 1.0 / (2 * radius + 1) as f32;
    for index in 0..count {
        values[start + index * step] = sum * share;
        sum += at(index + 2 * radius + 1) - at(index);
    }
}

/// Buffers of one pass of the distance transform.
struct Envelope {
    /// Positions of the envelope's parabolas.
    places: Vec<usize>,
    /// Where each parabola becomes the lowest.
    starts: Vec<f32>,
}

impl Envelope {
    fn new(longest: usize) -> Self {
        Self { places: vec![0; longest], starts: vec![0.0; longest] }
    }

    fn run(&mut self, heights: &[f32], mut result: impl FnMut(usize, f32)) {
        let meet = |left: usize, right: usize| {
            let (l, r) = (left as f32, right as f32);
            ((heights[right] + r * r) - (heights[left] + l * l)) / (2.0 * (r - l))
        };
        let mut last = 0;
        (self.places[0], self.starts[0]) = (0, f32::NEG_INFINITY);
        for place in 1..heights.len() {
            let mut start = meet(self.places[last], place);
            while start <= self.starts[last] {
                last -= 1;
                start = meet(self.places[last], place);
            }
            last += 1;
            (self.places[last], self.starts[last]) = (place, start);
        }
        let mut lowest = 0;
        for (place, at) in (0..heights.len()).map(|place| (place, place as f32)) {
            while lowest < last && self.starts[lowest + 1] < at {
                lowest += 1;
            }
            let away = at - self.places[lowest] as f32;
            result(place, away * away + heights[self.places[lowest]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_exact() {
        let (width, height) = (23, 17);
        let set = [(3, 4), (20, 1), (11, 16), (12, 16)];
        let field = Field::distance(width, height, |cell| set.contains(&(cell % width, cell / width)));
        for y in 0..height {
            for x in 0..width {
                let nearest = set.iter().map(|&(a, b)| (x as f32 - a as f32).hypot(y as f32 - b as f32));
                let nearest = nearest.fold(f32::INFINITY, f32::min);
                assert!((field.values[y * width + x] - nearest).abs() < 1e-3, "at {x}, {y}");
            }
        }
    }

    #[test]
    fn blur_keeps_flat_areas_and_spreads_peaks() {
        let mut flat = Field { width: 9, height: 7, values: vec![2.5; 63] };
        flat.blur(3);
        assert!(flat.values.iter().all(|value| (value - 2.5).abs() < 1e-5));
        let mut spike = Field::new(31, 31);
        spike.values[15 * 31 + 15] = 1.0;
        spike.blur(2);
        let sum: f32 = spike.values.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        assert!(spike.values[15 * 31 + 15] > spike.values[15 * 31 + 18] && spike.values[15 * 31 + 18] > 0.0);
    }

    #[test]
    fn samples_between_cells_are_interpolated() {
        let field = Field { width: 2, height: 2, values: vec![0.0, 1.0, 2.0, 3.0] };
        for (x, y, value) in [(0.0, 0.0, 0.0), (0.5, 0.0, 0.5), (0.5, 0.5, 1.5), (-4.0, 0.5, 1.0)] {
            assert!((field.sample(x, y) - value).abs() < 1e-2, "{x}, {y}");
        }
    }
}
