//! A fake disk: its free space is a total set by the test minus the files in the data directory's large folders.

use dinkem_appliance::os::room::{DISK_RESERVE_BYTES, Room};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The folders whose files count. The store is left out so that expected numbers stay simple.
const BULKY: [&str; 4] = ["demos", "clips", "indexing", "backup"];

/// Total bytes, used or not. Clones share the disk.
#[derive(Clone)]
pub struct FakeDisk(Arc<AtomicU64>);

impl FakeDisk {
    pub fn with(bytes_above_reserve: u64) -> Self {
        Self(Arc::new(AtomicU64::new(DISK_RESERVE_BYTES + bytes_above_reserve)))
    }

    /// Sets the total above the reserve.
    pub fn resize(&self, bytes_above_reserve: u64) {
        self.0.store(DISK_RESERVE_BYTES + bytes_above_reserve, Ordering::SeqCst);
    }

    /// Sets the total, without the reserve.
    pub fn fill_to(&self, bytes: u64) {
        self.0.store(bytes, Ordering::SeqCst);
    }

    /// The disk as seen by an appliance in `data`.
    pub fn room(&self, data: &Path) -> Arc<Room> {
        let (all, data) = (Arc::clone(&self.0), data.to_owned());
        Room::new(DISK_RESERVE_BYTES, move || Some(all.load(Ordering::SeqCst).saturating_sub(used_bytes(&data))))
    }
}

/// Bytes of all files in the large folders.
pub fn used_bytes(data: &Path) -> u64 {
    files(data).iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
}

/// All files in the large folders.
pub fn files(data: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = BULKY.iter().map(|name| data.join(name)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
