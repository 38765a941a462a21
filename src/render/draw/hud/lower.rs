//! The lower third: the followed player while alive. The death line: what became of the player.

use super::parts::{LOW_HEALTH, bar, fitted, shape, slab};
use super::story::{count, lone_death, own_death, team_name, word};
use super::{Panel, roster};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{GOLD, Ink, RED, SLAB, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

/// Number of skulls.
const PIPS: usize = 5;
const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 46.0);
const TEAM: TextStyle = TextStyle::new(Weight::Semibold, 23.0);
const HEALTH: TextStyle = TextStyle::new(Weight::Extrabold, 54.0);
const ARMOR: TextStyle = TextStyle::new(Weight::Bold, 32.0);
const WORD: TextStyle = TextStyle::new(Weight::Extrabold, 36.0).right();

/// The followed player.
#[derive(PartialEq)]
pub struct Lower {
    side: Side,
    name: String,
    team: String,
    health: i32,
    armor: i32,
    helmet: bool,
    pub(super) weapon: Option<Icon>,
    kills: usize,
    /// What the kills are called; empty below two, and while the plate says it.
    word: String,
}

impl Lower {
    /// `None` when dead.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>, plate: bool) -> Option<Self> {
        let (followed, at) = (plan.scene.followed, now.followed());
        let kills = now.own_kills().count();
        at.alive().then(|| Self {
            side: plan.sides[followed],
            name: plan.names[followed].clone(),
            team: team_name(plan, plan.sides[followed]),
            health: at.health.clamp(1, 100),
            armor: at.armor.clamp(0, 100),
            helmet: at.helmet,
            weapon: roster::weapon(plan.scene, followed, at),
            kills,
            word: if kills > 1 && !plate { word(plan, kills) } else { String::new() },
        })
    }

    fn draw_health(&self, x: f32, y: f32, width: f32, canvas: &mut Canvas) {
        let low = self.health <= LOW_HEALTH;
        let number = self.health.to_string();
        let taken = canvas.text(HEALTH, x, y + 62.0, if low { RED } else { WHITE }.solid(), &number);
        if self.armor > 0 {
            let icon = if self.helmet { Icon::HELMET } else { Icon::ARMOR };
            canvas.icon(icon, Area::new(x + taken + 16.0, y + 26.0, 36.0, 36.0), TEXT_DIM.solid());
            canvas.text(ARMOR, x + taken + 56.0, y + 56.0, TEXT.solid(), &self.armor.to_string());
        }
        let color = if low { RED } else { Ink::of(self.side) };
        bar(Area::new(x, y + 78.0, width, 12.0), self.health as f32 / 100.0, color.solid(), canvas);
    }
}

impl Panel for Lower {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let Area { x, y, width, height } = area;
        let color = Ink::of(self.side).solid();
        slab(area, SLAB.with(0.9), canvas);
        slab(Area::new(x, y, 8.0, height), color, canvas);
        shape(self.side, x + 52.0, y + 54.0, 23.0, color, canvas);
        // Three columns; narrow pictures take from the name.
        let health = x + width - 482.0;
        let weapon = x + width - 252.0;
        let room = health - x - 92.0 - 22.0;
        let (style, name) = fitted(NAME, 28.0, &self.name, room, canvas);
        canvas.text(style, x + 92.0, y + 54.0, WHITE.solid(), &name);
        let team = canvas.fit(TEAM, &self.team, room);
        canvas.text(TEAM, x + 92.0, y + 88.0, TEXT_DIM.solid(), &team);
        self.draw_health(health, y, 210.0, canvas);
        if let Some(icon) = self.weapon {
            canvas.icon(icon, Area::new(weapon - 2.0, y + 12.0, 150.0, 56.0), TEXT.solid());
        }
        for pip in 0..PIPS {
            let color = if pip < self.kills { GOLD.solid() } else { WHITE.with(0.16) };
            canvas.icon(Icon::SKULL, Area::new(weapon + pip as f32 * 30.0, y + 74.0, 26.0, 26.0), color);
        }
        canvas.text(WORD, x + width - 18.0, y + 68.0, GOLD.solid(), &self.word);
    }
}

const DEAD_NAME: TextStyle = TextStyle::new(Weight::Extrabold, 30.0);
const DEAD_KILLS: TextStyle = TextStyle::new(Weight::Bold, 26.0);
const DEAD_TEXT: TextStyle = TextStyle::new(Weight::Semibold, 24.0);
const KILLER: TextStyle = TextStyle::new(Weight::Bold, 26.0);

/// What became of the followed player.
#[derive(PartialEq)]
pub struct Death {
    side: Side,
    name: String,
    kills: usize,
    killer: Option<(String, Side)>,
    /// How, without a killer.
    alone: &'static str,
    weapon: Option<Icon>,
}

impl Death {
    /// `None` while alive.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<Self> {
        let followed = plan.scene.followed;
        let kill = own_death(now);
        let killer = kill.and_then(|kill| kill.killer).filter(|killer| *killer != followed);
        let killer = killer.and_then(|killer| Some((plan.names.get(killer)?.clone(), plan.sides[killer])));
        (!now.followed().alive()).then(|| Self {
            side: plan.sides[followed],
            name: plan.names[followed].clone(),
            kills: now.own_kills().count(),
            weapon: kill.filter(|_| killer.is_some()).and_then(|kill| Icon::of_weapon(&kill.weapon)),
            killer,
            alone: lone_death(now),
        })
    }
}

impl Panel for Death {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let Area { x, y, width, height } = area;
        slab(area, SLAB.with(0.86), canvas);
        slab(Area::new(x, y, 7.0, height), Ink::of(self.side).with(0.5), canvas);
        canvas.icon(Icon::SKULL, Area::new(x + 20.0, y + 22.0, 30.0, 30.0), TEXT_DIM.solid());
        let kills = count(self.kills, "kill");
        let room = width - 60.0 - canvas.text_width(DEAD_KILLS, &kills) - 30.0;
        let (style, name) = fitted(DEAD_NAME, 22.0, &self.name, room, canvas);
        let taken = canvas.text(style, x + 60.0, y + 46.0, WHITE.solid(), &name);
        let ink = if self.kills > 0 { GOLD } else { TEXT_DIM };
        canvas.text(DEAD_KILLS, x + 60.0 + taken + 14.0, y + 46.0, ink.solid(), &kills);
        let Some((killer, side)) = &self.killer else {
            canvas.text(DEAD_TEXT, x + 22.0, y + 88.0, TEXT_DIM.solid(), self.alone);
            return;
        };
        let start = x + 22.0 + canvas.text(DEAD_TEXT, x + 22.0, y + 88.0, TEXT_DIM.solid(), "killed by") + 12.0;
        let (style, name) = fitted(KILLER, 20.0, killer, x + width - start - 14.0 - 72.0 - 12.0, canvas);
        let taken = canvas.text(style, start, y + 88.0, Ink::of(*side).solid(), &name);
        if let Some(icon) = self.weapon {
            canvas.icon(icon, Area::new(start + taken + 14.0, y + 67.0, 72.0, 27.0), TEXT.solid());
        }
    }
}
