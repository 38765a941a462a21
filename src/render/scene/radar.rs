//! A studio's own picture of a map.

use tiny_skia::Pixmap;

/// A picture of a map seen from above, and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Radar {
    /// The map, or its upper floor.
    pub upper: Pixmap,
    /// The lower floor.
    pub lower: Option<Pixmap>,
    /// The map position of the left edge.
    pub left: f32,
    /// The map position of the upper edge.
    pub top: f32,
    /// Map units per pixel, above 0.
    pub scale: f32,
}

impl Radar {
    /// The color at a map position, premultiplied: red, green, blue, opacity, each 0 to 255. `None` outside.
    pub fn color(&self, is_lower: bool, (x, y): (f32, f32)) -> Option<[f32; 4]> {
        let picture = self.lower.as_ref().filter(|_| is_lower).unwrap_or(&self.upper);
        let (width, height) = (picture.width() as i32, picture.height() as i32);
        let (across, down) = ((x - self.left) / self.scale, (self.top - y) / self.scale);
        if across < 0.0 || down < 0.0 || across >= width as f32 || down >= height as f32 {
            return None;
        }
        // Between the centers of four pixels.
        let (across, down) = (across - 0.5, down - 0.5);
        let (column, row) = (across.floor(), down.floor());
        let pixel = |right: i32, below: i32| {
            let (x, y) = ((column as i32 + right).clamp(0, width - 1), (row as i32 + below).clamp(0, height - 1));
            let pixel = picture.pixels()[(y * width + x) as usize];
            [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()].map(f32::from)
        };
        let between = |one: [f32; 4], other: [f32; 4], part: f32| {
            std::array::from_fn(|channel| one[channel] + (other[channel] - one[channel]) * part)
        };
        let (part, part_down) = (across - column, down - row);
        let [above, below] = [0, 1].map(|line| between(pixel(0, line), pixel(1, line), part));
        Some(between(above, below, part_down))
    }
}

#[cfg(test)]
mod tests {
    use tiny_skia::PremultipliedColorU8;

    use super::*;

    #[test]
    fn colors_are_found_by_map_position() {
        let mut upper = Pixmap::new(2, 2).unwrap();
        let pixel = |red| PremultipliedColorU8::from_rgba(red, 0, 0, 255).unwrap();
        upper.pixels_mut().copy_from_slice(&[pixel(0), pixel(100), pixel(200), pixel(40)]);
        let radar = Radar { upper, lower: None, left: -10.0, top: 50.0, scale: 10.0 };
        let red = |x, y| radar.color(true, (x, y)).map(|color| color[0]);
        // The centers of the pixels, a place between two, one between all, the edges, outside.
        assert_eq!(
            [red(-5.0, 45.0), red(5.0, 45.0), red(-5.0, 35.0), red(5.0, 35.0)],
            [0.0, 100.0, 200.0, 40.0].map(Some)
        );
        assert_eq!([red(0.0, 45.0), red(0.0, 40.0), red(-10.0, 50.0)], [50.0, 85.0, 0.0].map(Some));
        assert_eq!([red(-10.5, 45.0), red(10.0, 45.0), red(0.0, 50.5), red(0.0, 30.0)], [None; 4]);
    }
}
