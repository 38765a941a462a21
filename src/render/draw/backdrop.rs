//! The map background, derived from where players stood: outline, heights, and paths. Drawn once per clip.

use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::camera::Camera;
use super::canvas::UNITS;
use super::distance::Field;
use crate::domain::error::{Error, Result};
use crate::render::scene::{CELL_UNITS, Ground};

/// Map units by which walked cells are dilated to close the gaps between paths…
const DILATE: f32 = 56.0;
/// … and by which the result is eroded, so that the outline follows the walls.
const ERODE: f32 = 32.0;
/// Empty cells around the map.
const PAD: i32 = 16;
/// Maximum number of cells per axis: a map is at most 32,768 units wide, so this always suffices.
const CELLS: i32 = 4_096;
/// Player-ticks in a cell from which it is at full brightness.
const DWELL: u32 = 512;
/// Spacing in map units of the faint grid outside the map.
const GRID: f32 = 512.0;

const OUTSIDE: [f32; 3] = [11.0, 15.0, 21.0];
const GLOW: [f32; 3] = [16.0, 26.0, 40.0];
const LOW: [f32; 3] = [36.0, 45.0, 60.0];
const HIGH: [f32; 3] = [82.0, 97.0, 118.0];
const WALKED: [f32; 3] = [11.0, 12.0, 13.0];
const RIM: [f32; 3] = [146.0, 167.0, 194.0];

/// The shape of a map on the grid of ground cells.
struct Relief {
    /// Cell at the origin of the fields.
    origin: (i32, i32),
    /// Distance to the rim in map units, positive inside.
    inside: Field,
    /// Height in map units, smoothed.
    height: Field,
    /// The range that contains nearly all heights.
    height_range: (f32, f32),
    /// How much each cell was walked, 0 to about 1.
    walked: Field,
}

impl Relief {
    /// `None` if nobody stood anywhere.
    fn of(ground: &Ground) -> Option<Self> {
        let in_reach = |edge: &i32| (-CELLS / 2..CELLS / 2).contains(edge);
        let cells = || ground.cells.iter().filter(|((x, y), _)| in_reach(x) && in_reach(y));
        let (left, right) = (cells().map(|(at, _)| at.0).min()?, cells().map(|(at, _)| at.0).max()?);
        let (low, high) = (cells().map(|(at, _)| at.1).min()?, cells().map(|(at, _)| at.1).max()?);
        let origin = (left - PAD, low - PAD);
        let (width, height) = ((right - left + 1 + 2 * PAD) as usize, (high - low + 1 + 2 * PAD) as usize);

        let mut stood = vec![false; width * height];
        let (mut heights, mut weights, mut walked) =
            (Field::new(width, height), Field::new(width, height), Field::new(width, height));
        for ((x, y), cell) in cells() {
            let at = (y - origin.1) as usize * width + (x - origin.0) as usize;
            stood[at] = true;
            heights.values[at] = cell.low.z_max;
            weights.values[at] = 1.0;
            walked.values[at] = cell.low.dwell.min(DWELL) as f32;
        }
        let outside = Field::distance(width, height, |cell| stood[cell]);
        let mut inside = Field::distance(width, height, |cell| outside.values[cell] > DILATE / CELL_UNITS);
        inside.values.iter_mut().for_each(|cells| *cells = *cells * CELL_UNITS - ERODE);
        inside.blur(1);
        heights.blur(5);
        weights.blur(5);
        heights.values.iter_mut().zip(&weights.values).for_each(|(height, weight)| *height /= weight.max(1e-4));
        walked.blur(2);
        walked.values.iter_mut().for_each(|dwell| *dwell = ((1.0 + *dwell).ln() / 5.0).clamp(0.0, 1.0));
        let height_range = range(&inside, &heights);
        Some(Self { origin, inside, height: heights, height_range, walked })
    }

    /// Converts a map position to field coordinates.
    fn cell(&self, x: f32, y: f32) -> (f32, f32) {
        (x / CELL_UNITS - self.origin.0 as f32 - 0.5, y / CELL_UNITS - self.origin.1 as f32 - 0.5)
    }
}

/// The range of heights that covers nearly all of the map.
fn range(inside: &Field, height: &Field) -> (f32, f32) {
    let cells = inside.values.iter().zip(&height.values).filter(|(inside, _)| **inside > 0.0);
    let mut heights: Vec<f32> = cells.map(|(_, height)| *height).collect();
    heights.sort_by(f32::total_cmp);
    match heights.len() {
        0 => (0.0, 1.0),
        count => (heights[count / 50], heights[count * 49 / 50]),
    }
}

