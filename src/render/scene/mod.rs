//! One round of a demo, ready to be drawn: the output of `demo/` and the input of `draw/`. Plain data without parsing
//! or pixels.
//!
//! Positions are in map units (about an inch), angles in degrees, ticks as in the demo.

mod ground;
mod radar;

pub use ground::{CELL_UNITS, Cell, Ground, Level};
pub use radar::Radar;

/// Maximum number of players drawn: ten, plus some who were replaced. If there are more, the followed player and the
/// enemies come first.
pub const MAX_PLAYERS: usize = 16;

/// A side of the match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Spectator or unknown.
    #[default]
    None,
    /// Terrorists: team number 2 in the demo.
    T,
    /// Counter-terrorists: team number 3 in the demo.
    Ct,
}

/// One round, with everything that is drawn.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The map's name, such as `de_nuke`.
    pub map: String,
    /// Ticks per second, from the demo's server info.
    pub tick_rate: f32,
    /// Round number, not counting warm-up and knife rounds.
    pub round: u32,
    /// First tick of the round, including freeze time.
    pub start_tick: i32,
    /// Tick at which freeze time ends.
    pub freeze_end_tick: i32,
    /// Tick at which the round is decided.
    pub end_tick: i32,
    /// First tick of the clip: shortly before the end of freeze time, within the demo.
    pub clip_start_tick: i32,
    /// Last tick of the clip: shortly after the end of the round, within the demo.
    pub clip_end_tick: i32,
    /// Who won.
    pub winner: Side,
    /// Seconds on the round clock at the start.
    pub round_seconds: f32,
    /// Terrorists, then counter-terrorists.
    pub teams: [Team; 2],
    /// Players of the round, at most [`MAX_PLAYERS`], in a stable order.
    pub players: Vec<Player>,
    /// Other players of the round, who appear only in kills.
    pub undrawn: Vec<Undrawn>,
    /// Index into [`Self::players`] of the followed player.
    pub followed: usize,
    /// Weapon names as in the demo (`ak47`), for [`PlayerAt::weapon`]. The first is empty: no weapon.
    pub weapons: Vec<String>,
    /// One moment per tick, in order, from shortly before the clip (for trails) to its end. Ticks may be missing.
    pub moments: Vec<Moment>,
    /// Kills of the round, in order.
    pub kills: Vec<Kill>,
    /// Momentary events: shots, explosions, flashes.
    pub effects: Vec<Effect>,
    /// When and where the bomb was planted.
    pub plant: Option<Plant>,
    /// Attempts to plant the bomb, in order.
    pub plantings: Vec<Planting>,
    /// Attempts to defuse the bomb, in order.
    pub defuses: Vec<Defuse>,
    /// How the round was won.
    pub outcome: Outcome,
    /// Where players stood in the whole demo: the shape of the map.
    pub ground: Ground,
    /// What is drawn instead of the ground, if the studio has a picture of the map.
    pub radar: Option<Radar>,
    /// The centers of the bomb sites A and B, as far as the demo tells.
    pub sites: [Option<[f32; 3]>; 2],
    /// The centers of the spawns of terrorists and counter-terrorists in this round.
    pub spawns: [Option<[f32; 3]>; 2],
}

impl Scene {
    /// The side of a player, continuing into [`Self::undrawn`], taken from their first appearance.
    pub fn side(&self, player: usize) -> Side {
        match player.checked_sub(self.players.len()) {
            Some(undrawn) => self.undrawn.get(undrawn).map_or(Side::None, |player| player.side),
            None => {
                let seen = self.moments.iter().filter_map(|moment| moment.players.get(player));
                seen.filter(|at| at.present && at.side != Side::None).map(|at| at.side).next().unwrap_or_default()
            }
        }
    }

    /// Whether a kill counts for its killer: the victim is an enemy. Team kills, suicides and the world do not count.
    pub fn counts(&self, kill: &Kill) -> bool {
        kill.killer.is_some_and(|killer| self.side(killer) != self.side(kill.victim))
    }

