//! The room on one disk: what is free, less what was promised to writers that have not written it yet. Whoever writes
//! bulk bytes asks here first, so that writers at the same time cannot take the same free space, and a reserve stays.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::files;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// Says how many bytes are free; `None` where the system does not tell, and nothing is refused.
type Probe = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// One disk.
pub struct Room {
    probe: Probe,
    reserve: u64,
    promised: Mutex<u64>,
}

impl Room {
    /// The disk of a directory. `reserve`: bytes that stay free.
    pub fn of(path: &Path, reserve: u64) -> Arc<Self> {
        let path = path.to_owned();
        Self::new(reserve, move || files::free_bytes(&path))
    }

    /// A disk of which `probe` tells how many bytes are free.
    pub fn new(reserve: u64, probe: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { probe: Box::new(probe), reserve, promised: Mutex::new(0) })
    }

    /// Bytes that are free, whatever was promised.
    pub fn free(&self) -> Option<u64> {
        (self.probe)()
    }

    /// Whether more than the reserve is free.
    pub fn is_open(&self) -> bool {
        self.free().is_none_or(|free| free >= self.reserve)
    }

    /// Refuses when the disk is down to its reserve: an error of [`Kind::NoSpace`].
    pub fn check(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        let message = "The server's disk is full down to its reserve: it takes no new work until there is room again.";
        Err(Error::new(Kind::NoSpace, "no_space", message))
    }

    /// A writer's part of the disk, empty at first.
    pub fn part(self: &Arc<Self>) -> Part {
        Part { room: Arc::clone(self), promised: 0, unlooked: 0 }
    }

    /// For work whose size nobody knows beforehand: `most` bytes, but only half of what is left, so that others can go on.
    /// Less than `least` is an error of [`Kind::NoSpace`].
    pub fn budget(self: &Arc<Self>, least: u64, most: u64) -> Result<Part> {
        let mut part = self.part();
        let mut promised = self.lock();
        let bytes = self.left(*promised).map_or(most, |left| most.min(left / 2));
        if bytes < least.min(most) {
            return Err(no_room());
        }
        *promised += bytes;
        drop(promised);
        part.promised = bytes;
        Ok(part)
    }

    /// Bytes that may still be promised; `None`: as many as one likes.
    fn left(&self, promised: u64) -> Option<u64> {
        self.free().map(|free| free.saturating_sub(self.reserve).saturating_sub(promised))
    }

    fn promise(&self, bytes: u64) -> bool {
        let mut promised = self.lock();
        let fits = self.left(*promised).is_none_or(|left| bytes <= left);
        if fits {
            *promised += bytes;
        }
        fits
    }

    fn give_back(&self, bytes: u64) {
        let mut promised = self.lock();
        *promised = promised.saturating_sub(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_room() -> Error {
    let message = "The disk has no room for this above its reserve. Try again when there is room.";
    Error::new(Kind::NoSpace, "no_space", message)
}

/// Bytes that one writer may write. What it has not written is given back when this is dropped.
pub struct Part {
    room: Arc<Room>,
    promised: u64,
    /// Bytes written since the disk was looked at.
    unlooked: u64,
}

impl Part {
    /// Bytes that may be written now.
    pub fn bytes(&self) -> u64 {
        self.promised
    }

    /// Asks that the next `bytes` may be written. Where it has fewer it gets a step more than those, as long as there is
    /// room. An error of [`Kind::NoSpace`] also when somebody else has filled the disk below the reserve since.
    pub fn need(&mut self, bytes: u64) -> Result<()> {
        if self.unlooked >= limits::ROOM_LOOK_BYTES {
            self.unlooked = 0;
            self.room.check()?;
        }
        let lacking = bytes.saturating_sub(self.promised);
        if lacking == 0 {
            return Ok(());
        }
        let step = lacking.max(limits::ROOM_STEP_BYTES);
        let granted = [step, lacking].into_iter().find(|bytes| self.room.promise(*bytes)).ok_or_else(no_room)?;
        self.promised += granted;
        Ok(())
    }

    /// For a writer that says how much it will be in all: refused where that does not fit now. Of a large whole only a part
    /// is promised at once, so that a slow writer keeps little from the others; it asks for more as it goes.
    pub fn need_in_all(&mut self, bytes: u64) -> Result<()> {
        let left = self.room.left(*self.room.lock());
        if left.is_some_and(|left| bytes > left) {
            return Err(no_room());
        }
        let share = left.map_or(bytes, |left| (left / limits::ROOM_SHARE).max(limits::ROOM_STEP_BYTES));
        self.need_exactly(bytes.min(share))
    }

    /// The same without a step more: the writer knows how much it will be in all.
    pub fn need_exactly(&mut self, bytes: u64) -> Result<()> {
        let lacking = bytes.saturating_sub(self.promised);
        if !self.room.promise(lacking) {
            return Err(no_room());
        }
        self.promised += lacking;
        Ok(())
    }

    /// So many bytes are on the disk now, where they count as what is no longer free.
    pub fn written(&mut self, bytes: u64) {
        let given_back = bytes.min(self.promised);
        self.promised -= given_back;
        self.unlooked += bytes;
        self.room.give_back(given_back);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.room.give_back(self.promised);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const RESERVE: u64 = 1_000;

    /// A disk with so many bytes above its reserve, and the knob for what is free.
    fn disk(left: u64) -> (Arc<Room>, Arc<AtomicU64>) {
        let free = Arc::new(AtomicU64::new(RESERVE + left));
        let seen = Arc::clone(&free);
        (Room::new(RESERVE, move || Some(seen.load(Ordering::SeqCst))), free)
    }

    #[test]
    fn what_was_promised_is_nobody_elses_until_it_is_given_back() {
        let (room, _) = disk(100);
        let mut first = room.part();
        first.need_exactly(60).unwrap();
        let mut second = room.part();
        assert_eq!(second.need(41).unwrap_err().kind, Kind::NoSpace);
        second.need(40).unwrap();
        assert_eq!(room.part().need(1).unwrap_err().code, "no_space");
        drop(first);
        second.need(100).unwrap();
        drop(second);
        assert_eq!(*room.lock(), 0);
    }

    #[test]
    fn a_slow_writer_of_much_keeps_little_from_the_others() {
        let (room, _) = disk(100 * limits::ROOM_STEP_BYTES);
        let (mut slow, mut other) = (room.part(), room.part());
        slow.need_in_all(80 * limits::ROOM_STEP_BYTES).unwrap();
        other.need_exactly(95 * limits::ROOM_STEP_BYTES).unwrap();
        assert_eq!(slow.need(6 * limits::ROOM_STEP_BYTES).unwrap_err().code, "no_space", "it was promised no more");
        drop(other);
        slow.need(6 * limits::ROOM_STEP_BYTES).unwrap();
        assert_eq!(room.part().need_in_all(101 * limits::ROOM_STEP_BYTES).unwrap_err().code, "no_space");
    }

    #[test]
    fn written_bytes_count_once() {
        let (room, free) = disk(100);
        let mut part = room.part();
        part.need_exactly(100).unwrap();
        free.fetch_sub(70, Ordering::SeqCst);
        part.written(70);
        assert_eq!((part.bytes(), *room.lock()), (30, 30));
        assert!(room.part().need(1).is_err());
        drop(part);
        room.part().need(30).unwrap();
    }

    #[test]
    fn a_writer_of_unknown_length_grows_in_steps_and_by_the_byte_at_the_end() {
        let (room, _) = disk(limits::ROOM_STEP_BYTES + 5);
        let mut part = room.part();
        part.need(1).unwrap();
        assert_eq!(part.bytes(), limits::ROOM_STEP_BYTES);
        part.written(limits::ROOM_STEP_BYTES);
        part.need(limits::ROOM_STEP_BYTES + 5).unwrap();
        assert!(part.need(limits::ROOM_STEP_BYTES + 6).is_err());
    }

    #[test]
    fn a_long_writer_stops_when_others_fill_the_disk() {
        let (room, free) = disk(10 * limits::ROOM_LOOK_BYTES);
        let mut part = room.part();
        part.need_exactly(5 * limits::ROOM_LOOK_BYTES).unwrap();
        part.written(limits::ROOM_LOOK_BYTES);
        part.need(1).unwrap();
        part.written(limits::ROOM_LOOK_BYTES);
        free.store(RESERVE - 1, Ordering::SeqCst);
        assert_eq!(part.need(1).unwrap_err().kind, Kind::NoSpace);
    }

    #[test]
    fn a_budget_leaves_half_to_the_others_and_is_not_too_small() {
        let (room, _) = disk(100);
        let first = room.budget(10, 1_000).unwrap();
        let second = room.budget(10, 20).unwrap();
        assert_eq!((first.bytes(), second.bytes()), (50, 20));
        assert_eq!(room.budget(16, 1_000).err().map(|error| error.kind), Some(Kind::NoSpace));
        assert_eq!(Room::new(RESERVE, || None).budget(16, 1_000).unwrap().bytes(), 1_000, "nobody knows");
    }

    #[test]
    fn a_disk_is_closed_below_its_reserve() {
        let cases = [(None, true), (Some(0), false), (Some(RESERVE - 1), false), (Some(RESERVE), true)];
        for (free, good) in cases {
            let refused = Room::new(RESERVE, move || free).check().err().map(|error| error.kind);
            assert_eq!(refused, (!good).then_some(Kind::NoSpace), "{free:?}");
        }
    }
}
