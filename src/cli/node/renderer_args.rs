//! What a node renders with: `--renderer` and the flags that begin with it, which are the table `[renderer]` of the file.

use std::path::PathBuf;

use clap::ArgAction;

use crate::cli::wrong_usage;
use crate::domain::error::Result;
use crate::domain::job::{RESOLUTIONS, SteamId, check_resolution};
use crate::domain::node::RendererKind;
use crate::node::renderers::Renderers;
use crate::render::game::GameSetup;
use crate::render::game::setup::FFMPEG;

/// What the node renders with.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Renderer options")]
pub struct RendererArgs {
    /// Renderer: builtin, the tactical replay; or the game through hlae, csdm or command, a program of your own. A node
    /// can have builtin and one for the game
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_value = "builtin", value_parser = kind)]
    renderer: Vec<RendererKind>,
    /// Program of the renderer `command` [default: none]
    #[arg(long, value_name = "FILE")]
    renderer_program: Option<String>,
    /// Argument of the program; may be repeated. Placeholders: {job_json} {demo} {steam64} {slot} {start_tick} {end_tick}
    /// {seconds} {fps} {width} {height} {xray} {deathnotices} {out} {workdir} [default: none]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    renderer_args: Vec<String>,
    /// Directory of the game, .../steamapps/common/Counter-Strike Global Offensive [default: none]
    #[arg(long, value_name = "DIR")]
    renderer_game_dir: Option<PathBuf>,
    /// HLAE.exe [default: none]
    #[arg(long, value_name = "FILE")]
    renderer_hlae: Option<PathBuf>,
    /// Program of CS Demo Manager [default: none]
    #[arg(long, value_name = "FILE")]
    renderer_csdm: Option<PathBuf>,
    /// ffmpeg, which looks at every clip for black or frozen pictures before it is delivered, if it is installed
    #[arg(long, value_name = "FILE", default_value = FFMPEG)]
    renderer_ffmpeg: String,
    /// Steam ID of the account logged in on this machine: demos in which it plays go to other nodes
    /// [default: none]
    #[arg(long, value_name = "ID", value_parser = steam_id)]
    renderer_steam_id: Option<SteamId>,
    /// Deliver a clip of the game only if it is proven that it shows the player
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    renderer_require_pov: bool,
    /// Whether clips of the game must have sound [default: yes with hlae and csdm, either way with command]
    #[arg(long, value_name = "BOOL")]
    renderer_audio: Option<bool>,
    /// Demo to try the game with after each of its updates [default: that of the last good clip]
    #[arg(long, value_name = "FILE")]
    renderer_canary: Option<PathBuf>,
    /// Picture heights that this node renders
    #[arg(long, value_name = "LINES", value_delimiter = ',', default_values_t = RESOLUTIONS, value_parser = resolution)]
    renderer_resolutions: Vec<u32>,
}

impl RendererArgs {
    /// The renderers, if they are complete.
    pub fn renderers(&self) -> Result<Renderers> {
        let game: Vec<RendererKind> =
            self.renderer.iter().copied().filter(|kind| *kind != RendererKind::Builtin).collect();
        let setup = match game[..] {
            [] => None,
            [kind] => Some(self.setup(kind)?),
            _ => return Err(wrong_usage("A node can render with one of hlae, csdm and command, not with several.")),
        };
        let builtin = self.renderer.contains(&RendererKind::Builtin);
        Ok(Renderers {
            builtin,
            game: setup,
            canary: self.renderer_canary.clone(),
            resolutions: self.renderer_resolutions.clone(),
            ffmpeg: self.renderer_ffmpeg.clone(),
        })
    }

    fn setup(&self, kind: RendererKind) -> Result<GameSetup> {
        let missing = |flag: &str, what: &str| {
            wrong_usage(format!(
                "The renderer {} needs {what}: --renderer-{flag}, or {} in the table [renderer] of the config file. \
                 `dinkem-appliance node init` writes one.",
                kind.as_str(),
                flag.replace('-', "_")
            ))
        };
        match kind {
            RendererKind::Command if self.renderer_program.is_none() => return Err(missing("program", "a program")),
            RendererKind::Hlae if self.renderer_hlae.is_none() => return Err(missing("hlae", "HLAE.exe")),
            RendererKind::Csdm if self.renderer_csdm.is_none() => return Err(missing("csdm", "CS Demo Manager")),
            RendererKind::Hlae | RendererKind::Csdm if self.renderer_game_dir.is_none() => {
                return Err(missing("game-dir", "the game's directory"));
            }
            _ => {}
        }
        Ok(GameSetup {
            kind,
            program: self.renderer_program.clone(),
            args: self.renderer_args.clone(),
            game_dir: self.renderer_game_dir.clone(),
            hlae: self.renderer_hlae.clone(),
            csdm: self.renderer_csdm.clone(),
            ffmpeg: self.renderer_ffmpeg.clone(),
            steam_id: self.renderer_steam_id.map(SteamId::get),
            require_pov: self.renderer_require_pov,
            audio: self.renderer_audio.or((kind != RendererKind::Command).then_some(true)),
        })
    }
}

/// Parses `--renderer`.
pub fn kind(text: &str) -> Result<RendererKind, String> {
    RendererKind::parse(text).ok_or_else(|| {
        let kinds: Vec<_> = RendererKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("it must be {}", kinds.join(" or "))
    })
}

fn resolution(text: &str) -> Result<u32, String> {
    let lines = text.parse().ok().and_then(|lines| check_resolution(lines).ok());
    lines.ok_or_else(|| "it must be 1080 or 1440".to_owned())
}

fn steam_id(text: &str) -> Result<SteamId> {
    SteamId::parse(text, "The Steam ID")
}
