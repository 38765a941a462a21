//! Jobs and nodes for the tests of scheduling.

use super::id::{AccountId, JobId, NodeId};
use super::job::Renderer;
use super::key::KeyClass;
use super::offer::{GameState, Needs, Offer};
use super::schedule::{LiveNode, ReadyJob};

pub const BUILTIN: &[Renderer] = &[Renderer::Builtin];

pub fn job(id: i64, account: i64, class: KeyClass) -> ReadyJob {
    ReadyJob {
        id: JobId(id),
        account: AccountId(account),
        class,
        needs: Needs { renderer: Renderer::Builtin, resolution: 1080, demo_build: None },
        avoids: Vec::new(),
    }
}

/// A job for the game.
pub fn game_job(id: i64, class: KeyClass, demo_build: Option<u32>) -> ReadyJob {
    ReadyJob { needs: Needs { renderer: Renderer::Game, resolution: 1080, demo_build }, ..job(id, 1, class) }
}

pub fn offer(renderers: &[Renderer]) -> Offer {
    Offer { renderers: renderers.to_vec(), ..Offer::none() }
}

/// A node with the game.
pub fn game_node(id: i64, build: Option<u32>, not_ready: Option<&str>) -> LiveNode {
    let renderers = if not_ready.is_some() { &[][..] } else { &[Renderer::Game] };
    let game = GameState { build, not_ready: not_ready.map(str::to_owned), ..GameState::default() };
    LiveNode { offer: Offer { slots: 1, game: Some(game), ..offer(renderers) }, ..node(id, 1, 0) }
}

pub fn node(id: i64, slots: u32, leases: u32) -> LiveNode {
    let offer = Offer { slots, ..offer(BUILTIN) };
    LiveNode { id: NodeId(id), offer, leases, draining: false, benched: false, silent: false }
}
