//! Tracks the bomb tick by tick: carried, dropped, planted, defused, exploded.

use awpy::{Context, Entity};

use crate::render::scene::{Bomb, BombState, Effect, EffectKind, MAX_PLAYERS, Moment, Plant};

use super::attempts::{Attempts, defuse_seconds};
use super::keys::{BOMB, Fields, Key, PLANTED, PlaceKeys};
use super::seats::Seats;

/// Default seconds from plant to explosion, if neither the demo nor the server says.
const FUSE_SECONDS: f32 = 40.0;

/// Seconds by which the explosion may be shown late.
const FUSE_SLACK_SECONDS: f32 = 1.5;

/// Tracks the bomb through one round.
#[derive(Default)]
pub(super) struct BombWatch {
    keys: Option<BombKeys>,
    /// Handle of the pawn carrying it at this tick.
    carrier: Option<u32>,
    /// Its position on the ground at this tick.
    loose: Option<Option<[f32; 3]>>,
    /// The last position at which it was carried.
    carried_at: Option<[f32; 3]>,
    planted: Option<Planted>,
    /// Whether its carrier is planting it at this tick.
    arming: bool,
    /// Handle of the pawn defusing it at this tick.
    defuser: Option<u32>,
    /// Duration of the current defuse.
    defuse_seconds: Option<f32>,
}

struct BombKeys {
    owner: Key,
    parent: Key,
    arming: Key,
    place: PlaceKeys,
    planted: PlantedKeys,
}

struct PlantedKeys {
    place: PlaceKeys,
    ticking: Key,
    site: Key,
    timer: Key,
    defused: Key,
    exploded: Key,
    being_defused: Key,
    defuser: Key,
    defuse_seconds: Key,
}

struct Planted {
    /// Set at the end of its first tick, once the tick is known.
    since: Option<i32>,
    entity: (i32, u32),
    bomb: Bomb,
    site: char,
    timer: f32,
    exploded_at: Option<i32>,
}

impl BombKeys {
    fn of(context: &Context) -> Self {
        let (bomb, planted) = (Fields::of(context, BOMB), Fields::of(context, PLANTED));
        Self {
            owner: bomb.key("m_hOwnerEntity"),
            parent: bomb.key("CBodyComponent.m_skeletonInstance.m_hParent"),
            arming: bomb.key("m_bStartedArming"),
            place: PlaceKeys::of(&bomb),
            planted: PlantedKeys {
                place: PlaceKeys::of(&planted),
                ticking: planted.key("m_bBombTicking"),
                site: planted.key("m_nBombSite"),
                timer: planted.key("m_flTimerLength"),
                defused: planted.key("m_bBombDefused"),
                exploded: planted.key("m_bHasExploded"),
                being_defused: planted.key("m_bBeingDefused"),
                defuser: planted.key("m_hBombDefuser"),
                defuse_seconds: planted.key("m_flDefuseLength"),
            },
        }
    }
}

impl BombWatch {
    /// Begins a tick.
    pub fn begin(&mut self) {
        (self.carrier, self.loose) = (None, None);
        (self.arming, self.defuser, self.defuse_seconds) = (false, None, None);
    }

    /// Updates from the bomb entity while it is carried or dropped.
    pub fn bomb(&mut self, context: &Context, entity: &Entity) {
        let keys = self.keys.get_or_insert_with(|| BombKeys::of(context));
        let resolve = |key| entity.get_handle(key).filter(|&handle| context.entities().get_by_handle(handle).is_some());
        match resolve(keys.owner) {
            Some(owner) => (self.carrier, self.arming) = (Some(owner), entity.get_bool(keys.arming)),
            // A position relative to its last carrier is not usable.
            None if resolve(keys.parent).is_some() => self.loose = self.loose.or(Some(None)),
            None => self.loose = Some(keys.place.read(entity)),
        }
    }

