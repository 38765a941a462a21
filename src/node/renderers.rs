//! What a node renders with.

use std::path::PathBuf;

use crate::domain::job::RESOLUTIONS;
use crate::render::game::GameSetup;
use crate::render::game::setup::FFMPEG;

/// The renderers of a node: the built-in one, the game, or both.
#[derive(Clone, Debug)]
pub struct Renderers {
    /// Whether it renders with the built-in renderer.
    pub builtin: bool,
    /// How it reaches the game, if it does.
    pub game: Option<GameSetup>,
    /// The demo to try the game with after an update; `None`: that of the last good clip.
    pub canary: Option<PathBuf>,
    /// Picture heights that it renders.
    pub resolutions: Vec<u32>,
    /// ffmpeg, which looks at every clip before it is delivered, by path or by a name in the search path.
    pub ffmpeg: String,
}

impl Renderers {
    /// Only the built-in renderer.
    pub fn builtin() -> Self {
        Self { builtin: true, game: None, canary: None, resolutions: RESOLUTIONS.to_vec(), ffmpeg: FFMPEG.to_owned() }
    }
}
