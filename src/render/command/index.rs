//! Reads one demo in a child process under the command contract: `inspect --child`, used by the server and by nodes.
//! The result goes into a file because output lines are limited in length.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::Path;

use super::child::{enter_sandbox, fail};
use super::reader::{Reading, Space};
use super::{EXIT_DONE, INDEX_FILE, UNPACKED_FILE};
use crate::domain::error::{Error, Result};
use crate::os::sandbox::{ResourceLimits, child_memory_bytes};
use crate::render::demo::{PlainDemo, UnpackLimits, index, unpack};

/// Bytes of a demo's index as JSON: 1 MiB. A match takes about 10 KiB.
pub const INDEX_BYTES: u64 = 1 << 20;
/// CPU seconds that indexing or decompressing an uploaded demo may take: it has one thread.
const INDEX_CPU_SECONDS: u64 = 600;

/// Indexes or decompresses `demo` into a file in `workdir`, within `space`. Returns the exit code and reports errors
/// on standard output. The whole process serves this demo: it enters the sandbox first.
pub fn run_reader_child(demo: &Path, workdir: &Path, reading: Reading, space: Space) -> u8 {
    let out = &mut std::io::stdout().lock();
    // The decompressor enforces its own limits with better messages; this is for what bypasses them.
    let file_bytes = space.most_bytes.saturating_add(INDEX_BYTES);
    let limits = ResourceLimits { memory_bytes: child_memory_bytes(), cpu_seconds: INDEX_CPU_SECONDS, file_bytes };
    if let Err(exit) = enter_sandbox(demo, workdir, limits, out) {
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
    let unwritable = |detail: &dyn Display| Error::internal("Could not write the demo's index.", detail);
    let text = serde_json::to_vec(&index(demo.path())?).map_err(|error| unwritable(&error))?;
    fs::write(workdir.join(INDEX_FILE), text).map_err(|error| unwritable(&error))
}

fn write_plain(demo: &Path, workdir: &Path, unpacking: UnpackLimits) -> Result<()> {
    let mut packed = File::open(demo).map_err(|error| Error::internal("Could not read the compressed demo.", error))?;
    unpack(&mut packed, &workdir.join(UNPACKED_FILE), unpacking).map(drop)
}
