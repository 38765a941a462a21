//! Why a queued job waits.

use std::fmt;

use super::game_build;
use super::id::NodeId;
use super::job::Renderer;
use super::offer::Needs;
use super::schedule::LiveNode;

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
    if nodes.iter().any(|node| node.leases < node.offer.slots) {
        return Reason::AboutToTake;
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

#[cfg(test)]
mod tests {
    use super::super::key::KeyClass;
    use super::super::offer::Offer;
    use super::super::samples::{BUILTIN, game_job, game_node, job, node, offer};
    use super::super::schedule::ReadyJob;
    use super::*;

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
            assert_eq!(why_waiting(&job.needs, &job.avoids, &live).to_string(), expected);
        }
    }
}
