//! What keeps a machine from recording, independent of any job.

use std::path::Path;

use super::ending::Fault;
use super::files::{check_game, csgo, ffmpeg, game};
use super::setup::GameSetup;
use super::values::plain;
use super::versions::csdm_archive;
use super::{csdm, hlae};
use crate::domain::node::RendererKind;

/// Sentences for people, each with what to do. None: the machine seems able to record. `dir`: a directory that may be
/// written to. Does not start the game.
pub fn problems(setup: &GameSetup, dir: &Path) -> Vec<String> {
    let installed = game(setup).and_then(|(_, game)| {
        check_game(&game)?;
        plain("The game", &game).map(drop)
    });
    let general = [installed, plain("The work directory", dir).map(drop), ffmpeg(setup).map(drop)];
    let mut found = sentences(general);
    match setup.kind {
        RendererKind::Hlae => found.extend(hlae::problem(setup)),
        RendererKind::Csdm => of_csdm(setup, &mut found),
        RendererKind::Builtin | RendererKind::Command => {}
    }
    found
}

fn of_csdm(setup: &GameSetup, found: &mut Vec<String>) {
    let program = match csdm::program(setup) {
        Ok(program) => program,
        Err(fault) => return found.push(fault.sentence),
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
    found.extend(sentences([csdm::check_game_info(&csgo(game_dir))]));
}

fn sentences<const N: usize>(checked: [Result<(), Fault>; N]) -> Vec<String> {
    checked.into_iter().filter_map(Result::err).map(|fault| fault.sentence).collect()
}
