//! Options that select a clip and its settings, shared by `submit`, `render` and `quickstart`.

use clap::Args;

use crate::domain::camera::CameraMode;
use crate::domain::error::{Error, Result};
use crate::domain::job::{self, Commands, JobSpec, Renderer};
use crate::domain::player::PlayerRef;

/// Frame rate, resolution and console overrides.
#[derive(Clone, Debug, Args)]
pub struct LookArgs {
    /// Frames per second: 30 or 60
    #[arg(long, value_name = "FPS", default_value_t = JobSpec::DEFAULT_FPS, value_parser = fps)]
    pub fps: u32,
    /// Picture height in lines: 1080 or 1440
    #[arg(long, value_name = "LINES", default_value_t = JobSpec::DEFAULT_RESOLUTION, value_parser = resolution)]
    pub resolution: u32,
    /// Console override: spec_show_xray=0|1 or cl_draw_only_deathnotices=0|1; with `render` also camera=follow|map, what
    /// is shown of the map; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = Override::parse)]
    pub overrides: Vec<Override>,
}

impl LookArgs {
    /// Width in pixels at 16:9.
    pub fn width(&self) -> u32 {
        self.resolution / 9 * 16
    }

    /// The overrides, with the API's defaults; the last one of the same name wins.
    pub fn commands(&self) -> Commands {
        let mut commands = Commands::default();
        for given in &self.overrides {
            match given {
                Override::ShowXray(on) => commands.spec_show_xray = *on,
                Override::OnlyDeathnotices(on) => commands.cl_draw_only_deathnotices = *on,
                Override::Camera(_) => {}
            }
        }
        commands
    }

    /// The camera, if it was chosen; the last choice wins.
    pub fn camera(&self) -> Option<CameraMode> {
        self.overrides.iter().rev().find_map(|given| match given {
            Override::Camera(mode) => Some(*mode),
            _ => None,
        })
    }
}

/// One `--set NAME=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// `spec_show_xray`.
    ShowXray(bool),
    /// `cl_draw_only_deathnotices`.
    OnlyDeathnotices(bool),
    /// `camera`, which is ours.
    Camera(CameraMode),
}

impl Override {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it must look like NAME=VALUE")?;
        let on = || match value {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err("the value must be 0 or 1".to_owned()),
        };
        match name {
            "spec_show_xray" => on().map(Self::ShowXray),
            "cl_draw_only_deathnotices" => on().map(Self::OnlyDeathnotices),
            "camera" => camera(value).map(Self::Camera),
            _ => Err("the names are spec_show_xray, cl_draw_only_deathnotices and camera".to_owned()),
        }
    }
}

/// Parses `--renderer` and `--default-renderer`.
pub fn renderer(text: &str) -> Result<Renderer, String> {
    Renderer::parse(text).ok_or_else(|| "it must be builtin or game".to_owned())
}

/// Parses `camera=…` and `--camera`.
pub fn camera(text: &str) -> Result<CameraMode, String> {
    CameraMode::parse(text).ok_or_else(|| "it must be follow or map".to_owned())
}

/// Parses `--player`.
pub fn player(text: &str) -> Result<PlayerRef> {
    PlayerRef::parse(text)
}

/// Parses `--round`.
pub fn round(text: &str) -> Result<u32> {
    whole(text).and_then(job::check_round)
}

/// Parses `--fps`.
pub fn fps(text: &str) -> Result<u32> {
    whole(text).and_then(job::check_fps)
}

/// Parses `--resolution`.
pub fn resolution(text: &str) -> Result<u32> {
    whole(text).and_then(job::check_resolution)
}

fn whole(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::invalid("value", "it must be a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_is_a_known_name_with_one_of_its_values() {
        let cases = [
            ("spec_show_xray=1", Some(Override::ShowXray(true))),
            ("cl_draw_only_deathnotices=0", Some(Override::OnlyDeathnotices(false))),
            ("camera=map", Some(Override::Camera(CameraMode::Map))),
            ("camera=1", None),
            ("spec_show_xray=2", None),
            ("spec_show_xray", None),
            ("sv_cheats=1", None),
            ("=", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Override::parse(text).ok(), expected, "{text}");
        }
    }
}
