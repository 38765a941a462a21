//! Helpers for the standard library's locks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Locks even a poisoned mutex: no code in this crate panics while it holds one, and the counts would stay consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `done` or the deadline. False at the deadline.
pub(crate) fn wait_until<T>(mutex: &Mutex<T>, changed: &Condvar, deadline: Instant, done: impl Fn(&T) -> bool) -> bool {
    let mut guard = lock(mutex);
    while !done(&guard) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        guard = changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    true
}
