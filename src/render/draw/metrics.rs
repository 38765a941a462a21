//! Sizes of player markers and name labels, needed for planning labels and for drawing.

use super::text::{TextStyle, Weight};

/// Padding between a name and the edge of its label.
pub const LABEL_PADDING: f32 = 6.5;

/// Radius of a player's marker.
pub fn disc_radius(followed: bool) -> f32 {
    if followed { 14.0 } else { 11.5 }
}

/// Text style of name labels.
pub fn label_style(followed: bool) -> TextStyle {
    TextStyle::new(Weight::Bold, if followed { 17.0 } else { 14.5 }).middle()
}

/// Height of a name label.
pub fn label_height(style: TextStyle) -> f32 {
    style.size + 6.5
}
