//! Job scheduling: which job a free node gets (reserved before metered, then first come, first served), and why a job
//! waits.
//!
//! The rules come from the design page on scheduling. The queue is an in-memory copy of the store's rows with status
//! `queued`: it is rebuilt from them at startup and whenever the two may differ.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::game_build;
use super::id::{AccountId, JobId, NodeId};
use super::job::Renderer;
use super::key::KeyClass;
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
    /// Whether it accepts any work.
    pub fn takes_work(&self) -> bool {
        !self.draining && !self.benched
    }

    fn can_take(&self, job: &ReadyJob) -> bool {
        self.offer.can_render(&job.needs) && self.takes_work()
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
    live.iter().any(|other| other.id != node && other.can_take(job) && !job.avoids.contains(&other.id))
}

/// The message for a job that will not wait long.
const ABOUT_TO_TAKE: &str = "a node is about to take it";

/// Why a queued job waits, as a message.
pub fn why_waiting(job: &ReadyJob, live: &[LiveNode]) -> String {
    if live.is_empty() {
        return "no render node is connected".to_owned();
    }
    if let Some(missing) = what_is_missing(job, live) {
        return missing;
    }
    let able: Vec<&LiveNode> = live.iter().filter(|node| node.can_take(job)).collect();
    if able.is_empty() {
        let benched = live.iter().any(|node| node.offer.can_render(&job.needs) && node.benched);
        return format!("every node that could take it is draining{}", if benched { " or benched" } else { "" });
    }
    let preferred: Vec<&LiveNode> = able.iter().copied().filter(|node| !job.avoids.contains(&node.id)).collect();
    let (nodes, other) =
        if preferred.is_empty() || preferred.len() == able.len() { (able, "") } else { (preferred, "other ") };
    if nodes.iter().any(|node| node.leases < node.offer.slots) {
        return ABOUT_TO_TAKE.to_owned();
    }
    match nodes.len() {
        1 => format!("the only {other}node is busy"),
        count => format!("all {count} {other}nodes are busy"),
    }
}

