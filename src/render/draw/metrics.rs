//! Sizes of player markers and their name labels. The label planner reserves this room before the world is drawn.

use super::text::{TextStyle, Weight};

/// Units between a name and the edge of its plate.
pub const LABEL_PADDING: f32 = 6.5;

/// Radius of a player's disc.
pub fn disc_radius(followed: bool) -> f32 {
    if followed { 14.0 } else { 11.5 }
}

/// How names on the map are written.
pub fn label_style(followed: bool) -> TextStyle {
    TextStyle::new(Weight::Bold, if followed { 17.0 } else { 14.5 }).middle()
}

/// Height of a name's plate.
pub fn label_height(style: TextStyle) -> f32 {
    style.size + 6.5
}
