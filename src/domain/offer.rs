//! What a node can render, as it last reported.

use super::game_build;
use super::job::{RESOLUTIONS, Renderer};

/// What a node can render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Number of leases it can hold.
    pub slots: u32,
    /// Renderers that it takes jobs for now.
    pub renderers: Vec<Renderer>,
    /// Picture heights that it renders.
    pub resolutions: Vec<u32>,
    /// Its game, if it is set up for one, ready or not.
    pub game: Option<GameState>,
}

/// What a job needs of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Needs {
    /// The renderer.
    pub renderer: Renderer,
    /// Height of the picture in pixels.
    pub resolution: u32,
    /// Build of the game that recorded the demo, if known.
    pub demo_build: Option<u32>,
}

/// The game on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GameState {
    /// Its build, such as 14152, if known.
    pub build: Option<u32>,
    /// Names and versions of the tools that drive it, for people.
    pub tools: String,
    /// The result of the last try after an update, for people.
    pub canary: String,
    /// Why it takes no jobs at the moment, as a sentence; `None` if it does.
    pub not_ready: Option<String>,
}

impl Offer {
    /// What a node offers that has not claimed yet.
    pub fn none() -> Self {
        Self { slots: 0, renderers: Vec::new(), resolutions: RESOLUTIONS.to_vec(), game: None }
    }

    /// Whether the node has the job's renderer, ready or not.
    pub fn has(&self, renderer: Renderer) -> bool {
        self.renderers.contains(&renderer) || (renderer == Renderer::Game && self.game.is_some())
    }

    /// Whether it renders pictures of the job's height.
    pub fn has_resolution(&self, needs: &Needs) -> bool {
        self.resolutions.contains(&needs.resolution)
    }

    /// Whether its game plays the job's demo, as far as both builds are known.
    pub fn plays(&self, needs: &Needs) -> bool {
        let game = self.game.as_ref().and_then(|game| game.build).filter(|_| needs.renderer == Renderer::Game);
        game.zip(needs.demo_build).is_none_or(|(game, demo)| game_build::plays(game, demo))
    }

    /// Whether it can render the job now.
    pub fn can_render(&self, needs: &Needs) -> bool {
        self.renderers.contains(&needs.renderer) && self.has_resolution(needs) && self.plays(needs)
    }

    /// Why it renders nothing at the moment, if that is its own doing.
    pub fn not_ready(&self) -> Option<&str> {
        self.game.as_ref()?.not_ready.as_deref().filter(|_| self.renderers.is_empty())
    }
}
