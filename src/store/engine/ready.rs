//! The ready queue in memory: owned by the writer thread, read by others, always derivable from the rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::id::{AccountId, JobId};
use crate::domain::schedule::entry::Stopped;
use crate::domain::schedule::{ReadyJob, ReadyQueue};

/// The queue behind its lock, which is held only briefly.
#[derive(Default)]
pub struct Ready {
    queue: Mutex<ReadyQueue>,
    others: AtomicU64,
}

impl Ready {
    pub fn lock(&self) -> MutexGuard<'_, ReadyQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another process has committed.
    pub fn note_others(&self) {
        self.others.fetch_add(1, Ordering::AcqRel);
    }

    /// How often that was noticed.
    pub fn others(&self) -> u64 {
        self.others.load(Ordering::Acquire)
    }
}

/// A change of the queue by an operation. Applied when the operation has succeeded; undone, by rebuilding the queue
/// from rows, if the commit fails.
pub enum Change {
    /// The job is queued.
    Wait(ReadyJob),
    /// The job is no longer queued.
    Leave(JobId),
    /// A node has started the queued job.
    Start(JobId),
    /// The job is not running any more.
    Stop(JobId, Stopped),
    /// The account has this many dinks.
    Dinks(AccountId, u32),
    /// A node may take work that it could not take before.
    News,
    /// Only the rows know.
    Reload,
}
