//! What the first pass over a demo keeps for the second: the walked ground, the bomb sites, and the events that are
//! drawn.

use awpy::{Context, GameEvent};

use super::ground::Gatherer;
use super::keys::{PAWN, PLANTED, PawnKeys, RESOURCE};
use super::sites::Sites;

/// Samples of each player's position per second.
const SAMPLES_PER_SECOND: f32 = 8.0;
/// Samples between two searches for pawns and planted bombs.
const SEARCH_SAMPLES: i32 = 4;
/// Maximum number of events kept: a long match has some ten thousand.
const EVENTS: usize = 100_000;
/// Events that are drawn, besides those of the bomb.
const DRAWN: [&str; 4] = ["player_death", "weapon_fire", "hegrenade_detonate", "flashbang_detonate"];

/// What is kept.
pub(super) struct Land {
    /// `None` if the ground is known.
    pub ground: Option<Gatherer>,
    pub sites: Sites,
    /// In order.
    pub events: Vec<GameEvent>,
    pawn: Option<PawnKeys>,
    pawns: Vec<i32>,
}

impl Land {
    /// Nothing yet. `walks`: whether to gather the ground.
    pub fn new(walks: bool) -> Self {
        let (sites, events, pawns) = Default::default();
        Self { ground: walks.then(Gatherer::default), sites, events, pawn: None, pawns }
    }

    /// The entity classes that the parser must keep.
    pub fn classes(&self) -> impl Iterator<Item = &'static str> {
        [PLANTED, RESOURCE].into_iter().chain(self.ground.is_some().then_some(PAWN))
    }

    /// Keeps an event, if it is drawn.
    pub fn event(&mut self, event: &GameEvent) {
        let drawn = DRAWN.contains(&event.name.as_str()) || event.name.starts_with("bomb_");
        if drawn && self.events.len() < EVENTS {
            let (name, keys) = (event.name.clone(), event.keys.clone());
            self.events.push(GameEvent { name, keys, payload: Vec::new(), ..*event });
        }
    }

    /// Processes a tick. Warm-up counts: people walk on the same ground in it.
    pub fn tick(&mut self, context: &Context) {
        let every = ((1.0 / context.tick_interval() / SAMPLES_PER_SECOND) as i32).max(1);
        if context.tick() % every != 0 {
            return;
        }
        let entities = context.entities();
        if context.tick() / every % SEARCH_SAMPLES == 0 || self.pawns.is_empty() {
            self.pawns.clear();
            for (index, entity) in entities.iter() {
                match &*entity.class_name {
                    PAWN => self.pawns.push(index),
                    PLANTED => self.sites.planted(context, entity),
                    RESOURCE => self.sites.resource(context, entity),
                    _ => {}
                }
            }
        }
        let Some(ground) = &mut self.ground else { return };
        let keys = self.pawn.get_or_insert_with(|| PawnKeys::of(context));
        for &index in &self.pawns {
            let pawn = entities.get(index).filter(|entity| entity.active && &*entity.class_name == PAWN);
            if let Some(at) = pawn.filter(|pawn| pawn.get_i64(keys.health) > 0).and_then(|pawn| keys.place.read(pawn)) {
                ground.stand(index, at, every.unsigned_abs());
            }
        }
    }
}