/// What no live node has that the job needs, if that is so.
fn what_is_missing(job: &ReadyJob, live: &[LiveNode]) -> Option<String> {
    let renderer = job.needs.renderer.as_str();
    let mut left: Vec<&LiveNode> = live.iter().filter(|node| node.offer.has(job.needs.renderer)).collect();
    if left.is_empty() {
        return Some(format!("no node offers the {renderer} renderer"));
    }
    left.retain(|node| node.offer.has_resolution(&job.needs));
    if left.is_empty() {
        return Some(format!("no node with the {renderer} renderer makes pictures of {} lines", job.needs.resolution));
    }
    let builds = left.iter().filter_map(|node| node.offer.game.as_ref()?.build).max();
    left.retain(|node| node.offer.plays(&job.needs));
    if let (true, Some(demo)) = (left.is_empty(), job.needs.demo_build) {
        return Some(format!("no node has game build {}", game_build::wanted(demo, builds)));
    }
    let is_ready = |node: &&LiveNode| node.offer.renderers.contains(&job.needs.renderer);
    // A node whose game is in use by another job does not ask for one, but will.
    let will_ask = |node: &&LiveNode| node.offer.game.as_ref().is_some_and(|game| game.not_ready.is_none());
    if left.iter().any(is_ready) {
        return None;
    }
    let mut will_ask = left.iter().filter(|node| will_ask(node)).peekable();
    if will_ask.peek().is_none() {
        return Some(format!("no node with the {renderer} renderer is ready: see `admin nodes list`"));
    }
    let all_busy = will_ask.all(|node| node.leases > 0);
    Some(if all_busy { format!("every node with the {renderer} renderer is busy") } else { ABOUT_TO_TAKE.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::offer::GameState;
    use super::*;

    const BUILTIN: &[Renderer] = &[Renderer::Builtin];

    fn job(id: i64, account: i64, class: KeyClass) -> ReadyJob {
        ReadyJob {
            id: JobId(id),
            account: AccountId(account),
            class,
            needs: Needs { renderer: Renderer::Builtin, resolution: 1080, demo_build: None },
            avoids: Vec::new(),
        }
    }

    /// A job for the game.
    fn game_job(id: i64, class: KeyClass, demo_build: Option<u32>) -> ReadyJob {
        ReadyJob { needs: Needs { renderer: Renderer::Game, resolution: 1080, demo_build }, ..job(id, 1, class) }
    }

    fn offer(renderers: &[Renderer]) -> Offer {
        Offer { renderers: renderers.to_vec(), ..Offer::none() }
    }

    /// A node with the game.
    fn game_node(id: i64, build: Option<u32>, not_ready: Option<&str>) -> LiveNode {
        let renderers = if not_ready.is_some() { &[][..] } else { &[Renderer::Game] };
        let game = GameState { build, not_ready: not_ready.map(str::to_owned), ..GameState::default() };
        LiveNode { offer: Offer { slots: 1, game: Some(game), ..offer(renderers) }, ..node(id, 1, 0) }
    }

    fn node(id: i64, slots: u32, leases: u32) -> LiveNode {
        let offer = Offer { slots, ..offer(BUILTIN) };
        LiveNode { id: NodeId(id), offer, leases, draining: false, benched: false }
    }

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

    #[test]
    fn a_waiting_job_says_why_it_waits() {
        let plain = job(1, 1, KeyClass::Metered);
        let game = game_job(1, KeyClass::Metered, None);
        let failed = ReadyJob { avoids: vec![NodeId(1)], ..plain.clone() };
        let draining = LiveNode { draining: true, ..node(3, 1, 0) };
        let benched = LiveNode { benched: true, ..node(4, 1, 0) };
        let recent = game_job(1, KeyClass::Metered, Some(14_160));
        let old = game_job(1, KeyClass::Metered, Some(14_100));
        let large = ReadyJob { needs: Needs { resolution: 1440, ..plain.needs }, ..plain.clone() };
        let small = Offer { resolutions: vec![1080], ..offer(BUILTIN) };
        let in_use = LiveNode {
            leases: 1,
            offer: Offer { renderers: vec![], ..game_node(5, None, None).offer },
            ..node(5, 1, 1)
        };
        let cases: [(&ReadyJob, Vec<LiveNode>, &str); 17] = [
            (&plain, vec![], "no render node is connected"),
            (&game, vec![node(1, 1, 0)], "no node offers the game renderer"),
            (&plain, vec![node(1, 1, 1), node(2, 1, 1)], "all 2 nodes are busy"),
            (&plain, vec![node(1, 1, 1)], "the only node is busy"),
            (&plain, vec![node(1, 2, 1)], "a node is about to take it"),
            (&failed, vec![node(1, 1, 0), node(2, 1, 1)], "the only other node is busy"),
            (&failed, vec![node(1, 1, 1)], "the only node is busy"),
            (&plain, vec![draining.clone()], "every node that could take it is draining"),
            (&plain, vec![draining.clone(), benched], "every node that could take it is draining or benched"),
            (&plain, vec![draining.clone(), node(1, 1, 1)], "the only node is busy"),
            (&game, vec![draining.clone()], "no node offers the game renderer"),
            (&recent, vec![game_node(1, Some(14_151), None)], "no node has game build ≥ 14152"),
            (&old, vec![game_node(1, Some(14_151), None)], "no node has game build 14094 to 14102"),
            (&recent, vec![game_node(1, Some(14_155), None)], "a node is about to take it"),
            (
                &game,
                vec![game_node(1, None, Some("Steam is not running."))],
                "no node with the game renderer is ready: see `admin nodes list`",
            ),
            (&game, vec![in_use], "every node with the game renderer is busy"),
            (
                &large,
                vec![LiveNode { offer: small, ..node(1, 1, 0) }],
                "no node with the builtin renderer makes pictures of 1440 lines",
            ),
        ];
        for (job, live, expected) in cases {
            assert_eq!(why_waiting(job, &live), expected);
        }
    }
}
