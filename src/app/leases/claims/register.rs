//! The register of waiting claims: who sleeps, who was woken for which jobs, and whose turn it is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{LeaseId, NodeId};
use crate::domain::job::Renderer;
use crate::domain::offer::{GameState, Needs, Offer};

/// Wakes one waiting claim, from any thread. Must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// [`Claim::seen`] of a claim whose node gets a free slot while it tries.
pub const FREED: u64 = u64::MAX;

/// Why a try got no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There was none.
    Nothing,
    /// The node's slots are in use.
    Full,
}

/// What decides which jobs a claim can get.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Group {
    pub renderers: Vec<Renderer>,
    pub resolutions: Vec<u32>,
    pub build: Option<u32>,
}

/// The order in which claims are woken: when the node last got a job (0: never), then by arrival.
pub type Turn = (u64, u64);
/// What a claim was woken for: jobs that need the same and avoid the same nodes.
pub type Errand = (Needs, Vec<NodeId>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Looks at the queue, or is about to.
    Trying,
    /// Can be woken.
    Asleep(Turn),
    /// Got nothing, and nothing has changed since.
    Missed(Miss),
}

pub struct Claim {
    pub node: NodeId,
    pub group: Group,
    pub state: State,
    /// [`Waiting::changes`] when it began to try.
    pub seen: u64,
    pub errand: Option<Errand>,
    /// Monotonic.
    pub until: Duration,
    pub wake: Option<Wake>,
}

#[derive(Default)]
pub struct Waiting {
    pub next: u64,
    /// Grows with each change that may have made a job available.
    pub changes: u64,
    pub claims: HashMap<u64, Claim>,
    /// Each node's claims, oldest first.
    pub nodes: HashMap<NodeId, Vec<u64>>,
    /// Those that can be woken.
    pub asleep: HashMap<Group, (Offer, BTreeMap<Turn, NodeId>)>,
    /// Those that got nothing since the last change.
    pub missed: HashSet<u64>,
    pub errands: HashMap<Errand, usize>,
    pub on_errand: usize,
    /// When each node last got a job: a number that grows with each job.
    pub last_job: HashMap<NodeId, u64>,
    pub jobs: u64,
    pub leases: HashMap<LeaseId, NodeId>,
}

impl Group {
    pub fn of(offer: &Offer) -> Self {
        let build = offer.game.as_ref().and_then(|game| game.build);
        Self { renderers: offer.renderers.clone(), resolutions: offer.resolutions.clone(), build }
    }
}

impl Waiting {
    /// A claim can be woken from now on.
    pub fn lay_down(&mut self, number: u64) {
        let Some(claim) = self.claims.get_mut(&number) else { return };
        let turn = (self.last_job.get(&claim.node).copied().unwrap_or(0), number);
        claim.state = State::Asleep(turn);
        if let Some((_, asleep)) = self.asleep.get_mut(&claim.group) {
            asleep.insert(turn, claim.node);
        } else {
            let game = claim.group.build.map(|build| GameState { build: Some(build), ..GameState::default() });
            let Group { renderers, resolutions, .. } = claim.group.clone();
            let offer = Offer { slots: 1, renderers, resolutions, game };
            self.asleep.insert(claim.group.clone(), (offer, BTreeMap::from([(turn, claim.node)])));
        }
    }

    /// A claim that is asleep cannot be woken any more.
    pub fn get_up(&mut self, number: u64) {
        let Some(claim) = self.claims.get(&number) else { return };
        self.missed.remove(&number);
        if let State::Asleep(turn) = claim.state
            && let Some((_, asleep)) = self.asleep.get_mut(&claim.group)
        {
            asleep.remove(&turn);
            if asleep.is_empty() {
                self.asleep.remove(&claim.group);
            }
        }
    }

    /// The claim to wake for such a job, rather not of a node that the job avoids.
    pub fn longest_idle(&self, (needs, avoids): &Errand) -> Option<u64> {
        let first = |skips_avoided: bool| {
            let groups = self.asleep.values().filter(|(offer, _)| offer.can_render(needs));
            let firsts = groups.filter_map(|(_, asleep)| {
                asleep.iter().find(|(_, node)| !skips_avoided || !avoids.contains(node)).map(|(turn, _)| *turn)
            });
            firsts.min()
        };
        first(true).or_else(|| first(false)).map(|(_, number)| number)
    }

    /// A claim is woken, for a job or because it is over.
    pub fn rouse(&mut self, number: u64, errand: Option<Errand>) -> Option<Wake> {
        self.get_up(number);
        let changes = self.changes;
        let claim = self.claims.get_mut(&number)?;
        (claim.state, claim.seen) = (State::Trying, changes);
        if let Some(errand) = &errand {
            *self.errands.entry(errand.clone()).or_default() += 1;
            self.on_errand += 1;
        }
        claim.errand = errand.or_else(|| claim.errand.take());
        claim.wake.take()
    }

    /// Whether the claim had been woken for a job: it no longer counts.
    pub fn back_from_errand(&mut self, number: u64) -> bool {
        let Some(errand) = self.claims.get_mut(&number).and_then(|claim| claim.errand.take()) else { return false };
        self.on_errand -= 1;
        if let Some(count) = self.errands.get_mut(&errand) {
            *count -= 1;
            if *count == 0 {
                self.errands.remove(&errand);
            }
        }
        true
    }

    pub fn remove(&mut self, number: u64) -> Option<Wake> {
        self.get_up(number);
        self.back_from_errand(number);
        let claim = self.claims.remove(&number)?;
        if let Some(own) = self.nodes.get_mut(&claim.node) {
            own.retain(|other| *other != number);
            if own.is_empty() {
                self.nodes.remove(&claim.node);
            }
        }
        claim.wake
    }
}
