//! Waiting claims (long polls), as the scheduler sees them: who may be woken for a queued job. They cost no thread; how
//! one is woken is the caller's business ([`Wake`]).
//!
//! Each node may keep only as many open as its slots can use. As many are woken as there are jobs for them, those of
//! the nodes that have been idle longest first. One that gets nothing keeps its place, and is not tried again before
//! something changes. They end at once when their node stops, drains or is removed.

mod register;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::counters::Counter;
use crate::app::leases::claims::register::{Claim, FREED, Group, State, Waiting};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{LeaseId, NodeId};
use crate::domain::offer::Offer;
use crate::domain::schedule::WaitingKind;
use crate::os::doorbell::Doorbell;

pub use register::{Miss, Wake};

/// Woken claims that have not been tried yet. More would only queue for the store's writer, ahead of everything else.
const WOKEN_AT_ONCE: usize = 64;
/// Nodes of which it is remembered when they last got a job. When more are known, all count as idle for ever.
const NODES_REMEMBERED: usize = 1 << 16;

/// All waiting claims.
pub struct Claims {
    waiting: Mutex<Waiting>,
    news: Arc<Doorbell>,
    /// How many were woken for a job.
    pub woken: Counter,
}

/// A waiting claim, registered until this is dropped.
pub struct Place {
    claims: Arc<Claims>,
    number: u64,
}

