//! The rosters: a strip for each player with health and weapon. Counter-terrorists are on the left, terrorists on the
//! right.

use super::Panel;
use super::parts::{LOW_HEALTH, bar, fitted, slab};
use super::story::index;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{CT, Ink, RED, SLAB, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{PlayerAt, Scene, Side};

const NAME: TextStyle = TextStyle::new(Weight::Bold, 24.0);
const NAME_OUT: TextStyle = TextStyle::new(Weight::Semibold, 24.0);
const NOTE: TextStyle = TextStyle::new(Weight::Semibold, 20.0);
/// Weapons that are in hand only between fights.
const TOOLS: [&str; 8] = ["c4", "hegrenade", "flashbang", "smokegrenade", "molotov", "incgrenade", "decoy", "taser"];

/// Players of a side who have strips: the followed player first, then by name.
pub fn players(plan: &Plan<'_>, side: Side) -> Vec<usize> {
    let mut players = plan.roster(side);
    players.sort_by_cached_key(|player| (*player != plan.scene.followed, plan.names[*player].to_lowercase()));
    players
}

/// The icon of a weapon by its index.
pub fn icon(scene: &Scene, weapon: u16) -> Option<Icon> {
    Icon::of_weapon(scene.weapons.get(usize::from(weapon))?)
}

/// What a player is shown with: the followed player with what is in hand; the others with what they fight with, the
/// gun in hand, else the best gun carried, else what is in hand.
pub fn weapon(scene: &Scene, player: usize, at: &PlayerAt) -> Option<Icon> {
    let hand = scene.weapons.get(usize::from(at.weapon)).map_or("", String::as_str);
    let knife = hand.contains("knife") || hand.contains("bayonet");
    let tool = hand.is_empty() || player != scene.followed && (knife || TOOLS.contains(&hand));
    let carried = || icon(scene, at.primary).or_else(|| icon(scene, at.pistol));
    tool.then(carried).flatten().or_else(|| icon(scene, at.weapon))
}

/// A player's strip.
#[derive(PartialEq)]
pub struct Strip {
    name: String,
    side: Side,
    followed: bool,
    /// 0 when dead.
    health: i32,
    pub(super) weapon: Option<Icon>,
    /// The bomb or a defuse kit.
    carries: Option<Icon>,
}

impl Strip {
    pub fn at(plan: &Plan<'_>, now: &Now<'_>, player: usize) -> Self {
        let at = &now.players[player];
        let carries = if at.has_bomb { Some(Icon::C4) } else { at.kit.then_some(Icon::KIT) };
        Self {
            name: plan.names[player].clone(),
            side: plan.sides[player],
            followed: player == plan.scene.followed,
            health: if at.alive() { at.health.clamp(1, 100) } else { 0 },
            weapon: weapon(plan.scene, player, at).filter(|_| at.alive()),
            carries: carries.filter(|_| at.alive()),
        }
    }
}

impl Panel for Strip {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let (ink, alive, left) = (Ink::of(self.side), self.health > 0, index(self.side) == 1);
        slab(area, SLAB.with(if alive { 0.86 } else { 0.62 }), canvas);
        if self.followed {
            slab(area, WHITE.with(0.07), canvas);
        }
        let edge = if left { area.x } else { area.x + area.width - 7.0 };
        slab(Area::new(edge, area.y, 7.0, area.height), ink.with(if alive { 1.0 } else { 0.35 }), canvas);
        let start = area.x + if left { 18.0 } else { 12.0 };
        let end = start + area.width - 34.0;
        if alive {
            let mut free = end;
            if let Some(icon) = self.weapon {
                free = ending(icon, TEXT, free, Area { height: 27.0, y: area.y + 8.0, ..area }, canvas) - 12.0;
            }
            if let Some(icon) = self.carries {
                let ink = if icon == Icon::C4 { RED } else { CT };
                free = ending(icon, ink, free, Area { height: 20.0, y: area.y + 11.0, ..area }, canvas) - 8.0;
            }
            let (style, name) = fitted(NAME, 20.0, &self.name, free - start, canvas);
            canvas.text(style, start, area.y + 31.0, TEXT.solid(), &name);
            let color = if self.health > LOW_HEALTH { ink } else { RED };
            let groove = Area::new(start, area.y + 41.0, end - start, 6.0);
            bar(groove, self.health as f32 / 100.0, color.solid(), canvas);
        } else {
            let name = canvas.fit(NAME_OUT, &self.name, end - start - 40.0);
            canvas.text(NAME_OUT, start, area.y + 34.0, TEXT_DIM.with(0.55), &name);
            canvas.icon(Icon::SKULL, Area::new(end - 28.0, area.y + 13.0, 26.0, 26.0), TEXT_DIM.with(0.55));
        }
        if self.followed {
            frame(area, canvas);
        }
    }
}

/// Draws an icon that ends at `right`, as high as `row`. Returns where it begins.
fn ending(icon: Icon, ink: Ink, right: f32, row: Area, canvas: &mut Canvas) -> f32 {
    let (width, height) = icon.size();
    let width = width * row.height / height;
    let (begin, end) = icon.extent();
    canvas.icon(icon, Area { x: right - width * end, width, ..row }, ink.solid());
    right - width * (end - begin)
}

/// A white frame just inside an area.
fn frame(area: Area, canvas: &mut Canvas) {
    let Area { x, y, width, height } = area;
    for side in [
        Area::new(x, y, width, 3.0),
        Area::new(x, y + height - 3.0, width, 3.0),
        Area::new(x, y + 3.0, 3.0, height - 6.0),
        Area::new(x + width - 3.0, y + 3.0, 3.0, height - 6.0),
    ] {
        slab(side, WHITE.solid(), canvas);
    }
}

/// A line that says how many players are not shown.
#[derive(PartialEq)]
pub struct Note {
    side: Side,
    pub(super) text: String,
}

impl Note {
    /// For a side that has more players than strips.
    pub fn of_side(plan: &Plan<'_>, side: Side) -> Option<Self> {
        let (strips, all) = (players(plan, side).len(), plan.team_size(side));
        (all > strips).then(|| Self { side, text: format!("{strips} of {all} players") })
    }

    /// For a round with more players than are drawn.
    pub fn of_round(plan: &Plan<'_>) -> Option<Self> {
        let drawn = plan.scene.players.len();
        let text = format!("{drawn} of {} players shown", plan.names.len());
        (!plan.scene.undrawn.is_empty()).then_some(Self { side: Side::Ct, text })
    }
}

impl Panel for Note {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let left = index(self.side) == 1;
        let (style, x) = if left { (NOTE, area.x + 12.0) } else { (NOTE.right(), area.x + area.width - 12.0) };
        let text = canvas.fit(style, &self.text, area.width - 24.0);
        let width = canvas.text_width(style, &text) + 24.0;
        let plate = if left { area.x } else { area.x + area.width - width };
        slab(Area { x: plate, width, ..area }, SLAB.with(0.78), canvas);
        canvas.text(style, x, area.y + area.height / 2.0 + 7.0, TEXT_DIM.solid(), &text);
    }
}
