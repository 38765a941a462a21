//! Serializes access to a lease's files: a newer request takes over an upload from an older one, `complete` closes all
//! uploads, and so does the end of the lease. Also limits how many videos are checked at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::leases::live::not_live;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{LeaseId, NodeId};
use crate::domain::sha256::Hashing;
use crate::store::leases::LiveLease;

/// Videos checked concurrently before they are published: each check uses one CPU.
pub const COMPLETES: usize = 4;
/// The same limit for one node.
pub const NODE_COMPLETES: usize = 2;

/// The uploads by lease. An entry lives as long as its requests, and between them while it has a hash; it ends with its
/// lease, or with the next [`OpenUploads::sweep`].
#[derive(Default)]
pub struct OpenUploads(Mutex<HashMap<LeaseId, Entry>>);

#[derive(Default)]
struct Entry {
    users: usize,
    files: Arc<Mutex<Files>>,
}

#[derive(Default)]
struct Files {
    state: State,
    /// Number of the newest request for each file.
    video: u64,
    poster: u64,
    /// The hash of the video's file as it is now, if all of it was appended since the server's start.
    hash: Option<Hashing>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Open for writing.
    #[default]
    Open,
    /// Being checked and published.
    Completing,
    /// The lease has ended.
    Over,
}

/// Which file of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The MP4.
    Video,
    /// The JPEG.
    Poster,
}

impl Files {
    fn newest(&mut self, part: Part) -> &mut u64 {
        match part {
            Part::Video => &mut self.video,
            Part::Poster => &mut self.poster,
        }
    }

    fn must_be_open(&self) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            State::Completing => Err(completing()),
            State::Over => Err(not_live(None)),
        }
    }
}

impl OpenUploads {
    /// The lease has ended: in-flight uploads stop.
    pub fn end(&self, lease: LeaseId) {
        let mut entries = self.lock();
        let Some(entry) = entries.get(&lease) else { return };
        let files = Arc::clone(&entry.files);
        if entry.users == 0 {
            entries.remove(&lease);
        }
        drop(entries);
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        (files.state, files.hash) = (State::Over, None);
    }

    /// Drops what is left of leases that ended elsewhere, or while a request ended. A live lease that is missed loses its
    /// hash only: its file is read again.
    pub fn sweep(&self, live: &[LiveLease]) {
        let live: HashSet<LeaseId> = live.iter().map(|lease| lease.id).collect();
        self.lock().retain(|lease, entry| entry.users > 0 || live.contains(lease));
    }

    /// How many leases have in-flight requests.
    pub fn in_flight(&self) -> usize {
        self.lock().values().filter(|entry| entry.users > 0).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a request. The caller checks afterwards that the lease is live: a later end of the lease is seen by what
    /// the returned [`User`] begins, an earlier one by that check.
    pub fn enter(&self, lease: LeaseId) -> User<'_> {
        let mut entries = self.lock();
        let entry = entries.entry(lease).or_default();
        entry.users += 1;
        User { uploads: self, lease, files: Arc::clone(&entry.files) }
    }
}

/// A request that concerns a lease's files. Counted, so that the last one removes the entry.
pub struct User<'a> {
    uploads: &'a OpenUploads,
    lease: LeaseId,
    files: Arc<Mutex<Files>>,
}

impl<'a> User<'a> {
    /// Begins a write.
    pub fn begin(self, part: Part) -> Result<Turn<'a>> {
        let mut files = self.lock();
        files.must_be_open()?;
        let newest = files.newest(part);
        *newest += 1;
        let number = *newest;
        drop(files);
        Ok(Turn { user: self, part, number })
    }

    /// Closes all files of the lease for writing, including in-flight uploads. Only one caller at a time.
    pub fn close(self) -> Result<Closed<'a>> {
        let mut files = self.lock();
        files.must_be_open()?;
        files.state = State::Completing;
        drop(files);
        Ok(Closed { user: self })
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let mut entries = self.uploads.lock();
        if let Some(entry) = entries.get_mut(&self.lease) {
            entry.users -= 1;
            // Nobody holds this lock for long: whoever does is no user, but ends the lease.
            if entry.users == 0 && self.lock().hash.is_none() {
                entries.remove(&self.lease);
            }
        }
    }
}