    /// The kills of the followed player that count, in order.
    pub fn own_kills(&self) -> impl DoubleEndedIterator<Item = &Kill> {
        self.kills.iter().filter(|kill| kill.killer == Some(self.followed) && self.counts(kill))
    }
}

/// How a round was won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The demo does not tell.
    #[default]
    Unknown,
    /// All players of the losing side died.
    Eliminated,
    /// The bomb exploded.
    Exploded,
    /// The bomb was defused.
    Defused,
    /// Time ran out.
    TimeUp,
    /// The losing side surrendered.
    Surrendered,
}

/// A team in this round.
#[derive(Clone, Debug, Default)]
pub struct Team {
    /// Its name; empty if the demo has none.
    pub name: String,
    /// Rounds won before this one.
    pub score: u32,
}

/// A player in this round.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// 64-bit Steam ID; 0 for a bot.
    pub steam64: u64,
    /// The name as in the demo: any characters.
    pub name: String,
    /// Kills before this round.
    pub kills_before: u32,
    /// Deaths before this round.
    pub deaths_before: u32,
}

/// A player who is not drawn.
#[derive(Clone, Debug, Default)]
pub struct Undrawn {
    /// 64-bit Steam ID; 0 for a bot.
    pub steam64: u64,
    /// The name as in the demo.
    pub name: String,
    /// The player's side.
    pub side: Side,
}

/// The state at one tick.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The demo's tick.
    pub tick: i32,
    /// By index into [`Scene::players`].
    pub players: [PlayerAt; MAX_PLAYERS],
    /// How many of [`Scene::undrawn`] are alive: terrorists, then counter-terrorists.
    pub undrawn_alive: [u8; 2],
    /// Grenades in flight.
    pub grenades: Vec<Grenade>,
    /// Active smokes.
    pub smokes: Vec<Smoke>,
    /// Burning flames, one point each.
    pub flames: Vec<[f32; 3]>,
    /// The bomb, unless it is carried.
    pub bomb: Option<Bomb>,
}

/// A player at one tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerAt {
    /// Whether the player is in the game at this tick.
    pub present: bool,
    /// Position.
    pub at: [f32; 3],
    /// View direction: 0 is east, counter-clockwise.
    pub yaw: f32,
    /// 0 when dead.
    pub health: i32,
    /// 0 to 100.
    pub armor: i32,
    /// The player's side.
    pub side: Side,
    /// Whether the player wears a helmet.
    pub helmet: bool,
    /// Whether the player carries a defuse kit.
    pub kit: bool,
    /// The weapon in hand: index into [`Scene::weapons`].
    pub weapon: u16,
    /// The rifle, sniper rifle, submachine gun, shotgun, or machine gun carried: index into [`Scene::weapons`].
    pub primary: u16,
    /// The pistol carried: index into [`Scene::weapons`].
    pub pistol: u16,
    /// Duration of the last flash in seconds, as set at its onset; unchanged until the next flash.
    pub flash_seconds: f32,
    /// Whether the player carries the bomb.
    pub has_bomb: bool,
    /// Whether the player is defusing.
    pub defusing: bool,
    /// Whether the followed player's team has spotted this player; `None` if the demo has no spotting data.
    pub spotted: Option<bool>,
}

impl PlayerAt {
    /// Whether the player is in the game and not dead.
    pub fn alive(&self) -> bool {
        self.present && self.health > 0
    }
}

/// Type of grenade.
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
    /// Constant from tick to tick, for the trail.
    pub id: i32,
    /// Its type.
    pub kind: GrenadeKind,
    /// The side of its thrower.
    pub side: Side,
    /// Position.
    pub at: [f32; 3],
}

/// An active smoke.
#[derive(Clone, Copy, Debug)]
pub struct Smoke {
    /// Constant from tick to tick.
    pub id: i32,
    /// Position.
    pub at: [f32; 3],
    /// Tick at which it began.
    pub since_tick: i32,
}

