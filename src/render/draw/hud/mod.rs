//! Panels around the map: score, kill feed, cards, timeline. A panel is redrawn only when its content changes, so
//! that most frames change only a few tiles.

mod cards;
mod feed;
mod footer;
mod icons;
mod score;

use super::canvas::{Area, Canvas};
use super::now::Now;
use super::replay::Replay;
use crate::render::scene::Side;

/// A panel at a fixed position that rarely changes. Its fields determine everything that it draws.
trait Panel: PartialEq {
    /// Draws it inside the area of its slot.
    fn draw(&self, area: Area, canvas: &mut Canvas);
}

/// The position of a panel, and what is shown there.
struct Slot<P> {
    area: Area,
    shown: Option<P>,
}

impl<P: Panel> Slot<P> {
    fn new(area: Area) -> Self {
        Self { area, shown: None }
    }

    fn show(&mut self, panel: P, canvas: &mut Canvas) {
        if self.shown.as_ref() != Some(&panel) {
            canvas.panel(self.area, |canvas| panel.draw(self.area, canvas));
            self.shown = Some(panel);
        }
    }
}

/// What the panels say about players who are not shown.
#[cfg(test)]
pub fn player_notes(replay: &Replay<'_>) -> Vec<String> {
    let shown = score::MapName::of(replay).shown().map(str::to_owned);
    let sides = [Side::Ct, Side::T].into_iter().filter(|_| !replay.look.deathnotices_only);
    shown.into_iter().chain(sides.filter_map(|side| cards::Overflow::of(replay, side)).map(|more| more.text)).collect()
}

pub fn map_area(width: f32) -> Area {
    Area::new(290.0, 112.0, width - 580.0, 820.0)
}

pub fn intro_map_area(width: f32) -> Area {
    Area::new(860.0, 24.0, width - 890.0, 1_032.0)
}

pub fn slots(replay: &Replay<'_>) -> Vec<Area> {
    let a = |x: f32, y: f32, r: f32, b: f32| Area::new(x, y, r - x, b - y);
    if replay.look.deathnotices_only {
        return vec![a(1584.0, 720.0, 1900.0, 1050.0)];
    }
    vec![a(560.0, 14.0, 1360.0, 110.0), a(20.0, 366.0, 264.0, 666.0), a(1656.0, 366.0, 1900.0, 666.0), a(556.0, 934.0, 1364.0, 1060.0), a(1584.0, 720.0, 1900.0, 1050.0)]
}

/// All panels.
pub struct Hud {
    feed: Slot<feed::Feed>,
    /// `None` if there is nothing to show.
    map: Option<Slot<score::MapName>>,
    /// `None` if only the kill feed is shown.
    full: Option<Full>,
}

struct Full {
    score: Slot<score::Score>,
    banner: Slot<score::Banner>,
    cards: Vec<(usize, Slot<cards::Card>)>,
    more: Vec<(Side, Slot<cards::Overflow>)>,
    footer: Slot<footer::Footer>,
}

impl Hud {
    /// Creates the panels for these output settings.
    pub fn new(replay: &Replay<'_>) -> Self {
        let width = replay.width();
        let top = if replay.look.deathnotices_only { 28.0 } else { 104.0 };
        let full = (!replay.look.deathnotices_only).then(|| Full {
            score: Slot::new(score::area(width)),
            banner: Slot::new(score::banner_area(width)),
            cards: [Side::Ct, Side::T]
                .into_iter()
                .flat_map(|side| cards::places(replay, side, width))
                .map(|(player, area)| (player, Slot::new(area)))
                .collect(),
            more: [Side::Ct, Side::T]
                .into_iter()
                .filter(|side| cards::Overflow::of(replay, *side).is_some())
                .map(|side| (side, Slot::new(cards::overflow_area(replay, side, width))))
                .collect(),
            footer: Slot::new(footer::area(width)),
        });
        let map = score::MapName::of(replay).area().map(Slot::new);
        Self { feed: Slot::new(feed::area(width, top)), map, full }
    }

    /// Redraws the panels whose content changed.
    pub fn update(&mut self, replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
        self.feed.show(feed::Feed::at(replay, now), canvas);
        if let Some(map) = &mut self.map {
            map.show(score::MapName::of(replay), canvas);
        }
        if let Some(full) = &mut self.full {
            for (side, slot) in &mut full.more {
                if let Some(more) = cards::Overflow::of(replay, *side) {
                    slot.show(more, canvas);
                }
            }
            full.score.show(score::Score::at(replay, now), canvas);
            full.banner.show(score::Banner::at(replay, now), canvas);
            for (player, slot) in &mut full.cards {
                slot.show(cards::Card::at(replay, now, *player), canvas);
            }
            full.footer.show(footer::Footer::at(replay, now), canvas);
            let area = full.footer.area;
            canvas.panel(area, |canvas| footer::timeline(replay, now, area, canvas));
        }
    }
}
