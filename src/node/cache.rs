//! Cache of unpacked demos, keyed by the SHA-256 of the fetched file: ten clips of one match fetch its demo once.
//!
//! The cache starts empty: files that a crash left behind are not trusted. Demos in use are never evicted; of the
//! others, the least recently used goes first.

use crate::domain::epoch::LeaseName;
use crate::os::files;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

/// Bytes of demos in a node's cache: 20 GiB.
pub const NODE_CACHE_BYTES: u64 = 20 << 30;
/// URLs whose content hash a node remembers.
const NODE_REMEMBERED_URLS: usize = 1_024;

/// The cache that all slots of a node share.
#[derive(Debug)]
pub struct DemoCache {
    dir: PathBuf,
    most_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    demos: HashMap<String, Demo>,
    urls: HashMap<String, Remembered>,
    /// Incremented on every use, so the least recently used demo has the smallest value.
    uses: u64,
}

#[derive(Debug)]
struct Demo {
    bytes: u64,
    used: u64,
    holders: u32,
}

/// What a URL returned when it was last fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Of the file as fetched, before unpacking.
    pub sha256: String,
}

/// A cached demo in use.
#[derive(Debug)]
pub struct HeldDemo<'a> {
    cache: &'a DemoCache,
    /// Lower-case hexadecimal SHA-256 of the file as fetched.
    pub sha256: String,
}

impl HeldDemo<'_> {
    /// The unpacked demo.
    pub fn path(&self) -> PathBuf {
        self.cache.file(&self.sha256)
    }
}

impl Drop for HeldDemo<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        if let Some(demo) = state.demos.get_mut(&self.sha256) {
            demo.holders -= 1;
        }
    }
}

impl DemoCache {
    /// An empty cache; removes everything in the directory.
    pub fn new(dir: &Path, most_bytes: u64) -> io::Result<Self> {
        files::empty_dir(dir)?;
        Ok(Self { dir: dir.to_owned(), most_bytes, state: Mutex::default() })
    }

    pub fn get(&self, sha256: &str) -> Option<HeldDemo<'_>> {
        let mut state = self.lock();
        state.uses += 1;
        let used = state.uses;
        let demo = state.demos.get_mut(sha256)?;
        demo.used = used;
        demo.holders += 1;
        Some(HeldDemo { cache: self, sha256: sha256.to_owned() })
    }

    /// Where to fetch a demo to before [`Self::put`]; `label` keeps concurrent fetches apart.
    pub fn part(&self, label: LeaseName) -> PathBuf {
        self.dir.join(format!("{label}.part"))
    }

    /// The directory to unpack a fetched demo in.
    pub fn unpacking(&self, label: LeaseName) -> PathBuf {
        self.dir.join(format!("{label}.unpacking"))
    }

    /// Moves the unpacked demo at `part` into the cache. If another slot has added the same demo meanwhile, that one is
    /// kept.
    pub fn put(&self, sha256: &str, part: &Path, bytes: u64) -> io::Result<HeldDemo<'_>> {
        if let Some(held) = self.get(sha256) {
            fs::remove_file(part)?;
            return Ok(held);
        }
        self.shrink(self.most_bytes.saturating_sub(bytes));
        let mut state = self.lock();
        fs::rename(part, self.file(sha256))?;
        state.uses += 1;
        let used = state.uses;
        state.demos.entry(sha256.to_owned()).or_insert(Demo { bytes, used, holders: 0 }).holders += 1;
        Ok(HeldDemo { cache: self, sha256: sha256.to_owned() })
    }

    /// Evicts unused demos, least recently used first, until at most `to_bytes` are left.
    pub fn shrink(&self, to_bytes: u64) {
        let mut state = self.lock();
        let mut left: u64 = state.demos.values().map(|demo| demo.bytes).sum();
        while left > to_bytes {
            let unused = state.demos.iter().filter(|(_, demo)| demo.holders == 0);
            let Some(oldest) = unused.min_by_key(|(_, demo)| demo.used).map(|(sha256, _)| sha256.clone()) else {
                return;
            };
            if let Err(error) = fs::remove_file(self.file(&oldest)) {
                log::warn!("Cannot remove a cached demo: {error}");
            }
            left -= state.demos.remove(&oldest).map_or(0, |demo| demo.bytes);
        }
    }

    /// What this URL last returned, if that demo is still cached.
    pub fn remembered(&self, url: &str) -> Option<Remembered> {
        let state = self.lock();
        state.urls.get(url).filter(|remembered| state.demos.contains_key(&remembered.sha256)).cloned()
    }

    pub fn remember(&self, url: &str, holds: Remembered) {
        let mut state = self.lock();
        if state.urls.len() >= NODE_REMEMBERED_URLS {
            state.urls.clear();
        }
        state.urls.insert(url.to_owned(), holds);
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.dir.join(format!("{sha256}.dem"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch {
        dir: tempfile::TempDir,
        cache: DemoCache,
    }

    fn scratch(most_bytes: u64) -> Scratch {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("left.part"), "over").unwrap();
        let cache = DemoCache::new(dir.path(), most_bytes).unwrap();
        Scratch { dir, cache }
    }

    impl Scratch {
        fn put(&self, sha256: &str, bytes: u64) -> HeldDemo<'_> {
            let part = self.cache.part(LeaseName::parse("7").unwrap());
            fs::write(&part, sha256).unwrap();
            self.cache.put(sha256, &part, bytes).unwrap()
        }

        fn files(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn least_recently_used_demo_is_evicted_first_and_demos_in_use_never() {
        let scratch = scratch(100);
        assert!(scratch.files().is_empty(), "leftovers are removed");
        let a = scratch.put("a", 60);
        drop(scratch.put("b", 30));
        drop(scratch.put("c", 10));
        drop(scratch.cache.get("b").unwrap());
        drop(scratch.put("d", 10));
        assert_eq!(scratch.files(), ["a.dem", "b.dem", "d.dem"]);
        drop(scratch.put("e", 90));
        assert_eq!(scratch.files(), ["a.dem", "e.dem"], "a demo in use stays even when the cache exceeds its limit");
        drop(a);
        drop(scratch.put("f", 90));
        assert_eq!(scratch.files(), ["f.dem"]);
    }

    #[test]
    fn same_content_fetched_twice_is_stored_once() {
        let scratch = scratch(100);
        let (first, second) = (scratch.put("a", 1), scratch.put("a", 1));
        assert_eq!(first.path(), second.path());
        drop(first);
        scratch.cache.shrink(0);
        assert_eq!(scratch.files(), ["a.dem"]);
        drop(second);
        scratch.cache.shrink(0);
        assert!(scratch.files().is_empty());
        assert!(scratch.cache.get("a").is_none());
    }

    #[test]
    fn url_is_forgotten_when_its_demo_is_evicted() {
        let scratch = scratch(100);
        let holds = Remembered { etag: Some("\"1\"".into()), last_modified: None, sha256: "a".into() };
        scratch.cache.remember("http://x/a.dem", holds.clone());
        assert_eq!(scratch.cache.remembered("http://x/a.dem"), None);
        drop(scratch.put("a", 1));
        assert_eq!(scratch.cache.remembered("http://x/a.dem"), Some(holds));
        assert_eq!(scratch.cache.remembered("http://x/b.dem"), None);
        scratch.cache.shrink(0);
        assert_eq!(scratch.cache.remembered("http://x/a.dem"), None);
    }
}
