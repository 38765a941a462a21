//! The output settings of a clip.

use crate::domain::camera::CameraMode;

/// Output settings of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Frames per second.
    pub fps: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether enemies not spotted by the followed player's team are drawn like everyone else.
    pub xray: bool,
    /// Draw only the map, names, and kill feed: no score, cards, or timeline.
    pub deathnotices_only: bool,
    /// What is shown of the map.
    pub camera: CameraMode,
}