/// Draws the map as seen by a camera.
pub fn draw(ground: &Ground, camera: &Camera, width: u32, height: u32) -> Result<Pixmap> {
    let too_large = || Error::internal("The picture size is invalid.", format!("{width}x{height}"));
    let mut picture = Pixmap::new(width, height).ok_or_else(too_large)?;
    let relief = Relief::of(ground);
    let units = UNITS / height as f32;
    let rows = picture.pixels_mut().chunks_exact_mut(width as usize);
    for (y, row) in rows.enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let at = camera.unproject((x as f32 + 0.5) * units, (y as f32 + 0.5) * units);
            let off = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
            let vignette = 1.0 - 0.68 * (off.0 * off.0 + off.1 * off.1);
            let mut color = OUTSIDE.map(|channel| channel * vignette);
            if let Some(relief) = &relief {
                shade(&mut color, relief, at, camera.zoom);
            }
            // Less than one step of noise prevents banding in dark gradients.
            let noise = grain(x as u32, y as u32);
            let [red, green, blue] = color.map(|channel| (channel + noise).clamp(0.0, 255.0) as u8);
            *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap_or(*pixel);
        }
    }
    Ok(picture)
}

/// The color of one point.
fn shade(color: &mut [f32; 3], relief: &Relief, at: (f32, f32), zoom: f32) {
    let (x, y) = relief.cell(at.0, at.1);
    // Distance to the rim in design units.
    let rim = relief.inside.sample(x, y) * zoom;
    if rim < 0.0 {
        let line = |along: f32| (along / GRID).fract().abs() * GRID * zoom < 1.0;
        if line(at.0) || line(at.1) {
            color.iter_mut().for_each(|channel| *channel += 4.0);
        }
    }
    mix(color, |channel, base| base + GLOW[channel] * 0.5 * (rim.min(0.0) / 26.0).exp());
    let floor = (rim * 0.9 + 0.5).clamp(0.0, 1.0);
    if floor > 0.0 {
        let (low, high) = relief.height_range;
        let height = ((relief.height.sample(x, y) - low) / (high - low).max(1.0)).clamp(0.0, 1.0);
        let walked = relief.walked.sample(x, y);
        let shadow = 1.0 - 0.38 * (-rim / 14.0).exp();
        mix(color, |channel, base| {
            let lit = LOW[channel] + (HIGH[channel] - LOW[channel]) * height + WALKED[channel] * walked;
            base + (lit * shadow - base) * floor
        });
    }
    let line = (1.0 - (rim - 0.4).abs() / 1.3).clamp(0.0, 1.0) * 0.85;
    if line > 0.0 {
        mix(color, |channel, base| base + (RIM[channel] - base) * line);
    }
}

fn mix(color: &mut [f32; 3], mixed: impl Fn(usize, f32) -> f32) {
    for (index, channel) in color.iter_mut().enumerate() {
        *channel = mixed(index, *channel);
    }
}

/// Deterministic noise for a pixel, from -0.5 to 0.5.
fn grain(x: u32, y: u32) -> f32 {
    let hash = (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263)).wrapping_mul(1_274_126_177);
    (hash >> 24) as f32 / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::draw::canvas::Area;
    use crate::render::scene::{Cell, Level, Scene};

    fn brightness(picture: &Pixmap, x: u32, y: u32) -> u32 {
        picture.pixel(x, y).map_or(0, |pixel| u32::from(pixel.red()) + u32::from(pixel.blue()))
    }

    #[test]
    fn walked_area_is_floor_and_gaps_between_paths_are_closed() {
        // An 800-unit room with a 240-unit pillar that nobody entered, walked on every sixth cell.
        let mut ground = Ground::default();
        for (x, y) in (-50i32..50).step_by(6).flat_map(|x| (-50i32..50).step_by(6).map(move |y| (x, y))) {
            if x.abs() > 15 || y.abs() > 15 {
                ground.cells.insert((x, y), Cell { low: Level { dwell: 3, z_min: 0.0, z_max: 0.0 }, high: None });
            }
        }
        let camera = Camera::of(&Scene::default(), Area::new(0.0, 0.0, 1920.0, 1080.0));
        let picture = draw(&ground, &camera, 480, 270).unwrap();
        let see = |x: f32, y: f32| {
            let (x, y) = camera.project([x, y, 0.0]);
            brightness(&picture, (x / 4.0) as u32, (y / 4.0) as u32)
        };
        let (floor, wall, outside) = (see(250.0, 27.0), see(0.0, 0.0), see(900.0, 0.0));
        assert!(floor > wall + 20 && floor > outside + 20, "{floor} {wall} {outside}");
    }

    #[test]
    fn empty_or_invalid_ground_can_be_drawn() {
        let camera = Camera::of(&Scene::default(), Area::new(0.0, 0.0, 1920.0, 1080.0));
        let mut ground = Ground::default();
        assert!(draw(&ground, &camera, 320, 180).is_ok());
        // A position outside any map does not enlarge the grid.
        ground.cells.insert((i32::MAX, i32::MIN), Cell { low: Level { dwell: 1, z_min: 0.0, z_max: 0.0 }, high: None });
        assert!(draw(&ground, &camera, 320, 180).is_ok());
    }
}
