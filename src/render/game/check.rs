//! What keeps a machine from recording, independent of any job.

use std::path::Path;

use super::files::csgo;
use super::leftovers::game_info_is_writable;
use super::setup::GameSetup;
use super::values::plain;
use super::versions::csdm_archive;
use super::{csdm, hlae};
use crate::domain::node::RendererKind;
use crate::os::programs;

/// Sentences for people, each with what to do. None: the machine seems able to record. `dir`: a directory that may be
/// written to. Does not start the game.
pub fn problems(setup: &GameSetup, dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    match (setup.game_program(), &setup.game_dir) {
        (Some(game), _) if !game.is_file() => {
            found.push(format!("The game is not installed: there is no {}. Check game_dir.", game.display()));
        }
        (Some(game), _) => found.extend(plain("The game", &game).err().map(|fault| fault.sentence)),
        (None, _) => found.push("The game's directory is not set. Set game_dir in the [renderer] table.".to_owned()),
    }
    found.extend(plain("The work directory", dir).err().map(|fault| fault.sentence));
    let ffmpeg = programs::find(&setup.ffmpeg);
    if ffmpeg.is_none() {
        found
            .push("ffmpeg is not installed. Install it, or set ffmpeg in the [renderer] table to its path.".to_owned());
    }
    match setup.kind {
        RendererKind::Hlae => found.extend(hlae::problem(setup)),
        RendererKind::Csdm => of_csdm(setup, &mut found),
        RendererKind::Builtin | RendererKind::Command => {}
    }
    found
}

fn of_csdm(setup: &GameSetup, found: &mut Vec<String>) {
    let Some(program) = &setup.csdm else {
        found.push("CS Demo Manager is not set. Set csdm in the [renderer] table to cs-demo-manager.exe.".to_owned());
        return;
    };
    let archive = csdm_archive(program);
    if archive.exists() {
        found.extend(csdm::version_problem(program));
    } else {
        found.push(format!("CS Demo Manager is incomplete: there is no {}. Install it again.", archive.display()));
    }
    if csdm::user_settings().is_none() {
        found.push("CS Demo Manager has no settings yet. Open it once, as the node's user.".to_owned());
    }
    let Some(game_dir) = &setup.game_dir else { return };
    if let Err(error) = game_info_is_writable(&csgo(game_dir)) {
        let info = csgo(game_dir).join("gameinfo.gi");
        found.push(format!("CS Demo Manager must write to {}: {error}. Fix its permissions.", info.display()));
    }
}