    /// Updates from the planted bomb entity.
    pub fn planted(&mut self, context: &Context, entity: &Entity) {
        let keys = &self.keys.get_or_insert_with(|| BombKeys::of(context)).planted;
        let (exploded, defused) = (entity.get_bool(keys.exploded), entity.get_bool(keys.defused));
        let id = (entity.index, entity.serial);
        if self.planted.as_ref().is_none_or(|planted| planted.entity != id) {
            // If it is not ticking when first seen, it is from the previous round.
            let Some(at) = keys.place.read(entity).filter(|_| entity.get_bool(keys.ticking)) else { return };
            let site = if entity.get_i64(keys.site) == 1 { 'B' } else { 'A' };
            let bomb = Bomb { at, state: BombState::Planted, being_defused: false };
            let timer = entity.get_f32(keys.timer);
            self.planted = Some(Planted { since: None, entity: id, bomb, site, timer, exploded_at: None });
        }
        if let Some(planted) = &mut self.planted {
            planted.bomb.being_defused = !exploded && !defused && entity.get_bool(keys.being_defused);
            if defused {
                planted.bomb.state = BombState::Defused;
            } else if exploded {
                planted.bomb.state = BombState::Exploded;
            }
            if planted.bomb.being_defused {
                let seconds = entity.get_f32(keys.defuse_seconds);
                self.defuser = entity.get_handle(keys.defuser);
                self.defuse_seconds = Some(seconds).filter(|seconds| seconds.is_finite() && *seconds > 0.0);
            }
        }
    }

    /// Handles the explosion event; the entity may be gone already.
    pub fn exploded(&mut self, tick: i32) -> Option<Effect> {
        let planted = self.planted.as_mut()?;
        planted.bomb.state = BombState::Exploded;
        planted.bomb.being_defused = false;
        if planted.exploded_at.is_some() {
            return None;
        }
        planted.exploded_at = Some(tick);
        Some(Effect { tick, kind: EffectKind::BombExploded, at: planted.bomb.at })
    }

    /// Ends a tick: writes the bomb's state into the moment.
    pub fn end(&mut self, moment: &mut Moment, seats: &Seats) -> Option<Effect> {
        if let Some(planted) = &mut self.planted {
            planted.since.get_or_insert(moment.tick);
            let defuser = moment.players.iter().any(|player| player.alive() && player.defusing);
            planted.bomb.being_defused |= defuser && planted.bomb.state == BombState::Planted;
            moment.bomb = Some(planted.bomb);
            let exploded = planted.bomb.state == BombState::Exploded;
            return if exploded { self.exploded(moment.tick) } else { None };
        }
        let carrier = self.carrier.and_then(|handle| seats.of_handle(handle));
        if carrier.is_some_and(|player| player >= MAX_PLAYERS) {
            // Carried by a player who is not drawn.
            return None;
        }
        if let Some(player) = carrier {
            self.carried_at = Some(moment.players[player].at);
        }
        if let Some(player) = carrier.filter(|&player| moment.players[player].alive()) {
            moment.players[player].has_bomb = true;
        } else if carrier.is_some() || self.loose.is_some() {
            // A dead carrier's bomb is dropped a few ticks before its entity says so.
            let at = self.loose.flatten().or(self.carried_at);
            moment.bomb = at.map(|at| Bomb { at, state: BombState::Dropped, being_defused: false });
        }
        None
    }

    /// Who is planting and who is defusing at this tick, as the entities show.
    pub fn show(&self, moment: &Moment, seats: &Seats, attempts: &mut Attempts) {
        let tick = moment.tick;
        let carrier = self.carrier.filter(|_| self.arming && self.planted.is_none());
        attempts.planting.show(carrier.and_then(|handle| seats.of_handle(handle)), tick, None);
        let ticking = self.planted.as_ref().is_some_and(|planted| planted.bomb.state == BombState::Planted);
        let flagged = moment.players.iter().position(|player| player.alive() && player.defusing);
        let defuser = self.defuser.and_then(|handle| seats.of_handle(handle)).or(flagged).filter(|_| ticking);
        let kit = defuser.and_then(|player| moment.players.get(player)).map(|player| defuse_seconds(player.kit));
        attempts.defusing.show(defuser, tick, self.defuse_seconds.or(kit));
    }

    /// The plant, if there was one. `server_seconds`: the fuse time set on the server.
    pub fn plant(&self, server_seconds: Option<f32>, tick_rate: f32) -> Option<Plant> {
        let planted = self.planted.as_ref()?;
        let tick = planted.since?;
        // A demo shows the explosion up to a second late; beyond that, what was observed counts.
        let burnt = planted.exploded_at.map(|end| (f64::from(end) - f64::from(tick)) as f32 / tick_rate);
        let set = Some(planted.timer).filter(|timer| timer.is_finite() && *timer > 0.0);
        let stated = set.or(server_seconds).unwrap_or(FUSE_SECONDS);
        let fuse_seconds = burnt.filter(|burnt| (burnt - stated).abs() > FUSE_SLACK_SECONDS).unwrap_or(stated);
        Some(Plant { tick, site: planted.site, fuse_seconds })
    }
}
