//! The disk as a power cut leaves it, computed from a recording.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use disk_log::{Event, Target};

use crate::rng::Rng;

/// Bytes that a disk writes completely or not at all.
const SECTOR: usize = 512;

/// What a power cut does with writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// None has reached the disk.
    Lost,
    /// Some have, some have in part.
    Torn,
    /// All have.
    Kept,
}

impl Unsynced {
    pub const ALL: [Self; 3] = [Self::Lost, Self::Torn, Self::Kept];
}

/// A file of the recording: what is durable, and what was written since, with the event's number.
#[derive(Default)]
struct File<'a> {
    durable: Vec<u8>,
    unsynced: Vec<(usize, Change<'a>)>,
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Write(usize, &'a [u8]),
    Truncate(usize),
}

#[derive(Clone, Copy)]
enum Naming<'a> {
    Add(&'a Path, usize),
    Move(&'a Path, &'a Path, usize),
    Remove(&'a Path),
}

impl Naming<'_> {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _) | Self::Move(path, ..) | Self::Remove(path)) = self;
        path.parent().unwrap_or(Path::new(""))
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, file) => _ = names.insert(path.to_owned(), file),
            Self::Remove(path) => _ = names.remove(path),
            Self::Move(from, to, file) => {
                names.remove(from);
                names.insert(to.to_owned(), file);
            }
        }
    }
}

/// A disk that replays a recording, event by event.
#[derive(Default)]
pub struct Disk<'a> {
    files: Vec<File<'a>>,
    /// Durable names.
    names: BTreeMap<PathBuf, usize>,
    /// Names as the program sees them.
    current: HashMap<&'a Path, usize>,
    /// Changes of names that are not synced.
    unsynced: Vec<(usize, Naming<'a>)>,
    /// The event with which each sync began.
    begun: HashMap<usize, (usize, &'a Target)>,
    /// Syncs that have no effect.
    ignored: HashSet<usize>,
}

impl<'a> Disk<'a> {
    /// A disk on which these syncs have no effect.
    pub fn ignoring(ignored: HashSet<usize>) -> Self {
        Self { ignored, ..Self::default() }
    }

    pub fn apply(&mut self, number: usize, event: &'a Event) {
        match event {
            Event::Created { path, file } => {
                assert_eq!(*file, self.files.len());
                self.files.push(File::default());
                self.current.insert(path, *file);
                self.unsynced.push((number, Naming::Add(path, *file)));
            }
            Event::Renamed { from, to } => {
                let file = self.current.remove(from.as_path()).unwrap();
                self.current.insert(to, file);
                self.unsynced.push((number, Naming::Move(from, to, file)));
            }
            Event::Removed { path } => {
                self.current.remove(path.as_path());
                self.unsynced.push((number, Naming::Remove(path)));
            }
            Event::Written { file, at, bytes, .. } => {
                self.files[*file].unsynced.push((number, Change::Write(*at as usize, bytes)));
            }
            Event::Truncated { file, length } => {
                self.files[*file].unsynced.push((number, Change::Truncate(*length as usize)));
            }
            Event::SyncBegan { sync, target, .. } => _ = self.begun.insert(*sync, (number, target)),
            Event::SyncEnded { sync } if self.ignored.contains(sync) => {}
            Event::SyncEnded { sync } => self.synced(self.begun[sync]),
            Event::Note(_) => {}
        }
    }

    /// Only what was written before the sync began is durable.
    fn synced(&mut self, (began, target): (usize, &Target)) {
        match target {
            Target::File(file) => {
                let File { durable, unsynced } = &mut self.files[*file];
                let before = unsynced.iter().take_while(|(number, _)| *number < began).count();
                unsynced.drain(..before).for_each(|(_, change)| change.apply(durable));
            }
            Target::Directory(folder) => {
                let names = &mut self.names;
                self.unsynced.retain(|(number, naming)| {
                    let is_synced = *number < began && naming.folder() == folder;
                    if is_synced {
                        naming.apply(names);
                    }
                    !is_synced
                });
            }
        }
    }

    /// The files that are there after a power cut now.
    pub fn cut(&self, unsynced: Unsynced, rng: &mut Rng) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = self.names.clone();
        for (_, naming) in &self.unsynced {
            if unsynced.reaches_the_disk(rng) {
                naming.apply(&mut names);
            }
        }
        let mut content = |file: usize| {
            let File { durable, unsynced: changes } = &self.files[file];
            let mut content = durable.clone();
            for (_, change) in changes {
                if unsynced.reaches_the_disk(rng) {
                    match unsynced == Unsynced::Torn && rng.below(3) == 0 {
                        true => change.apply_torn(&mut content, rng),
                        false => change.apply(&mut content),
                    }
                }
            }
            content
        };
        names.into_iter().map(|(path, file)| (path, content(file))).collect()
    }
}

impl Unsynced {
    fn reaches_the_disk(self, rng: &mut Rng) -> bool {
        match self {
            Self::Lost => false,
            Self::Torn => rng.below(2) == 0,
            Self::Kept => true,
        }
    }
}

impl Change<'_> {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => put(content, at, bytes),
            Self::Truncate(length) => content.resize(length, 0),
        }
    }

    /// Some of its sectors are written.
    fn apply_torn(self, content: &mut Vec<u8>, rng: &mut Rng) {
        let Self::Write(mut at, mut bytes) = self else { return self.apply(content) };
        while !bytes.is_empty() {
            let (sector, rest) = bytes.split_at(bytes.len().min(SECTOR - at % SECTOR));
            if rng.below(2) == 0 {
                put(content, at, sector);
            }
            at += sector.len();
            bytes = rest;
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    content.resize(content.len().max(end), 0);
    content[at..end].copy_from_slice(bytes);
}
