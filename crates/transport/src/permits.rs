//! Permits for connections, in-flight requests and uploads. Each is returned by being dropped.

use crate::state::ConnState;
use crate::sync::{lock, wait_until};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// The address that limits per address count. An IPv6 client can pick any address of its /64, so the whole network
/// counts as one.
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

/// The open connections.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    emptied: Condvar,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_id: HashMap<u64, (IpAddr, Arc<ConnState>)>,
    per_address: HashMap<IpAddr, usize>,
}

/// Counts one connection as open.
pub(crate) struct ConnectionPermit {
    connections: Arc<Connections>,
    id: u64,
}

/// A connection that may stay.
pub(crate) struct Admitted {
    pub permit: ConnectionPermit,
    /// Another connection was closed to make room for it.
    pub evicted: bool,
}

impl Connections {
    /// At a limit, the connection that has gone longest without a request is evicted: any connection for `total`, one
    /// of the same address for `per_address`. `None` if all of them have a request.
    pub fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        state: &Arc<ConnState>,
        total: usize,
        per_address: Option<usize>,
    ) -> Option<Admitted> {
        let address = counted(address);
        let mut open = lock(&self.open);
        let mut evicted = false;
        if per_address.is_some_and(|limit| open.per_address.get(&address).is_some_and(|count| *count >= limit)) {
            if !open.evict_oldest(|other| other == address) {
                return None;
            }
            evicted = true;
        }
        if open.by_id.len() >= total {
            if !open.evict_oldest(|_| true) {
                return None;
            }
            evicted = true;
        }
        let id = open.next;
        open.next += 1;
        open.by_id.insert(id, (address, state.clone()));
        *open.per_address.entry(address).or_insert(0) += 1;
        Some(Admitted { permit: ConnectionPermit { connections: self.clone(), id }, evicted })
    }

    pub fn count(&self) -> usize {
        lock(&self.open).by_id.len()
    }

    /// Waits until every connection has closed. False at the deadline.
    pub fn wait_empty(&self, deadline: Instant) -> bool {
        wait_until(&self.open, &self.emptied, deadline, |open| open.by_id.is_empty())
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = lock(&self.connections.open);
        open.remove(self.id);
        if open.by_id.is_empty() {
            self.connections.emptied.notify_all();
        }
    }
}

impl Open {
    fn evict_oldest(&mut self, among: impl Fn(IpAddr) -> bool) -> bool {
        // A linear scan takes less than a millisecond at the default limit and runs only at a limit; keeping the
        // connections ordered would cost a lock for every request.
        loop {
            let idle = self.by_id.iter().filter(|(_, (address, state))| among(*address) && state.is_evictable());
            // The id breaks ties within one microsecond.
            let oldest = idle.min_by_key(|(id, (_, state))| (state.waiting_since(), **id));
            let Some((id, state)) = oldest.map(|(id, (_, state))| (*id, state.clone())) else {
                return false;
            };
            // Fails if a request has begun on it in the meantime; then it is no longer a candidate.
            if state.evict() {
                self.remove(id);
                return true;
            }
        }
    }

    /// Does nothing for a connection that was evicted before.
    fn remove(&mut self, id: u64) {
        let Some((address, _)) = self.by_id.remove(&id) else { return };
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
    }
}

// In-flight requests

/// Counts requests that were handed over and not yet answered to the last byte.
#[derive(Default)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    lock: Mutex<()>,
    emptied: Condvar,
}

/// Counts one request as in flight. It lives in the request and then in its answer, not in the connection: otherwise
/// clients that disconnect could fill rouille's unbounded queue with requests nobody waits for.
pub(crate) struct RequestPermit(Arc<InFlight>);

impl InFlight {
    pub fn take(self: &Arc<Self>, limit: usize) -> Option<RequestPermit> {
        let more = |count: usize| (count < limit).then_some(count + 1);
        self.count.fetch_update(SeqCst, SeqCst, more).ok().map(|_| RequestPermit(self.clone()))
    }

    /// A permit without a limit.
    pub fn take_any(self: &Arc<Self>) -> RequestPermit {
        self.count.fetch_add(1, SeqCst);
        RequestPermit(self.clone())
    }

    pub fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    /// Waits until nothing is in flight. False at the deadline.
    pub fn wait_empty(&self, deadline: Instant) -> bool {
        wait_until(&self.lock, &self.emptied, deadline, |()| self.count() == 0)
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            let _guard = lock(&self.0.lock);
            self.0.emptied.notify_all();
        }
    }
}

