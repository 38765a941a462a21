//! What the camera has to keep in view at each frame: the followed player, enemies nearby, both ends of his kills, and an
//! exploding bomb. Once he is dead, it is the bomb and the player nearest to it.

use crate::render::draw::now::Now;
use crate::render::scene::{BombState, Effect, EffectKind, Scene};

/// Enemies within this many map units of the followed player are shown.
const NEAR: f32 = 900.0;
/// Seconds before and after a kill or an explosion of the bomb in which its places are shown.
const EVENT_SECONDS: (f32, f32) = (2.5, 0.8);
/// Seconds for which the view rests on the followed player's death.
const DEATH_SECONDS: f32 = 1.5;
/// Seconds after a change of subject in which nothing must be seen: time to move there.
const FREE_SECONDS: f32 = 1.2;
/// Seconds after a kill for which the plate may cover the lower part of the picture.
pub const PLATE_SECONDS: f32 = 2.46;
/// Map units within one frame that are a jump, not a run.
const JUMP: f32 = 400.0;

/// The frames of a clip and their time.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// Number of frames.
    pub frames: u64,
    /// Frames per second.
    pub fps: u32,
    /// First frame after the freeze time.
    pub start: u64,
    /// Frame at which the round is decided.
    pub end: u64,
    /// Whether a plate is shown for multi-kills.
    pub plates: bool,
}

/// A rectangle on the map: left, bottom, right, top.
pub type Extent = [f32; 4];

/// What one frame must show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Need {
    /// The subject; `None` if nothing must be seen.
    pub subject: Option<Extent>,
    /// The subject and what belongs to it.
    pub scene: Option<Extent>,
    /// Whether a plate covers the lower part of the picture.
    pub plate: bool,
    /// Whether the subject is somewhere else than at the frame before: the view cuts.
    pub cut: bool,
}

/// What each frame must show, from the end of the freeze time.
pub struct Needs {
    /// The first frame.
    pub start: u64,
    /// From the first frame on.
    pub frames: Vec<Need>,
}

impl Needs {
    pub fn of(scene: &Scene, timeline: &Timeline) -> Self {
        let start = timeline.start.min(timeline.frames.saturating_sub(1));
        let tick = |frame: u64| {
            let seconds = frame as f64 / f64::from(timeline.fps);
            f64::from(scene.clip_start_tick) + seconds * f64::from(scene.tick_rate)
        };
        let mut watch = Watch::new(scene);
        let end = timeline.end.max(start);
        let frames = (start..timeline.frames).map(|frame| {
            if frame > end {
                // The picture holds.
                return Need::default();
            }
            let Some(now) = Now::at(scene, tick(frame)) else { return Need::default() };
            Need { plate: timeline.plates && plate(&now), ..watch.step(&now) }
        });
        Self { start, frames: frames.collect() }
    }
}

fn plate(now: &Now<'_>) -> bool {
    now.own_kills().skip(1).any(|kill| now.since(kill.tick) < PLATE_SECONDS)
}

/// Follows the subject from frame to frame.
struct Watch<'a> {
    scene: &'a Scene,
    /// The explosion of the bomb.
    blast: Option<&'a Effect>,
    /// Where the followed player was last alive.
    last: Option<[f32; 3]>,
    /// Who is watched after his death.
    other: Option<usize>,
    /// Until when nothing must be seen, in seconds of the clip.
    free_until: f32,
}

impl<'a> Watch<'a> {
    fn new(scene: &'a Scene) -> Self {
        let blast = scene.effects.iter().find(|effect| effect.kind == EffectKind::BombExploded);
        Self { scene, blast, last: None, other: None, free_until: 0.0 }
    }

