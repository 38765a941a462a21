//! One round of one demo, ready to be drawn: what `demo/` reads and `draw/` shows. Plain data, no parsing, no pixels.
//!
//! Positions are the map's own units (an inch or so), angles are degrees, ticks are the demo's.

use std::collections::HashMap;

/// Players that the picture has places for: ten, and room for those who were replaced. Of more, the followed one and the
/// enemies come first.
pub const MAX_PLAYERS: usize = 16;

/// Edge of a [`Ground`] cell in map units.
pub const CELL_UNITS: f32 = 8.0;

/// A side of the match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Neither: a spectator, or not known.
    #[default]
    None,
    /// Terrorists: team number 2 in the demo.
    T,
    /// Counter-terrorists: team number 3 in the demo.
    Ct,
}

/// One round, with everything in it that the picture shows.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The map's name, such as `de_nuke`.
    pub map: String,
    /// Ticks a second, from the demo's server info.
    pub tick_rate: f32,
    /// The round's number: the N-th that is neither warm-up nor knife.
    pub round: u32,
    /// First tick of the round, freeze time included.
    pub start_tick: i32,
    /// Where freeze time ends.
    pub freeze_end_tick: i32,
    /// Where the round is decided.
    pub end_tick: i32,
    /// First tick of the clip: the end of freeze time minus the lead, inside the demo.
    pub clip_start_tick: i32,
    /// Last tick of the clip: the round's end plus the tail, inside the demo.
    pub clip_end_tick: i32,
    /// Who won.
    pub winner: Side,
    /// Seconds that the round clock starts from.
    pub round_seconds: f32,
    /// Terrorists, then counter-terrorists.
    pub teams: [Team; 2],
    /// Everybody who took part in the round, [`MAX_PLAYERS`] at most, in a steady order.
    pub players: Vec<Player>,
    /// Who took part besides them: only kills tell of these.
    pub undrawn: Vec<Undrawn>,
    /// Index into [`Self::players`] of the one whom the picture follows.
    pub followed: usize,
    /// Weapons' names as the demo has them (`ak47`), for [`PlayerAt::weapon`]. The first is empty: none.
    pub weapons: Vec<String>,
    /// One moment for each tick that the demo has, in order, from a little before the clip's start (for trails) to its
    /// end. Ticks may be missing.
    pub moments: Vec<Moment>,
    /// Kills of the round, in order.
    pub kills: Vec<Kill>,
    /// Things that happen at one tick: shots, explosions, flashes.
    pub effects: Vec<Effect>,
    /// When and where the bomb was planted.
    pub plant: Option<Plant>,
    /// Where players have stood in the whole demo: the map's shape.
    pub ground: Ground,
}

/// A team in this round.
#[derive(Clone, Debug, Default)]
pub struct Team {
    /// Its name; empty where the demo has none.
    pub name: String,
    /// Rounds won before this one.
    pub score: u32,
}

/// A player in this round.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// 64-bit Steam ID; 0 for a bot.
    pub steam64: u64,
    /// The name as the demo has it: any characters at all.
    pub name: String,
    /// Kills before this round.
    pub kills_before: u32,
    /// Deaths before this round.
    pub deaths_before: u32,
}

/// A player for whom the picture has no place.
#[derive(Clone, Debug, Default)]
pub struct Undrawn {
    /// 64-bit Steam ID; 0 for a bot.
    pub steam64: u64,
    /// The name as the demo has it.
    pub name: String,
    /// Which side.
    pub side: Side,
}

/// Everything at one tick.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The demo's tick.
    pub tick: i32,
    /// By index into [`Scene::players`].
    pub players: [PlayerAt; MAX_PLAYERS],
    /// How many of [`Scene::undrawn`] live: terrorists, then counter-terrorists.
    pub undrawn_alive: [u8; 2],
    /// Grenades in flight.
    pub grenades: Vec<Grenade>,
    /// Smokes standing.
    pub smokes: Vec<Smoke>,
    /// Flames burning: one point each.
    pub flames: Vec<[f32; 3]>,
    /// The bomb, where it is not carried.
    pub bomb: Option<Bomb>,
}

