//! Records the work once, and examines the disk after power cuts at random places of the recording.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use dinkem_appliance::os::files::claim_private_dir;
use dinkem_appliance::store::STORE;
use disk_log::{Event, Target};
use tempfile::TempDir;

use crate::check::{self, Verdict};
use crate::disk::{Disk, Unsynced};
use crate::rng::Rng;
use crate::video::CLIP;
use crate::work::{self, Acknowledged};

/// Power cuts.
pub const CUTS: usize = 250;
/// Seed of the cuts, unless it is set.
const SEED: u64 = 17;
/// The header of a write-ahead log, in bytes.
const LOG_HEADER: usize = 32;
/// The data directory, beside another name of its database.
const DATA: &str = "data";
/// Faults that are printed.
const PRINTED: usize = 10;

/// Which syncs have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncs {
    /// All.
    AsMade,
    /// All but those that SQLite leaves out with `synchronous = NORMAL`: of the log after a commit's frames.
    AsIfNormal,
}

/// The recorded work. Its directory is used again for each cut, as the file of the database must remain the same.
pub struct Recorded {
    root: PathBuf,
    _dir: TempDir,
    events: Vec<Event>,
    acknowledged: Vec<Acknowledged>,
}

/// The outcome of all cuts.
pub struct Survey {
    seed: u64,
    recording: String,
    /// What was lost, a line for each cut that lost something.
    pub lost: Vec<String>,
    /// What was damaged or contradictory, a line for each such cut.
    pub damaged: Vec<String>,
}

impl Survey {
    pub fn print(&self, name: &str) {
        let Self { seed, recording, lost, damaged } = self;
        eprintln!(
            "{name}: {CUTS} power cuts with seed {seed} in {recording}: {} lost acknowledged work, {} damaged the store",
            lost.len(),
            damaged.len()
        );
        for line in damaged.iter().chain(lost).take(PRINTED) {
            eprintln!("  {line}");
        }
    }
}

impl Recorded {
    /// Lets a server work, and records it.
    pub fn new() -> Self {
        // Encoded before, so that the recorded threads do not wait for it.
        assert!(!CLIP.is_empty());
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let data = root.join(DATA);
        claim_private_dir(&data).unwrap();
        disk_log::start(&data);
        let acknowledged = work::work(&data);
        let events = disk_log::stop();
        fs::hard_link(data.join(STORE), root.join(STORE)).unwrap();
        Self { root, _dir: dir, events, acknowledged }
    }

    /// Cuts the power [`CUTS`] times.
    pub fn survey(&self, syncs: Syncs) -> Survey {
        let Self { root, events, acknowledged, .. } = self;
        let seed = std::env::var("POWER_LOSS_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
        let mut rng = Rng::new(seed);
        let mut cuts: Vec<usize> = (0..CUTS).map(|_| rng.below(events.len() + 1)).collect();
        cuts.sort_unstable();
        let left_out = match syncs {
            Syncs::AsMade => HashSet::new(),
            Syncs::AsIfNormal => left_out_by_normal(events),
        };
        let mut survey = Survey { seed, recording: self.summary(), lost: Vec::new(), damaged: Vec::new() };
        let (mut disk, mut applied) = (Disk::ignoring(left_out), 0);
        for (number, cut) in cuts.into_iter().enumerate() {
            for (place, event) in events.iter().enumerate().take(cut).skip(applied) {
                disk.apply(place, event);
            }
            applied = cut;
            let unsynced = Unsynced::ALL[number % Unsynced::ALL.len()];
            let files = disk.cut(unsynced, &mut rng);
            write(root, &files);
            let notes = events[..cut].iter().filter_map(|event| match event {
                Event::Note(number) => Some(acknowledged[*number]),
                _ => None,
            });
            let verdict = check::check(&root.join(DATA), &files, &notes.collect::<Vec<_>>(), acknowledged);
            let place = format!("event {cut}, unsynced writes {unsynced:?}");
            match verdict {
                Verdict::Good => {}
                Verdict::Lost(what) => survey.lost.push(format!("{place}: {what}")),
                Verdict::Damaged(what) => survey.damaged.push(format!("{place}: {what}")),
            }
        }
        survey
    }

    /// What was recorded. The write-ahead log must have been begun again several times, as that is when it is at risk.
    fn summary(&self) -> String {
        let count = |is: fn(&Event) -> bool| self.events.iter().filter(|event| is(event)).count();
        let begun = count(|event| matches!(event, Event::Written { at: 0, bytes, .. } if bytes.len() == LOG_HEADER));
        assert!(begun > work::STARTS, "the log was begun {begun} times");
        format!(
            "{} writes, {} syncs, {begun} beginnings of the log and {} acknowledgements",
            count(|event| matches!(event, Event::Written { .. })),
            count(|event| matches!(event, Event::SyncEnded { .. })),
            self.acknowledged.len()
        )
    }
}

/// The syncs of the log that follow a commit's frames, and not its header; a checkpoint's come from another thread, or
/// without frames before them.
fn left_out_by_normal(events: &[Event]) -> HashSet<usize> {
    let (mut log, mut wrote_frames, mut left_out) = (None, None, HashSet::new());
    for event in events {
        match event {
            Event::Created { path, file } if path == Path::new("store.db-wal") => log = Some(*file),
            Event::Written { file, at, thread, .. } if Some(*file) == log => {
                wrote_frames = (*at >= LOG_HEADER as u64).then_some(*thread);
            }
            Event::SyncBegan { sync, target: Target::File(file), thread }
                if Some(*file) == log && wrote_frames == Some(*thread) =>
            {
                left_out.insert(*sync);
                wrote_frames = None;
            }
            _ => {}
        }
    }
    left_out
}

/// Writes the files, except for clips, which are examined without. The database stays the same file, by which a server
/// recognizes it.
fn write(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let data = dir.join(DATA);
    fs::remove_dir_all(&data).unwrap();
    claim_private_dir(&data).unwrap();
    for (name, content) in files.iter().filter(|(name, _)| !name.starts_with("clips")) {
        let path = data.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if name == Path::new(STORE) {
            fs::hard_link(dir.join(STORE), &path).unwrap();
        }
        fs::write(path, content).unwrap();
    }
}
