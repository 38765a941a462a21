//! Player cards: health, armor, weapon, kills and deaths. Counter-terrorists on the left, terrorists on the right.

use super::Panel;
use super::icons::shield;
use crate::render::draw::canvas::{Area, Canvas, UNITS};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{FRAME, GROOVE, Ink, NIGHT, PANEL, PANEL_OUT, RED, TEXT, TEXT_DIM, TEXT_OUT, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

const WIDTH: f32 = 282.0;
const HEIGHT: f32 = 82.0;
const STEP: f32 = 92.0;
/// Height of the line above the cards.
const OVERFLOW_HEIGHT: f32 = 24.0;
/// Margin for the followed player's frame.
const MARGIN: f32 = 4.0;
/// Health below which the bar is red.
const LOW_HEALTH: i32 = 40;
const NAME: TextStyle = TextStyle::new(Weight::Bold, 20.0);
const NUMBER: TextStyle = TextStyle::new(Weight::Bold, 15.0).tabular();
const DIM: TextStyle = TextStyle::new(Weight::Semibold, 14.0);
const BADGE: TextStyle = TextStyle::new(Weight::Extrabold, 11.0).middle();

/// Players of a side who have cards, and the cards' positions.
pub fn places(replay: &Replay<'_>, side: Side, width: f32) -> Vec<(usize, Area)> {
    let roster = replay.roster(side);
    let left = if side == Side::Ct { 24.0 } else { width - 24.0 - WIDTH };
    let top = UNITS - 24.0 - roster.len() as f32 * STEP + (STEP - HEIGHT);
    let area = |place: usize| Area::new(left, top + place as f32 * STEP, WIDTH, HEIGHT).grown(MARGIN);
    roster.into_iter().enumerate().map(|(place, player)| (player, area(place))).collect()
}

/// A line that says that a side has more players than cards.
#[derive(PartialEq)]
pub struct Overflow {
    left: bool,
    pub(super) text: String,
}

impl Overflow {
    /// `None` if everyone has a card.
    pub fn of(replay: &Replay<'_>, side: Side) -> Option<Self> {
        let (cards, all) = (replay.roster(side).len(), replay.team_size(side));
        (all > cards).then(|| Self { left: side == Side::Ct, text: format!("{cards} of {all} players") })
    }
}

impl Panel for Overflow {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let (style, x) = if self.left { (DIM, area.x + 6.0) } else { (DIM.right(), area.x + area.width - 6.0) };
        canvas.text(style, x, area.y + 17.0, TEXT_DIM.solid(), &self.text);
    }
}

/// Its position: above the cards of a side.
pub fn overflow_area(replay: &Replay<'_>, side: Side, width: f32) -> Area {
    let cards = places(replay, side, width);
    let first = cards.first().map_or(Area::new(0.0, UNITS - 24.0, WIDTH, 0.0), |(_, area)| *area);
    Area::new(first.x, first.y - OVERFLOW_HEIGHT - 2.0, first.width, OVERFLOW_HEIGHT)
}

/// A player's card.
#[derive(PartialEq)]
pub struct Card {
    name: String,
    side: Side,
    followed: bool,
    alive: bool,
    health: i32,
    armor: i32,
    weapon: String,
    bomb: bool,
    kills: u32,
    deaths: u32,
    round_kills: u32,
}

impl Card {
    pub fn at(replay: &Replay<'_>, now: &Now<'_>, player: usize) -> Self {
        let at = &now.players[player];
        let (before, round_kills) = (&replay.scene.players[player], kills(now, player));
        let died = now.kills().any(|kill| kill.victim == player);
        Self {
            name: replay.names[player].clone(),
            side: replay.sides[player],
            followed: player == replay.scene.followed,
            alive: at.alive(),
            health: at.health.clamp(0, 100),
            armor: at.armor.clamp(0, 100),
            weapon: replay.weapon(at).to_owned(),
            bomb: at.has_bomb,
            kills: before.kills_before.saturating_add(round_kills),
            deaths: before.deaths_before.saturating_add(u32::from(died)),
            round_kills,
        }
    }

    fn draw_living(&self, card: Area, canvas: &mut Canvas) {
        let (left, right, ink) = (card.x + 20.0, card.x + WIDTH - 14.0, Ink::of(self.side));
        let bar = Area::new(left, card.y + 41.0, right - left, 9.0);
        canvas.plate(bar, 4.5, GROOVE.solid());
        let filled = Area { width: bar.width * self.health as f32 / 100.0, ..bar };
        canvas.plate(filled, 4.5, if self.health > LOW_HEALTH { ink } else { RED }.solid());
        let base = card.y + 70.0;
        canvas.text(
            NUMBER,
            left,
            base,
            if self.health > LOW_HEALTH { TEXT } else { RED }.solid(),
            &self.health.to_string(),
        );
        shield(left + 54.0, base - 5.0, if self.armor > 0 { TEXT_DIM } else { GROOVE }.solid(), canvas);
        let armor = if self.armor > 0 { TEXT_DIM } else { TEXT_OUT };
        canvas.text(NUMBER, left + 66.0, base, armor.solid(), &self.armor.to_string());
        let weapon = canvas.fit(NUMBER, &self.weapon, 110.0);
        let width = canvas.text(NUMBER.right(), right, base, TEXT.with(0.88), &weapon);
        if self.bomb {
            let badge = Area::new(right - width - 38.0, base - 13.0, 28.0, 17.0);
            canvas.plate(badge, 4.0, RED.solid());
            canvas.text(BADGE, badge.x + 14.0, badge.y + 12.5, NIGHT.solid(), "C4");
        }
    }
}

/// Kills of a player in this round so far.
pub fn kills(now: &Now<'_>, player: usize) -> u32 {
    now.kills().filter(|kill| kill.killer == Some(player) && kill.victim != player).count() as u32
}

impl Panel for Card {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let card = area.grown(-MARGIN);
        canvas.plate(card, 12.0, if self.alive { PANEL } else { PANEL_OUT }.solid());
        let stripe = Ink::of(self.side).with(if self.alive { 1.0 } else { 0.3 });
        canvas.plate(Area::new(card.x, card.y, 6.0, card.height), 3.0, stripe);
        if self.followed {
            canvas.frame(card.grown(3.0), 14.0, 2.5, WHITE.with(if self.alive { 0.92 } else { 0.5 }));
        }
        let right = card.x + WIDTH - 14.0;
        let tally = format!("{} / {}", self.kills, self.deaths);
        let taken =
            canvas.text(DIM.right(), right, card.y + 27.0, TEXT_DIM.with(if self.alive { 1.0 } else { 0.6 }), &tally);
        let name = canvas.fit(NAME, &self.name, WIDTH - 20.0 - 14.0 - taken - 12.0);
        canvas.text(NAME, card.x + 20.0, card.y + 28.0, if self.alive { TEXT } else { TEXT_OUT }.solid(), &name);
        if self.alive {
            self.draw_living(card, canvas);
        } else {
            canvas.text(DIM, card.x + 20.0, card.y + 62.0, TEXT_OUT.solid(), "eliminated");
        }
        for kill in 0..self.round_kills.min(5) {
            let pip = Area::new(right - 8.0 - kill as f32 * 12.0, card.y + 32.5, 8.0, 4.0);
            canvas.plate(pip, 2.0, FRAME.with(if self.alive { 1.0 } else { 0.6 }));
        }
    }
}