/// One request's turn at one of a lease's files.
pub struct Turn<'a> {
    user: User<'a>,
    part: Part,
    number: u64,
}

impl Turn<'_> {
    /// Runs `work` on the file, unless a newer request or `complete` has taken over or the lease has ended.
    pub fn with<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.with_hash(|_| work())
    }

    /// The same for work that appends to the video: it keeps the hash of the file's content in step, or takes it away.
    pub fn with_hash<T>(&self, work: impl FnOnce(&mut Option<Hashing>) -> Result<T>) -> Result<T> {
        let mut files = self.user.lock();
        files.must_be_open()?;
        if *files.newest(self.part) != self.number {
            return Err(Error::conflict(ErrorCode::Superseded, "A newer request has taken over this upload."));
        }
        work(&mut files.hash)
    }
}

/// A lease's files, closed for writing. Dropping it opens them again for new requests.
pub struct Closed<'a> {
    user: User<'a>,
}

impl Closed<'_> {
    /// The hash of the video's file, if it is known. Only once: whatever is done with the file next, a repeated call reads it.
    pub fn take_hash(&self) -> Option<Hashing> {
        self.user.lock().hash.take()
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let mut files = self.user.lock();
        if files.state == State::Completing {
            files.state = State::Open;
            files.video += 1;
            files.poster += 1;
        }
    }
}

fn completing() -> Error {
    Error::conflict(ErrorCode::Completing, "The video is being checked and published. Try again shortly.")
}

/// Video checks in flight; each keeps a CPU core and the disk busy.
#[derive(Default)]
pub struct VideoChecks(Mutex<HashMap<NodeId, usize>>);

impl VideoChecks {
    /// A permit to check one of this node's videos, or `too_busy`.
    pub fn take(&self, node: NodeId) -> Result<Check<'_>> {
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let own = taken.get(&node).copied().unwrap_or(0);
        if all >= COMPLETES || own >= NODE_COMPLETES {
            let message = "Too many videos are being checked. Try again shortly.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::TooBusy, message));
        }
        taken.insert(node, own + 1);
        Ok(Check { checks: self, node })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One video that is being checked.
pub struct Check<'a> {
    checks: &'a VideoChecks,
    node: NodeId,
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        let mut taken = self.checks.lock();
        if let Some(own) = taken.get_mut(&self.node) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::JobId;
    use crate::domain::sha256::Sha256;

    const LEASE: LeaseId = LeaseId(7);

