//! Everything that is constant over a clip, computed once before the first frame.

use tiny_skia::Pixmap;

use super::camera::Camera;
use super::canvas::{Area, UNITS};
use super::fonts::Fonts;
use super::labels::{Places, Planner, Tag};
use super::metrics::{LABEL_PADDING, disc_radius, label_height, label_style};
use super::now::{Blinding, Now, blindings};
use super::text::Glyphs;
use super::{backdrop, names, poster};
use crate::domain::clip::{CLIP_SECONDS, clip_second};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::render::scene::{MAX_PLAYERS, Scene, Side};

/// Maximum number of cards per side.
const CARDS: usize = 5;

/// Output settings of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Frames per second.
    pub fps: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether enemies not spotted by the followed player's team are drawn like everyone else.
    pub xray: bool,
    /// Draw only the map, names, and kill feed: no score, cards, or timeline.
    pub deathnotices_only: bool,
}

/// A clip ready to be drawn.
pub struct Replay<'a> {
    /// The round that is drawn.
    pub(super) scene: &'a Scene,
    pub(super) look: Look,
    pub(super) camera: Camera,
    pub(super) backdrop: Pixmap,
    pub(super) fonts: Fonts,
    /// By player, including those who are not drawn.
    pub(super) names: Vec<String>,
    /// By player, like `names`: the side in this round.
    pub(super) sides: Vec<Side>,
    /// By player.
    pub(super) blindings: Vec<Vec<Blinding>>,
    /// By frame: label positions.
    places: Vec<Places>,
}

impl<'a> Replay<'a> {
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
        let width = look.width as f32 * UNITS / look.height as f32;
        let camera = Camera::of(scene, action_area(width, look.deathnotices_only));
        let fonts = Fonts::load()?;
        let drawn_names = scene.players.iter().map(|player| player.name.as_str());
        let undrawn_names = scene.undrawn.iter().map(|player| player.name.as_str());
        let names = names::of_players(drawn_names.chain(undrawn_names), &fonts);
        let mut replay = Self {
            scene,
            look,
            camera,
            backdrop: backdrop::draw(&scene.ground, &camera, look.width, look.height)?,
            sides: (0..names.len()).map(|player| scene.side(player)).collect(),
            blindings: blindings(scene),
            names,
            places: Vec::new(),
            fonts,
        };
        replay.places = replay.plan_places(Area::new(0.0, 0.0, width, UNITS));
        Ok(replay)
    }

    /// Width of the picture in design units.
    pub(super) fn width(&self) -> f32 {
        self.look.width as f32 * UNITS / self.look.height as f32
    }

    /// The output settings.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Number of frames in the clip.
    pub fn frames(&self) -> u64 {
        let ticks = f64::from(self.scene.clip_end_tick - self.scene.clip_start_tick);
        let seconds = (ticks / f64::from(self.scene.tick_rate)).min(f64::from(CLIP_SECONDS));
        ((seconds * f64::from(self.look.fps)).round() as u64).max(1)
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

    /// Label positions on a frame.
    pub(super) fn places(&self, frame: u64) -> &Places {
        const NOWHERE: &Places = &[None; MAX_PLAYERS];
        self.places.get(frame as usize).unwrap_or(NOWHERE)
    }

    /// Players of a side who have cards: at most [`CARDS`], always including the followed player.
    pub(super) fn roster(&self, side: Side) -> Vec<usize> {
        let mut roster: Vec<usize> = self.drawn(side).collect();
        while roster.len() > CARDS {
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

    fn plan_places(&self, picture: Area) -> Vec<Places> {
        let mut glyphs = Glyphs::new(self.fonts.clone());
        let mut sizes = [(0.0, 0.0); MAX_PLAYERS];
        for (player, name) in self.names.iter().take(self.scene.players.len()).enumerate() {
            let style = label_style(player == self.scene.followed);
            let width = glyphs.width(style.weight, style.size, false, name);
            sizes[player] = (width + 2.0 * LABEL_PADDING, label_height(style));
        }
        let mut planner = Planner::new(picture, self.look.fps);
        (0..self.frames())
            .map_while(|frame| Now::at(self.scene, self.tick_of(frame)))
            .map(|now| planner.step(&self.tags(&now, &sizes)))
            .collect()
    }

    fn tags(&self, now: &Now<'_>, sizes: &[(f32, f32); MAX_PLAYERS]) -> [Option<Tag>; MAX_PLAYERS] {
        std::array::from_fn(|player| {
            let first = player == self.scene.followed;
            let at = &now.players[player];
            (player < self.scene.players.len() && at.alive()).then(|| Tag {
                disc: self.camera.project(at.at),
                radius: disc_radius(first),
                width: sizes[player].0,
                height: sizes[player].1,
                first,
            })
        })
    }
}

/// The area for the action: between the cards, or nearly everything if there are none.
fn action_area(width: f32, deathnotices_only: bool) -> Area {
    if deathnotices_only {
        Area::new(60.0, 44.0, width - 120.0, UNITS - 88.0)
    } else {
        Area::new(330.0, 104.0, width - 660.0, UNITS - 214.0)
    }
}
