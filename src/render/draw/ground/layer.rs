//! A part of the ground drawn at one zoom level. A camera that rests copies it pixel by pixel.

use std::thread;

use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::Terrain;
use super::shade::{self, ROCK, Spot};
use crate::domain::error::{Error, Result};
use crate::render::draw::view::View;
use crate::render::scene::Radar;

/// Maximum number of threads that draw a layer.
const THREADS: usize = 4;

/// A rectangle of the ground in pixels of a zoom level: left, top, right, bottom.
pub type Region = [i32; 4];

/// A drawn part of the ground.
pub struct Layer {
    /// Pixels per map unit.
    scale: f32,
    /// What it covers.
    region: Region,
    pixels: Pixmap,
}

impl Layer {
    /// Draws what a window shows of a floor at one zoom level.
    ///
    /// Fails if there is no memory for it.
    pub fn draw(map: (&Terrain, Option<&Radar>), floor: usize, scale: f32, window: Region) -> Result<Self> {
        let [left, top, right, bottom] = window;
        let (width, height) = ((right - left).max(1) as u32, (bottom - top).max(1) as u32);
        let too_large = || Error::internal("The map is too large to be drawn.", format!("{width}x{height}"));
        let mut pixels = Pixmap::new(width, height).ok_or_else(too_large)?;
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let rows = (height as usize).div_ceil(threads);
        thread::scope(|scope| {
            let stripes = pixels.pixels_mut().chunks_mut(rows * width as usize);
            for (stripe, first) in stripes.zip((top..).step_by(rows)) {
                scope.spawn(move || {
                    for (row, y) in stripe.chunks_mut(width as usize).zip(first..) {
                        for (pixel, x) in row.iter_mut().zip(left..) {
                            *pixel = opaque(color(map, floor, scale, (x, y)));
                        }
                    }
                });
            }
        });
        Ok(Self { scale, region: window, pixels })
    }

    /// Pixels per map unit.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The pixels, to draw marks on, and the region they cover.
    pub fn pixels_mut(&mut self) -> (&mut Pixmap, Region) {
        (&mut self.pixels, self.region)
    }

    /// Fills a picture with what a view shows of this layer.
    pub fn paint(&self, view: &View, picture: &mut Pixmap) {
        if view.scale == self.scale { self.copy(view, picture) } else { self.resample(view, picture) }
    }

    fn copy(&self, view: &View, picture: &mut Pixmap) {
        let [left, top, right, bottom] = self.region;
        let width = picture.width() as i32;
        let (from, to) = ((left - view.left).clamp(0, width), (right - view.left).clamp(0, width));
        let stride = self.pixels.width() as usize;
        let rows = picture.pixels_mut().chunks_mut(width as usize);
        for (row, y) in rows.zip(view.top..) {
            if y < top || y >= bottom || from >= to {
                row.fill(opaque(ROCK));
                continue;
            }
            row[..from as usize].fill(opaque(ROCK));
            row[to as usize..].fill(opaque(ROCK));
            let start = (y - top) as usize * stride + (from + view.left - left) as usize;
            let source = &self.pixels.pixels()[start..start + (to - from) as usize];
            row[from as usize..to as usize].copy_from_slice(source);
        }
    }

    /// Bilinear interpolation in fixed point with eight bits.
    fn resample(&self, view: &View, picture: &mut Pixmap) {
        const ONE: i64 = 256;
        let step = f64::from(self.scale) / f64::from(view.scale);
        let fixed = |at: f64| (at * ONE as f64) as i64;
        let (width, height) = (self.pixels.width() as i64, self.pixels.height() as i64);
        let source = self.pixels.pixels();
        let across = picture.width() as usize;
        for (row, y) in picture.pixels_mut().chunks_mut(across).zip(view.top..) {
            let down = fixed((f64::from(y) + 0.5) * step - 0.5 - f64::from(self.region[1]));
            for (pixel, x) in row.iter_mut().zip(view.left..) {
                let right = fixed((f64::from(x) + 0.5) * step - 0.5 - f64::from(self.region[0]));
                let (column, line) = (right >> 8, down >> 8);
                if column < 0 || line < 0 || column + 1 >= width || line + 1 >= height {
                    *pixel = opaque(ROCK);
                    continue;
                }
                let at = (line * width + column) as usize;
                let (part, part_down) = ((right & 255) as u32, (down & 255) as u32);
                *pixel = between(
                    between(source[at], source[at + 1], part),
                    between(source[at + width as usize], source[at + width as usize + 1], part),
                    part_down,
                );
            }
        }
    }
}

fn color((terrain, radar): (&Terrain, Option<&Radar>), floor: usize, scale: f32, pixel: (i32, i32)) -> [f32; 3] {
    let at = ((pixel.0 as f32 + 0.5) / scale, -(pixel.1 as f32 + 0.5) / scale);
    if let Some(radar) = radar {
        let is_lower = terrain.floors.len() == 2 && floor == 0;
        let [red, green, blue, opacity] = radar.color(is_lower, at).unwrap_or_default();
        let below = ROCK.map(|channel| channel * (1.0 - opacity / 255.0));
        return [red + below[0], green + below[1], blue + below[2]];
    }
    let spot = Spot { at, pixel, scale };
    match (terrain.floors.get(floor), terrain.floors.get(1 - floor.min(1))) {
        (None, _) => ROCK,
        (Some(shown), Some(other)) if terrain.floors.len() == 2 => shade::double(shown, other, spot),
        (Some(shown), _) => shade::single(shown, spot),
    }
}

fn opaque(color: [f32; 3]) -> PremultipliedColorU8 {
    let [red, green, blue] = color.map(|channel| channel.clamp(0.0, 255.0) as u8);
    // Opaque colors are always premultiplied.
    PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap_or(PremultipliedColorU8::TRANSPARENT)
}

fn between(one: PremultipliedColorU8, other: PremultipliedColorU8, part: u32) -> PremultipliedColorU8 {
    let mix = |one: u8, other: u8| ((u32::from(one) * (256 - part) + u32::from(other) * part) >> 8) as u8;
    let (red, green, blue) =
        (mix(one.red(), other.red()), mix(one.green(), other.green()), mix(one.blue(), other.blue()));
    PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap_or(one)
}
