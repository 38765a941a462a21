//! Where a preset finds and puts things: below the game's directory and below the work directory.

use std::path::{Path, PathBuf};

use super::ending::Fault;
use super::setup::GameSetup;
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
        let (Some(dir), Some(game)) = (&setup.game_dir, setup.game_program()) else {
            return Err(Fault::not_ready("The game's directory is not set. Set game_dir in the [renderer] table."));
        };
        let own = job.workdir.join(OWN);
        Ok(Self { game, csgo: csgo(dir), record: own.join("record"), script: own.join("pov.js"), own })
    }

    /// Fails if the game is not installed.
    pub fn check(&self) -> Result<(), Fault> {
        if self.game.is_file() {
            return Ok(());
        }
        let shown = self.game.display();
        Err(Fault::not_ready(format!("The game is not installed: there is no {shown}. Check game_dir.")))
    }

    /// The game's log, which `-condebug` creates.
    pub fn console_log(&self) -> PathBuf {
        self.csgo.join("console.log")
    }
}

/// The game's directory of content.
pub fn csgo(game_dir: &Path) -> PathBuf {
    game_dir.join("game").join("csgo")
}
