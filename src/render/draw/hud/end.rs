//! The end card: who won the round and how, the score, and what the followed player did.

use super::Panel;
use super::intro::{CARD_SECONDS, FADE_STEPS, fade};
use super::parts::{fitted, mark_color, marks, minutes, shape, slab};
use super::story::{count, lone_death, outcome, own_death, score, short_team_name, team_name, word};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::{Now, RoundClock};
use crate::render::draw::palette::{CT, GOLD, Ink, RED, SLAB, T, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{EffectKind, Kill, Scene, Side};

/// Seconds by which the card is later than a kill or the explosion of the bomb.
const AFTER_SECONDS: f32 = 1.0;
/// Seconds for which the card is shown at least, if the demo ends early.
const MIN_SECONDS: f32 = 1.5;
/// Maximum number of kills listed.
const ROWS: usize = 5;
/// Height of a row, and distance from one to the next.
const ROW: f32 = 60.0;
const ROW_STEP: f32 = 69.0;
/// Width of the bomb before the time of a kill that came after the plant.
const BOMB_WIDTH: f32 = 64.0;
const TITLE: TextStyle = TextStyle::new(Weight::Extrabold, 84.0);
const HOW: TextStyle = TextStyle::new(Weight::Semibold, 36.0);
const SCORE: TextStyle = TextStyle::new(Weight::Extrabold, 120.0);
const COLON: TextStyle = TextStyle::new(Weight::Bold, 80.0).middle();
const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 76.0);
const TEAM: TextStyle = TextStyle::new(Weight::Semibold, 32.0);
const WORD: TextStyle = TextStyle::new(Weight::Extrabold, 112.0);
const TALLY: TextStyle = TextStyle::new(Weight::Bold, 32.0);
const FATE: TextStyle = TextStyle::new(Weight::Semibold, 30.0);
const TIME: TextStyle = TextStyle::new(Weight::Semibold, 32.0).tabular();
const VICTIM: TextStyle = TextStyle::new(Weight::Bold, 36.0);

/// The end card.
#[derive(PartialEq)]
pub struct End {
    winner: Side,
    title: String,
    how: String,
    /// Counter-terrorists, then terrorists.
    score: [u32; 2],
    name: String,
    side: Side,
    team: String,
    word: String,
    tally: String,
    fate: String,
    kills: Vec<Row>,
}

#[derive(PartialEq)]
struct Row {
    /// What the clock showed.
    time: String,
    /// It was the bomb's.
    bomb: bool,
    weapon: Option<Icon>,
    victim: String,
    side: Side,
    marks: Vec<Icon>,
}

/// Seconds for which the card is shown: it waits until what decided the round was seen. A kill that happens under it
/// moves nothing.
fn seconds(scene: &Scene) -> f32 {
    let before_end = |tick: i32| (scene.clip_end_tick - tick) as f32 / scene.tick_rate.max(1.0);
    let kills = scene.own_kills().map(|kill| before_end(kill.tick)).filter(|seconds| *seconds > CARD_SECONDS);
    let blasts = scene.effects.iter().filter(|effect| effect.kind == EffectKind::BombExploded);
    let moments = kills.chain(blasts.map(|blast| before_end(blast.tick)));
    moments.map(|seconds| seconds - AFTER_SECONDS).fold(CARD_SECONDS, f32::min).max(MIN_SECONDS)
}

impl End {
    /// The card and its opacity in [`FADE_STEPS`]; `None` except at the end of the clip, once the round is won. It stays: a
    /// player that stops shows the last frame.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<(Self, u8)> {
        let scene = plan.scene;
        let winner = now.winner()?;
        let seconds = seconds(scene);
        let age = now.since(scene.clip_end_tick) + seconds;
        if age < 0.0 {
            return None;
        }
        let kills: Vec<_> = now.own_kills().collect();
        let headshots = kills.iter().filter(|kill| kill.headshot).count();
        let mut tally = count(kills.len(), "kill");
        if headshots > 0 {
            tally += &format!(", {}", count(headshots, "headshot"));
        }
        let (followed, side) = (scene.followed, plan.sides[scene.followed]);
        let score = |side| score(scene, side, Some(winner));
        let card = Self {
            winner,
            title: format!("{} win the round", short_team_name(plan, winner)),
            how: outcome(plan, winner),
            score: [score(Side::Ct), score(Side::T)],
            name: plan.names[followed].clone(),
            side,
            team: team_name(plan, side),
            word: if kills.len() < 2 { String::new() } else { word(plan, kills.len()) },
            tally,
            fate: fate(plan, now),
            kills: kills.into_iter().take(ROWS).map(|kill| Row::of(plan, kill)).collect(),
        };
        Some((card, fade(age)))
    }

    /// The opacity of the other panels, in [`FADE_STEPS`]: they disappear before the card.
    pub fn opacity_before(scene: &Scene, now: &Now<'_>) -> u8 {
        let left = || -seconds(scene) - now.since(scene.clip_end_tick);
        now.winner().map_or(FADE_STEPS as u8, |_| fade(left()))
    }

    /// The time of each kill, and whether it was the bomb's clock that showed it.
    #[cfg(test)]
    pub fn times(&self) -> Vec<(&str, bool)> {
        self.kills.iter().map(|row| (row.time.as_str(), row.bomb)).collect()
    }

    fn draw_result(&self, band: Area, left: f32, right: f32, canvas: &mut Canvas) {
        let color = Ink::of(self.winner).solid();
        slab(band, Ink(0x0a1422).with(0.94), canvas);
        slab(Area { height: 6.0, ..band }, color, canvas);
        let numbers = self.score.map(|score| score.to_string());
        let after = canvas.text_width(SCORE, &numbers[1]);
        let colon = right - 20.0 - after - 28.0;
        canvas.text(SCORE.right(), colon - 28.0, band.y + 146.0, CT.solid(), &numbers[0]);
        canvas.text(COLON, colon, band.y + 134.0, TEXT_DIM.solid(), ":");
        canvas.text(SCORE, colon + 28.0, band.y + 146.0, T.solid(), &numbers[1]);
        shape(self.winner, left + 90.0, band.y + 104.0, 46.0, color, canvas);
        let room = colon - 28.0 - canvas.text_width(SCORE, &numbers[0]) - 40.0 - left - 170.0;
        let base = if self.how.is_empty() { 132.0 } else { 112.0 };
        let (style, title) = fitted(TITLE, 36.0, &self.title, room, canvas);
        canvas.text(style, left + 170.0, band.y + base, TEXT.solid(), &title);
        let (style, how) = fitted(HOW, 24.0, &self.how, room, canvas);
        canvas.text(style, left + 173.0, band.y + 170.0, TEXT_DIM.solid(), &how);
    }

    fn draw_player(&self, card: Area, canvas: &mut Canvas) {
        let (x, y, room) = (card.x + 44.0, card.y, card.width.min(540.0) - 84.0);
        slab(card, SLAB.with(0.94), canvas);
        slab(Area { width: 8.0, ..card }, Ink::of(self.side).solid(), canvas);
        let (style, name) = fitted(NAME, 40.0, &self.name, room, canvas);
        canvas.text(style, x, y + 88.0, TEXT.solid(), &name);
        let (style, team) = fitted(TEAM, 24.0, &self.team, room, canvas);
        canvas.text(style, x, y + 138.0, TEXT_DIM.solid(), &team);
        canvas.text(WORD, x, y + 272.0, GOLD.solid(), &self.word);
        let bottom = y + card.height;
        canvas.text(TALLY, x, bottom - 62.0, TEXT.solid(), &self.tally);
        let (style, fate) = fitted(FATE, 22.0, &self.fate, room, canvas);
        canvas.text(style, x, bottom - 22.0, TEXT_DIM.solid(), &fate);
    }
}

