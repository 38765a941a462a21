//! Seats: who may have a connection, a request in flight, an upload. Each is given back by being dropped.

use crate::state::ConnState;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// No code that holds one of this crate's locks panics; were it to, the counts would still be whole.
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

/// As whose an address is counted. An IPv6 client has a whole /64 to choose its address from: it is one.
fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

// Connections

/// The connections that are open.
#[derive(Default)]
pub(crate) struct Seats {
    open: Mutex<Open>,
    emptied: Condvar,
}

#[derive(Default)]
struct Open {
    next: u64,
    seats: HashMap<u64, (IpAddr, Arc<ConnState>)>,
    per_address: HashMap<IpAddr, usize>,
}

/// How a connection came to its seat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Free(u64),
    /// Another connection was closed for it.
    MadeRoom(u64),
    Refused,
}

impl Seats {
    /// Takes a seat. At a cap the connection that has been longest without a request makes room: among all, or among
    /// those of the address whose cap (`per_address`) it is.
    pub fn take(&self, address: IpAddr, state: &Arc<ConnState>, total: usize, per_address: Option<usize>) -> Taken {
        let address = counted(address);
        let mut open = lock(&self.open);
        let mut made_room = false;
        if per_address.is_some_and(|most| open.per_address.get(&address).is_some_and(|count| *count >= most)) {
            if !open.evict_oldest(|other| other == address) {
                return Taken::Refused;
            }
            made_room = true;
        }
        if open.seats.len() >= total {
            if !open.evict_oldest(|_| true) {
                return Taken::Refused;
            }
            made_room = true;
        }
        let id = open.next;
        open.next += 1;
        open.seats.insert(id, (address, state.clone()));
        *open.per_address.entry(address).or_insert(0) += 1;
        if made_room { Taken::MadeRoom(id) } else { Taken::Free(id) }
    }

    pub fn give_back(&self, id: u64) {
        let mut open = lock(&self.open);
        open.remove(id);
        if open.seats.is_empty() {
            self.emptied.notify_all();
        }
    }

    pub fn taken(&self) -> usize {
        lock(&self.open).seats.len()
    }

    /// Waits until every connection has closed. False at the deadline.
    pub fn wait_empty(&self, deadline: Instant) -> bool {
        wait_until(&self.open, &self.emptied, deadline, |open| open.seats.is_empty())
    }
}

impl Open {
    fn evict_oldest(&mut self, among: impl Fn(IpAddr) -> bool) -> bool {
        // Looks at every seat, which costs some ten microseconds at the default cap, and only at a cap. Keeping an
        // order would cost every request a lock.
        loop {
            let waiting = self.seats.iter().filter(|(_, (address, state))| among(*address) && state.may_make_room());
            // Of those that came in the same microsecond, the first.
            let oldest = waiting.min_by_key(|(id, (_, state))| (state.waiting_since(), **id));
            let Some((id, state)) = oldest.map(|(id, (_, state))| (*id, state.clone())) else {
                return false;
            };
            // Unless a request has just begun on it: then it is looked at no more.
            if state.evict() {
                self.remove(id);
                return true;
            }
        }
    }

    /// Does nothing for a seat that was taken from its connection before.
    fn remove(&mut self, id: u64) {
        let Some((address, _)) = self.seats.remove(&id) else { return };
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
    }
}

// Requests in flight

/// Counts requests that were handed over and are not yet answered to the last byte.
#[derive(Default)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    lock: Mutex<()>,
    emptied: Condvar,
}

/// Lives in the request and then in its answer, not in the connection: were it to go with the connection, clients that
/// vanish could fill rouille's queue, which has no bound, with requests nobody waits for.
pub(crate) struct FlightSeat(Arc<InFlight>);

impl InFlight {
    pub fn take(self: &Arc<Self>, most: usize) -> Option<FlightSeat> {
        let more = |count: usize| (count < most).then_some(count + 1);
        self.count.fetch_update(SeqCst, SeqCst, more).ok().map(|_| FlightSeat(self.clone()))
    }

    pub fn taken(&self) -> usize {
        self.count.load(SeqCst)
    }

    /// Waits until nothing is in flight. False at the deadline.
    pub fn wait_empty(&self, deadline: Instant) -> bool {
        wait_until(&self.lock, &self.emptied, deadline, |()| self.taken() == 0)
    }
}

