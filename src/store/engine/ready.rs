//! The ready queue in memory: owned by the writer thread, read by others, always derivable from the rows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::id::{AccountId, JobId};
use crate::domain::schedule::entry::Stopped;
use crate::domain::schedule::{ReadyJob, ReadyQueue};

/// The queue behind its lock, which is held only briefly.
#[derive(Default)]
pub struct Ready(Mutex<ReadyQueue>);

impl Ready {
    pub fn lock(&self) -> MutexGuard<'_, ReadyQueue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
