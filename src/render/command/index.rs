//! Says what is in a demo as a program under the contract: what a server's `inspect` children do. The answer goes into a
//! file, because a line has a limit and an index has another.

use std::fs;
use std::path::Path;

use super::child::{fail, limit_own};
use super::{EXIT_DONE, INDEX_FILE};
use crate::domain::error::{Error, Result};
use crate::render::demo::{PlainDemo, UnpackLimits, index};

/// Writes what is in `demo` to [`INDEX_FILE`] in `workdir`, where a packed demo is unpacked, too. Returns the exit code;
/// an error is told on standard output. The process is the demo's own: its memory is limited.
/// `room`: bytes that may be written there, where the server says.
pub fn run_index_child(demo: &Path, workdir: &Path, room: Option<u64>) -> u8 {
    let out = &mut std::io::stdout().lock();
    if let Err(exit) = limit_own(out) {
        return exit;
    }
    match write_index(demo, workdir, room) {
        Ok(()) => EXIT_DONE,
        Err(error) => fail(&error, out),
    }
}

fn write_index(demo: &Path, workdir: &Path, room: Option<u64>) -> Result<()> {
    let default = UnpackLimits::default();
    let limits = UnpackLimits { room: room.unwrap_or(default.room), ..default };
    let demo = PlainDemo::open_within(demo, Some(workdir), limits)?;
    let unwritable = |detail: &dyn std::fmt::Display| Error::internal("The demo's index could not be written.", detail);
    let text = serde_json::to_vec(&index(demo.path())?).map_err(|error| unwritable(&error))?;
    fs::write(workdir.join(INDEX_FILE), text).map_err(|error| unwritable(&error))
}
