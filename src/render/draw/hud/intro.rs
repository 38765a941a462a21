//! The intro card: map, round, player, team, score, and loadout.

use super::parts::{fitted, shape, slab, spaced};
use super::story::{index, side_name, team_name};
use super::{Panel, roster};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::names;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

/// Seconds for which a card is shown.
pub const CARD_SECONDS: f32 = 2.5;
/// Seconds in which it appears, and in which it disappears.
const FADE_SECONDS: f32 = 0.25;
/// Steps of its opacity.
pub const FADE_STEPS: f32 = 16.0;

const MAP: TextStyle = TextStyle::new(Weight::Bold, 38.0);
const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 148.0);
const TEAM: TextStyle = TextStyle::new(Weight::Bold, 46.0);
const SIDE: TextStyle = TextStyle::new(Weight::Semibold, 36.0);
const ROW: TextStyle = TextStyle::new(Weight::Bold, 42.0);
const SCORE: TextStyle = TextStyle::new(Weight::Extrabold, 62.0).right();
const ARMOR: TextStyle = TextStyle::new(Weight::Bold, 38.0);
/// Left edge of the text.
const LEFT: f32 = 150.0;
/// Width of the scores.
const ROWS: f32 = 560.0;

/// The opacity of a card that was shown for `age` seconds, in [`FADE_STEPS`]; `None` if it is not shown.
pub fn opacity(age: f32) -> Option<u8> {
    let part = (age / FADE_SECONDS).min((CARD_SECONDS - age) / FADE_SECONDS).clamp(0.0, 1.0);
    // The first frame of a card is shown, faintly: its panel replaces the others.
    (0.0..CARD_SECONDS).contains(&age).then_some((part * FADE_STEPS).round() as u8)
}

/// The intro card.
#[derive(PartialEq)]
pub struct Intro {
    opacity: u8,
    map: String,
    round: String,
    name: String,
    side: Side,
    /// The player's team, then the other one: name, side, score.
    teams: Vec<(String, Side, u32)>,
    loadout: Vec<Icon>,
    armor: i32,
    helmet: bool,
}

impl Intro {
    /// `None` except at the start of the clip.
    pub fn at(replay: &Replay<'_>, now: &Now<'_>) -> Option<Self> {
        let (scene, at) = (replay.scene, now.followed());
        let opacity = opacity(now.seconds())?;
        let side = replay.sides[scene.followed];
        let own = if side == Side::T { [Side::T, Side::Ct] } else { [Side::Ct, Side::T] };
        let loadout = [at.primary, at.pistol].into_iter().filter_map(|weapon| roster::icon(scene, weapon));
        let mut loadout: Vec<Icon> = loadout.chain(at.kit.then_some(Icon::KIT)).collect();
        if loadout.is_empty() {
            loadout.extend(roster::icon(scene, at.weapon));
        }
        Some(Self {
            opacity,
            map: names::of_map(&scene.map, &replay.fonts),
            round: format!("ROUND {}", scene.round),
            name: replay.names[scene.followed].clone(),
            side,
            teams: own.map(|side| (team_name(replay, side), side, scene.teams[index(side)].score)).to_vec(),
            loadout,
            armor: at.armor.clamp(0, 100),
            helmet: at.helmet,
        })
    }

    fn draw_teams(&self, canvas: &mut Canvas) {
        for (place, (name, side, score)) in self.teams.iter().enumerate() {
            let (y, ink) = (568.0 + 94.0 * place as f32, Ink::of(*side));
            let opacity = if place == 0 { 0.09 } else { 0.05 };
            slab(Area::new(LEFT, y, ROWS, 80.0), WHITE.with(opacity), canvas);
            shape(*side, LEFT + 46.0, y + 40.0, 17.0, ink.solid(), canvas);
            let score = canvas.text(SCORE, LEFT + ROWS - 26.0, y + 62.0, ink.solid(), &score.to_string());
            let (style, name) = fitted(ROW, 28.0, name, ROWS - 86.0 - score - 50.0, canvas);
            canvas.text(style, LEFT + 86.0, y + 55.0, TEXT.solid(), &name);
        }
    }

    fn draw_loadout(&self, canvas: &mut Canvas) {
        let mut x = LEFT - 4.0;
        for icon in &self.loadout {
            canvas.icon(*icon, Area::new(x, 784.0, 150.0, 56.0), TEXT.solid());
            x += 168.0;
        }
        if self.armor > 0 {
            let icon = if self.helmet { Icon::HELMET } else { Icon::ARMOR };
            canvas.icon(icon, Area::new(x, 790.0, 44.0, 44.0), TEXT_DIM.solid());
            canvas.text(ARMOR, x + 54.0, 826.0, TEXT.solid(), &self.armor.to_string());
        }
    }
}

impl Panel for Intro {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let (shadow, color) = (Ink(0x070b11), Ink::of(self.side).solid());
        let stops = [(0.0, shadow.with(0.97)), (0.36, shadow.with(0.9)), (0.56, shadow.with(0.0))];
        canvas.shade(area, &stops);
        slab(Area::new(96.0, 232.0, 14.0, 616.0), color, canvas);
        let map = spaced(MAP, 4.0, (LEFT, 284.0), TEXT_DIM.solid(), &self.map, canvas);
        spaced(MAP, 4.0, (LEFT + map + 44.0, 284.0), WHITE.solid(), &self.round, canvas);
        let room = area.width * 0.5 - LEFT;
        let (style, name) = fitted(NAME, 64.0, &self.name, room, canvas);
        canvas.text(style, LEFT - 6.0, 446.0, WHITE.solid(), &name);
        let side = side_name(self.side);
        let own = self.teams.first().map_or("", |(name, ..)| name);
        let (style, team) = fitted(TEAM, 30.0, own, ROWS, canvas);
        let taken = canvas.text(style, LEFT, 520.0, color, &team);
        if team != side {
            canvas.text(SIDE, LEFT + taken + 22.0, 520.0, TEXT_DIM.solid(), side);
        }
        self.draw_teams(canvas);
        self.draw_loadout(canvas);
        canvas.fade(area, f32::from(self.opacity) / FADE_STEPS);
    }
}
