//! Where a preset finds and puts things: below the game's directory and below the work directory.

use std::path::{Path, PathBuf};

use super::ending::Fault;
use super::setup::GameSetup;
use crate::os::programs;
use crate::render::command::contract::JobFile;

/// Folder in the work directory for everything that a preset writes.
const OWN: &str = "game";

/// The paths of one attempt.
#[derive(Clone, Debug)]
pub struct Files {
    /// The game's program.
    pub game: PathBuf,
    /// The game's directory of content, `game/csgo`.
    pub csgo: PathBuf,
    /// Everything that a preset writes. Removed at the end.
    pub own: PathBuf,
    /// What the tool records into.
    pub record: PathBuf,
    /// The filled-in script.
    pub script: PathBuf,
}

impl Files {
    /// Of a job. Fails if the setup names no game.
    pub fn of(job: &JobFile, setup: &GameSetup) -> Result<Self, Fault> {
        let (dir, game) = game(setup)?;
        let own = job.workdir.join(OWN);
        Ok(Self { game, csgo: csgo(dir), record: own.join("record"), script: own.join("pov.js"), own })
    }

    /// Fails if the game is not installed.
    pub fn check(&self) -> Result<(), Fault> {
        check_game(&self.game)
    }

    /// The game's log, which `-condebug` creates.
    pub fn console_log(&self) -> PathBuf {
        self.csgo.join("console.log")
    }
}

/// The game's directory and program.
pub fn game(setup: &GameSetup) -> Result<(&Path, PathBuf), Fault> {
    let sentence = "The game's directory is not set. Set game_dir in the [renderer] table.";
    setup.game_dir.as_deref().zip(setup.game_program()).ok_or_else(|| Fault::not_ready(sentence))
}

/// Fails if the game's program is not there.
pub fn check_game(program: &Path) -> Result<(), Fault> {
    if program.is_file() {
        return Ok(());
    }
    let shown = program.display();
    Err(Fault::not_ready(format!("The game is not installed: there is no {shown}. Check game_dir.")))
}

/// The path of ffmpeg.
pub fn ffmpeg(setup: &GameSetup) -> Result<PathBuf, Fault> {
    let sentence = "ffmpeg is not installed. Install it, or set ffmpeg in the [renderer] table to its path.";
    programs::find(&setup.ffmpeg).ok_or_else(|| Fault::not_ready(sentence))
}

/// The game's directory of content.
pub fn csgo(game_dir: &Path) -> PathBuf {
    game_dir.join("game").join("csgo")
}
