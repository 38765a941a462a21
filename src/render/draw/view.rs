//! What the camera sees: a window onto the map in whole pixels, so that nothing shimmers.

/// A window onto the map. North is up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Pixels per map unit.
    pub scale: f32,
    /// Left edge in pixels east of the map's origin.
    pub left: i32,
    /// Top edge in pixels south of the map's origin.
    pub top: i32,
    /// Pixels per design unit.
    pub pixels: f32,
}

impl View {
    /// The view at `zoom` design units per map unit that shows a map position at a place of the picture, in design
    /// units, within half a pixel.
    pub fn new(pixels: f32, zoom: f32, at: (f32, f32), place: (f32, f32)) -> Self {
        let scale = zoom * pixels;
        let edge = |at: f32, place: f32| (at * scale - place * pixels).round() as i32;
        Self { scale, left: edge(at.0, place.0), top: edge(-at.1, place.1), pixels }
    }

    /// Design units per map unit.
    pub fn zoom(&self) -> f32 {
        self.scale / self.pixels
    }

    /// Projects a map position onto the picture, in design units.
    pub fn project(&self, at: [f32; 3]) -> (f32, f32) {
        let [x, y, _] = at;
        let (left, top) = (self.left as f32, self.top as f32);
        ((x * self.scale - left) / self.pixels, (-y * self.scale - top) / self.pixels)
    }

    /// The inverse of [`Self::project`], on the ground.
    pub fn unproject(&self, x: f32, y: f32) -> (f32, f32) {
        let (left, top) = (self.left as f32, self.top as f32);
        ((x * self.pixels + left) / self.scale, -(y * self.pixels + top) / self.scale)
    }

    /// Moved by whole pixels.
    pub fn shifted(self, right: i32, down: i32) -> Self {
        Self { left: self.left - right, top: self.top - down, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_projected_to_within_half_a_pixel_and_back() {
        for (pixels, zoom, at) in [(1.0, 0.625, (375.3, 1_632.7)), (4.0 / 3.0, 0.36, (-2_000.0, -1.5))] {
            let view = View::new(pixels, zoom, at, (960.0, 500.0));
            let (x, y) = view.project([at.0, at.1, 64.0]);
            assert!((x - 960.0).abs() <= 0.51 / pixels && (y - 500.0).abs() <= 0.51 / pixels, "{x} {y}");
            let (back_x, back_y) = view.unproject(x, y);
            assert!((back_x - at.0).abs() < 0.1 && (back_y - at.1).abs() < 0.1);
            let north = view.project([at.0, at.1 + 100.0, 0.0]);
            assert!(north.1 < y && (y - north.1 - 100.0 * zoom).abs() < 0.01);
        }
    }
}