    fn code<T>(answer: Result<T>) -> Option<&'static str> {
        answer.err().map(|error| error.code.as_str())
    }

    #[test]
    fn turn_ends_with_newer_turn_or_complete_or_lease_end() {
        let uploads = OpenUploads::default();
        let (older, poster) =
            (uploads.enter(LEASE).begin(Part::Video).unwrap(), uploads.enter(LEASE).begin(Part::Poster).unwrap());
        let newer = uploads.enter(LEASE).begin(Part::Video).unwrap();
        assert_eq!(code(older.with(|| Ok(()))), Some("superseded"));
        assert_eq!((code(newer.with(|| Ok(()))), code(poster.with(|| Ok(())))), (None, None));

        let closed = uploads.enter(LEASE).close().unwrap();
        for turn in [&older, &newer, &poster] {
            assert_eq!(code(turn.with(|| Ok(()))), Some("completing"));
        }
        assert_eq!(code(uploads.enter(LEASE).begin(Part::Video)), Some("completing"));
        assert_eq!(code(uploads.enter(LEASE).close()), Some("completing"));
        drop(closed);
        for turn in [&older, &newer, &poster] {
            assert_eq!(code(turn.with(|| Ok(()))), Some("superseded"), "an upload that began before must restart");
        }
        let again = uploads.enter(LEASE).begin(Part::Video).unwrap();
        assert_eq!(code(again.with(|| Ok(()))), None);

        let closed = uploads.enter(LEASE).close().unwrap();
        uploads.end(LEASE);
        drop(closed);
        assert_eq!(code(again.with(|| Ok(()))), Some("lost"));
        assert_eq!(code(uploads.enter(LEASE).begin(Part::Poster)), Some("lost"));
    }

    #[test]
    fn entry_is_removed_with_last_request_of_lease() {
        let uploads = OpenUploads::default();
        let turn = uploads.enter(LEASE).begin(Part::Video).unwrap();
        uploads.end(LEASE);
        assert!(uploads.enter(LEASE).begin(Part::Video).is_err());
        assert_eq!(uploads.in_flight(), 1);
        drop(turn);
        assert_eq!(uploads.in_flight(), 0);
        uploads.end(LEASE);
        drop(uploads.enter(LEASE).close().unwrap());
        assert_eq!(uploads.in_flight(), 0);
    }

    #[test]
    fn hash_is_kept_between_requests_until_it_is_taken_or_the_lease_ends() {
        let uploads = OpenUploads::default();
        let append = |bytes: &[u8]| {
            let turn = uploads.enter(LEASE).begin(Part::Video).unwrap();
            let before = turn.with_hash(|hash| {
                let before = hash.as_ref().map(Hashing::bytes);
                *hash = Some(hash.take().unwrap_or_default().with(bytes));
                Ok(before)
            });
            before.unwrap()
        };
        assert_eq!((append(b"abc"), append(b"de"), uploads.in_flight()), (None, Some(3), 0));
        let closed = uploads.enter(LEASE).close().unwrap();
        assert_eq!(closed.take_hash().map(|hash| hash.done()), Some(Sha256::of("abcde")));
        assert!(closed.take_hash().is_none());
        drop(closed);
        assert!(uploads.lock().is_empty());

        append(b"abc");
        uploads.end(LEASE);
        assert!(uploads.lock().is_empty());
        append(b"abc");
        let user = uploads.enter(LEASE);
        uploads.end(LEASE);
        assert_eq!(code(user.close()), Some("lost"), "it entered before the lease ended");
        assert!(uploads.lock().is_empty());
    }

    #[test]
    fn entries_of_ended_leases_are_swept_unless_a_request_uses_them() {
        let uploads = OpenUploads::default();
        let leases = [LEASE, LeaseId(8), LeaseId(9)];
        let append = |lease| {
            let turn = uploads.enter(lease).begin(Part::Video).unwrap();
            let hashed = turn.with_hash(|hash| {
                *hash = Some(Hashing::default());
                Ok(())
            });
            hashed.unwrap();
            turn
        };
        let mut turns = leases.map(|lease| Some(append(lease)));
        (turns[0], turns[1]) = (None, None);
        uploads.sweep(&[LiveLease { id: leases[1], job: JobId(1), node: NodeId(1) }]);
        assert_eq!(leases.map(|lease| uploads.lock().contains_key(&lease)), [false, true, true]);
        drop(turns);
        uploads.sweep(&[]);
        assert!(uploads.lock().is_empty());
    }

    #[test]
    fn video_checks_are_limited_in_total_and_per_node() {
        let checks = VideoChecks::default();
        let mut taken = Vec::new();
        for node in 1..=COMPLETES as i64 {
            while let Ok(check) = checks.take(NodeId(node)) {
                taken.push(check);
            }
            assert!(taken.len() <= COMPLETES.min(node as usize * NODE_COMPLETES));
        }
        assert_eq!(taken.len(), COMPLETES);
        assert_eq!(code(checks.take(NodeId(99))), Some("too_busy"));
        taken.clear();
        assert!(checks.take(NodeId(99)).is_ok());
        assert!(checks.lock().is_empty());
    }
}
