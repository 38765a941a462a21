//! The ready queue in memory: owned by the writer thread, read by others, always derivable from the rows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::id::JobId;
use crate::domain::key::KeyClass;
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
    Wait(ReadyJob),
    Leave(KeyClass, JobId),
    News,
    Reload,
}