/// State of a bomb that is not carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BombState {
    /// On the ground.
    Dropped,
    /// Planted and ticking.
    Planted,
    /// Defused.
    Defused,
    /// Exploded.
    Exploded,
}

/// The bomb at one tick.
#[derive(Clone, Copy, Debug)]
pub struct Bomb {
    /// Position.
    pub at: [f32; 3],
    /// Its state.
    pub state: BombState,
    /// Whether somebody is defusing it.
    pub being_defused: bool,
}

/// The plant.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// Tick of the plant.
    pub tick: i32,
    /// `A` or `B`.
    pub site: char,
    /// Seconds from plant to explosion.
    pub fuse_seconds: f32,
}

/// Seconds that a plant takes.
pub const PLANT_SECONDS: f32 = 3.2;

/// An attempt to plant the bomb.
#[derive(Clone, Copy, Debug)]
pub struct Planting {
    /// Index into [`Scene::players`], continuing into [`Scene::undrawn`].
    pub player: usize,
    /// Tick at which it began.
    pub start_tick: i32,
    /// Tick at which it was done or given up.
    pub end_tick: i32,
}

/// An attempt to defuse the bomb.
#[derive(Clone, Copy, Debug)]
pub struct Defuse {
    /// Index into [`Scene::players`], continuing into [`Scene::undrawn`].
    pub player: usize,
    /// Tick at which it began.
    pub start_tick: i32,
    /// Tick at which it was done or given up.
    pub end_tick: i32,
    /// Seconds it takes: 5 with a kit, 10 without.
    pub seconds: f32,
}

/// A kill. Players are indices into [`Scene::players`], continuing into [`Scene::undrawn`].
#[derive(Clone, Debug, Default)]
pub struct Kill {
    /// Tick of the kill.
    pub tick: i32,
    /// The killer; `None` for the world.
    pub killer: Option<usize>,
    /// The victim.
    pub victim: usize,
    /// The assisting player.
    pub assister: Option<usize>,
    /// The weapon's name as in the demo.
    pub weapon: String,
    /// A headshot.
    pub headshot: bool,
    /// Through a wall.
    pub wallbang: bool,
    /// Through smoke.
    pub through_smoke: bool,
    /// Without the scope.
    pub noscope: bool,
    /// While the killer was flashed.
    pub blind: bool,
    /// The assist was a flashbang.
    pub flash_assist: bool,
}

/// Type of momentary event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EffectKind {
    /// HE grenade explodes.
    He,
    /// Flashbang explodes.
    Flash,
    /// This player (index into [`Scene::players`]) shoots.
    Shot(usize),
    /// The bomb explodes.
    BombExploded,
}

/// A momentary event.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// Tick of the event.
    pub tick: i32,
    /// Its type.
    pub kind: EffectKind,
    /// Its position; for shots the shooter's position is used instead.
    pub at: [f32; 3],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kill_of_an_enemy_counts() {
        let sides = [Side::T, Side::T, Side::Ct];
        let mut moment = Moment::default();
        for (player, side) in moment.players.iter_mut().zip(sides) {
            *player = PlayerAt { present: true, side, ..PlayerAt::default() };
        }
        let undrawn = vec![Undrawn { side: Side::Ct, ..Undrawn::default() }];
        let kills = [(Some(0), 2), (Some(0), 1), (Some(0), 0), (None, 2), (Some(0), 3), (Some(2), 0)];
        let kills =
            kills.into_iter().zip(1..).map(|((killer, victim), tick)| Kill { tick, killer, victim, ..Kill::default() });
        let scene = Scene {
            players: vec![Player::default(); 3],
            undrawn,
            moments: vec![moment],
            kills: kills.collect(),
            ..Scene::default()
        };
        let counting = scene.kills.iter().filter(|kill| scene.counts(kill)).map(|kill| kill.tick);
        assert_eq!(counting.collect::<Vec<_>>(), [1, 5, 6]);
        assert_eq!(scene.own_kills().map(|kill| kill.tick).collect::<Vec<_>>(), [1, 5]);
    }
}
