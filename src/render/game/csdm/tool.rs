//! CS Demo Manager's command line: how it is called, and whether it is new enough.

use std::ffi::OsString;
use std::path::Path;

use crate::render::game::ending::Fault;
use crate::render::game::leftovers::game_info_is_writable;
use crate::render::game::setup::GameSetup;
use crate::render::game::versions::{OLDEST_CSDM, csdm_script, csdm_version};

/// The program of a setup.
pub fn program(setup: &GameSetup) -> Result<&Path, Fault> {
    let sentence = "CS Demo Manager is not set. Set csdm in the [renderer] table to cs-demo-manager.exe.";
    setup.csdm.as_deref().ok_or_else(|| Fault::not_ready(sentence))
}

/// Fails if it cannot install its plugin, which it would not say.
pub fn check_game_info(csgo: &Path) -> Result<(), Fault> {
    game_info_is_writable(csgo).map_err(|error| {
        let info = csgo.join("gameinfo.gi");
        Fault::not_ready(format!("CS Demo Manager must write to {}: {error}. Fix its permissions.", info.display()))
    })
}

/// Its arguments: the script, then the words.
pub fn args<const N: usize>(program: &Path, words: [OsString; N]) -> Vec<OsString> {
    std::iter::once(csdm_script(program).into()).chain(words).collect()
}

/// What is wrong with its version, for people.
pub fn version_problem(program: &Path) -> Option<String> {
    let fix = format!("Install version {OLDEST_CSDM} or later.");
    match csdm_version(program) {
        Err(error) => Some(format!("CS Demo Manager does not say its version: {error}. {fix}")),
        Ok(version) if version < OLDEST_CSDM => Some(format!("CS Demo Manager {version} is too old. {fix}")),
        Ok(_) => None,
    }
}
