//! Job scheduling: which job a free node gets: reserved before metered, then first come, first served.
//!
//! The rules come from the design page on scheduling. The queue is an in-memory copy of the store's rows with status
//! `queued`: it is rebuilt from them at startup and whenever the two may differ.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::id::{AccountId, JobId, NodeId};
use super::job::Renderer;
use super::key::KeyClass;
use super::node::Node;
use super::offer::{Needs, Offer};

/// A queued job, with what scheduling depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyJob {
    /// Its row number, which is its place in the queue, also after a failed attempt.
    pub id: JobId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Reserved or metered.
    pub class: KeyClass,
    /// What it needs of a node.
    pub needs: Needs,
    /// Nodes on which it failed: it avoids them as long as another live node can take it.
    pub avoids: Vec<NodeId>,
}

/// Queued jobs that need the same of a node and avoid the same nodes: they wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingKind {
    /// What they need.
    pub needs: Needs,
    /// The nodes that they avoid.
    pub avoids: Vec<NodeId>,
    /// How many they are.
    pub jobs: u64,
    /// The one that was submitted first.
    pub oldest: JobId,
}

/// A live node, as seen by the scheduler.
#[derive(Clone, Debug)]
pub struct LiveNode {
    /// Its row.
    pub id: NodeId,
    /// What it can render.
    pub offer: Offer,
    /// Number of leases it holds.
    pub leases: u32,
    /// Whether it is draining.
    pub draining: bool,
    /// Whether it is benched.
    pub benched: bool,
}

impl LiveNode {
    /// A node that is live at this time and holds this many leases.
    pub fn of(node: Node, leases: u32, now_ms: i64) -> Self {
        let (benched, draining) = (node.is_benched(now_ms), node.draining);
        Self { id: node.id, leases, draining, benched, offer: node.offer }
    }

    /// Whether it accepts any work.
    pub fn takes_work(&self) -> bool {
        !self.draining && !self.benched
    }

    /// Whether it accepts this kind of job.
    pub fn can_take(&self, needs: &Needs) -> bool {
        self.offer.can_render(needs) && self.takes_work()
    }
}

/// All queued jobs of active accounts.
#[derive(Debug, Default)]
pub struct ReadyQueue {
    /// Per renderer, in queue order: reserved first (the order of [`KeyClass`]), then by row.
    lanes: HashMap<Renderer, BTreeMap<(KeyClass, JobId), ReadyJob>>,
    /// The same jobs per account and class, ordered by row: only for [`Self::position`] and [`Self::waiting`].
    lines: HashMap<(AccountId, KeyClass), VecDeque<JobId>>,
}

impl ReadyQueue {
    /// Adds a job at its place in the queue. Replaces a job that is already there.
    pub fn insert(&mut self, job: ReadyJob) {
        let line = self.lines.entry((job.account, job.class)).or_default();
        if let Err(place) = line.binary_search(&job.id) {
            line.insert(place, job.id);
        }
        self.lanes.entry(job.needs.renderer).or_default().insert((job.class, job.id), job);
    }

    /// Removes a job that was claimed or cancelled.
    pub fn remove(&mut self, class: KeyClass, id: JobId) {
        let Some(job) = self.lanes.values_mut().find_map(|lane| lane.remove(&(class, id))) else { return };
        let key = (job.account, job.class);
        if let Some(line) = self.lines.get_mut(&key) {
            if let Ok(place) = line.binary_search(&id) {
                line.remove(place);
            }
            if line.is_empty() {
                self.lines.remove(&key);
            }
        }
    }

    /// Position among the queued jobs of the same account and class, starting at 1; `None` if the job is not queued.
    pub fn position(&self, account: AccountId, class: KeyClass, id: JobId) -> Option<u64> {
        let place = self.lines.get(&(account, class))?.binary_search(&id).ok()?;
        Some(place as u64 + 1)
    }

    /// Number of queued jobs of this account and class.
    pub fn waiting(&self, account: AccountId, class: KeyClass) -> u64 {
        self.lines.get(&(account, class)).map_or(0, |line| line.len() as u64)
    }

    /// Number of queued jobs of this account.
    pub fn queued(&self, account: AccountId) -> u64 {
        KeyClass::ALL.into_iter().map(|class| self.waiting(account, class)).sum()
    }

    /// Number of queued jobs of this class, and the first of them.
    pub fn waiting_in(&self, class: KeyClass) -> (u64, Option<JobId>) {
        let lines = || self.lines.iter().filter(|((_, of), _)| *of == class).map(|(_, line)| line);
        (lines().map(|line| line.len() as u64).sum(), lines().filter_map(|line| line.front()).min().copied())
    }

    /// A queued job, if it is in the queue.
    pub fn get(&self, class: KeyClass, id: JobId) -> Option<&ReadyJob> {
        self.lanes.values().find_map(|lane| lane.get(&(class, id)))
    }

    /// Whether there is a job for a node with these renderers, regardless of avoided nodes.
    pub fn has_any(&self, renderers: &[Renderer]) -> bool {
        renderers.iter().any(|renderer| self.lanes.get(renderer).is_some_and(|lane| !lane.is_empty()))
    }

    /// The job that this node gets: the first in the queue that it can render and that should not go elsewhere. A job
    /// that avoids the node waits for another one as long as `elsewhere` says that there is one.
    pub fn pick(&self, node: NodeId, offer: &Offer, mut elsewhere: impl FnMut(&ReadyJob) -> bool) -> Option<&ReadyJob> {
        let lanes = Renderer::ALL.into_iter().filter(|renderer| offer.renderers.contains(renderer));
        lanes
            .filter_map(|renderer| {
                let mut jobs = self.lanes.get(&renderer)?.values().filter(|job| offer.can_render(&job.needs));
                jobs.find(|job| !job.avoids.contains(&node) || !elsewhere(job))
            })
            .min_by_key(|job| (job.class, job.id))
    }

