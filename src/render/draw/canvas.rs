//! The drawing surface: layers, dirty-tile tracking, shapes, and text.
//!
//! Coordinates are design units: the picture is 1080 units high at any resolution. From the ground up: the base, which
//! changes only when the camera moves; the world, which is redrawn every frame; the overlay with the panels, which
//! change rarely. Only tiles that were drawn on are restored and composed. Much that is drawn every frame looks as before;
//! only tiles that differ from the previous frame count as changed.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Shader, Stroke, StrokeDash, Transform,
};

pub use super::area::Area;
use super::gradient::Gradient;
use super::icons::Icon;
use super::pixels::{clear, compose, copy, darken, fade, find_visible, replace};
use super::rectangle;
use super::text::{Glyphs, TextStyle};
use super::tiles::{PixelRect, TileSet};

/// Height of the picture in design units.
pub const UNITS: f32 = 1080.0;

/// Which layer is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    World,
    Overlay,
}

/// The layers and their dirty tiles.
pub struct Canvas {
    /// The ground as the camera sees it: opaque.
    base: Pixmap,
    /// The ground and everything that moves on it: opaque.
    world: Pixmap,
    /// The panels: transparent where there are none.
    overlay: Pixmap,
    /// The finished frame: opaque.
    front: Pixmap,
    scale: f32,
    layer: Layer,
    /// Where this frame's world differs from the base.
    drawn: TileSet,
    /// Where the base was replaced since the previous frame.
    replaced: TileSet,
    /// Where panels were redrawn since the previous frame.
    redrawn: TileSet,
    /// Where there are panels.
    panels: TileSet,
    /// Changed since the previous frame.
    changed: TileSet,
    glyphs: Glyphs,
}

impl Canvas {
    /// A black picture of this size in pixels; `None` if it cannot be allocated.
    pub fn new(width: u32, height: u32, glyphs: Glyphs) -> Option<Self> {
        let tiles = TileSet::new(width as usize, height as usize);
        let mut replaced = tiles.clone();
        replaced.fill();
        let mut base = Pixmap::new(width, height)?;
        base.fill(Color::BLACK);
        Some(Self {
            world: base.clone(),
            front: base.clone(),
            base,
            overlay: Pixmap::new(width, height)?,
            scale: height as f32 / UNITS,
            layer: Layer::World,
            drawn: tiles.clone(),
            replaced,
            redrawn: tiles.clone(),
            panels: tiles.clone(),
            changed: tiles,
            glyphs,
        })
    }

    /// Pixels of the finished frame: opaque RGBA.
    pub fn pixels(&self) -> &Pixmap {
        &self.front
    }

    /// The panels.
    #[cfg(test)]
    pub fn overlay(&self) -> &Pixmap {
        &self.overlay
    }

    /// Forgets the previous frame: the next one is composed in full.
    #[cfg(test)]
    pub fn invalidate(&mut self) {
        self.replaced.fill();
    }

    /// Replaces the ground: `draw` writes opaque pixels.
    pub fn ground(&mut self, draw: impl FnOnce(&mut Pixmap)) {
        draw(&mut self.base);
        self.replaced.fill();
    }

    /// Begins a frame: removes what was drawn on the world in the previous one.
    pub fn begin(&mut self) {
        self.changed.clear();
        self.changed.add(&self.drawn);
        self.changed.add(&self.replaced);
        self.drawn.clear();
        self.replaced.clear();
        for run in self.changed.runs() {
            copy(&self.base, &mut self.world, run);
        }
    }

    /// Redraws a panel. `draw` must stay inside `area`.
    pub fn panel(&mut self, area: Area, draw: impl FnOnce(&mut Self)) {
        let pixels = self.pixels_of(area);
        clear(&mut self.overlay, pixels);
        self.layer = Layer::Overlay;
        self.touch_area(area);
        draw(self);
        self.layer = Layer::World;
    }

