//! The scene at the time of one frame, interpolated between ticks.

use crate::render::scene::{Defuse, Grenade, Kill, MAX_PLAYERS, Moment, Planting, PlayerAt, Scene, Side};

/// Distance in map units within one tick that counts as a teleport: nobody runs more than a few units per tick.
const TELEPORT: f32 = 120.0;

/// Seconds from which the bomb's clock counts. Not [`Plant::fuse_seconds`](crate::render::scene::Plant::fuse_seconds),
/// which is longer if the bomb will explode: that would give the end away.
pub const FUSE_SECONDS: f32 = 40.0;

/// What the round clock shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RoundClock {
    /// Seconds of freeze time left.
    Freeze(f32),
    /// Seconds of the round left.
    Live(f32),
    /// Seconds until the explosion, and the bomb site.
    Bomb(f32, char),
}

impl RoundClock {
    /// The seconds left, whatever it counts.
    pub fn seconds(self) -> f32 {
        match self {
            Self::Freeze(left) | Self::Live(left) | Self::Bomb(left, _) => left,
        }
    }
}

/// A scene at one point in time.
pub struct Now<'a> {
    /// The scene.
    pub scene: &'a Scene,
    /// The time in ticks.
    time: f64,
    /// Index of the last moment at or before the time.
    index: usize,
    /// That moment.
    pub moment: &'a Moment,
    /// The moment after it.
    next: &'a Moment,
    /// Interpolation factor between the two.
    part: f32,
    /// Interpolated players.
    pub players: [PlayerAt; MAX_PLAYERS],
}

impl<'a> Now<'a> {
    /// The scene at a time in ticks; `None` if it has no moments.
    pub fn at(scene: &'a Scene, time: f64) -> Option<Self> {
        let after = scene.moments.partition_point(|moment| f64::from(moment.tick) <= time);
        let index = after.saturating_sub(1);
        let moment = scene.moments.get(index)?;
        let next = scene.moments.get(after).unwrap_or(moment);
        let gap = f64::from(next.tick - moment.tick);
        let part = if gap > 0.0 { ((time - f64::from(moment.tick)) / gap).clamp(0.0, 1.0) as f32 } else { 0.0 };
        let mut players = moment.players;
        for (player, next) in players.iter_mut().zip(&next.players) {
            *player = between(player, next, part);
        }
        Some(Self { scene, time, index, moment, next, part, players })
    }

    /// The time in ticks.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Seconds since a tick; negative before it.
    pub fn since(&self, tick: i32) -> f32 {
        ((self.time - f64::from(tick)) / f64::from(self.scene.tick_rate.max(1.0))) as f32
    }

    /// Whether a tick has been reached.
    pub fn reached(&self, tick: i32) -> bool {
        f64::from(tick) <= self.time
    }

    /// Time in seconds, for animations.
    pub fn seconds(&self) -> f32 {
        self.since(self.scene.clip_start_tick)
    }

    /// The followed player.
    pub fn followed(&self) -> &PlayerAt {
        &self.players[self.scene.followed.min(MAX_PLAYERS - 1)]
    }

    /// A player, if drawn.
    pub fn drawn(&self, player: usize) -> Option<&PlayerAt> {
        self.players.get(player).filter(|_| player < self.scene.players.len())
    }

    /// Kills so far.
    pub fn kills(&self) -> impl DoubleEndedIterator<Item = &'a Kill> + use<'a> {
        let time = self.time;
        self.scene.kills.iter().filter(move |kill| f64::from(kill.tick) <= time)
    }

    /// The followed player's kills so far that count.
    pub fn own_kills(&self) -> impl DoubleEndedIterator<Item = &'a Kill> + use<'a> {
        let time = self.time;
        self.scene.own_kills().filter(move |kill| f64::from(kill.tick) <= time)
    }

    /// Grenades in flight, each with its positions during the last second, newest first.
    pub fn flights(&self) -> impl Iterator<Item = (&'a Grenade, Vec<[f32; 3]>)> {
        self.moment.grenades.iter().map(|grenade| {
            let same =
                |moment: &Moment| moment.grenades.iter().find(|other| other.id == grenade.id).map(|found| found.at);
            let ahead = same(self.next).unwrap_or(grenade.at);
            let mut places = vec![mix(grenade.at, ahead, self.part)];
            places.extend(self.past(1.0, 0.06).map_while(same));
            (grenade, places)
        })
    }

    /// Moments of the last `seconds`, newest first, about `step` seconds apart.
    pub fn past(&self, seconds: f32, step: f32) -> impl Iterator<Item = &'a Moment> + use<'a> {
        let every = ((step * self.scene.tick_rate) as usize).max(1);
        let first = self.time - f64::from(seconds * self.scene.tick_rate);
        let moments = &self.scene.moments[..=self.index];
        moments.iter().rev().step_by(every).take_while(move |moment| f64::from(moment.tick) >= first)
    }

    /// The attempt to defuse that is going on, and its seconds so far.
    pub fn defuse(&self) -> Option<(&'a Defuse, f32)> {
        let mut defuses = self.scene.defuses.iter().rev();
        let defuse = defuses.find(|defuse| self.goes_on(defuse.start_tick, defuse.end_tick))?;
        Some((defuse, self.since(defuse.start_tick)))
    }

    /// The attempt to plant that is going on, and its seconds so far.
    pub fn planting(&self) -> Option<(&'a Planting, f32)> {
        let mut plantings = self.scene.plantings.iter().rev();
        let planting = plantings.find(|planting| self.goes_on(planting.start_tick, planting.end_tick))?;
        Some((planting, self.since(planting.start_tick)))
    }

