//! The footer: the followed player, and the clip's timeline with the player's kills.

use super::Panel;
use super::cards::kills;
use crate::render::draw::canvas::{Area, Canvas, UNITS};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{GROOVE, Ink, NIGHT, PANEL, RED, TEXT, TEXT_DIM, TEXT_OUT, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 26.0);
const TEXT_STYLE: TextStyle = TextStyle::new(Weight::Semibold, 17.0);
const TALLY: TextStyle = TextStyle::new(Weight::Bold, 17.0).right();
/// Distance from the ends of the panel to those of the timeline.
const INSET: f32 = 22.0;

/// The area of the footer: between the cards.
pub fn area(width: f32) -> Area {
    Area::new(330.0, UNITS - 92.0, width - 660.0, 68.0)
}

/// The text of the footer.
#[derive(PartialEq)]
pub struct Footer {
    name: String,
    side: Side,
    state: String,
    kills: String,
}

impl Footer {
    pub fn at(replay: &Replay<'_>, now: &Now<'_>) -> Self {
        let (followed, at) = (replay.scene.followed, now.followed());
        let state = match (at.alive(), replay.weapon(at)) {
            (false, _) => "eliminated".to_owned(),
            (true, "") => format!("{} hp", at.health.max(0)),
            (true, weapon) => format!("{weapon} · {} hp", at.health.max(0)),
        };
        let kills = match kills(now, followed) {
            0 => String::new(),
            1 => "1 kill this round".to_owned(),
            count => format!("{count} kills this round"),
        };
        Self { name: replay.names[followed].clone(), side: replay.sides[followed], state, kills }
    }
}

impl Panel for Footer {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        canvas.plate(area, 14.0, PANEL.with(0.96));
        let (left, base) = (area.x + INSET, area.y + 36.0);
        let name = canvas.fit(NAME, &self.name, 420.0);
        let width = canvas.text(NAME, left, base, Ink::of(self.side).solid(), &name);
        canvas.text(TEXT_STYLE, left + width + 16.0, base - 1.0, TEXT_DIM.solid(), &self.state);
        canvas.text(TALLY, area.x + area.width - INSET, base - 1.0, TEXT.solid(), &self.kills);
    }
}

/// The timeline: progress, start and end of the round, kills, and the plant.
pub fn timeline(replay: &Replay<'_>, now: &Now<'_>, area: Area, canvas: &mut Canvas) {
    let scene = replay.scene;
    let bar = Area::new(area.x + INSET, area.y + area.height - 18.0, area.width - 2.0 * INSET, 6.0);
    let middle = bar.y + bar.height / 2.0;
    let whole = now.since(scene.clip_start_tick) - now.since(scene.clip_end_tick);
    let place = |tick: i32| {
        let part = (now.since(scene.clip_start_tick) - now.since(tick)) / whole.max(0.001);
        bar.x + bar.width * part.clamp(0.0, 1.0)
    };
    let head = bar.width * (now.since(scene.clip_start_tick) / whole.max(0.001)).clamp(0.0, 1.0);
    canvas.plate(bar, 3.0, GROOVE.solid());
    canvas.plate(Area { width: head, ..bar }, 3.0, Ink(0xc7d2df).solid());
    for tick in [scene.freeze_end_tick, scene.end_tick] {
        let x = place(tick);
        canvas.plate(Area::new(x - 1.0, bar.y - 3.0, 2.0, bar.height + 6.0), 1.0, TEXT_OUT.solid());
    }
    if let Some(plant) = &scene.plant {
        let x = place(plant.tick);
        canvas.polygon(&[(x, middle - 9.0), (x + 7.0, middle), (x, middle + 9.0), (x - 7.0, middle)], NIGHT.solid());
        canvas.polygon(&[(x, middle - 7.0), (x + 5.0, middle), (x, middle + 7.0), (x - 5.0, middle)], RED.solid());
    }
    for kill in &scene.kills {
        let own = kill.killer == Some(scene.followed) && kill.victim != scene.followed;
        let side = kill.killer.and_then(|killer| replay.sides.get(killer)).copied().unwrap_or_default();
        let shown = if now.reached(kill.tick) { 1.0 } else { 0.45 };
        let (x, radius) = (place(kill.tick), if own { 6.0 } else { 4.5 });
        canvas.disc(x, middle, radius + 1.5, if own { WHITE.with(shown) } else { NIGHT.solid() });
        canvas.disc(x, middle, radius, PANEL.solid());
        canvas.disc(x, middle, radius, Ink::of(side).with(shown));
    }
}
