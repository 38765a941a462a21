//! Second pass over a demo: collects everything that moves in one round, tick by tick. It must not look up names or
//! allocate strings on every tick.

use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};

use awpy::{Context, Entity, GameEvent};

use crate::domain::clip::CLIP_SECONDS;
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::render::scene::{MAX_PLAYERS, Moment, PlayerAt, Scene, Side};

use super::arms::{Arms, Carried};
use super::attempts::{Attempts, defuse_seconds};
use super::bomb::BombWatch;
use super::events::Values;
use super::failure;
use super::keys;
use super::roster::{PLAYERS, Roster};
use super::schema::{Kind, Schema};
use super::seats::Seats;
use super::throws::Throws;

/// Maximum number of moments, whatever tick rate a demo claims: a full-length clip at 128 ticks per second.
const MOMENTS: usize = (CLIP_SECONDS as usize + 10) * 128;
/// Default round time in seconds, if the rules do not say.
const ROUND_SECONDS: f32 = 115.0;

/// Tick ranges of interest.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Ticks whose moments are kept.
    pub moments: RangeInclusive<i32>,
    /// From the start of freeze time to the start of the next round.
    pub round: Range<i32>,
    pub freeze_end: i32,
    pub round_end: i32,
}

/// Builds a [`Scene`].
pub(super) struct Collector {
    window: Window,
    steam64: u64,
    schema: Option<Schema>,
    scene: Scene,
    roster: Roster,
    seats: Seats,
    arms: Arms,
    throws: Throws,
    bomb: BombWatch,
    attempts: Attempts,
    /// Who died in this round. A late entity update must not revive them.
    dead: [bool; PLAYERS],
    spotting: bool,
    played: bool,
}

impl Collector {
    pub fn new(window: Window, steam64: u64, roster: Roster) -> Self {
        let scene = Scene { round_seconds: ROUND_SECONDS, ..Scene::default() };
        Self {
            window,
            steam64,
            schema: None,
            scene,
            roster,
            seats: Seats::default(),
            arms: Arms::default(),
            throws: Throws::default(),
            bomb: BombWatch::default(),
            attempts: Attempts::default(),
            dead: [false; PLAYERS],
            spotting: false,
            played: false,
        }
    }