    /// Whether an attempt lasts; the end of the round ends it.
    fn goes_on(&self, start_tick: i32, end_tick: i32) -> bool {
        self.reached(start_tick) && !self.reached(end_tick) && !self.reached(self.scene.end_tick)
    }

    /// What the round clock shows. It stops when the round is decided.
    pub fn clock(&self) -> RoundClock {
        let stopped = self.since(self.scene.end_tick).max(0.0);
        let running = |tick| self.since(tick) - stopped;
        let live = running(self.scene.freeze_end_tick);
        match &self.scene.plant {
            Some(plant) if running(plant.tick) >= 0.0 => {
                RoundClock::Bomb((FUSE_SECONDS - running(plant.tick)).max(0.0), plant.site)
            }
            _ if live < 0.0 => RoundClock::Freeze(-live),
            _ => RoundClock::Live((self.scene.round_seconds - live).max(0.0)),
        }
    }

    /// The winner, once the round is decided.
    pub fn winner(&self) -> Option<Side> {
        (self.reached(self.scene.end_tick) && self.scene.winner != Side::None).then_some(self.scene.winner)
    }
}

fn between(from: &PlayerAt, to: &PlayerAt, part: f32) -> PlayerAt {
    let [dx, dy, dz] = std::array::from_fn(|axis| (from.at[axis] - to.at[axis]).abs());
    if !from.present || !to.present || dx + dy + dz > TELEPORT {
        return *from;
    }
    let turn = (to.yaw - from.yaw + 540.0).rem_euclid(360.0) - 180.0;
    PlayerAt { at: mix(from.at, to.at, part), yaw: from.yaw + turn * part, ..*from }
}

fn mix(from: [f32; 3], to: [f32; 3], part: f32) -> [f32; 3] {
    std::array::from_fn(|axis| from[axis] + (to[axis] - from[axis]) * part)
}

/// The tick at which a player was flashed, and for how many seconds.
pub type Blinding = (i32, f32);

/// When each player was flashed, in order. The demo keeps a flash's duration until the next one, so its onset is
/// where the duration changes.
pub fn blindings(scene: &Scene) -> Vec<Vec<Blinding>> {
    let changes = |player: usize| {
        let pairs = scene.moments.windows(2).filter_map(move |pair| {
            let (before, after) = (pair[0].players[player].flash_seconds, pair[1].players[player].flash_seconds);
            (after > 0.0 && after != before).then_some((pair[1].tick, after))
        });
        pairs.collect()
    };
    (0..scene.players.len().min(MAX_PLAYERS)).map(changes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::Plant;

    fn walk() -> Scene {
        let moments = (0..=640).map(|tick| {
            let mut moment = Moment { tick: 1_000 + tick, ..Moment::default() };
            moment.players[0] = PlayerAt {
                present: true,
                health: 100,
                at: [tick as f32 * 2.0, 0.0, 0.0],
                yaw: (170.0 + tick as f32 + 180.0).rem_euclid(360.0) - 180.0,
                flash_seconds: if tick < 64 { 0.5 } else { 2.5 },
                ..PlayerAt::default()
            };
            if tick >= 320 {
                moment.players[0].at[1] = 900.0;
            }
            moment
        });
        Scene {
            tick_rate: 64.0,
            clip_start_tick: 1_000,
            freeze_end_tick: 1_064,
            end_tick: 1_512,
            clip_end_tick: 1_640,
            round_seconds: 115.0,
            players: vec![Default::default()],
            moments: moments.collect(),
            ..Scene::default()
        }
    }

    #[test]
    fn players_move_smoothly_between_ticks_except_for_teleports() {
        let scene = walk();
        for (time, x, y) in [(1_000.0, 0.0, 0.0), (1_010.25, 20.5, 0.0), (1_319.5, 638.0, 0.0), (1_320.0, 640.0, 900.0)]
        {
            let at = Now::at(&scene, time).unwrap().players[0].at;
            assert_eq!((at[0], at[1]), (x, y), "at {time}");
        }
        let turned = Now::at(&scene, 1_009.5).unwrap().players[0].yaw;
        assert!((turned - 179.5).abs() < 0.01, "{turned}: past 180° without a spin");
        for time in [0.0, 1e9] {
            assert!(Now::at(&scene, time).is_some());
        }
        assert!(Now::at(&Scene::default(), 0.0).is_none());
    }

    #[test]
    fn clock_shows_freeze_round_and_bomb_and_stops_with_the_round() {
        let mut scene = walk();
        let clock = |scene: &Scene, tick: i32| Now::at(scene, f64::from(tick)).unwrap().clock();
        assert_eq!(clock(&scene, 1_032), RoundClock::Freeze(0.5));
        assert_eq!(clock(&scene, 1_128), RoundClock::Live(114.0));
        assert_eq!(clock(&scene, 1_600), RoundClock::Live(108.0));
        scene.plant = Some(Plant { tick: 1_256, site: 'B', fuse_seconds: 41.0 });
        assert_eq!(clock(&scene, 1_128), RoundClock::Live(114.0));
        assert_eq!(clock(&scene, 1_320), RoundClock::Bomb(39.0, 'B'));
        assert_eq!(clock(&scene, 1_640), RoundClock::Bomb(36.0, 'B'));
    }

    #[test]
    fn flash_begins_where_its_duration_changes() {
        assert_eq!(blindings(&walk()), [[(1_064, 2.5)]]);
    }
}