// Uploads

/// Counts the bodies that handlers read while they arrive. Each holds a thread for as long as the client keeps sending.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<(usize, HashMap<IpAddr, usize>)>);

/// Counts one upload.
pub(crate) struct UploadPermit(Arc<Uploads>, IpAddr);

impl Uploads {
    pub fn take(self: &Arc<Self>, address: IpAddr, total: usize, per_address: Option<usize>) -> Option<UploadPermit> {
        let address = counted(address);
        let mut guard = lock(&self.0);
        let (all, by_address) = &mut *guard;
        let own = by_address.get(&address).copied().unwrap_or(0);
        if *all >= total || per_address.is_some_and(|limit| own >= limit) {
            return None;
        }
        *all += 1;
        by_address.insert(address, own + 1);
        Some(UploadPermit(self.clone(), address))
    }

    pub fn count(&self) -> usize {
        lock(&self.0).0
    }
}

impl Drop for UploadPermit {
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

    /// Its permit, and whether another connection was evicted for it.
    fn admit(
        connections: &Arc<Connections>,
        address: IpAddr,
        state: &Arc<ConnState>,
        total: usize,
        per_address: Option<usize>,
    ) -> Option<(ConnectionPermit, bool)> {
        connections.admit(address, state, total, per_address).map(|admitted| (admitted.permit, admitted.evicted))
    }

    #[test]
    fn oldest_connection_without_a_request_is_evicted() {
        let (connections, epoch) = (Arc::new(Connections::default()), Instant::now());
        let states: Vec<_> = (0..4).map(|_| ConnState::new(epoch)).collect();
        let (_first, evicted) = admit(&connections, A, &states[0], 3, Some(2)).unwrap();
        assert!(!evicted);
        let (second, evicted) = admit(&connections, B, &states[1], 3, Some(2)).unwrap();
        assert!(!evicted);
        let (_third, evicted) = admit(&connections, A, &states[2], 3, Some(2)).unwrap();
        assert!(!evicted);
        let busy = Busy::begin(&states[0]);
        // A's limit: the first of A's two has a request, so the second is evicted although B's is older.
        let (_fourth, evicted) = admit(&connections, A, &states[3], 3, Some(2)).unwrap();
        assert!(evicted);
        assert!(Busy::begin(&states[2]).is_none(), "an evicted connection begins no request");
        drop(busy);
        // The total limit: the first connection is now the most recent, B's the oldest.
        let fresh = ConnState::new(epoch);
        let (_fifth, evicted) = admit(&connections, A, &fresh, 3, None).unwrap();
        assert!(evicted);
        assert!(Busy::begin(&states[1]).is_none());
        drop(second);
        assert_eq!(connections.count(), 3, "an evicted connection is not counted, so it gives nothing back");
    }

    #[test]
    fn connection_is_refused_if_all_others_have_requests() {
        let (connections, epoch) = (Arc::new(Connections::default()), Instant::now());
        let first = ConnState::new(epoch);
        let (_first, evicted) = admit(&connections, A, &first, 1, None).unwrap();
        assert!(!evicted);
        let _busy = Busy::begin(&first);
        assert!(admit(&connections, B, &ConnState::new(epoch), 1, None).is_none());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        let uploads = Arc::new(Uploads::default());
        let _first = uploads.take(v6("2001:db8:1:2::1"), 9, Some(1)).unwrap();
        assert!(uploads.take(v6("2001:db8:1:2:ffff:ffff:ffff:ffff"), 9, Some(1)).is_none());
        assert!(uploads.take(v6("2001:db8:1:3::1"), 9, Some(1)).is_some());
        let (connections, epoch) = (Arc::new(Connections::default()), Instant::now());
        let states: Vec<_> = (0..3).map(|_| ConnState::new(epoch)).collect();
        let _busy = Busy::begin(&states[0]);
        let (_first, evicted) = admit(&connections, v6("2001:db8::1"), &states[0], 9, Some(1)).unwrap();
        assert!(!evicted);
        assert!(admit(&connections, v6("2001:db8::2"), &states[1], 9, Some(1)).is_none());
        let (_other, evicted) = admit(&connections, v6("2001:db8:0:1::2"), &states[2], 9, Some(1)).unwrap();
        assert!(!evicted);
    }

    #[test]
    fn uploads_are_limited_in_total_and_per_address() {
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