/// What became of the followed player.
fn fate(plan: &Plan<'_>, now: &Now<'_>) -> String {
    let at = now.followed();
    if at.alive() {
        return format!("alive with {} health", at.health.clamp(1, 100));
    }
    let killer = own_death(now).and_then(|kill| kill.killer).filter(|killer| *killer != plan.scene.followed);
    match killer.and_then(|killer| plan.names.get(killer)) {
        Some(name) => format!("killed by {name}"),
        None => lone_death(now).to_owned(),
    }
}

impl Row {
    fn of(plan: &Plan<'_>, kill: &Kill) -> Self {
        let clock = Now::at(plan.scene, f64::from(kill.tick)).map(|then| then.clock());
        Self {
            time: clock.map_or_else(String::new, |clock| minutes(clock.seconds())),
            bomb: matches!(clock, Some(RoundClock::Bomb(..))),
            weapon: Icon::of_weapon(&kill.weapon),
            victim: plan.names.get(kill.victim).cloned().unwrap_or_default(),
            side: plan.sides.get(kill.victim).copied().unwrap_or_default(),
            marks: marks(kill),
        }
    }

    /// `indent`: how far the time is moved to the right, because the bomb is shown before it in some row.
    fn draw(&self, area: Area, indent: f32, canvas: &mut Canvas) {
        let Area { y, width, .. } = area;
        slab(area, WHITE.with(0.055), canvas);
        if self.bomb {
            canvas.icon(Icon::C4, Area::new(area.x + 16.0, y + 18.0, 64.0, 24.0), RED.solid());
        }
        let x = area.x + indent;
        canvas.text(TIME, x + 24.0, y + 41.0, TEXT_DIM.solid(), &self.time);
        if let Some(icon) = self.weapon {
            canvas.icon(icon, Area::new(x + 130.0, y + 8.0, 118.0, 44.0), TEXT.solid());
        }
        let mut right = area.x + width - 18.0;
        for mark in self.marks.iter().rev() {
            canvas.icon(*mark, Area::new(right - 36.0, y + 12.0, 36.0, 36.0), mark_color(*mark));
            right -= 50.0;
        }
        let (style, victim) = fitted(VICTIM, 24.0, &self.victim, right - x - 284.0, canvas);
        canvas.text(style, x + 284.0, y + 42.0, Ink::of(self.side).solid(), &victim);
    }
}

impl Panel for End {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        slab(area, Ink(0x05080d).with(0.45), canvas);
        let width = (area.width - 48.0).min(1400.0);
        let (left, listed) = ((area.width - width) / 2.0, !self.kills.is_empty());
        self.draw_result(Area::new(0.0, 232.0, area.width, 202.0), left, left + width, canvas);
        let width = if listed { width } else { 540.0 };
        let height = if self.word.is_empty() { 250.0 } else { 388.0 };
        let card = Area::new(left, 470.0, width, height);
        self.draw_player(card, canvas);
        let indent = if self.kills.iter().any(|row| row.bomb) { BOMB_WIDTH } else { 0.0 };
        let rows = self.kills.len() as f32 * ROW_STEP - (ROW_STEP - ROW);
        let first = card.y + (card.height - rows) / 2.0;
        for (place, row) in self.kills.iter().enumerate() {
            let top = first + place as f32 * ROW_STEP;
            row.draw(Area::new(card.x + 540.0, top, card.width - 576.0, ROW), indent, canvas);
        }
    }
}
