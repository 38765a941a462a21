//! Disk space reservations on one disk: free space minus what concurrent writers have reserved but not written yet.
//! All bulk writes reserve here first, so that concurrent writers cannot claim the same space and a reserve stays
//! free.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::files;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Bytes that must stay free on the data directory's disk: 1 GiB. Below it, new work is refused.
pub const DISK_RESERVE_BYTES: u64 = 1 << 30;
/// Bytes of disk and quota reserved at a time for an upload of unknown length: 16 MiB.
pub const ROOM_STEP_BYTES: u64 = 16 << 20;
/// The fraction of the free space reserved at once for an upload of known length: 1/64. The rest is reserved step by
/// step, so that all upload slots of clients together leave space for nodes.
const ROOM_SHARE: u64 = 64;
/// Bytes after which a writer with a larger reservation checks the disk again: 64 MiB.
const ROOM_LOOK_BYTES: u64 = 64 << 20;

/// While so many bytes more than the reserve and all reservations are free, a disk is looked at seldom: 1 GiB.
const PLENTY_BYTES: u64 = 1 << 30;
/// How often it is looked at then.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// Returns the free bytes; `None` if unknown, and then nothing is refused.
type Probe = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// The space of one disk.
pub struct Room {
    probe: Probe,
    reserve: u64,
    look_after: Duration,
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    reserved: u64,
    /// The free bytes at the last look, less what was written since, and when it was.
    seen: Option<(Instant, u64)>,
}

impl Room {
    /// The disk that holds a directory. `reserve`: bytes to keep free.
    pub fn of(path: &Path, reserve: u64) -> Arc<Self> {
        let path = path.to_owned();
        Self::seldom(reserve, LOOK_AFTER, move || files::free_bytes(&path))
    }

    /// A disk whose free space `probe` returns.
    pub fn new(reserve: u64, probe: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Arc<Self> {
        Self::seldom(reserve, Duration::ZERO, probe)
    }

    fn seldom(
        reserve: u64,
        look_after: Duration,
        probe: impl Fn() -> Option<u64> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { probe: Box::new(probe), reserve, look_after, account: Mutex::default() })
    }

    /// Free bytes, including reserved ones.
    pub fn free(&self) -> Option<u64> {
        (self.probe)()
    }

    /// Whether more than the reserve is free.
    pub fn is_open(&self) -> bool {
        let account = &mut self.lock();
        self.known_free(account, 0).is_none_or(|free| free >= self.reserve)
    }

    /// Fails with [`Kind::NoSpace`] when only the reserve is left.
    pub fn check(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        let message = "The server's disk is full. It accepts no new work until space is freed.";
        Err(Error::new(Kind::NoSpace, ErrorCode::NoSpace, message))
    }

    /// A new, empty reservation.
    pub fn part(self: &Arc<Self>) -> Part {
        Part { room: Arc::clone(self), reserved: 0, unchecked: 0 }
    }

    /// For work of unknown size: reserves up to `most` bytes, but at most half of what is available, so that others
    /// can continue. Fails with [`Kind::NoSpace`] below `least`.
    pub fn budget(self: &Arc<Self>, least: u64, most: u64) -> Result<Part> {
        let mut part = self.part();
        let mut account = self.lock();
        let bytes = self.left(&mut account, most).map_or(most, |left| most.min(left / 2));
        if bytes < least.min(most) {
            return Err(no_room());
        }
        account.reserved += bytes;
        drop(account);
        part.reserved = bytes;
        Ok(part)
    }

    /// Free bytes, including reserved ones, for somebody who needs `bytes`: as they are now, or, if there are plenty, as
    /// they were a moment ago, less what was written since.
    fn known_free(&self, account: &mut Account, bytes: u64) -> Option<u64> {
        let is_plenty = |free| self.above(free, account) >= bytes.saturating_add(PLENTY_BYTES);
        if let Some((at, free)) = account.seen
            && at.elapsed() < self.look_after
            && is_plenty(free)
        {
            return Some(free);
        }
        let free = self.free();
        account.seen = free.map(|free| (Instant::now(), free));
        free
    }

    fn above(&self, free: u64, account: &Account) -> u64 {
        free.saturating_sub(self.reserve).saturating_sub(account.reserved)
    }

