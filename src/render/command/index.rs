//! Reads one demo as a program under the contract: what a server's and a node's `inspect --child` do. What it has to say
//! goes into a file, because a line has a limit and an index has another.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::Path;

use super::child::{fail, shut_in};
use super::reader::{Reading, Space};
use super::{EXIT_DONE, INDEX_FILE, UNPACKED_FILE};
use crate::domain::error::{Error, Result};
use crate::domain::limits;
use crate::os::sandbox::{Room, child_memory_bytes};
use crate::render::demo::{PlainDemo, UnpackLimits, index, unpack};

/// Writes what is in `demo`, or the plain demo itself, to its file in `workdir`, where it is unpacked within
/// `space`. Returns the exit code; an error is told on standard output. The process is the demo's own: it is shut in.
pub fn run_reader_child(demo: &Path, workdir: &Path, reading: Reading, space: Space) -> u8 {
    let out = &mut std::io::stdout().lock();
    // The unpacking itself says it more kindly: the kernel's limit is for what gets around it.
    let file_bytes = space.most_bytes.saturating_add(limits::INDEX_BYTES);
    let room = Room { memory_bytes: child_memory_bytes(), cpu_seconds: limits::INDEX_CPU_SECONDS, file_bytes };
    if let Err(exit) = shut_in(demo, workdir, room, out) {
        return exit;
    }
    let unpacking = UnpackLimits { bytes: space.most_bytes, room: space.room, ..UnpackLimits::default() };
    let done = match reading {
        Reading::Index => write_index(demo, workdir, unpacking),
        Reading::Unpack => write_plain(demo, workdir, unpacking),
    };
    match done {
        Ok(()) => EXIT_DONE,
        Err(error) => fail(&error, out),
    }
}

fn write_index(demo: &Path, workdir: &Path, unpacking: UnpackLimits) -> Result<()> {
    let demo = PlainDemo::open_within(demo, Some(workdir), unpacking)?;
    let unwritable = |detail: &dyn Display| Error::internal("The demo's index could not be written.", detail);
    let text = serde_json::to_vec(&index(demo.path())?).map_err(|error| unwritable(&error))?;
    fs::write(workdir.join(INDEX_FILE), text).map_err(|error| unwritable(&error))
}

fn write_plain(demo: &Path, workdir: &Path, unpacking: UnpackLimits) -> Result<()> {
    let mut packed = File::open(demo).map_err(|error| Error::internal("The packed demo could not be read.", error))?;
    unpack(&mut packed, &workdir.join(UNPACKED_FILE), unpacking).map(drop)
}
