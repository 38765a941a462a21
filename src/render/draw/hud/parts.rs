//! What several panels have in common: shapes of the sides, slanted slabs, bars, texts.

use tiny_skia::Color;

use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::RoundClock;
use crate::render::draw::palette::{GOLD, Ink, TEXT};
use crate::render::draw::text::TextStyle;
use crate::render::scene::{Kill, Side};

/// Health up to which it is shown in red.
pub const LOW_HEALTH: i32 = 25;

/// How far a diamond's corners are away, compared to the radius of a disc that looks as large.
const DIAMOND: f32 = 1.2;

/// The shape of a side: a diamond for terrorists, else a disc.
pub fn shape(side: Side, x: f32, y: f32, radius: f32, color: Color, canvas: &mut Canvas) {
    match side {
        Side::T => canvas.polygon(&corners(x, y, radius * DIAMOND), color),
        _ => canvas.disc(x, y, radius, color),
    }
}

/// The outline of the shape of a side.
pub fn outline(side: Side, x: f32, y: f32, radius: f32, color: Color, canvas: &mut Canvas) {
    match side {
        Side::T => {
            let corners = corners(x, y, radius * DIAMOND);
            canvas.line(&[corners[0], corners[1], corners[2], corners[3], corners[0]], 2.0, color);
        }
        _ => canvas.ring(x, y, radius, 2.0, color),
    }
}

fn corners(x: f32, y: f32, reach: f32) -> [(f32, f32); 4] {
    [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
}

/// A rectangle.
pub fn slab(area: Area, color: Color, canvas: &mut Canvas) {
    canvas.shade(area, &[(0.0, color)]);
}

/// A parallelogram that leans to the right by `slant`, inside the area.
pub fn slanted(area: Area, slant: f32, color: Color, canvas: &mut Canvas) {
    let Area { x, y, width, height } = area;
    if width > slant {
        canvas.polygon(&[(x + slant, y), (x + width, y), (x + width - slant, y + height), (x, y + height)], color);
    }
}

/// A bar that is filled from the left.
pub fn bar(area: Area, part: f32, color: Color, canvas: &mut Canvas) {
    slab(area, Ink(0xffffff).with(0.14), canvas);
    slab(Area { width: area.width * part.clamp(0.0, 1.0), ..area }, color, canvas);
}

/// A text and the style in which it is at most `width` wide: smaller down to `least`, then truncated.
pub fn fitted(style: TextStyle, least: f32, text: &str, width: f32, canvas: &mut Canvas) -> (TextStyle, String) {
    let wide = canvas.text_width(style, text).max(1.0);
    let style = TextStyle { size: (style.size * width / wide).clamp(least.min(style.size), style.size), ..style };
    let text = canvas.fit(style, text, width);
    (style, text)
}

/// Draws capitals further apart. Returns the width.
pub fn spaced(style: TextStyle, spacing: f32, at: (f32, f32), color: Color, text: &str, canvas: &mut Canvas) -> f32 {
    let mut buffer = [0; 4];
    text.chars().fold(0.0, |width, character| {
        let drawn = canvas.text(style, at.0 + width, at.1, color, character.encode_utf8(&mut buffer));
        width + drawn + spacing
    })
}

/// The round clock as the game shows it: rounded up; tenths in the last ten seconds of the bomb. Empty once these are
/// over: the bomb explodes up to a second later, and a clock that stands at 0 looks broken.
pub fn clock(clock: RoundClock) -> String {
    match clock {
        RoundClock::Bomb(left, _) if left <= 0.0 => String::new(),
        RoundClock::Bomb(left, _) if left <= 10.0 => format!("{left:.1}"),
        RoundClock::Bomb(left, _) => format!("{}", left.ceil()),
        RoundClock::Freeze(left) | RoundClock::Live(left) => minutes(left),
    }
}

/// Minutes and seconds, rounded up.
pub fn minutes(seconds: f32) -> String {
    let seconds = seconds.ceil() as u32;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// The circumstances of a kill.
pub fn marks(kill: &Kill) -> Vec<Icon> {
    let marks = [
        (kill.blind, Icon::BLIND),
        (kill.noscope, Icon::NOSCOPE),
        (kill.through_smoke, Icon::SMOKE),
        (kill.wallbang, Icon::WALLBANG),
        (kill.headshot, Icon::HEADSHOT),
    ];
    marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect()
}

/// The color of a mark.
pub fn mark_color(mark: Icon) -> Color {
    if mark == Icon::HEADSHOT { GOLD } else { TEXT }.solid()
}
