//! The top of the picture: score, round clock, players alive; the map's name; the winner's banner.

use super::Panel;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::names;
use crate::render::draw::now::{Now, RoundClock};
use crate::render::draw::palette::{GROOVE, Ink, NIGHT, PANEL, PANEL_HIGH, RED, TEXT, TEXT_DIM};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

const CLOCK: TextStyle = TextStyle::new(Weight::Extrabold, 40.0).middle().tabular();
const CAPTION: TextStyle = TextStyle::new(Weight::Semibold, 14.0).middle();
const SCORE: TextStyle = TextStyle::new(Weight::Extrabold, 38.0).middle();
const TEAM: TextStyle = TextStyle::new(Weight::Bold, 20.0);
const BANNER: TextStyle = TextStyle::new(Weight::Extrabold, 26.0).middle();
const MAP: TextStyle = TextStyle::new(Weight::Semibold, 15.0);
/// Maximum width of a team's name.
const TEAM_WIDTH: f32 = 178.0;

/// Width of a team's markers, one per player.
const LIVING_WIDTH: f32 = 176.0;

/// The area of the score.
pub fn area(width: f32) -> Area {
    Area::new(width / 2.0 - 340.0, 12.0, 680.0, 80.0)
}

/// The area of the banner.
pub fn banner_area(width: f32) -> Area {
    Area::new(width / 2.0 - 280.0, 106.0, 560.0, 58.0)
}

/// The map's name, and how many players are drawn if not all.
#[derive(PartialEq)]
pub struct MapName {
    map: Option<String>,
    shown: Option<String>,
}

impl MapName {
    pub fn of(replay: &Replay<'_>) -> Self {
        let map = (!replay.look.deathnotices_only).then(|| names::clean(&replay.scene.map, &replay.fonts));
        let drawn = replay.scene.players.len();
        let shown =
            (!replay.scene.undrawn.is_empty()).then(|| format!("{drawn} of {} players shown", replay.names.len()));
        Self { map, shown }
    }

    /// The note about players who are not shown.
    #[cfg(test)]
    pub fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.map.iter().chain(&self.shown).map(String::as_str)
    }

    /// Its area; `None` if there is nothing to show.
    pub fn area(&self) -> Option<Area> {
        let lines = self.lines().count();
        (lines > 0).then(|| Area::new(16.0, 24.0, 320.0, 12.0 + 24.0 * lines as f32))
    }
}

impl Panel for MapName {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        for (text, base) in self.lines().zip([22.0, 46.0]) {
            canvas.text(MAP, area.x + 10.0, area.y + base, TEXT_DIM.solid(), text);
        }
    }
}

/// Score, clock, and players alive.
#[derive(PartialEq)]
pub struct Score {
    clock: String,
    caption: String,
    alarm: bool,
    /// Counter-terrorists on the left, terrorists on the right.
    teams: [Team; 2],
}

#[derive(PartialEq)]
struct Team {
    side: Side,
    name: String,
    score: u32,
    living: Vec<bool>,
}

impl Score {
    pub fn at(replay: &Replay<'_>, now: &Now<'_>) -> Self {
        let (seconds, caption, alarm) = match now.clock() {
            RoundClock::Freeze(left) => (left, "FREEZE TIME".to_owned(), false),
            RoundClock::Live(left) => (left, format!("ROUND {}", replay.scene.round), false),
            RoundClock::Bomb(left, site) => (left, format!("BOMB {site}"), now.winner().is_none()),
        };
        let seconds = seconds.ceil() as u32;
        let clock = format!("{}:{:02}", seconds / 60, seconds % 60);
        let team = |side| Team {
            side,
            name: team_name(replay, side),
            score: replay.scene.teams[index(side)].score + u32::from(now.winner() == Some(side)),
            living: living(replay, now, side),
        };
        Self { clock, caption, alarm, teams: [team(Side::Ct), team(Side::T)] }
    }
}

impl Panel for Score {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let middle = area.x + area.width / 2.0;
        let sides = Area::new(area.x, area.y + 6.0, area.width, 68.0);
        canvas.plate(sides, 14.0, PANEL.with(0.95));
        for (team, direction) in self.teams.iter().zip([-1.0, 1.0]) {
            team.draw(middle, area.y, direction, canvas);
        }
        canvas.plate(Area::new(middle - 68.0, area.y, 136.0, area.height), 14.0, PANEL_HIGH.solid());
        let ink = if self.alarm { RED } else { TEXT };
        canvas.text(CLOCK, middle, area.y + 46.0, ink.solid(), &self.clock);
        canvas.text(CAPTION, middle, area.y + 68.0, if self.alarm { RED } else { TEXT_DIM }.solid(), &self.caption);
    }
}

impl Team {
    fn draw(&self, middle: f32, top: f32, direction: f32, canvas: &mut Canvas) {
        let ink = Ink::of(self.side);
        canvas.text(SCORE, middle + direction * 108.0, top + 53.0, ink.solid(), &self.score.to_string());
        let inner = middle + direction * 146.0;
        let style = if direction < 0.0 { TEAM.right() } else { TEAM };
        let name = canvas.fit(style, &self.name, TEAM_WIDTH);
        canvas.text(style, inner, top + 36.0, TEXT.solid(), &name);
        let step = (LIVING_WIDTH / self.living.len().max(1) as f32).min(22.0);
        let width = step - (step * 0.3).min(6.0);
        for (place, living) in self.living.iter().enumerate() {
            let near = inner + direction * place as f32 * step;
            let left = if direction < 0.0 { near - width } else { near };
            let color = if *living { ink } else { GROOVE };
            canvas.plate(Area::new(left, top + 48.0, width, 8.0), 3.0_f32.min(width / 2.0), color.solid());
        }
    }
}

/// One marker per player of a side: drawn players first, then the others, those alive first.
fn living(replay: &Replay<'_>, now: &Now<'_>, side: Side) -> Vec<bool> {
    let mut living: Vec<bool> = replay.drawn(side).map(|player| now.players[player].alive()).collect();
    let others = replay.team_size(side) - living.len();
    let alive = usize::from(now.moment.undrawn_alive[index(side)]).min(others);
    living.extend((0..others).map(|other| other < alive));
    living
}

/// The winner of the round.
#[derive(PartialEq)]
pub struct Banner(Option<(Side, String)>);

impl Banner {
    pub fn at(replay: &Replay<'_>, now: &Now<'_>) -> Self {
        Self(now.winner().map(|side| (side, format!("{} WIN THE ROUND", team_name(replay, side)))))
    }
}

impl Panel for Banner {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let Some((side, text)) = &self.0 else { return };
        canvas.plate(area, 14.0, Ink::of(*side).with(0.96));
        let text = canvas.fit(BANNER, text, area.width - 40.0);
        canvas.text(BANNER, area.x + area.width / 2.0, area.y + 38.0, NIGHT.solid(), &text);
    }
}

fn index(side: Side) -> usize {
    usize::from(side == Side::Ct)
}

/// The team's name, or else its side's.
fn team_name(replay: &Replay<'_>, side: Side) -> String {
    let name = names::clean(&replay.scene.teams[index(side)].name, &replay.fonts).to_uppercase();
    match (name.is_empty(), side) {
        (false, _) => name,
        (true, Side::Ct) => "COUNTER-TERRORISTS".to_owned(),
        (true, _) => "TERRORISTS".to_owned(),
    }
}