    /// The pixels that an area touches, inside the picture.
    fn pixels_of(&self, area: Area) -> PixelRect {
        // Rounding errors must not add a row of pixels.
        let (s, slack) = (self.scale, 0.01);
        let (width, height) = (self.overlay.width() as usize, self.overlay.height() as usize);
        let first = |at: f32, size: usize| ((at * s + slack).floor() as usize).min(size);
        let last = |at: f32, size: usize| ((at * s - slack).ceil() as usize).min(size);
        let (x, y) = (first(area.x, width), first(area.y, height));
        let (right, bottom) = (last(area.x + area.width, width), last(area.y + area.height, height));
        PixelRect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
    }

    /// Makes what was drawn on a panel more transparent.
    pub fn fade(&mut self, area: Area, opacity: f32) {
        if opacity < 1.0 {
            let run = self.pixels_of(area);
            fade(&mut self.overlay, run, (opacity.max(0.0) * 255.0) as u8);
        }
    }

    /// Ends a frame: puts the panels over the world.
    pub fn finish(&mut self) {
        self.changed.add(&self.drawn);
        self.changed.add(&self.redrawn);
        (_, self.panels) = self.panels.split(&self.redrawn);
        self.redrawn.narrow(|run, visible| find_visible(&self.overlay, run, visible));
        self.panels.add(&self.redrawn);
        self.redrawn.clear();
        let (mut below_panels, mut bare) = self.changed.split(&self.panels);
        below_panels.narrow(|run, differ| compose(&self.world, &self.overlay, &mut self.front, run, differ));
        bare.narrow(|run, differ| replace(&self.world, &mut self.front, run, differ));
        self.changed = bare;
        self.changed.add(&below_panels);
    }

