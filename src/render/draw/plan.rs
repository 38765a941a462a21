//! Everything that is constant over a clip, computed once before the first frame.

use super::camera::{Camera, Frame, Framing, Timeline};
use super::canvas::{Area, UNITS};
use super::fonts::Fonts;
use super::ground::Terrain;
use super::layout::{Layout, STRIPS};
use super::look::Look;
use super::metrics::marker_reach;
use super::now::{Blinding, Now, blindings};
use super::{names, poster};
use crate::domain::clip::{CLIP_SECONDS, clip_second};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::render::scene::{MAX_PLAYERS, Scene, Side};

/// Map units by which the followed player must pass the height between two floors to change floors.
const FLOOR_SLACK: f32 = 24.0;

/// Who and what a clip shows, and from where.
pub struct Plan<'a> {
    /// The round that is drawn.
    pub(super) scene: &'a Scene,
    pub(super) look: Look,
    pub(super) terrain: Terrain,
    pub(super) camera: Camera,
    pub(super) fonts: Fonts,
    /// By player, including those who are not drawn.
    pub(super) names: Vec<String>,
    /// By player, like `names`: the side in this round.
    pub(super) sides: Vec<Side>,
    /// By player.
    blindings: Vec<Vec<Blinding>>,
    pub(super) layout: Layout,
    /// Where panels always are: nobody is drawn below them.
    pub(super) panels: Vec<Area>,
    /// Where any panel can be: names keep out of them.
    pub(super) slots: Vec<Area>,
    /// By frame: the floor that the followed player is on.
    floors: Vec<u8>,
}

impl<'a> Plan<'a> {
    /// Prepares a clip. Fails for a scene without a followed player, moments, or tick rate.
    pub fn new(scene: &'a Scene, look: Look) -> Result<Self> {
        let empty = scene.moments.is_empty() || scene.clip_end_tick <= scene.clip_start_tick;
        let players = scene.players.len();
        if empty || scene.tick_rate < 1.0 || scene.followed >= players || players > MAX_PLAYERS {
            return Err(Error::of_failure(
                Kind::Invalid,
                FailureCode::DemoUnreadable,
                "The demo contains no usable data for this round.",
            ));
        }
        let fonts = Fonts::load()?;
        let drawn_names = scene.players.iter().map(|player| player.name.as_str());
        let undrawn_names = scene.undrawn.iter().map(|player| player.name.as_str());
        let terrain = Terrain::of(&scene.ground);
        let timeline = timeline(scene, look);
        let names = names::of_players(drawn_names.chain(undrawn_names), &fonts);
        let layout = Layout::new(look, terrain.split().is_some());
        let mut plan = Self {
            scene,
            look,
            camera: Camera::plan(scene, &terrain, &timeline, look.camera, frame(&layout, look)),
            terrain,
            sides: (0..names.len()).map(|player| scene.side(player)).collect(),
            names,
            blindings: blindings(scene),
            panels: layout.standing(),
            slots: Vec::new(),
            layout,
            floors: Vec::new(),
            fonts,
        };
        plan.floors = plan.followed_floors();
        plan.layout = plan.with_plate_beside_kills();
        plan.slots = plan.layout.slots();
        Ok(plan)
    }

    /// Width of the picture in design units.
    pub(super) fn width(&self) -> f32 {
        self.look.width as f32 * UNITS / self.look.height as f32
    }

    /// Number of frames in the clip.
    pub fn frames(&self) -> u64 {
        frames(self.scene, self.look)
    }

    /// The frame to use as the poster.
    pub fn poster_frame(&self) -> u64 {
        let second = clip_second(poster::tick(self.scene), self.scene.clip_start_tick, self.scene.tick_rate);
        let frame = second * f64::from(self.look.fps);
        (frame.max(0.0) as u64).min(self.frames() - 1)
    }

    /// The time of a frame, in ticks: the reverse of [`clip_second`].
    pub(super) fn tick_of(&self, frame: u64) -> f64 {
        let seconds = frame as f64 / f64::from(self.look.fps);
        f64::from(self.scene.clip_start_tick) + seconds * f64::from(self.scene.tick_rate)
    }

    /// Center and radius in pixels of the ring around the followed player.
    #[cfg(test)]
    pub fn followed_ring(&self, frame: u64) -> (f32, f32, f32) {
        let view = self.framing(frame).view;
        let now = Now::at(self.scene, self.tick_of(frame)).unwrap();
        let (x, y) = view.project(now.followed().at);
        let zoom = view.zoom();
        (x * view.pixels, y * view.pixels, super::metrics::ring_radius(zoom) * view.pixels)
    }

    /// The right ends of the kill feed's rows, and the clock's place. Each x, y, width and height in pixels.
    #[cfg(test)]
    pub fn feed_and_clock(&self) -> (Vec<[usize; 4]>, [usize; 4]) {
        let pixels = self.look.height as f32 / UNITS;
        let scaled =
            |x: f32, y: f32, width: f32, height: f32| [x, y, width, height].map(|units| (units * pixels) as usize);
        let (feed, (height, step)) = (self.layout.feed(), super::layout::FEED_ROW);
        let row = |row: usize| scaled(feed.x + feed.width - 200.0, feed.y + row as f32 * step, 150.0, height);
        let score = self.layout.score();
        let rows = (0..self.layout.feed_rows()).map(row).collect();
        (rows, scaled(score.x + score.width / 2.0 - 80.0, score.y, 160.0, score.height))
    }