/// A player at one tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerAt {
    /// Whether the player is in the game at all at this tick.
    pub present: bool,
    /// Position.
    pub at: [f32; 3],
    /// Where the player looks: 0 is east, counter-clockwise.
    pub yaw: f32,
    /// 0 when dead.
    pub health: i32,
    /// 0 to 100.
    pub armor: i32,
    /// Which side.
    pub side: Side,
    /// Index into [`Scene::weapons`].
    pub weapon: u16,
    /// Seconds of blindness as the demo gives it at the onset; it stays until the next flash.
    pub flash_seconds: f32,
    /// Carries the bomb.
    pub has_bomb: bool,
    /// Is defusing.
    pub defusing: bool,
    /// Whether the followed player's team has spotted this one; `None` where the demo has no such state.
    pub spotted: Option<bool>,
}

impl PlayerAt {
    /// In the game and not dead.
    pub fn alive(&self) -> bool {
        self.present && self.health > 0
    }
}

/// What flies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrenadeKind {
    /// Smoke grenade.
    Smoke,
    /// High explosive.
    He,
    /// Flashbang.
    Flash,
    /// Molotov or incendiary.
    Fire,
    /// Decoy.
    Decoy,
}

/// A grenade in flight.
#[derive(Clone, Copy, Debug)]
pub struct Grenade {
    /// The same from tick to tick, for its tail.
    pub id: i32,
    /// What it is.
    pub kind: GrenadeKind,
    /// Position.
    pub at: [f32; 3],
}

/// A smoke that stands.
#[derive(Clone, Copy, Debug)]
pub struct Smoke {
    /// The same from tick to tick.
    pub id: i32,
    /// Position.
    pub at: [f32; 3],
    /// Tick at which it began.
    pub since_tick: i32,
}

/// How the bomb is, when it lies or ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BombState {
    /// Lies on the ground.
    Dropped,
    /// Ticks.
    Planted,
    /// Was defused.
    Defused,
    /// Went off.
    Exploded,
}

/// The bomb at one tick.
#[derive(Clone, Copy, Debug)]
pub struct Bomb {
    /// Position.
    pub at: [f32; 3],
    /// How it is.
    pub state: BombState,
    /// Somebody is defusing it.
    pub being_defused: bool,
}

/// The plant.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// When.
    pub tick: i32,
    /// `A` or `B`.
    pub site: char,
    /// Seconds from the plant to the explosion.
    pub fuse_seconds: f32,
}

/// A kill. Players are indices into [`Scene::players`] and on into [`Scene::undrawn`].
#[derive(Clone, Debug, Default)]
pub struct Kill {
    /// When.
    pub tick: i32,
    /// Who killed; `None` for the world.
    pub killer: Option<usize>,
    /// Who died.
    pub victim: usize,
    /// Who helped.
    pub assister: Option<usize>,
    /// The weapon's name as the demo has it.
    pub weapon: String,
    /// In the head.
    pub headshot: bool,
    /// Through a wall.
    pub wallbang: bool,
    /// Through smoke.
    pub through_smoke: bool,
    /// Without the scope.
    pub noscope: bool,
    /// While the killer was blind.
    pub blind: bool,
    /// The help was a flashbang.
    pub flash_assist: bool,
}

/// What happens at one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EffectKind {
    /// A high-explosive grenade goes off.
    He,
    /// A flashbang goes off.
    Flash,
    /// This player (index into [`Scene::players`]) shoots.
    Shot(usize),
    /// The bomb goes off.
    BombExploded,
}

/// Something that happens at one tick.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// When.
    pub tick: i32,
    /// What.
    pub kind: EffectKind,
    /// Where; for a shot the shooter's own position counts.
    pub at: [f32; 3],
}

/// Where living players have stood: the derived shape of the map.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// By cell of [`CELL_UNITS`]: x and y over the cell's edge, rounded down.
    pub cells: HashMap<(i32, i32), Cell>,
}

/// One cell of the ground.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Player-ticks spent in it.
    pub dwell: u32,
    /// Lowest and highest position seen.
    pub z_min: f32,
    /// See `z_min`.
    pub z_max: f32,
}
