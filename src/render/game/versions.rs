//! Versions of the game and its tools on this machine.

use std::fmt;
use std::path::Path;

use super::setup::GameSetup;
use crate::domain::game_build::parse_patch_version;

/// What a machine renders the game with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builds {
    /// Build of the game.
    pub game: Option<u32>,
    /// Names and versions of the tools that drive it.
    pub tools: Vec<(String, String)>,
}

impl Builds {
    /// The tools, for people: `HLAE 2.191.0, ffmpeg 7.1`.
    pub fn tools_in_words(&self) -> String {
        self.tools.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }
}

/// In one line: `game build 14152, HLAE 2.191.0`.
impl fmt::Display for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.game {
            Some(build) => write!(f, "game build {build}")?,
            None => f.write_str("an unknown game build")?,
        }
        if !self.tools.is_empty() {
            write!(f, ", {}", self.tools_in_words())?;
        }
        Ok(())
    }
}

/// Reads the versions of everything that renders the game.
pub fn builds(setup: &GameSetup) -> Builds {
    Builds { game: setup.game_dir.as_deref().and_then(game_build), tools: Vec::new() }
}

/// Build of the game in a directory.
pub fn game_build(game_dir: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(game_dir.join("game/csgo/steam.inf")).ok()?;
    text.lines().find_map(|line| parse_patch_version(line.strip_prefix("PatchVersion=")?))
}