    /// The frames at which the camera comes to rest after a move.
    pub(super) fn rests(&self) -> impl Iterator<Item = u64> {
        self.camera.rests()
    }

    /// What the camera sees at a frame.
    pub(super) fn framing(&self, frame: u64) -> Framing {
        self.camera.at(frame)
    }

    /// The floor that the followed player is on at a frame.
    pub(super) fn floor(&self, frame: u64) -> usize {
        self.floors.get(frame as usize).or(self.floors.last()).copied().map_or(0, usize::from)
    }

    /// The name of a floor, if the map has two.
    pub(super) fn floor_name(&self, floor: usize) -> Option<&'static str> {
        self.terrain.split().map(|_| if floor == 0 { "LOWER FLOOR" } else { "UPPER FLOOR" })
    }

    /// Players of a side who have strips: at most [`STRIPS`], always including the followed player.
    pub(super) fn roster(&self, side: Side) -> Vec<usize> {
        let mut roster: Vec<usize> = self.drawn(side).collect();
        while roster.len() > STRIPS {
            let out = roster.iter().rposition(|player| *player != self.scene.followed);
            roster.remove(out.unwrap_or(0));
        }
        roster
    }

    /// Players of a side who are drawn.
    pub(super) fn drawn(&self, side: Side) -> impl Iterator<Item = usize> + '_ {
        (0..self.scene.players.len()).filter(move |player| self.sides[*player] == side)
    }

    /// Number of players on a side, drawn or not.
    pub(super) fn team_size(&self, side: Side) -> usize {
        self.sides.iter().filter(|other| **other == side).count()
    }

    /// Number of kill marks on the followed player's label, in the mode without cards.
    pub(super) fn pips(&self, now: &Now<'_>) -> usize {
        /// More do not fit.
        const MOST: usize = 5;
        if self.look.deathnotices_only { now.own_kills().count().min(MOST) } else { 0 }
    }

    /// Seconds for which a player remains blind.
    pub(super) fn blind_seconds(&self, now: &Now<'_>, player: usize) -> Option<f32> {
        let latest = self.blindings.get(player)?.iter().rev().find(|(tick, _)| now.reached(*tick))?;
        let left = latest.1 - now.since(latest.0);
        (left > 0.0).then_some(left)
    }

    /// The layout with the plate where it covers less of the kills for which it is shown: a whole map fills the picture.
    fn with_plate_beside_kills(&self) -> Layout {
        let on_top = self.layout.with_plate_on_top();
        let [below, above] = [self.layout, on_top].map(|layout| self.covered_at_kills(layout.plate()));
        if above < below { on_top } else { self.layout }
    }

    /// How often an area would cover the followed player or a victim when the plate is shown, and a second later.
    fn covered_at_kills(&self, area: Area) -> usize {
        let (scene, rate) = (self.scene, f64::from(self.scene.tick_rate));
        let times = scene.own_kills().skip(1).flat_map(|kill| {
            let at = f64::from(kill.tick);
            [(at, kill.victim), (at + rate, kill.victim)]
        });
        let seen = times.filter_map(|(tick, victim)| {
            let (now, view) = (Now::at(scene, tick)?, self.framing(frame_at(scene, self.look, tick)).view);
            let places = [Some(now.followed()), now.drawn(victim)].into_iter().flatten();
            let reach = marker_reach(true, view.zoom());
            let covered = places.map(|player| view.project(player.at)).filter(|(x, y)| area.distance(*x, *y) < reach);
            Some(covered.count())
        });
        seen.sum()
    }

    /// The followed player's floor at each frame. Whoever stands between two floors stays on his.
    fn followed_floors(&self) -> Vec<u8> {
        let Some(split) = self.terrain.split() else { return Vec::new() };
        let mut floor = None;
        let each = (0..self.frames()).map_while(|frame| Now::at(self.scene, self.tick_of(frame)));
        each.map(|now| {
            let z = now.followed().at[2];
            if now.followed().present && z.is_finite() {
                let above = match floor {
                    None => z >= split,
                    Some(0) => z >= split + FLOOR_SLACK,
                    Some(_) => z >= split - FLOOR_SLACK,
                };
                floor = Some(u8::from(above));
            }
            floor.unwrap_or(1)
        })
        .collect()
    }
}

fn frames(scene: &Scene, look: Look) -> u64 {
    let ticks = f64::from(scene.clip_end_tick) - f64::from(scene.clip_start_tick);
    let seconds = (ticks / f64::from(scene.tick_rate)).min(f64::from(CLIP_SECONDS));
    ((seconds * f64::from(look.fps)).round() as u64).max(1)
}

/// The first frame that shows what happens at a tick.
fn frame_at(scene: &Scene, look: Look, tick: f64) -> u64 {
    let second = clip_second(tick, scene.clip_start_tick, scene.tick_rate);
    (second * f64::from(look.fps)).ceil().max(0.0) as u64
}

fn timeline(scene: &Scene, look: Look) -> Timeline {
    let frame = |tick: i32| frame_at(scene, look, f64::from(tick));
    Timeline {
        frames: frames(scene, look),
        fps: look.fps,
        start: frame(scene.freeze_end_tick),
        end: frame(scene.end_tick),
        plates: !look.deathnotices_only,
    }
}

/// The picture as the camera's plan needs it.
fn frame(layout: &Layout, look: Look) -> Frame {
    let pixels = look.height as f32 / UNITS;
    Frame { width: look.width as f32 / pixels, pixels, map: layout.map(), intro: layout.intro_map() }
}