    /// Bytes still available for reservation, for somebody who needs `bytes`; `None` if unlimited.
    fn left(&self, account: &mut Account, bytes: u64) -> Option<u64> {
        self.known_free(account, bytes).map(|free| self.above(free, account))
    }

    fn try_reserve(&self, bytes: u64) -> bool {
        let account = &mut self.lock();
        let fits = self.left(account, bytes).is_none_or(|left| bytes <= left);
        if fits {
            account.reserved += bytes;
        }
        fits
    }

    fn release(&self, bytes: u64) {
        let mut account = self.lock();
        account.reserved = account.reserved.saturating_sub(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_room() -> Error {
    let message = "Not enough disk space. Free some space, or try again later.";
    Error::new(Kind::NoSpace, ErrorCode::NoSpace, message)
}

/// One writer's reservation. Dropping it releases what was not written.
pub struct Part {
    room: Arc<Room>,
    reserved: u64,
    /// Bytes written since free space was last checked.
    unchecked: u64,
}

impl Part {
    /// Reserved bytes that may be written now.
    pub fn bytes(&self) -> u64 {
        self.reserved
    }

    /// Reserves space for the next `bytes`, growing in steps while there is space. Fails with [`Kind::NoSpace`], also
    /// if somebody else has filled the disk into the reserve since.
    pub fn need(&mut self, bytes: u64) -> Result<()> {
        if self.unchecked >= ROOM_LOOK_BYTES {
            self.unchecked = 0;
            self.room.check()?;
        }
        let lacking = bytes.saturating_sub(self.reserved);
        if lacking == 0 {
            return Ok(());
        }
        let step = lacking.max(ROOM_STEP_BYTES);
        let granted = [step, lacking].into_iter().find(|bytes| self.room.try_reserve(*bytes)).ok_or_else(no_room)?;
        self.reserved += granted;
        Ok(())
    }

    /// For a writer of known total size: fails now if the total does not fit. Reserves only the first step of a large
    /// file, so that a slow writer does not block others; call [`Self::need`] for the rest.
    pub fn need_in_all(&mut self, bytes: u64) -> Result<()> {
        let left = self.room.left(&mut self.room.lock(), bytes);
        if left.is_some_and(|left| bytes > left) {
            return Err(no_room());
        }
        let share = left.map_or(bytes, |left| (left / ROOM_SHARE).max(ROOM_STEP_BYTES));
        self.need_exactly(bytes.min(share))
    }

    /// Like [`Self::need`], but reserves no more than asked: for a writer that knows its total size.
    pub fn need_exactly(&mut self, bytes: u64) -> Result<()> {
        let lacking = bytes.saturating_sub(self.reserved);
        if !self.room.try_reserve(lacking) {
            return Err(no_room());
        }
        self.reserved += lacking;
        Ok(())
    }

    /// Reports bytes as written: from now on they count as used, not as reserved.
    pub fn written(&mut self, bytes: u64) {
        let given_back = bytes.min(self.reserved);
        self.reserved -= given_back;
        self.unchecked += bytes;
        let mut account = self.room.lock();
        account.reserved = account.reserved.saturating_sub(given_back);
        if let Some((_, free)) = &mut account.seen {
            *free = free.saturating_sub(bytes);
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.room.release(self.reserved);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const RESERVE: u64 = 1_000;

    /// A disk with this much space above its reserve, and a handle to change it.
    fn disk(left: u64) -> (Arc<Room>, Arc<AtomicU64>) {
        let free = Arc::new(AtomicU64::new(RESERVE + left));
        let seen = Arc::clone(&free);
        (Room::new(RESERVE, move || Some(seen.load(Ordering::SeqCst))), free)
    }

    #[test]
    fn reserved_space_is_unavailable_to_others_until_released() {
        let (room, _) = disk(100);
        let mut first = room.part();
        first.need_exactly(60).unwrap();
        let mut second = room.part();
        assert_eq!(second.need(41).unwrap_err().kind, Kind::NoSpace);
        second.need(40).unwrap();
        assert_eq!(room.part().need(1).unwrap_err().code.as_str(), "no_space");
        drop(first);
        second.need(100).unwrap();
        drop(second);
        assert_eq!(room.lock().reserved, 0);
    }

    #[test]
    fn slow_large_writer_reserves_little() {
        let (room, _) = disk(100 * ROOM_STEP_BYTES);
        let (mut slow, mut other) = (room.part(), room.part());
        slow.need_in_all(80 * ROOM_STEP_BYTES).unwrap();
        other.need_exactly(95 * ROOM_STEP_BYTES).unwrap();
        assert_eq!(slow.need(6 * ROOM_STEP_BYTES).unwrap_err().code.as_str(), "no_space", "only a step is reserved");
        drop(other);
        slow.need(6 * ROOM_STEP_BYTES).unwrap();
        assert_eq!(room.part().need_in_all(101 * ROOM_STEP_BYTES).unwrap_err().code.as_str(), "no_space");
    }

    #[test]
    fn written_bytes_are_counted_once() {
        let (room, free) = disk(100);
        let mut part = room.part();
        part.need_exactly(100).unwrap();
        free.fetch_sub(70, Ordering::SeqCst);
        part.written(70);
        assert_eq!((part.bytes(), room.lock().reserved), (30, 30));
        assert!(room.part().need(1).is_err());
        drop(part);
        room.part().need(30).unwrap();
    }

    #[test]
    fn writer_of_unknown_size_grows_in_steps_then_by_the_byte() {
        let (room, _) = disk(ROOM_STEP_BYTES + 5);
        let mut part = room.part();
        part.need(1).unwrap();
        assert_eq!(part.bytes(), ROOM_STEP_BYTES);
        part.written(ROOM_STEP_BYTES);
        part.need(ROOM_STEP_BYTES + 5).unwrap();
        assert!(part.need(ROOM_STEP_BYTES + 6).is_err());
    }

    #[test]
    fn writer_stops_when_others_fill_the_disk() {
        let (room, free) = disk(10 * ROOM_LOOK_BYTES);
        let mut part = room.part();
        part.need_exactly(5 * ROOM_LOOK_BYTES).unwrap();
        part.written(ROOM_LOOK_BYTES);
        part.need(1).unwrap();
        part.written(ROOM_LOOK_BYTES);
        free.store(RESERVE - 1, Ordering::SeqCst);
        assert_eq!(part.need(1).unwrap_err().kind, Kind::NoSpace);
    }

    #[test]
    fn disk_with_plenty_of_room_is_looked_at_seldom_and_what_is_written_counts_at_once() {
        let (looks, free) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(RESERVE + 3 * PLENTY_BYTES)));
        let (counted, seen) = (Arc::clone(&looks), Arc::clone(&free));
        let room = Room::seldom(RESERVE, Duration::MAX, move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Some(seen.load(Ordering::SeqCst))
        });
        let looked = || looks.swap(0, Ordering::SeqCst);
        assert!(room.is_open());
        let mut part = room.part();
        part.need_exactly(PLENTY_BYTES).unwrap();
        part.written(PLENTY_BYTES);
        assert!(room.is_open());
        assert_eq!(looked(), 1);
        // Twice as much as plenty is left, and half of it is to be written.
        part.need_exactly(PLENTY_BYTES).unwrap();
        assert_eq!(looked(), 0);
        free.store(RESERVE - 1, Ordering::SeqCst);
        assert!(room.part().need_exactly(1).is_err());
        assert!(!room.is_open());
        assert_eq!(looked(), 2);
        free.store(RESERVE + 2 * PLENTY_BYTES, Ordering::SeqCst);
        assert!(room.part().need_exactly(PLENTY_BYTES).is_ok(), "nothing is refused without a look");
        assert_eq!(looked(), 1);
    }

    #[test]
    fn budget_leaves_half_to_others_and_has_a_minimum() {
        let (room, _) = disk(100);
        let first = room.budget(10, 1_000).unwrap();
        let second = room.budget(10, 20).unwrap();
        assert_eq!((first.bytes(), second.bytes()), (50, 20));
        assert_eq!(room.budget(16, 1_000).err().map(|error| error.kind), Some(Kind::NoSpace));
        assert_eq!(Room::new(RESERVE, || None).budget(16, 1_000).unwrap().bytes(), 1_000, "free space unknown");
    }

    #[test]
    fn disk_is_closed_when_only_the_reserve_is_left() {
        let cases = [(None, true), (Some(0), false), (Some(RESERVE - 1), false), (Some(RESERVE), true)];
        for (free, good) in cases {
            let refused = Room::new(RESERVE, move || free).check().err().map(|error| error.kind);
            assert_eq!(refused, (!good).then_some(Kind::NoSpace), "{free:?}");
        }
    }
}
