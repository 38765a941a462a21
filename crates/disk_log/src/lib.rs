//! Records what this process does to the files of a directory: writes, truncations, renames, removals, and when each
//! sync began and ended. For tests that compute what a power cut would have left on the disk.
//!
//! It overrides functions of the C library ([`overrides`]), so it sees SQLite as well as Rust's standard library, and
//! only in a program that calls [`start`]; outside a recording, syncs do nothing there. Linux only; on other systems the crate is empty. Memory maps are not seen:
//! SQLite's only one is its shared-memory file, which means nothing after a power cut and is left out.

#![cfg(target_os = "linux")]

mod overrides;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that happened, in the order in which it did. Paths are relative to the recorded directory.
#[derive(Debug)]
pub enum Event {
    /// A file was seen for the first time under this name. Its number is [`Event::Written::file`] from now on.
    Created {
        /// Its name.
        path: PathBuf,
        /// Its number, from 0 on.
        file: usize,
    },
    /// A file has a new name, which may have been another's.
    Renamed {
        /// Its name until now.
        from: PathBuf,
        /// Its name from now on.
        to: PathBuf,
    },
    /// A name was removed.
    Removed {
        /// The name.
        path: PathBuf,
    },
    /// Bytes were written.
    Written {
        /// The file's number.
        file: usize,
        /// Offset of the first byte.
        at: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// The thread's number, from the kernel.
        thread: i32,
    },
    /// A file was cut or extended to this many bytes.
    Truncated {
        /// The file's number.
        file: usize,
        /// Its new length.
        length: u64,
    },
    /// A sync began: only what was written before is durable when it ends.
    SyncBegan {
        /// The sync's number, from 0 on.
        sync: usize,
        /// What is synced.
        target: Target,
        /// The thread's number, from the kernel.
        thread: i32,
    },
    /// A sync succeeded.
    SyncEnded {
        /// The sync's number.
        sync: usize,
    },
    /// The test's own note, see [`note`].
    Note(usize),
}

/// What a sync makes durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The content of the file with this number.
    File(usize),
    /// The names in this directory.
    Directory(PathBuf),
}

/// Whether anything is recorded at present.
static IS_RECORDING: AtomicBool = AtomicBool::new(false);
/// The recording.
static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);

struct Recording {
    root: PathBuf,
    names: HashMap<PathBuf, usize>,
    files: usize,
    syncs: usize,
    events: Vec<Event>,
}

/// Begins to record a directory, by its absolute path without symbolic links. What is in it already is not recorded, so
/// it should be empty. There is one recording at a time: another one is replaced.
pub fn start(root: &Path) {
    overrides::link();
    let root = root.to_owned();
    *recording() = Some(Recording { root, names: HashMap::new(), files: 0, syncs: 0, events: Vec::new() });
    IS_RECORDING.store(true, Ordering::SeqCst);
}

/// Adds a note of the test, such as the number of an acknowledgement.
pub fn note(number: usize) {
    if let Some(recording) = &mut *recording() {
        recording.events.push(Event::Note(number));
    }
}

/// Ends the recording and returns it.
pub fn stop() -> Vec<Event> {
    IS_RECORDING.store(false, Ordering::SeqCst);
    recording().take().map(|recording| recording.events).unwrap_or_default()
}

fn recording() -> MutexGuard<'static, Option<Recording>> {
    RECORDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds what happened to this absolute path, unless it is elsewhere.
fn record<T>(path: &Path, add: impl FnOnce(&mut Recording, PathBuf) -> T) -> Option<T> {
    let mut recording = recording();
    let recording = recording.as_mut()?;
    let name = path.strip_prefix(&recording.root).ok()?.to_owned();
    let text = name.to_string_lossy();
    // SQLite's shared memory, and what has no name any more.
    if text.ends_with("-shm") || text.ends_with(" (deleted)") {
        return None;
    }
    Some(add(recording, name))
}

impl Recording {
    /// The number of the file with this name.
    fn file(&mut self, path: PathBuf) -> usize {
        if let Some(file) = self.names.get(&path) {
            return *file;
        }
        let file = self.files;
        self.files += 1;
        self.names.insert(path.clone(), file);
        self.events.push(Event::Created { path, file });
        file
    }
}

fn written(path: &Path, at: u64, bytes: &[u8], thread: i32) {
    record(path, |recording, path| {
        let file = recording.file(path);
        recording.events.push(Event::Written { file, at, bytes: bytes.to_vec(), thread });
    });
}

fn truncated(path: &Path, length: u64) {
    record(path, |recording, path| {
        let file = recording.file(path);
        recording.events.push(Event::Truncated { file, length });
    });
}

/// The number of the new sync; `None` if it is elsewhere.
fn sync_began(path: &Path, thread: i32) -> Option<usize> {
    record(path, |recording, path| {
        let target = recording.names.get(&path).map_or(Target::Directory(path), |file| Target::File(*file));
        let sync = recording.syncs;
        recording.syncs += 1;
        recording.events.push(Event::SyncBegan { sync, target, thread });
        sync
    })
}

fn sync_ended(sync: usize) {
    if let Some(recording) = &mut *recording() {
        recording.events.push(Event::SyncEnded { sync });
    }
}

/// Both names are in the recorded directory.
fn renamed(from: &Path, to: &Path) {
    record(from, |recording, from| {
        let to = to.strip_prefix(&recording.root).map(Path::to_owned).unwrap_or_default();
        if let Some(file) = recording.names.remove(&from) {
            recording.names.insert(to.clone(), file);
            recording.events.push(Event::Renamed { from, to });
        }
    });
}

fn removed(path: &Path) {
    record(path, |recording, path| {
        if recording.names.remove(&path).is_some() {
            recording.events.push(Event::Removed { path });
        }
    });
}
