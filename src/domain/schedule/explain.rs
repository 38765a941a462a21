//! Why a queued job waits: the nodes, and the jobs that go first.

use std::fmt;

use super::super::game_build;
use super::super::id::NodeId;
use super::super::job::Renderer;
use super::super::key::KeyClass;
use super::super::node::NODE_SILENT_SECONDS;
use super::super::offer::Needs;
use super::super::wording::counted;
use super::entry::ReadyJob;
use super::estimate::{Before, wait_seconds};
use super::nodes::LiveNode;
use super::policy::Standing;

/// Why a queued job waits. Its text is a message, without a capital letter or a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No node is connected.
    NoNodes,
    /// No live node has the renderer.
    NoRenderer(Renderer),
    /// No live node with the renderer makes pictures of this height.
    NoResolution(Renderer, u32),
    /// No live node has a build of the game that plays the demo; the builds that do, as text.
    NoGameBuild(String),
    /// All live nodes with the renderer have something that keeps them from using it.
    NoneReady(Renderer),
    /// All live nodes with the renderer use it for another job.
    RendererBusy(Renderer),
    /// All nodes that could take it are draining or benched.
    NoWorkTaken {
        /// Whether one of them is benched.
        benched: bool,
    },
    /// It will not wait long.
    AboutToTake,
    /// Nodes with free slots could take it, but have not been heard from for a while.
    Silent,
    /// All nodes that can take it are busy.
    Busy {
        /// How many they are.
        nodes: usize,
        /// Whether the job failed on other nodes, which it avoids.
        other: bool,
    },
}

impl Reason {
    /// Whether time alone does not help: it needs the operator, or a node to come back.
    pub fn is_stuck(&self) -> bool {
        !matches!(self, Self::RendererBusy(_) | Self::AboutToTake | Self::Busy { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNodes => f.write_str("no render node is connected"),
            Self::NoRenderer(renderer) => write!(f, "no node offers the {} renderer", renderer.as_str()),
            Self::NoResolution(renderer, lines) => {
                write!(f, "no node with the {} renderer makes pictures of {lines} lines", renderer.as_str())
            }
            Self::NoGameBuild(wanted) => write!(f, "no node has game build {wanted}"),
            Self::NoneReady(renderer) => {
                write!(f, "no node with the {} renderer is ready: see `admin nodes list`", renderer.as_str())
            }
            Self::RendererBusy(renderer) => write!(f, "every node with the {} renderer is busy", renderer.as_str()),
            Self::NoWorkTaken { benched } => {
                write!(f, "every node that could take it is draining{}", if *benched { " or benched" } else { "" })
            }
            Self::AboutToTake => f.write_str("a node is about to take it"),
            Self::Silent => {
                write!(f, "every free node has been silent for {NODE_SILENT_SECONDS} seconds: see `admin nodes list`")
            }
            Self::Busy { nodes, other } => {
                let other = if *other { "other " } else { "" };
                match nodes {
                    1 => write!(f, "the only {other}node is busy"),
                    count => write!(f, "all {count} {other}nodes are busy"),
                }
            }
        }
    }
}

/// Which jobs go before a queued one. Its text follows a [`Reason`], after a semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Reserved jobs go before this metered one.
    Reserved(u64),
    /// Other accounts' jobs of the same class, in turns.
    Turns(u64),
    /// Its account has no dinks any more.
    NoDinks,
    /// Its account's dinks are in use; how many these are.
    DinksInUse(u32),
    /// The same, and so many metered jobs go first, because the operator has chosen so.
    MeteredBeforeIdle(u32, u64),
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dinks = |dinks: u32| match dinks {
            1 => "its account's only dink is in use".to_owned(),
            count => format!("all {} of its account are in use", counted(count, "dink")),
        };
        let go = |jobs: u64| if jobs == 1 { "goes" } else { "go" };
        match *self {
            Self::Reserved(jobs) => write!(f, "{} {} first", counted(jobs, "reserved job"), go(jobs)),
            Self::Turns(accounts) => write!(f, "it takes turns with {}", counted(accounts, "other account")),
            Self::NoDinks => f.write_str("its account has no dinks any more"),
            Self::DinksInUse(count) => f.write_str(&dinks(count)),
            Self::MeteredBeforeIdle(count, jobs) => {
                write!(f, "{}, and {} {} first", dinks(count), counted(jobs, "metered job"), go(jobs))
            }
        }
    }
}

