//! The top of the picture: score, players alive, and the clock of the round or of the bomb.

use super::parts::{bar, clock, outline, shape, slab};
use super::story::{living, score, short_team_name};
use super::{Panel, attempt};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::{FUSE_SECONDS, Now, RoundClock};
use crate::render::draw::palette::{CT, Ink, RED, SLAB, SLAB_HIGH, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{BombState, Side};

const CLOCK: TextStyle = TextStyle::new(Weight::Extrabold, 48.0).tabular();
const CAPTION: TextStyle = TextStyle::new(Weight::Bold, 21.0).middle();
const SCORE: TextStyle = TextStyle::new(Weight::Extrabold, 48.0);
const TEAM: TextStyle = TextStyle::new(Weight::Bold, 25.0);
/// Width of the clock.
const CLOCK_WIDTH: f32 = 168.0;
/// Width of the bomb's bar.
const FUSE_WIDTH: f32 = 144.0;
/// Distance between the marks of two players alive.
const PIP_STEP: f32 = 26.0;

/// Score, clock, and players alive.
#[derive(PartialEq)]
pub struct Score {
    clock: String,
    caption: String,
    fuse: Option<Fuse>,
    /// Counter-terrorists on the left, terrorists on the right.
    teams: [Team; 2],
}

/// The bomb's bar, in units from its left end.
#[derive(PartialEq)]
struct Fuse {
    left: i32,
    /// Where the running defuse will end.
    defused: Option<i32>,
    ticking: bool,
}

#[derive(PartialEq)]
struct Team {
    side: Side,
    name: String,
    score: u32,
    /// One entry per player, those alive first.
    living: Vec<bool>,
}

impl Score {
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Self {
        let on_bar = |seconds: f32| (seconds / FUSE_SECONDS * FUSE_WIDTH).round() as i32;
        let (caption, fuse) = match now.clock() {
            RoundClock::Freeze(_) => ("FREEZE TIME".to_owned(), None),
            RoundClock::Live(_) => (format!("ROUND {}", plan.scene.round), None),
            RoundClock::Bomb(left, _) => {
                let defused = attempt::defuse_seconds(now).map(|seconds| left - seconds).filter(|end| *end >= 0.0);
                let fuse = Fuse {
                    left: on_bar(left),
                    defused: defused.map(on_bar),
                    ticking: !now.reached(now.scene.end_tick),
                };
                let exploded = now.moment.bomb.is_some_and(|bomb| bomb.state == BombState::Exploded);
                (if exploded { "EXPLODED".to_owned() } else { String::new() }, Some(fuse))
            }
        };
        let pips = |side| {
            let mut living = living(plan, now, side);
            living.sort_by_key(|alive| !alive);
            living
        };
        let team = |side| Team {
            side,
            name: short_team_name(plan, side),
            score: score(plan.scene, side, now.winner()),
            living: pips(side),
        };
        Self { clock: clock(now.clock()), caption, fuse, teams: [team(Side::Ct), team(Side::T)] }
    }
}

#[cfg(test)]
impl Score {
    /// What is written in the middle.
    pub fn said(&self) -> [&str; 2] {
        [&self.clock, &self.caption]
    }
}

impl Panel for Score {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let middle = area.x + area.width / 2.0;
        for (team, direction) in self.teams.iter().zip([-1.0, 1.0]) {
            team.draw(area, direction, canvas);
        }
        let plate = Area::new(middle - CLOCK_WIDTH / 2.0, area.y, CLOCK_WIDTH, area.height);
        match &self.fuse {
            None => {
                slab(plate, SLAB_HIGH.with(0.96), canvas);
                canvas.text(CLOCK.middle(), middle, area.y + 48.0, TEXT.solid(), &self.clock);
                canvas.text(CAPTION, middle, area.y + 76.0, TEXT_DIM.solid(), &self.caption);
            }
            Some(fuse) => fuse.draw(plate, &self.clock, &self.caption, canvas),
        }
    }
}

impl Fuse {
    fn draw(&self, plate: Area, clock: &str, caption: &str, canvas: &mut Canvas) {
        let ink = if self.ticking { RED } else { TEXT_DIM };
        slab(plate, if self.ticking { Ink(0x3a0d10) } else { SLAB_HIGH }.with(0.96), canvas);
        if clock.is_empty() {
            canvas.icon(Icon::C4, Area::new(plate.x + 28.0, plate.y + 9.0, 112.0, 42.0), ink.solid());
        } else {
            canvas.icon(Icon::C4, Area::new(plate.x + 2.0, plate.y + 14.0, 72.0, 27.0), ink.solid());
            canvas.text(CLOCK.right(), plate.x + 156.0, plate.y + 48.0, WHITE.solid(), clock);
        }
        if !caption.is_empty() {
            canvas.text(CAPTION, plate.x + plate.width / 2.0, plate.y + 76.0, TEXT_DIM.solid(), caption);
            return;
        }
        let groove = Area::new(plate.x + 12.0, plate.y + 60.0, FUSE_WIDTH, 12.0);
        bar(groove, self.left as f32 / FUSE_WIDTH, ink.solid(), canvas);
        if let Some(defused) = self.defused {
            let x = groove.x + defused as f32;
            slab(Area::new(x - 2.5, groove.y - 4.0, 5.0, 20.0), CT.solid(), canvas);
        }
    }
}

impl Team {
    fn draw(&self, area: Area, direction: f32, canvas: &mut Canvas) {
        let ink = Ink::of(self.side);
        let middle = area.x + area.width / 2.0;
        let width = (area.width - CLOCK_WIDTH) / 2.0;
        let left = if direction < 0.0 { area.x } else { area.x + area.width - width };
        slab(Area::new(left, area.y + 6.0, width, 68.0), SLAB.with(0.86), canvas);
        slab(Area::new(left, area.y + 6.0, width, 5.0), ink.solid(), canvas);
        let aligned = |style: TextStyle| if direction < 0.0 { style.right() } else { style };
        let score = self.score.to_string();
        let digits = canvas.text(aligned(SCORE), middle + direction * 108.0, area.y + 56.0, ink.solid(), &score);
        let inner = 108.0 + (digits + 34.0).max(66.0);
        let name = canvas.fit(TEAM, &self.name, width + CLOCK_WIDTH / 2.0 - inner - 12.0);
        canvas.text(aligned(TEAM), middle + direction * inner, area.y + 42.0, TEXT.solid(), &name);
        let room = width + CLOCK_WIDTH / 2.0 - inner - 20.0;
        let step = PIP_STEP.min(room / self.living.len().max(1) as f32);
        let radius = 7.5 * step / PIP_STEP;
        for (place, living) in self.living.iter().enumerate() {
            let x = middle + direction * (inner + 10.0 + place as f32 * step);
            let color = ink.with(if *living { 1.0 } else { 0.45 });
            if *living {
                shape(self.side, x, area.y + 59.0, radius, color, canvas);
            } else {
                outline(self.side, x, area.y + 59.0, radius - 1.0, color, canvas);
            }
        }
    }
}
