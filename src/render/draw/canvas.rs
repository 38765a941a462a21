//! The drawing surface: two layers, dirty-tile tracking, shapes, and text.
//!
//! Coordinates are design units: the picture is 1080 units high at any resolution. The back layer holds the backdrop
//! and the panels, which rarely change. The front layer is the back layer plus everything that moves; it is redrawn
//! every frame, but only on dirty tiles.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Point, RadialGradient, Rect,
    Shader, SpreadMode, Stroke, Transform,
};

use super::text::{Glyphs, TextStyle};
use super::tiles::{PixelRect, TileSet};

/// Height of the picture in design units.
pub const UNITS: f32 = 1080.0;

/// A rectangle in design units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Area {
    /// From the top left corner and the size.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// Grown by `by` on each side.
    pub fn grown(self, by: f32) -> Self {
        Self::new(self.x - by, self.y - by, self.width + 2.0 * by, self.height + 2.0 * by)
    }

    /// Area of the intersection, in square units.
    pub fn overlap(&self, other: &Self) -> f32 {
        let across = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let down = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        across.max(0.0) * down.max(0.0)
    }
}

/// The two layers and their dirty tiles.
pub struct Canvas {
    front: Pixmap,
    back: Pixmap,
    scale: f32,
    to_back: bool,
    /// Drawn on the front layer in this frame.
    drawn: TileSet,
    /// Drawn on the back layer since the previous frame.
    replaced: TileSet,
    /// Changed since the previous frame.
    changed: TileSet,
    glyphs: Glyphs,
}

impl Canvas {
    /// Starts with a backdrop, which determines the size.
    pub fn new(backdrop: &Pixmap, glyphs: Glyphs) -> Self {
        let tiles = TileSet::new(backdrop.width() as usize, backdrop.height() as usize);
        let mut replaced = tiles.clone();
        replaced.fill();
        Self {
            front: backdrop.clone(),
            back: backdrop.clone(),
            scale: backdrop.height() as f32 / UNITS,
            to_back: false,
            drawn: tiles.clone(),
            replaced,
            changed: tiles,
            glyphs,
        }
    }

    /// Pixels of the finished frame: opaque RGBA.
    pub fn pixels(&self) -> &Pixmap {
        &self.front
    }

    /// Width of the picture in units.
    pub fn width(&self) -> f32 {
        self.front.width() as f32 / self.scale
    }

    /// Forgets the previous frame: the next one counts as changed everywhere.
    pub fn invalidate(&mut self) {
        self.replaced.fill();
    }

    /// Begins a frame: removes what was drawn in the previous one, and shows updated panels.
    pub fn begin(&mut self) {
        self.changed.clear();
        self.changed.add(&self.drawn);
        self.changed.add(&self.replaced);
        self.drawn.clear();
        self.replaced.clear();
        for run in self.changed.runs() {
            copy(&self.back, &mut self.front, run);
        }
    }

    /// What changed since the previous frame, in pixels.
    pub fn changes(&mut self) -> impl Iterator<Item = PixelRect> {
        self.changed.add(&self.drawn);
        self.changed.runs()
    }