impl Drop for FlightSeat {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            let _guard = lock(&self.0.lock);
            self.0.emptied.notify_all();
        }
    }
}

// Uploads

/// Counts the bodies that handlers read while they arrive. Each holds a thread for as long as the client likes.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<(usize, HashMap<IpAddr, usize>)>);

pub(crate) struct UploadSeat(Arc<Uploads>, IpAddr);

impl Uploads {
    pub fn take(self: &Arc<Self>, address: IpAddr, total: usize, per_address: Option<usize>) -> Option<UploadSeat> {
        let address = counted(address);
        let mut guard = lock(&self.0);
        let (all, by_address) = &mut *guard;
        let own = by_address.get(&address).copied().unwrap_or(0);
        if *all >= total || per_address.is_some_and(|most| own >= most) {
            return None;
        }
        *all += 1;
        by_address.insert(address, own + 1);
        Some(UploadSeat(self.clone(), address))
    }

    pub fn taken(&self) -> usize {
        lock(&self.0).0
    }
}

impl Drop for UploadSeat {
    fn drop(&mut self) {
        let mut guard = lock(&self.0.0);
        let (all, by_address) = &mut *guard;
        *all -= 1;
        if let Some(own) = by_address.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                by_address.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Busy;
    use std::net::Ipv4Addr;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn the_oldest_connection_without_a_request_makes_room() {
        let (seats, epoch) = (Seats::default(), Instant::now());
        let states: Vec<_> = (0..4).map(|_| ConnState::new(epoch)).collect();
        assert_eq!(seats.take(A, &states[0], 3, Some(2)), Taken::Free(0));
        assert_eq!(seats.take(B, &states[1], 3, Some(2)), Taken::Free(1));
        assert_eq!(seats.take(A, &states[2], 3, Some(2)), Taken::Free(2));
        let busy = Busy::begin(&states[0]);
        // A's cap: of A's own two the first has a request, so the second goes although B's is older.
        assert_eq!(seats.take(A, &states[3], 3, Some(2)), Taken::MadeRoom(3));
        assert!(Busy::begin(&states[2]).is_none(), "an evicted connection begins no request");
        drop(busy);
        // The total's cap: the first connection is the freshest now, B's the oldest.
        let fresh = ConnState::new(epoch);
        assert_eq!(seats.take(A, &fresh, 3, None), Taken::MadeRoom(4));
        assert!(Busy::begin(&states[1]).is_none());
        seats.give_back(1);
        assert_eq!(seats.taken(), 3, "an evicted connection has no seat to give back");
    }

    #[test]
    fn a_full_house_of_requests_refuses() {
        let (seats, epoch) = (Seats::default(), Instant::now());
        let first = ConnState::new(epoch);
        assert_eq!(seats.take(A, &first, 1, None), Taken::Free(0));
        let _busy = Busy::begin(&first);
        assert_eq!(seats.take(B, &ConnState::new(epoch), 1, None), Taken::Refused);
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        let uploads = Arc::new(Uploads::default());
        let _first = uploads.take(v6("2001:db8:1:2::1"), 9, Some(1)).unwrap();
        assert!(uploads.take(v6("2001:db8:1:2:ffff:ffff:ffff:ffff"), 9, Some(1)).is_none());
        assert!(uploads.take(v6("2001:db8:1:3::1"), 9, Some(1)).is_some());
        let (seats, epoch) = (Seats::default(), Instant::now());
        let states: Vec<_> = (0..3).map(|_| ConnState::new(epoch)).collect();
        let _busy = Busy::begin(&states[0]);
        assert_eq!(seats.take(v6("2001:db8::1"), &states[0], 9, Some(1)), Taken::Free(0));
        assert_eq!(seats.take(v6("2001:db8::2"), &states[1], 9, Some(1)), Taken::Refused);
        assert_eq!(seats.take(v6("2001:db8:0:1::2"), &states[2], 9, Some(1)), Taken::Free(1));
    }

    #[test]
    fn uploads_are_capped_in_total_and_per_address() {
        let uploads = Arc::new(Uploads::default());
        let first = uploads.take(A, 3, Some(2));
        let _second = uploads.take(A, 3, Some(2));
        assert!(first.is_some() && uploads.take(A, 3, Some(2)).is_none());
        let _third = uploads.take(A, 3, None);
        assert!(uploads.take(B, 3, Some(2)).is_none());
        drop(first);
        assert!(uploads.take(B, 3, Some(2)).is_some());
    }
}