/// Which jobs go before a queued one at this position, if that is worth a word: jobs of its own account are not, because
/// its position says how many they are.
pub fn who_is_first(class: KeyClass, position: u64, standing: &Standing, before: &Before) -> Option<First> {
    let turns = (before.accounts > 0).then_some(First::Turns(before.accounts));
    match class {
        KeyClass::Metered if before.other_class > 0 => Some(First::Reserved(before.other_class)),
        KeyClass::Reserved if standing.dinks == 0 => Some(First::NoDinks),
        KeyClass::Reserved if before.other_class > 0 => {
            Some(First::MeteredBeforeIdle(standing.dinks, before.other_class))
        }
        KeyClass::Reserved if !standing.covers(position) && standing.free_dinks() == 0 => {
            Some(First::DinksInUse(standing.dinks))
        }
        _ => turns,
    }
}

/// A queued job's place in the queue.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its entry.
    pub job: ReadyJob,
    /// Its position among its account's queued jobs of its class, starting at 1.
    pub position: u64,
    /// What goes before it.
    pub before: Before,
    /// How its account stands.
    pub standing: Standing,
}

/// What people are told of a queued job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why it waits, without a capital letter or a full stop.
    pub because: String,
    /// About how many seconds until a node takes it; `None` if that cannot be told.
    pub wait_seconds: Option<u64>,
}

/// Why a job waits, which jobs go first while all nodes are busy, and for how long it will wait.
pub fn explain(place: &Place, live: &[LiveNode]) -> Explanation {
    let Place { job, position, before, standing } = place;
    let reason = why_waiting(&job.needs, &job.avoids, live);
    let first = who_is_first(job.class, *position, standing, before);
    let because = match (&reason, first) {
        (Reason::Busy { .. } | Reason::RendererBusy(_), Some(first)) => format!("{reason}; {first}"),
        _ => reason.to_string(),
    };
    let wait_seconds = if reason.is_stuck() { None } else { wait_seconds(&job.needs, before, live) };
    Explanation { because, wait_seconds }
}

/// Why a queued job with these needs waits that avoids these nodes.
pub fn why_waiting(needs: &Needs, avoids: &[NodeId], live: &[LiveNode]) -> Reason {
    if live.is_empty() {
        return Reason::NoNodes;
    }
    if let Some(missing) = what_is_missing(needs, live) {
        return missing;
    }
    let able: Vec<&LiveNode> = live.iter().filter(|node| node.can_take(needs)).collect();
    if able.is_empty() {
        let benched = live.iter().any(|node| node.offer.can_render(needs) && node.benched);
        return Reason::NoWorkTaken { benched };
    }
    let preferred: Vec<&LiveNode> = able.iter().copied().filter(|node| !avoids.contains(&node.id)).collect();
    let (nodes, other) =
        if preferred.is_empty() || preferred.len() == able.len() { (able, false) } else { (preferred, true) };
    let mut free = nodes.iter().filter(|node| node.free_slots() > 0).peekable();
    if free.peek().is_some() {
        return if free.all(|node| node.silent) { Reason::Silent } else { Reason::AboutToTake };
    }
    Reason::Busy { nodes: nodes.len(), other }
}

/// What no live node has that the job needs, if that is so.
fn what_is_missing(needs: &Needs, live: &[LiveNode]) -> Option<Reason> {
    let renderer = needs.renderer;
    let mut left: Vec<&LiveNode> = live.iter().filter(|node| node.offer.has(renderer)).collect();
    if left.is_empty() {
        return Some(Reason::NoRenderer(renderer));
    }
    left.retain(|node| node.offer.has_resolution(needs));
    if left.is_empty() {
        return Some(Reason::NoResolution(renderer, needs.resolution));
    }
    let builds = left.iter().filter_map(|node| node.offer.game.as_ref()?.build).max();
    left.retain(|node| node.offer.plays(needs));
    if let (true, Some(demo)) = (left.is_empty(), needs.demo_build) {
        return Some(Reason::NoGameBuild(game_build::wanted(demo, builds)));
    }
    let is_ready = |node: &&LiveNode| node.offer.renderers.contains(&renderer);
    // A node whose game is in use by another job does not ask for one, but will.
    let will_ask = |node: &&LiveNode| node.offer.game.as_ref().is_some_and(|game| game.not_ready.is_none());
    if left.iter().any(is_ready) {
        return None;
    }
    let mut will_ask = left.iter().filter(|node| will_ask(node)).peekable();
    if will_ask.peek().is_none() {
        return Some(Reason::NoneReady(renderer));
    }
    let all_busy = will_ask.all(|node| node.leases > 0);
    Some(if all_busy { Reason::RendererBusy(renderer) } else { Reason::AboutToTake })
}
