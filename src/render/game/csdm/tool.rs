//! CS Demo Manager's command line: how it is called, and whether it is new enough.

use std::ffi::OsString;
use std::path::Path;

use crate::render::game::versions::{OLDEST_CSDM, csdm_script, csdm_version};

/// Its program is Electron, which would open a window without this variable.
pub const AS_NODE: (&str, &str) = ("ELECTRON_RUN_AS_NODE", "1");

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
