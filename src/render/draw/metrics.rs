//! Sizes of player markers and name labels, needed for planning labels and for drawing.

use super::text::{TextStyle, Weight};

/// The zoom in design units per map unit at which markers have their full size…
const FULL_ZOOM: f32 = 0.6;
/// … and their smallest size, as a share of it.
const SMALLEST: f32 = 0.66;
/// Smallest size of a name: readable in a picture 360 pixels high.
const NAME: f32 = 21.0;
/// From the edges of a label to its text: left, with the stripe of the side, and both together.
pub const LABEL_LEFT: f32 = 13.0;
/// Width of a label beyond its text.
pub const LABEL_EXTRA: f32 = 22.0;
/// Width of a kill mark on the followed player's label.
pub const PIP: f32 = 27.0;

/// Share of their full size that markers have at a zoom.
pub fn marker_scale(zoom: f32) -> f32 {
    (zoom / FULL_ZOOM).clamp(SMALLEST, 1.0)
}

/// Radius of a player's marker at a zoom.
pub fn marker_radius(followed: bool, zoom: f32) -> f32 {
    if followed { 25.0 * marker_scale(zoom) } else { 20.0 * marker_scale(zoom) }
}

/// Radius of the ring around the followed player at a zoom.
pub fn ring_radius(zoom: f32) -> f32 {
    marker_radius(true, zoom) + 15.0 * marker_scale(zoom)
}

/// Radius of everything that belongs to a marker.
pub fn marker_reach(followed: bool, zoom: f32) -> f32 {
    marker_radius(followed, zoom) + if followed { 17.0 } else { 8.0 }
}

/// Text style of name labels at a zoom.
pub fn label_style(followed: bool, zoom: f32) -> TextStyle {
    let (weight, size) = if followed { (Weight::Extrabold, 28.0) } else { (Weight::Bold, 25.0) };
    TextStyle::new(weight, (size * marker_scale(zoom)).max(NAME).round())
}

/// Height of a name label.
pub fn label_height(style: TextStyle) -> f32 {
    style.size + 12.0
}
