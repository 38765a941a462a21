//! Waiting claims (long polls). Each node may keep only as many open as its slots can use; they end at once when the
//! node stops, drains or is removed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::NodeId;

/// All waiting claims, oldest first.
#[derive(Default)]
pub struct Claims(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    claims: Vec<Claim>,
}

struct Claim {
    number: u64,
    node: NodeId,
    over: Arc<AtomicBool>,
}

/// A registered waiting claim; unregistered when dropped.
pub struct Place<'a> {
    claims: &'a Claims,
    number: u64,
    over: Arc<AtomicBool>,
}

impl Claims {
    /// Registers a claim. A node may have `slots + 1` waiting claims; a further one ends its oldest, so that a
    /// restarted agent is not locked out by connections its predecessor left open. All nodes together may have `total`;
    /// beyond that, the oldest claim of the node with the most ends to make room for a node with fewer.
    ///
    /// An ended claim sees it through [`Place::is_over`]. The second value says whether any claim was ended, so that the
    /// waiting threads must be woken.
    pub fn enter(&self, node: NodeId, slots: u32, total: usize) -> Result<(Place<'_>, bool)> {
        let mut waiting = self.lock();
        let mut ended = false;
        while waiting.count(node) > slots as usize {
            ended |= waiting.end_oldest(node);
        }
        if waiting.claims.len() >= total {
            match waiting.busiest() {
                Some((other, count)) if count > waiting.count(node) + 1 => ended |= waiting.end_oldest(other),
                _ => {
                    let message = "Too many node claims are waiting. Try again shortly.";
                    return Err(Error::new(Kind::Unavailable, ErrorCode::TooBusy, message));
                }
            }
        }
        let (number, over) = (waiting.next, Arc::new(AtomicBool::new(false)));
        waiting.next += 1;
        waiting.claims.push(Claim { number, node, over: Arc::clone(&over) });
        Ok((Place { claims: self, number, over }, ended))
    }

    /// Ends every waiting claim of a node.
    pub fn end_all(&self, node: NodeId) {
        let mut waiting = self.lock();
        while waiting.end_oldest(node) {}
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn count(&self, node: NodeId) -> usize {
        self.claims.iter().filter(|claim| claim.node == node).count()
    }

    /// The node with the most claims, and how many it has.
    fn busiest(&self) -> Option<(NodeId, usize)> {
        let mut counts: HashMap<NodeId, usize> = HashMap::new();
        for claim in &self.claims {
            *counts.entry(claim.node).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count)
    }

    fn end_oldest(&mut self, node: NodeId) -> bool {
        let Some(at) = self.claims.iter().position(|claim| claim.node == node) else { return false };
        self.claims.remove(at).over.store(true, Ordering::SeqCst);
        true
    }
}

impl Place<'_> {
    /// Whether the claim must end now.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.claims.lock().claims.retain(|claim| claim.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(claims: &Claims, node: i64, slots: u32, total: usize) -> Option<Place<'_>> {
        claims.enter(NodeId(node), slots, total).ok().map(|(place, _)| place)
    }

    #[test]
    fn claim_beyond_slots_plus_one_ends_oldest_claim_of_node() {
        let claims = Claims::default();
        let places: Vec<_> = (0..5).map(|_| enter(&claims, 1, 2, 10).unwrap()).collect();
        let other = enter(&claims, 2, 2, 10).unwrap();
        assert_eq!(places.iter().map(Place::is_over).collect::<Vec<_>>(), [true, true, false, false, false]);
        assert!(!other.is_over());
        drop(places);
        assert_eq!(claims.lock().claims.len(), 1);
    }

    #[test]
    fn full_queue_ends_claim_of_busiest_node_only() {
        let claims = Claims::default();
        let many: Vec<_> = (0..4).map(|_| enter(&claims, 1, 64, 4).unwrap()).collect();
        let few = enter(&claims, 2, 1, 4).unwrap();
        assert_eq!(many.iter().map(Place::is_over).collect::<Vec<_>>(), [true, false, false, false]);
        let second = enter(&claims, 2, 1, 4).unwrap();
        assert!(many[1].is_over() && !few.is_over() && !second.is_over());
        assert!(enter(&claims, 1, 64, 4).is_none(), "a node does not displace one with equally few claims");
    }

    #[test]
    fn end_all_ends_only_claims_of_that_node() {
        let claims = Claims::default();
        let places = [1, 2, 1].map(|node| enter(&claims, node, 4, 10).unwrap());
        claims.end_all(NodeId(1));
        assert_eq!(places.each_ref().map(Place::is_over), [true, false, true]);
    }
}