    /// The queued jobs by what decides why they wait, unordered.
    pub fn kinds(&self) -> Vec<WaitingKind> {
        let mut kinds: HashMap<(Needs, Vec<NodeId>), (u64, JobId)> = HashMap::new();
        for job in self.lanes.values().flat_map(BTreeMap::values) {
            let (jobs, oldest) = kinds.entry((job.needs, job.avoids.clone())).or_insert((0, job.id));
            *jobs += 1;
            *oldest = job.id.min(*oldest);
        }
        let kind = |((needs, avoids), (jobs, oldest))| WaitingKind { needs, avoids, jobs, oldest };
        kinds.into_iter().map(kind).collect()
    }

    /// Number of queued jobs.
    pub fn len(&self) -> usize {
        self.lanes.values().map(BTreeMap::len).sum()
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a live node other than `node` that the job does not avoid can take the job. Busy nodes count, because they
/// will become free.
pub fn another_can_take(job: &ReadyJob, node: NodeId, live: &[LiveNode]) -> bool {
    live.iter().any(|other| other.id != node && other.can_take(&job.needs) && !job.avoids.contains(&other.id))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{BUILTIN, game_job, game_node, job, node, offer};
    use super::*;

    fn drain(queue: &mut ReadyQueue, node: i64, renderers: &[Renderer]) -> Vec<i64> {
        let mut order = Vec::new();
        while let Some(job) = queue.pick(NodeId(node), &offer(renderers), |_| true).cloned() {
            queue.remove(job.class, job.id);
            order.push(job.id.0);
        }
        order
    }

    #[test]
    fn reserved_jobs_come_first_and_each_class_is_in_order() {
        let mut queue = ReadyQueue::default();
        for (id, account, class) in [
            (4, 1, KeyClass::Metered),
            (2, 2, KeyClass::Metered),
            (5, 1, KeyClass::Reserved),
            (3, 2, KeyClass::Reserved),
        ] {
            queue.insert(job(id, account, class));
        }
        assert_eq!(queue.len(), 4);
        assert_eq!(drain(&mut queue, 1, BUILTIN), [3, 5, 2, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn requeued_job_keeps_its_place() {
        let mut queue = ReadyQueue::default();
        for id in [7, 8, 9] {
            queue.insert(job(id, 1, KeyClass::Metered));
        }
        queue.remove(KeyClass::Metered, JobId(7));
        assert_eq!(queue.position(AccountId(1), KeyClass::Metered, JobId(9)), Some(2));
        queue.insert(job(7, 1, KeyClass::Metered));
        assert_eq!(queue.position(AccountId(1), KeyClass::Metered, JobId(9)), Some(3));
        assert_eq!(queue.position(AccountId(1), KeyClass::Reserved, JobId(9)), None);
        assert_eq!(drain(&mut queue, 1, BUILTIN), [7, 8, 9]);
    }

    #[test]
    fn a_job_only_goes_to_a_node_with_its_renderer_and_does_not_hold_up_the_others() {
        let mut queue = ReadyQueue::default();
        queue.insert(game_job(1, KeyClass::Reserved, None));
        queue.insert(job(2, 1, KeyClass::Metered));
        assert!(queue.has_any(BUILTIN));
        assert_eq!(drain(&mut queue, 1, BUILTIN), [2]);
        assert!(!queue.has_any(BUILTIN));
        assert_eq!(drain(&mut queue, 1, &Renderer::ALL), [1]);
    }

    #[test]
    fn a_job_that_failed_on_a_node_goes_elsewhere_while_another_can_take_it() {
        let mut queue = ReadyQueue::default();
        let failed = ReadyJob { avoids: vec![NodeId(1)], ..job(1, 1, KeyClass::Metered) };
        queue.insert(failed.clone());
        queue.insert(job(2, 1, KeyClass::Metered));
        let picked = |node: i64, live: &[LiveNode]| {
            queue
                .pick(NodeId(node), &offer(BUILTIN), |job| another_can_take(job, NodeId(node), live))
                .map(|job| job.id.0)
        };
        let game = game_node(3, None, None);
        assert_eq!(picked(1, &[node(1, 1, 0), node(2, 1, 1)]), Some(2), "a busy node will be free");
        assert_eq!(picked(2, &[node(1, 1, 0), node(2, 1, 0)]), Some(1));
        assert_eq!(picked(1, &[node(1, 1, 0)]), Some(1), "there is no other node");
        assert_eq!(picked(1, &[node(1, 1, 0), game]), Some(1), "the other node cannot render it");
        let draining = LiveNode { draining: true, ..node(2, 1, 0) };
        assert_eq!(picked(1, &[node(1, 1, 0), draining]), Some(1), "the other node takes no more");
        let benched = LiveNode { benched: true, ..node(2, 1, 0) };
        assert_eq!(picked(1, &[node(1, 1, 0), benched]), Some(1), "the other node is given nothing");
    }

    #[test]
    fn a_job_only_goes_to_a_node_whose_game_plays_its_demo() {
        let mut queue = ReadyQueue::default();
        queue.insert(game_job(1, KeyClass::Reserved, Some(14_160)));
        queue.insert(game_job(2, KeyClass::Metered, None));
        let picked = |build| queue.pick(NodeId(1), &game_node(1, build, None).offer, |_| true).map(|job| job.id.0);
        assert_eq!((picked(Some(14_151)), picked(Some(14_152)), picked(None)), (Some(2), Some(1), Some(1)));
    }
}