    fn step(&mut self, now: &Now<'_>) -> Need {
        let followed = now.followed();
        if followed.alive() && finite(followed.at) {
            let cut = self.last.is_some_and(|last| far(last, followed.at) > JUMP);
            self.last = Some(followed.at);
            return Need { cut, ..self.alive(now, followed.at) };
        }
        let Some(last) = self.last else { return Need::default() };
        let death =
            self.scene.kills.iter().rev().find(|kill| kill.victim == self.scene.followed && now.reached(kill.tick));
        match death {
            Some(kill) if now.since(kill.tick) <= DEATH_SECONDS => {
                let killer = kill.killer.and_then(|killer| now.drawn(killer)).map(|killer| killer.at);
                Need { subject: around([last]), scene: around([last].into_iter().chain(killer)), ..Need::default() }
            }
            _ => self.dead(now, last),
        }
    }

    fn alive(&self, now: &Now<'_>, at: [f32; 3]) -> Need {
        let scene = self.scene;
        let side = now.followed().side;
        let enemies = (0..scene.players.len()).filter(|player| {
            let other = &now.players[*player];
            let enemy = other.alive() && other.side != side && *player != scene.followed;
            enemy && far(other.at, at) < NEAR
        });
        let near = enemies.map(|player| now.players[player].at);
        let duels = scene.kills.iter().filter(|kill| is_near(now, kill.tick));
        let duels = duels.filter_map(|kill| match kill.killer {
            Some(killer) if kill.victim == scene.followed => Some(killer),
            Some(killer) if killer == scene.followed => Some(kill.victim),
            _ => None,
        });
        let ends = duels.filter_map(|player| now.drawn(player)).filter(|player| player.present);
        let blast = self.blast.filter(|blast| is_near(now, blast.tick)).map(|blast| blast.at);
        let all = [at].into_iter().chain(near).chain(ends.map(|player| player.at)).chain(blast);
        Need { subject: around([at]), scene: around(all), ..Need::default() }
    }

    /// The bomb if it lies somewhere, and the player nearest to it, or to where the followed player died.
    fn dead(&mut self, now: &Now<'_>, last: [f32; 3]) -> Need {
        let lies = |state| matches!(state, BombState::Dropped | BombState::Planted);
        let bomb = now.moment.bomb.filter(|bomb| lies(bomb.state) && finite(bomb.at)).map(|bomb| bomb.at);
        let place = bomb.unwrap_or(last);
        let drawn = self.scene.players.len();
        let still = self.other.filter(|player| now.players[*player].alive());
        let nearest = || {
            let living = (0..drawn).filter(|player| now.players[*player].alive() && finite(now.players[*player].at));
            living.min_by(|one, other| far(now.players[*one].at, place).total_cmp(&far(now.players[*other].at, place)))
        };
        let other = still.or_else(nearest);
        if other != self.other {
            self.free_until = now.seconds() + FREE_SECONDS;
            self.other = other;
        }
        if now.seconds() < self.free_until {
            return Need::default();
        }
        let player = other.map(|player| now.players[player].at);
        let subject = player.or(bomb);
        Need {
            subject: subject.and_then(|at| around([at])),
            scene: around(player.into_iter().chain(bomb)),
            ..Need::default()
        }
    }
}

/// Whether an event is about to happen, or has just happened.
fn is_near(now: &Now<'_>, tick: i32) -> bool {
    (-EVENT_SECONDS.0..EVENT_SECONDS.1).contains(&now.since(tick))
}

/// The extent of all living players of a scene.
pub fn extent(scene: &Scene) -> Extent {
    let players = scene.moments.iter().flat_map(|moment| &moment.players).filter(|player| player.alive());
    around(players.map(|player| player.at)).unwrap_or([0.0; 4])
}

fn around(places: impl IntoIterator<Item = [f32; 3]>) -> Option<Extent> {
    let places = places.into_iter().filter(|at| finite(*at)).map(|[x, y, _]| [x, y, x, y]);
    places.reduce(join)
}

/// The smallest rectangle that contains both.
pub fn join(one: Extent, other: Extent) -> Extent {
    [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
}

fn far(one: [f32; 3], other: [f32; 3]) -> f32 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}

/// Whether a position can be on a map.
fn finite([x, y, _]: [f32; 3]) -> bool {
    const REACH: f32 = 32_768.0;
    x.abs() <= REACH && y.abs() <= REACH
}
