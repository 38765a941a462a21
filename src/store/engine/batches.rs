//! The writer's queue. Whatever arrives while a batch is being committed is the next one: it is taken as a whole, and its
//! first caller is woken, who wakes the others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Operations in one batch.
pub const COMMIT_BATCH: usize = 512;
/// Batches that may wait: 4,096 operations.
const WAITING_BATCHES: usize = 8;
/// How long a caller waits for space in the queue.
const ROOM: Duration = Duration::from_secs(10);

/// Operations that share a commit. Dropping it wakes their callers.
pub struct Batch<O> {
    /// In order of arrival; at least one.
    pub operations: Vec<O>,
    end: Arc<End>,
}

/// The end of a batch. To wake a thread takes a microsecond or two: the writer wakes the first caller only, who wakes the
/// others while the writer goes on with the next batch.
#[derive(Default)]
struct End {
    first: OnceLock<()>,
    others: OnceLock<()>,
}

impl<O> Drop for Batch<O> {
    fn drop(&mut self) {
        let _once = self.end.first.set(());
    }
}

/// Waits for the end of one's batch.
pub struct Ticket {
    end: Arc<End>,
    is_first: bool,
}

impl Ticket {
    /// Returns when the batch has been dropped.
    pub fn wait(self) {
        if !self.is_first {
            self.end.others.wait();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_first {
            self.end.first.wait();
            let _once = self.end.others.set(());
        }
    }
}

/// Batches in order of arrival.
pub struct Batches<O> {
    state: Mutex<State<O>>,
    /// For the writer.
    arrived: Condvar,
    /// For callers.
    room: Condvar,
}

struct State<O> {
    batches: VecDeque<Batch<O>>,
    /// Nothing is accepted any more.
    is_closed: bool,
    /// The writer sleeps.
    is_idle: bool,
}

/// What the writer finds.
pub enum Found<O> {
    /// The next batch.
    Batch(Batch<O>),
    /// Nothing has arrived in time.
    Nothing,
    /// Nothing will arrive any more.
    End,
}

impl<O> Default for Batches<O> {
    fn default() -> Self {
        let state = State { batches: VecDeque::new(), is_closed: false, is_idle: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new() }
    }
}

impl<O> Batches<O> {
    /// Adds an operation to the last batch, waiting for room if there are too many.
    pub fn add(&self, operation: O) -> Result<Ticket> {
        let is_full = |state: &mut State<O>| !state.is_closed && state.is_full();
        let (mut state, _) =
            self.room.wait_timeout_while(self.lock(), ROOM, is_full).unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return Err(stopped());
        }
        if state.is_full() {
            let message = "The store is overloaded. Try again later.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::StoreBusy, message));
        }
        let ticket = state.add(operation);
        if state.is_idle {
            state.is_idle = false;
            self.arrived.notify_one();
        }
        Ok(ticket)
    }

    /// The next batch, waiting for it at most this long.
    pub fn take(&self, at_most: Duration) -> Found<O> {
        let mut state = self.lock();
        state.is_idle = true;
        let is_empty = |state: &mut State<O>| !state.is_closed && state.batches.is_empty();
        (state, _) = self.arrived.wait_timeout_while(state, at_most, is_empty).unwrap_or_else(PoisonError::into_inner);
        state.is_idle = false;
        if state.batches.len() >= WAITING_BATCHES {
            self.room.notify_all();
        }
        match state.batches.pop_front() {
            Some(batch) => Found::Batch(batch),
            None if state.is_closed => Found::End,
            None => Found::Nothing,
        }
    }

    /// Accepts nothing from now on. What is in the queue is still taken.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_one();
        self.room.notify_all();
    }

    /// Like [`Self::close`], but drops what is in the queue.
    pub fn end(&self) {
        self.close();
        self.lock().batches.clear();
    }

    /// Operations that wait.
    pub fn len(&self) -> usize {
        self.lock().batches.iter().map(|batch| batch.operations.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State<O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O> State<O> {
    fn is_full(&self) -> bool {
        self.batches.len() >= WAITING_BATCHES && self.batches.back().is_some_and(Batch::is_full)
    }

    fn add(&mut self, operation: O) -> Ticket {
        match self.batches.back_mut() {
            Some(last) if !last.is_full() => {
                last.operations.push(operation);
                Ticket { end: Arc::clone(&last.end), is_first: false }
            }
            _ => {
                let end = Arc::default();
                let ticket = Ticket { end: Arc::clone(&end), is_first: true };
                self.batches.push_back(Batch { operations: vec![operation], end });
                ticket
            }
        }
    }
}

impl<O> Batch<O> {
    fn is_full(&self) -> bool {
        self.operations.len() >= COMMIT_BATCH
    }
}

/// The error for a caller that comes after the end.
pub fn stopped() -> Error {
    Error::new(Kind::Unavailable, ErrorCode::Stopping, "The server is shutting down.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn next(batches: &Batches<usize>) -> Batch<usize> {
        match batches.take(SOON) {
            Found::Batch(batch) => batch,
            Found::Nothing | Found::End => panic!("a batch"),
        }
    }

    #[test]
    fn operations_that_arrive_during_a_batch_are_the_next_one_up_to_a_limit() {
        let batches = Batches::default();
        let mut tickets = vec![batches.add(0).unwrap()];
        let first = next(&batches);
        tickets.extend((1..=COMMIT_BATCH + 1).map(|number| batches.add(number).unwrap()));
        let (second, third) = (next(&batches), next(&batches));
        assert_eq!((first.operations.len(), third.operations.as_slice()), (1, [COMMIT_BATCH + 1].as_slice()));
        assert!(second.operations.iter().copied().eq(1..=COMMIT_BATCH));
        assert!(matches!(batches.take(Duration::ZERO), Found::Nothing));
    }

    #[test]
    fn callers_wait_until_their_batch_is_over_or_the_writer_has_ended() {
        let batches = Batches::default();
        std::thread::scope(|scope| {
            let [ended, dropped] = [0, 1].map(|number| batches.add(number).unwrap());
            let batch = next(&batches);
            let callers = [ended, dropped].map(|ticket| scope.spawn(move || ticket.wait()));
            assert!(batch.end.first.get().is_none());
            drop(batch);
            callers.into_iter().for_each(|caller| caller.join().unwrap());
            let never_taken = batches.add(2).unwrap();
            let caller = scope.spawn(move || never_taken.wait());
            batches.end();
            caller.join().unwrap();
        });
        assert!(batches.add(3).is_err());
        assert!(matches!(batches.take(SOON), Found::End));
    }
}
