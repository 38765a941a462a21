//! Requests that wait without a thread. A handler reserves a place, leaves what it will need to go on, and answers with
//! [`HEADER`]; this answer is never sent. The transport then keeps the request in its connection's task and hands it to
//! rouille again once the program wakes it or its time is up. If the client hangs up, what the handler left is dropped,
//! which tells the program.
//!
//! The request that comes back is told apart by [`HEADER`], which is removed from what clients send.

use crate::sync::lock;
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Names a parked request, in the answer that parks it and in the request that comes back.
pub(crate) const HEADER: &str = "parked-request";

/// What a handler leaves with a request that waits.
type State = Box<dyn Any + Send>;

/// All parked requests of one server.
pub(crate) struct Lot {
    most: usize,
    taken: AtomicUsize,
    next: AtomicU64,
    parked: Mutex<HashMap<u64, Entry>>,
}

struct Entry {
    time: Duration,
    bell: Arc<Notify>,
    state: State,
    is_over: bool,
    _spot: Spot,
}

/// Counts one request as parked.
struct Spot(Arc<Lot>);

impl Drop for Spot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, SeqCst);
    }
}

impl Lot {
    pub fn new(most: usize) -> Arc<Lot> {
        Arc::new(Lot { most, taken: AtomicUsize::new(0), next: AtomicU64::new(0), parked: Mutex::default() })
    }

    /// Requests that wait, are about to, or have been woken and not yet been handled.
    pub fn count(&self) -> usize {
        self.taken.load(SeqCst)
    }

    /// The request whose answer had this header begins to wait. `None` for a number that was never given out.
    pub fn arrive(self: &Arc<Self>, header: &[u8]) -> Option<Stay> {
        let number = std::str::from_utf8(header).ok()?.parse().ok()?;
        let parked = lock(&self.parked);
        let entry = parked.get(&number)?;
        Some(Stay { lot: self.clone(), number, time: entry.time, bell: entry.bell.clone() })
    }
}

/// A request that is parked, until it is answered. When this is dropped, so is what its handler left, unless the
/// handler has taken it.
pub(crate) struct Stay {
    lot: Arc<Lot>,
    pub number: u64,
    pub time: Duration,
    pub bell: Arc<Notify>,
}

impl Stay {
    /// The wait has ended. `is_over`: not because it was woken.
    pub fn ended(&self, is_over: bool) {
        if let Some(entry) = lock(&self.lot.parked).get_mut(&self.number) {
            entry.is_over = is_over;
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let entry = lock(&self.lot.parked).remove(&self.number);
        // Outside the lock: dropping what the handler left may run the program's code.
        drop(entry);
    }
}

/// The parked requests of one server. Doesn't keep the server alive.
#[derive(Clone)]
pub struct Parkings(pub(crate) Arc<Lot>);

impl Parkings {
    /// Reserves a place for the request that is being handled. `None` if [`Limits::parked`](crate::Limits::parked)
    /// requests wait already: then it must be answered at once.
    pub fn reserve(&self) -> Option<Parking> {
        let lot = &self.0;
        let more = |count: usize| (count < lot.most).then_some(count + 1);
        lot.taken.fetch_update(SeqCst, SeqCst, more).ok()?;
        let number = lot.next.fetch_add(1, SeqCst);
        Some(Parking { spot: Spot(lot.clone()), number, bell: Arc::default() })
    }

    /// What the handler left when it parked this request; `None` if it was not parked. `header` looks up a header line
    /// of the request by its name.
    pub fn resume<'r>(&self, header: impl FnOnce(&str) -> Option<&'r str>) -> Option<Resumed> {
        let number = header(HEADER)?.parse().ok()?;
        let entry = lock(&self.0.parked).remove(&number)?;
        Some(Resumed { state: entry.state, is_over: entry.is_over })
    }
}

/// A request that has waited.
pub struct Resumed {
    /// What its handler left.
    pub state: Box<dyn Any + Send>,
    /// Whether it must be answered now: its time is up, the server is shutting down, or the client has sent more, so
    /// that its hang-up would go unnoticed. Otherwise it was woken, and may be parked again.
    pub is_over: bool,
}

/// A reserved place. Given back when dropped.
pub struct Parking {
    spot: Spot,
    number: u64,
    bell: Arc<Notify>,
}

impl Parking {
    /// Wakes the request. May be used before it is parked, and afterwards.
    pub fn waker(&self) -> Waker {
        Waker(self.bell.clone())
    }

    /// The header line for the answer that parks the request for at most this time. Nothing else of that answer is used.
    /// `state` comes back with the request, or is dropped when the client hangs up. A body that the handler has read
    /// does not come back.
    pub fn header(self, time: Duration, state: impl Any + Send) -> (&'static str, String) {
        let Parking { spot, number, bell } = self;
        let lot = spot.0.clone();
        let entry = Entry { time, bell, state: Box::new(state), is_over: false, _spot: spot };
        lock(&lot.parked).insert(number, entry);
        (HEADER, number.to_string())
    }
}

/// Wakes one parked request, from any thread.
#[derive(Clone)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Hands the request to rouille again. Does nothing if it no longer waits.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}
