//! Objects that wait to be deleted in the bucket.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::error::Result;
use crate::domain::error_code::ErrorCode;

/// At most `LIMIT` items to be deleted; the daily listing finds what does not fit.
pub struct Doomed<T, const LIMIT: usize>(Mutex<VecDeque<T>>);

impl<T, const LIMIT: usize> Default for Doomed<T, LIMIT> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> From<Vec<T>> for Doomed<T, { usize::MAX }> {
    fn from(items: Vec<T>) -> Self {
        Self(Mutex::new(items.into()))
    }
}

impl<T, const LIMIT: usize> Doomed<T, LIMIT> {
    /// Adds an item.
    pub fn push(&self, item: T) {
        let mut items = self.lock();
        if items.len() < LIMIT {
            items.push_back(item);
        }
    }

    /// Deletes each item with `delete`, which says whether there was anything to delete. One that is refused does not keep
    /// the others. Returns how many were deleted; what fails, or is left when the bucket is away or `is_over`, stays for the
    /// next call.
    pub fn delete_each(&self, is_over: impl Fn() -> bool, mut delete: impl FnMut(&T) -> Result<bool>) -> Result<usize> {
        let (mut count, mut refused, mut failed) = (0, Vec::new(), Ok(()));
        while !is_over() {
            let Some(item) = self.lock().pop_front() else { break };
            match delete(&item) {
                Ok(deleted) => count += usize::from(deleted),
                Err(error) => {
                    let is_away = error.code == ErrorCode::StorageUnavailable;
                    refused.push(item);
                    failed = Err(error);
                    if is_away {
                        break;
                    }
                }
            }
        }
        self.lock().extend(refused);
        failed.map(|()| count)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