    /// What changed since the previous frame, in pixels.
    pub fn changes(&self) -> impl Iterator<Item = PixelRect> {
        self.changed.runs()
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

    /// The outline of a polygon in dashes: lengths of a dash and of the gap after it.
    pub fn dashes(&mut self, points: &[(f32, f32)], width: f32, (dash, gap): (f32, f32), color: Color) {
        let dash = StrokeDash::new(vec![dash * self.scale, gap * self.scale], 0.0);
        self.stroke_with(self.path(points, true), width, dash, color);
    }

    /// Darkens everything outside a circle: not at all within the first radius, by `darkness` from the second on.
    pub fn darken(&mut self, x: f32, y: f32, (near, far): (f32, f32), darkness: f32) {
        let (x, y, near, far) = (x * self.scale, y * self.scale, near * self.scale, far * self.scale);
        let (width, height) = (self.world.width(), self.world.height());
        self.touch(0.0, 0.0, width as f32, height as f32);
        darken(&mut self.world, (x, y), (near, far), darkness);
    }

    /// A filled polygon.
    pub fn polygon(&mut self, points: &[(f32, f32)], color: Color) {
        self.fill(self.path(points, true), color);
    }

    /// A polygon with a radial gradient around a point (stops: 0 at the point, 1 at the radius).
    pub fn glow(&mut self, points: &[(f32, f32)], x: f32, y: f32, radius: f32, stops: &[(f32, Color)]) {
        let Some(path) = self.path(points, true) else { return };
        let gradient = Gradient::new((x * self.scale, y * self.scale), radius * self.scale, stops);
        self.touch_rect(path.bounds(), 0.0);
        gradient.fill(&path, self.pixels_mut());
    }

    /// A disc with a radial gradient.
    pub fn cloud(&mut self, x: f32, y: f32, radius: f32, stops: &[(f32, Color)]) {
        let (x, y, radius) = (x * self.scale, y * self.scale, radius * self.scale);
        self.touch(x - radius, y - radius, x + radius, y + radius);
        Gradient::new((x, y), radius, stops).disc(self.pixels_mut());
    }

    /// A rectangle with a gradient from left to right (stops: 0 at the left edge, 1 at the right edge).
    pub fn shade(&mut self, area: Area, stops: &[(f32, Color)]) {
        let edges = self.touch_area(area);
        rectangle::shade(self.pixels_mut(), edges, stops);
    }

    /// A filled rectangle with rounded corners.
    pub fn plate(&mut self, area: Area, radius: f32, color: Color) {
        self.fill(self.rounded(area, radius), color);
    }

    /// The outline of a rectangle with rounded corners, drawn inside it.
    pub fn frame(&mut self, area: Area, radius: f32, width: f32, color: Color) {
        self.stroke(self.rounded(area.grown(-width / 2.0), radius - width / 2.0), width, color);
    }

    /// An icon in one color, as large as fits into `area`, centered.
    pub fn icon(&mut self, icon: Icon, area: Area, color: Color) {
        let (width, height) = icon.size();
        let scale = (area.width / width).min(area.height / height) * self.scale;
        let left = (area.x + area.width / 2.0) * self.scale - width * scale / 2.0;
        let top = (area.y + area.height / 2.0) * self.scale - height * scale / 2.0;
        self.touch(left, top, left + width * scale, top + height * scale);
        let paint = Paint { shader: Shader::SolidColor(color), anti_alias: true, ..Paint::default() };
        let transform = Transform::from_row(scale, 0.0, 0.0, scale, left, top);
        for path in icon.paths() {
            self.pixels_mut().fill_path(path, &paint, FillRule::EvenOdd, transform, None);
        }
    }

    /// The size in pixels of a picture that fills an area.
    pub fn picture_size(area: Area, scale: f32) -> (u32, u32) {
        ((area.width * scale) as u32, (area.height * scale) as u32)
    }

    /// Replaces what is drawn by a picture with its top left corner at a place.
    pub fn picture(&mut self, picture: &Pixmap, x: f32, y: f32) {
        let (x, y) = ((x * self.scale).ceil(), (y * self.scale).ceil());
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        self.touch(x, y, x + width as f32, y + height as f32);
        let target = self.pixels_mut();
        let (columns, rows) = (target.width() as usize, target.height() as usize);
        let (x, y) = ((x as usize).min(columns), (y as usize).min(rows));
        let width = width.min(columns - x);
        let lines = picture.data().chunks_exact(picture.width() as usize * 4);
        for (line, row) in lines.zip(y..rows) {
            let start = (row * columns + x) * 4;
            target.data_mut()[start..start + width * 4].copy_from_slice(&line[..width * 4]);
        }
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
        let pixels = match self.layer {
            Layer::World => &mut self.world,
            Layer::Overlay => &mut self.overlay,
        };
        let [left, top, right, bottom] = self.glyphs.draw(pixels, style, size, left, (y * s).round(), color, text);
        self.touch(left, top, right, bottom);
        width / s
    }

    fn touch(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        let tiles = match self.layer {
            Layer::World => &mut self.drawn,
            Layer::Overlay => &mut self.redrawn,
        };
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

    fn fill(&mut self, path: Option<Path>, color: Color) {
        let Some(path) = path else { return };
        self.touch_rect(path.bounds(), 0.0);
        let paint = Paint { shader: Shader::SolidColor(color), anti_alias: true, ..Paint::default() };
        self.pixels_mut().fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, color: Color) {
        self.stroke_with(path, width, None, color);
    }

    fn stroke_with(&mut self, path: Option<Path>, width: f32, dash: Option<StrokeDash>, color: Color) {
        let Some(path) = path else { return };
        let width = width * self.scale;
        self.touch_rect(path.bounds(), width);
        let paint = Paint { shader: Shader::SolidColor(color), anti_alias: true, ..Paint::default() };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, dash, ..Stroke::default() };
        self.pixels_mut().stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    /// Returns left, top, right and bottom in pixels.
    fn touch_area(&mut self, area: Area) -> [f32; 4] {
        let edges = [area.x, area.y, area.x + area.width, area.y + area.height].map(|at| at * self.scale);
        let [left, top, right, bottom] = edges;
        self.touch(left, top, right, bottom);
        edges
    }

    fn touch_rect(&mut self, bounds: Rect, more: f32) {
        self.touch(bounds.left() - more, bounds.top() - more, bounds.right() + more, bounds.bottom() + more);
    }

    fn pixels_mut(&mut self) -> &mut Pixmap {
        match self.layer {
            Layer::World => &mut self.world,
            Layer::Overlay => &mut self.overlay,
        }
    }
}