    /// The entity classes that the parser must keep.
    pub fn classes() -> HashSet<&'static str> {
        let mut classes: HashSet<_> = awpy::weapons::weapon_classes().collect();
        classes.extend([keys::PAWN, keys::CONTROLLER, keys::RULES, keys::TEAM]);
        classes.extend([keys::INFERNO, keys::PLANTED, keys::BOMB]);
        classes.extend(keys::PROJECTILES.map(|(class, _)| class));
        classes
    }

    /// Processes one tick.
    pub fn tick(&mut self, context: &Context, events: &[GameEvent]) {
        let schema = self.schema.take().unwrap_or_else(|| Schema::of(context));
        let tick = context.tick();
        let in_order = self.scene.moments.last().is_none_or(|moment| moment.tick < tick);
        if self.window.moments.contains(&tick) && in_order && self.scene.moments.len() < MOMENTS {
            self.moment(context, events, &schema);
        }
        self.schema = Some(schema);
    }

    /// Whether the followed player was alive in the round.
    pub fn has_played(&self) -> bool {
        self.played
    }

    /// Returns the scene; an error if the player is not in it.
    pub fn finish(mut self, c4_seconds: Option<f32>, tick_rate: f32) -> Result<Scene> {
        let steam64 = self.steam64;
        let followed = self.roster.players.iter().position(|player| player.steam64 == steam64);
        let Some(followed) = followed.filter(|_| self.played) else {
            let message = format!("Player {steam64} is in this demo, but does not play in this round.");
            return Err(failure(FailureCode::PlayerNotInDemo, message));
        };
        self.scene.followed = followed;
        let (mut plantings, mut defuses) = self.attempts.finish(&mut self.scene.moments, tick_rate);
        plantings.iter_mut().for_each(|planting| planting.player = self.roster.in_scene(planting.player));
        defuses.iter_mut().for_each(|defuse| defuse.player = self.roster.in_scene(defuse.player));
        (self.scene.plantings, self.scene.defuses) = (plantings, defuses);
        for kill in &mut self.scene.kills {
            let in_scene = |player: &mut usize| *player = self.roster.in_scene(*player);
            in_scene(&mut kill.victim);
            kill.killer.iter_mut().chain(&mut kill.assister).for_each(in_scene);
        }
        (self.scene.players, self.scene.undrawn) = (self.roster.players, self.roster.undrawn);
        self.scene.weapons = self.arms.names;
        self.scene.spawns = spawns(&self.scene.moments, self.window.freeze_end);
        self.scene.plant = self.bomb.plant(c4_seconds, tick_rate);
        if !self.spotting {
            // Nobody is spotted in the whole round: the demo was recorded without spotting data.
            for player in self.scene.moments.iter_mut().flat_map(|moment| &mut moment.players) {
                player.spotted = None;
            }
        }
        Ok(self.scene)
    }

    fn moment(&mut self, context: &Context, events: &[GameEvent], schema: &Schema) {
        let tick = context.tick();
        let mut moment = Moment { tick, ..Moment::default() };
        let mut masks = [0; MAX_PLAYERS];
        self.seats.clear_left(context, schema);
        if !self.window.round.contains(&tick) {
            self.dead = [false; PLAYERS];
        }
        self.bomb.begin();
        // Controllers have the lowest indices, so every seat is known before its pawn is processed.
        for (index, entity) in context.entities().iter() {
            match schema.kind(entity) {
                Kind::Other => {}
                Kind::Controller => self.seats.take(context, entity, schema, &mut self.roster),
                Kind::Pawn => match self.seats.of_pawn(index) {
                    Some(player) if player < MAX_PLAYERS => {
                        if let Some(at) = self.player_at(context, player, entity, schema) {
                            moment.players[player] = at;
                            masks[player] = schema.pawn.spotted(entity);
                            self.spotting |= masks[player] != 0;
                            if at.alive() && at.side != Side::None {
                                let live = self.window.freeze_end..=self.window.round_end;
                                let followed = self.roster.players[player].steam64 == self.steam64;
                                self.played |= live.contains(&tick) && followed;
                            }
                        }
                    }
                    Some(player) if !self.dead[player] && entity.get_i64(schema.pawn.health) > 0 => {
                        match keys::side(entity.get_i64(schema.pawn.team)) {
                            Side::T => moment.undrawn_alive[0] += 1,
                            Side::Ct => moment.undrawn_alive[1] += 1,
                            Side::None => {}
                        }
                    }
                    _ => {}
                },
                Kind::Rules if tick <= self.window.freeze_end || self.scene.moments.is_empty() => {
                    let seconds = entity.get_i64(schema.rules.round_seconds);
                    if seconds > 0 {
                        self.scene.round_seconds = seconds as f32;
                    }
                }
                Kind::Team if tick <= self.window.freeze_end || self.scene.moments.is_empty() => {
                    self.team(entity, schema);
                }
                Kind::Rules | Kind::Team => {}
                // Grenades the recorder can no longer see stay in the air in the demo; their real position is
                // unknown.
                Kind::Projectile(_) | Kind::Inferno if !entity.active => {}
                Kind::Projectile(kind) => self.throws.projectile(context, index, entity, kind, &mut moment),
                Kind::Inferno => self.throws.inferno(context, entity, &mut moment),
                Kind::Planted => self.bomb.planted(context, entity),
                Kind::Bomb => self.bomb.bomb(context, entity),
            }
        }
        self.scene.effects.extend(self.bomb.end(&mut moment, &self.seats));
        self.bomb.show(&moment, &self.seats, &mut self.attempts);
        self.spot(&mut moment, &masks);
        for event in events {
            self.event(event, tick);
        }
        self.scene.moments.push(moment);
    }

    fn player_at(&mut self, context: &Context, player: usize, pawn: &Entity, schema: &Schema) -> Option<PlayerAt> {
        let keys = &schema.pawn;
        let health = if self.dead[player] { 0 } else { pawn.get_i64(keys.health).clamp(0, 1_000) as i32 };
        let before = self.scene.moments.last().map(|moment| moment.players[player]).filter(|before| before.present);
        // The position of the death counts, not where the dead pawn is moved to.
        let fixed = before.filter(|_| health == 0);
        let at = fixed.map(|before| before.at).or_else(|| keys.place.read(pawn)).or(before.map(|before| before.at))?;
        let yaw = fixed.map_or_else(|| pawn.get_qangle(keys.angles)[1], |before| before.yaw);
        let carried = if health > 0 {
            self.arms.of(context, player, pawn, keys)
        } else {
            self.arms.lost(player);
            Carried::default()
        };
        Some(PlayerAt {
            present: true,
            at,
            yaw: if yaw.is_finite() { yaw } else { 0.0 },
            health,
            armor: pawn.get_i64(keys.armor).clamp(0, 1_000) as i32,
            side: keys::side(pawn.get_i64(keys.team)),
            helmet: health > 0 && pawn.get_bool(keys.helmet),
            kit: health > 0 && pawn.get_bool(keys.kit),
            weapon: carried.hand,
            primary: carried.primary,
            pistol: carried.pistol,
            flash_seconds: Some(pawn.get_f32(keys.flash)).filter(|flash| flash.is_finite()).unwrap_or(0.0),
            has_bomb: false,
            defusing: health > 0 && pawn.get_bool(keys.defusing),
            spotted: None,
        })
    }

    fn team(&mut self, team: &Entity, schema: &Schema) {
        let keys = &schema.team;
        let place = match keys::side(team.get_i64(keys.number)) {
            Side::T => 0,
            Side::Ct => 1,
            Side::None => return,
        };
        let known = &mut self.scene.teams[place];
        let name = String::from_utf8_lossy(team.get_bytes(keys.name).unwrap_or_default());
        if known.name != name {
            known.name = name.into_owned();
        }
        known.score = u32::try_from(team.get_i64(keys.score)).unwrap_or(0);
    }

    /// Marks who is visible to the followed player's team: the team itself, and everyone spotted by one of them.
    fn spot(&self, moment: &mut Moment, masks: &[u64; MAX_PLAYERS]) {
        let followed = self.seats.of_steam64(self.steam64);
        let Some(followed) = followed.and_then(|player| moment.players.get(player)) else { return };
        let ours = followed.side;
        let team = self.seats.bits(ours);
        for (player, mask) in moment.players.iter_mut().zip(masks).filter(|(player, _)| player.present) {
            player.spotted = Some(player.side == ours || mask & team != 0);
        }
    }

    fn event(&mut self, event: &GameEvent, tick: i32) {
        let values = Values::of(event);
        let seats = &self.seats;
        let player = |key: &str| seats.of_actor(values.actor(key)?);
        match event.name.as_str() {
            "player_death" if self.window.round.contains(&tick) => {
                if let Some(kill) = values.kill(tick, player) {
                    self.dead[kill.victim] = true;
                    self.attempts.gone(kill.victim, tick);
                    self.scene.kills.push(kill);
                }
            }
            "weapon_fire" => {
                // A shot is drawn at the shooter's position.
                let drawn = |key: &str| player(key).filter(|&player| player < MAX_PLAYERS);
                self.scene.effects.extend(values.shot(tick, drawn));
            }
            "hegrenade_detonate" | "flashbang_detonate" => {
                self.throws.detonated(values.number("entityid"));
                self.scene.effects.extend(values.detonation(tick));
            }
            name if name.starts_with("bomb_") => self.bomb_event(name, &values, tick),
            _ => {}
        }
    }

    fn bomb_event(&mut self, name: &str, values: &Values<'_>, tick: i32) {
        let actor = values.actor("userid").and_then(|actor| self.seats.of_actor(actor));
        let Attempts { planting, defusing, planted, defused } = &mut self.attempts;
        match (name, actor) {
            ("bomb_beginplant", Some(player)) => planting.begin(player, tick, None),
            ("bomb_abortplant", _) => planting.end(tick),
            ("bomb_begindefuse", Some(player)) => {
                defusing.begin(player, tick, Some(defuse_seconds(values.flag("haskit"))));
            }
            ("bomb_abortdefuse", _) => defusing.end(tick),
            ("bomb_planted", _) => {
                planting.end(tick);
                *planted = actor.map(|player| (player, tick)).or(*planted);
            }
            ("bomb_defused", _) => {
                defusing.end(tick);
                *defused = actor.map(|player| (player, tick)).or(*defused);
            }
            ("bomb_exploded", _) => self.scene.effects.extend(self.bomb.exploded(tick)),
            _ => {}
        }
    }
}

/// The middle of each side's players when freeze time ends.
fn spawns(moments: &[Moment], freeze_end: i32) -> [Option<[f32; 3]>; 2] {
    let Some(moment) = moments.iter().find(|moment| moment.tick >= freeze_end) else { return [None; 2] };
    [Side::T, Side::Ct].map(|side| {
        let there: Vec<_> = moment.players.iter().filter(|player| player.alive() && player.side == side).collect();
        let middle = |axis: usize| there.iter().map(|player| player.at[axis]).sum::<f32>() / there.len() as f32;
        (!there.is_empty()).then(|| [middle(0), middle(1), middle(2)])
    })
}
