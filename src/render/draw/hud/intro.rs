//! The intro card: map, round, player, team, score, and loadout.

use super::parts::{fitted, shape, slab, spaced};
use super::story::{score, short_team_name, side_name, team_name};
use super::{Panel, roster};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::names;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{PlayerAt, Side};

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
/// Seconds into the round at which the loadout is read. Many demos tell a weapon only once it was in hand.
const LOADOUT_SECONDS: f32 = 20.0;
/// Left edge of the text.
const LEFT: f32 = 150.0;
/// Width of the scores.
const ROWS: f32 = 560.0;

/// The opacity of the card, in [`FADE_STEPS`], so many seconds into the clip; `None` if it is not shown.
fn opacity(age: f32) -> Option<u8> {
    // The first frame of a card is shown, faintly: its panel replaces the others.
    (0.0..CARD_SECONDS).contains(&age).then(|| fade(age).min(fade(CARD_SECONDS - age)))
}

/// The opacity of the other panels, in [`FADE_STEPS`]: they appear after the intro card.
pub fn opacity_after_intro(now: &Now<'_>) -> u8 {
    fade(now.seconds() - CARD_SECONDS)
}

/// The opacity, in [`FADE_STEPS`], of what appears since so many seconds, or is gone in so many.
pub fn fade(seconds: f32) -> u8 {
    ((seconds / FADE_SECONDS).clamp(0.0, 1.0) * FADE_STEPS).round() as u8
}

/// The intro card.
#[derive(PartialEq)]
pub struct Intro {
    map: String,
    round: String,
    name: String,
    side: Side,
    team: String,
    /// The player's team, then the other one: name, side, score.
    teams: Vec<(String, Side, u32)>,
    loadout: Vec<Icon>,
    armor: i32,
    helmet: bool,
}

impl Intro {
    /// The card and its opacity in [`FADE_STEPS`]; `None` except at the start of the clip.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<(Self, u8)> {
        let (scene, at) = (plan.scene, now.followed());
        let opacity = opacity(now.seconds())?;
        let side = plan.sides[scene.followed];
        let own = if side == Side::T { [Side::T, Side::Ct] } else { [Side::Ct, Side::T] };
        let later = f64::from(scene.freeze_end_tick) + f64::from(LOADOUT_SECONDS * scene.tick_rate);
        let later = Now::at(scene, later).map(|later| *later.followed()).filter(PlayerAt::alive);
        let armed = later.unwrap_or(*at);
        let loadout = [armed.primary, armed.pistol].into_iter().filter_map(|weapon| roster::icon(scene, weapon));
        let card = Self {
            map: names::of_map(&scene.map, &plan.fonts),
            round: format!("ROUND {}", scene.round),
            name: plan.names[scene.followed].clone(),
            side,
            team: team_name(plan, side),
            teams: own.map(|side| (short_team_name(plan, side), side, score(scene, side, None))).to_vec(),
            loadout: loadout.chain(at.kit.then_some(Icon::KIT)).collect(),
            armor: at.armor.clamp(0, 100),
            helmet: at.helmet,
        };
        Some((card, opacity))
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
        let mut x = LEFT;
        for icon in &self.loadout {
            let (begin, end) = icon.extent();
            canvas.icon(*icon, Area::new(x - begin * 150.0, 784.0, 150.0, 56.0), TEXT.solid());
            x += (end - begin) * 150.0 + 44.0;
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
        let (style, team) = fitted(TEAM, 30.0, &self.team, ROWS, canvas);
        let taken = canvas.text(style, LEFT, 520.0, color, &team);
        if team != side {
            canvas.text(SIDE, LEFT + taken + 22.0, 520.0, TEXT_DIM.solid(), side);
        }
        self.draw_teams(canvas);
        self.draw_loadout(canvas);
    }
}
