//! How to reach the game on this machine: the `[renderer]` table of the configuration.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::node::RendererKind;

/// ffmpeg's name in the search path.
pub const FFMPEG: &str = "ffmpeg";

/// Where the game and its tools are, and what is asked of its clips.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GameSetup {
    /// `hlae`, `csdm` or `command`.
    #[serde(with = "kind_name")]
    pub kind: RendererKind,
    /// For `command`: the program, by path or by a name in the search path.
    pub program: Option<String>,
    /// For `command`: its arguments, with placeholders.
    pub args: Vec<String>,
    /// The game's directory, `…/steamapps/common/Counter-Strike Global Offensive`.
    pub game_dir: Option<PathBuf>,
    /// For `hlae`: `HLAE.exe`.
    pub hlae: Option<PathBuf>,
    /// For `csdm`: the program of CS Demo Manager, `cs-demo-manager.exe`.
    pub csdm: Option<PathBuf>,
    /// ffmpeg, by path or by a name in the search path.
    pub ffmpeg: String,
    /// The Steam account that is logged in on this machine. A demo in which it plays shows the wrong person here.
    pub steam_id: Option<u64>,
    /// Whether a clip must be proven to show the right player.
    pub require_pov: bool,
    /// Whether clips must have sound. `None`: either way.
    pub audio: Option<bool>,
}

impl GameSetup {
    /// Of this kind, with nothing set and a proof required.
    pub fn new(kind: RendererKind) -> Self {
        Self {
            kind,
            program: None,
            args: Vec::new(),
            game_dir: None,
            hlae: None,
            csdm: None,
            ffmpeg: FFMPEG.to_owned(),
            steam_id: None,
            require_pov: true,
            audio: None,
        }
    }

    /// What a preset needs of it in its job; a program of the studio's gets its arguments instead.
    pub fn for_preset(&self) -> Option<Self> {
        (self.kind != RendererKind::Command).then(|| self.clone())
    }

    /// The game's program below its directory. HLAE drives the one for Windows.
    pub fn game_program(&self) -> Option<PathBuf> {
        let is_windows = self.kind == RendererKind::Hlae || cfg!(windows);
        let relative = if is_windows { "game/bin/win64/cs2.exe" } else { "game/bin/linuxsteamrt64/cs2" };
        Some(self.game_dir.as_deref()?.join(Path::new(relative)))
    }
}

/// A kind by its name.
mod kind_name {
    use super::*;

    pub fn serialize<S: Serializer>(kind: &RendererKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RendererKind, D::Error> {
        RendererKind::parse(&String::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("the kind must be \"hlae\", \"csdm\" or \"command\""))
    }
}