    /// Redraws a panel on the back layer, over the backdrop. `draw` must stay inside `area`.
    pub fn panel(&mut self, area: Area, backdrop: &Pixmap, draw: impl FnOnce(&mut Self)) {
        let s = self.scale;
        let mut tiles = TileSet::new(backdrop.width() as usize, backdrop.height() as usize);
        tiles.touch(area.x * s, area.y * s, (area.x + area.width) * s, (area.y + area.height) * s);
        self.replaced.add(&tiles);
        let (width, height) = (backdrop.width() as usize, backdrop.height() as usize);
        // Panels share tiles, so restore exactly this area.
        let (x, y) = (((area.x * s).floor() as usize).min(width), ((area.y * s).floor() as usize).min(height));
        let right = (((area.x + area.width) * s).ceil() as usize).min(width);
        let bottom = (((area.y + area.height) * s).ceil() as usize).min(height);
        let pixels = PixelRect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) };
        copy(backdrop, &mut self.back, pixels);
        self.to_back = true;
        draw(self);
        self.to_back = false;
    }

    /// A filled disc.
    pub fn disc(&mut self, x: f32, y: f32, radius: f32, color: Color) {
        self.fill(PathBuilder::from_circle(x * self.scale, y * self.scale, radius * self.scale), color);
    }

    /// A circle outline.
    pub fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, color: Color) {
        self.stroke(PathBuilder::from_circle(x * self.scale, y * self.scale, radius * self.scale), width, color);
    }

    /// A circular arc clockwise from 12 o'clock; 1 is the full circle.
    pub fn arc(&mut self, x: f32, y: f32, radius: f32, part: f32, width: f32, color: Color) {
        let steps = (part.clamp(0.0, 1.0) * 48.0).ceil().max(1.0) as usize;
        let points: Vec<_> = (0..=steps)
            .map(|step| {
                let turn = part * step as f32 / steps as f32 - 0.25;
                let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
                (x + cos * radius, y + sin * radius)
            })
            .collect();
        self.line(&points, width, color);
    }

    /// Connected lines with round caps.
    pub fn line(&mut self, points: &[(f32, f32)], width: f32, color: Color) {
        self.stroke(self.path(points, false), width, color);
    }

    /// A filled polygon.
    pub fn polygon(&mut self, points: &[(f32, f32)], color: Color) {
        self.fill(self.path(points, true), color);
    }

    /// A polygon with a radial gradient around a point (stops: 0 at the point, 1 at the radius).
    pub fn glow(&mut self, points: &[(f32, f32)], x: f32, y: f32, radius: f32, stops: &[(f32, Color)]) {
        let shader = self.radial(x, y, radius, stops);
        self.fill_with(self.path(points, true), shader);
    }

    /// A disc with a radial gradient.
    pub fn cloud(&mut self, x: f32, y: f32, radius: f32, stops: &[(f32, Color)]) {
        let shader = self.radial(x, y, radius, stops);
        self.fill_with(PathBuilder::from_circle(x * self.scale, y * self.scale, radius * self.scale), shader);
    }

    /// A filled rectangle with rounded corners.
    pub fn plate(&mut self, area: Area, radius: f32, color: Color) {
        self.fill(self.rounded(area, radius), color);
    }

    /// The outline of a rectangle with rounded corners, drawn inside it.
    pub fn frame(&mut self, area: Area, radius: f32, width: f32, color: Color) {
        self.stroke(self.rounded(area.grown(-width / 2.0), radius - width / 2.0), width, color);
    }

    /// Width of a text in units.
    pub fn text_width(&mut self, style: TextStyle, text: &str) -> f32 {
        self.glyphs.width(style.weight, style.size * self.scale, style.tabular, text) / self.scale
    }

    /// The text, truncated with an ellipsis if wider than `width`.
    pub fn fit(&mut self, style: TextStyle, text: &str, width: f32) -> String {
        if self.text_width(style, text) <= width {
            return text.to_owned();
        }
        let mut short = text.to_owned();
        while short.pop().is_some() {
            let shown = format!("{}…", short.trim_end());
            if self.text_width(style, &shown) <= width {
                return shown;
            }
        }
        short
    }

    /// Draws a line of text at baseline `y`. Returns its width.
    pub fn text(&mut self, style: TextStyle, x: f32, y: f32, color: Color, text: &str) -> f32 {
        let (s, size) = (self.scale, style.size * self.scale);
        let width = self.glyphs.width(style.weight, size, style.tabular, text);
        let left = x * s - width * style.align.share();
        self.touch(left - size * 0.2, y * s - size, left + width + size * 0.2, y * s + size * 0.35);
        let pixels = if self.to_back { &mut self.back } else { &mut self.front };
        self.glyphs.draw(pixels, style, size, left, (y * s).round(), color, text);
        width / s
    }

    fn touch(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        let tiles = if self.to_back { &mut self.replaced } else { &mut self.drawn };
        tiles.touch(left, top, right, bottom);
    }

    fn path(&self, points: &[(f32, f32)], closed: bool) -> Option<Path> {
        let (&(x, y), rest) = points.split_first()?;
        let mut path = PathBuilder::new();
        path.move_to(x * self.scale, y * self.scale);
        for &(x, y) in rest {
            path.line_to(x * self.scale, y * self.scale);
        }
        if closed {
            path.close();
        }
        path.finish()
    }

    fn rounded(&self, area: Area, radius: f32) -> Option<Path> {
        let s = self.scale;
        let (left, top, width, height) = (area.x * s, area.y * s, area.width * s, area.height * s);
        if width < 0.5 || height < 0.5 {
            return None;
        }
        let (right, bottom) = (left + width, top + height);
        let r = (radius * s).clamp(0.0, width.min(height) / 2.0);
        // Distance of the control points from the corner at which a cubic Bézier approximates a quarter circle.
        let h = r * 0.4477;
        let mut path = PathBuilder::new();
        path.move_to(left + r, top);
        path.line_to(right - r, top);
        path.cubic_to(right - h, top, right, top + h, right, top + r);
        path.line_to(right, bottom - r);
        path.cubic_to(right, bottom - h, right - h, bottom, right - r, bottom);
        path.line_to(left + r, bottom);
        path.cubic_to(left + h, bottom, left, bottom - h, left, bottom - r);
        path.line_to(left, top + r);
        path.cubic_to(left, top + h, left + h, top, left + r, top);
        path.close();
        path.finish()
    }

    fn radial(&self, x: f32, y: f32, radius: f32, stops: &[(f32, Color)]) -> Option<Shader<'static>> {
        let middle = Point::from_xy(x * self.scale, y * self.scale);
        let stops = stops.iter().map(|(at, color)| GradientStop::new(*at, *color)).collect();
        let radius = radius * self.scale;
        RadialGradient::new(middle, 0.0, middle, radius, stops, SpreadMode::Pad, Transform::identity())
    }

    fn fill(&mut self, path: Option<Path>, color: Color) {
        self.fill_with(path, Some(Shader::SolidColor(color)));
    }

    fn fill_with(&mut self, path: Option<Path>, shader: Option<Shader<'static>>) {
        let (Some(path), Some(shader)) = (path, shader) else { return };
        self.touch_rect(path.bounds(), 0.0);
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        self.pixels_mut().fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, color: Color) {
        let Some(path) = path else { return };
        let width = width * self.scale;
        self.touch_rect(path.bounds(), width);
        let paint = Paint { shader: Shader::SolidColor(color), anti_alias: true, ..Paint::default() };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixels_mut().stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    fn touch_rect(&mut self, bounds: Rect, more: f32) {
        self.touch(bounds.left() - more, bounds.top() - more, bounds.right() + more, bounds.bottom() + more);
    }

    fn pixels_mut(&mut self) -> &mut Pixmap {
        if self.to_back { &mut self.back } else { &mut self.front }
    }
}

/// Copies a rectangle between pictures of the same size.
fn copy(from: &Pixmap, to: &mut Pixmap, run: PixelRect) {
    let stride = from.width() as usize * 4;
    let (from, to) = (from.data(), to.data_mut());
    for row in run.y..run.y + run.height {
        let start = row * stride + run.x * 4;
        let end = start + run.width * 4;
        to[start..end].copy_from_slice(&from[start..end]);
    }
}