impl Claims {
    /// `news` rings when a claim ends on which a job may have counted.
    pub fn new(news: Arc<Doorbell>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), news, woken: Counter::default() })
    }

    /// Registers a claim that is about to try. A node may have `slots + 1` claims; a further one ends its oldest, so that
    /// a restarted agent is not locked out by connections its predecessor left open. All nodes together may have
    /// `total`; any more are too busy.
    pub fn enter(self: &Arc<Self>, node: NodeId, offer: &Offer, until: Duration, total: usize) -> Result<Place> {
        let mut waiting = self.lock();
        let mut ended = Vec::new();
        while let Some(own) = waiting.nodes.get(&node).filter(|own| own.len() > offer.slots as usize) {
            let oldest = own[0];
            ended.extend(waiting.remove(oldest));
        }
        let number = waiting.next;
        let is_full = waiting.claims.len() >= total;
        if !is_full {
            waiting.next += 1;
            let (group, seen) = (Group::of(offer), waiting.changes);
            let claim = Claim { node, group, state: State::Trying, seen, errand: None, until, wake: None };
            waiting.claims.insert(number, claim);
            waiting.nodes.entry(node).or_default().push(number);
        }
        drop(waiting);
        wake_all(ended);
        if is_full {
            let message = "Too many node claims are waiting. Try again shortly.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::TooBusy, message));
        }
        Ok(Place { claims: Arc::clone(self), number })
    }

    /// Ends every claim of a node.
    pub fn end_all(&self, node: NodeId) {
        let mut waiting = self.lock();
        let all = waiting.nodes.get(&node).cloned().unwrap_or_default();
        let ended: Vec<Wake> = all.into_iter().filter_map(|number| waiting.remove(number)).collect();
        drop(waiting);
        wake_all(ended);
    }

    /// Ends the claims of all nodes but those that may get jobs.
    pub fn end_all_but(&self, may_take: &HashSet<NodeId>) {
        let gone: Vec<NodeId> = self.lock().nodes.keys().filter(|node| !may_take.contains(node)).copied().collect();
        gone.into_iter().for_each(|node| self.end_all(node));
    }

    /// Wakes all claims: the server is shutting down.
    pub fn wake_all(&self) {
        let wakes = self.lock().claims.values_mut().filter_map(|claim| claim.wake.take()).collect();
        wake_all(wakes);
    }

    /// Wakes the claims whose time is up. Monotonic.
    pub fn expire(&self, now: Duration) {
        let mut waiting = self.lock();
        let due = |claim: &Claim| claim.until <= now && claim.wake.is_some();
        let due: Vec<u64> = waiting.claims.iter().filter(|(_, claim)| due(claim)).map(|(number, _)| *number).collect();
        let wakes = due.into_iter().filter_map(|number| waiting.rouse(number, None)).collect();
        drop(waiting);
        wake_all(wakes);
    }

    /// Something has changed: claims that got nothing so far may get something now.
    pub fn refresh(&self) {
        let mut waiting = self.lock();
        waiting.changes += 1;
        let missed: Vec<u64> = waiting.missed.drain().collect();
        missed.into_iter().for_each(|number| waiting.lay_down(number));
    }

    /// Wakes as many claims as there are queued jobs for them.
    pub fn hand_out(&self, queued: impl FnOnce() -> Vec<WaitingKind>) {
        let mut waiting = self.lock();
        if waiting.asleep.is_empty() {
            return;
        }
        let mut wakes = Vec::new();
        for kind in queued() {
            let errand = (kind.needs, kind.avoids);
            while waiting.on_errand < WOKEN_AT_ONCE
                && (waiting.errands.get(&errand).copied().unwrap_or(0) as u64) < kind.jobs
                && let Some(number) = waiting.longest_idle(&errand)
            {
                self.woken.add_one();
                wakes.extend(waiting.rouse(number, Some(errand.clone())));
            }
        }
        drop(waiting);
        wake_all(wakes);
    }

    /// A node has got a job.
    pub fn leased(&self, node: NodeId, lease: LeaseId) {
        let mut waiting = self.lock();
        waiting.jobs += 1;
        if waiting.last_job.len() >= NODES_REMEMBERED {
            waiting.last_job.clear();
        }
        let jobs = waiting.jobs;
        waiting.last_job.insert(node, jobs);
        waiting.leases.insert(lease, node);
    }

    /// A lease is over: its node has a free slot.
    pub fn lease_over(&self, lease: LeaseId) {
        let mut waiting = self.lock();
        let full: Vec<u64> = match waiting.leases.remove(&lease) {
            Some(node) => waiting.nodes.get(&node).cloned().unwrap_or_default(),
            // From before the server's start: nobody remembers whose it is.
            None => waiting.claims.keys().copied().collect(),
        };
        for number in full {
            match waiting.claims.get_mut(&number) {
                Some(claim) if claim.state == State::Missed(Miss::Full) => waiting.lay_down(number),
                Some(claim) if claim.state == State::Trying => claim.seen = FREED,
                _ => {}
            }
        }
    }

    /// How many claims wait.
    pub fn count(&self) -> usize {
        self.lock().claims.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_all(wakes: Vec<Wake>) {
    wakes.into_iter().for_each(|wake| wake());
}

impl Place {
    /// Whether the claim must end now.
    pub fn is_over(&self) -> bool {
        !self.claims.lock().claims.contains_key(&self.number)
    }

    /// The claim is about to try again.
    pub fn retry(&self) {
        // It may also have woken by itself.
        self.claims.lock().rouse(self.number, None);
    }

    /// The claim's try got nothing. It sleeps until `wake` is called: for a job, or because it is over.
    pub fn sleep(&self, miss: Miss, wake: Wake) {
        let mut waiting = self.claims.lock();
        waiting.back_from_errand(self.number);
        let changes = waiting.changes;
        let Some(claim) = waiting.claims.get_mut(&self.number) else {
            drop(waiting);
            return wake();
        };
        claim.wake = Some(wake);
        if claim.seen == FREED || (miss == Miss::Nothing && claim.seen != changes) {
            return waiting.lay_down(self.number);
        }
        claim.state = State::Missed(miss);
        if miss == Miss::Nothing {
            waiting.missed.insert(self.number);
        }
    }

    /// The claim got a job, or ended.
    pub fn done(&self) {
        self.claims.lock().remove(self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.claims.lock();
        let was_on_errand = waiting.back_from_errand(self.number);
        waiting.remove(self.number);
        drop(waiting);
        if was_on_errand {
            // Another must go.
            self.claims.news.ring();
        }
    }
}
