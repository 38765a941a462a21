//! Panels over the map: score, kill feed, rosters, the followed player, and cards at both ends of the clip. A panel is
//! redrawn only when its content changes, so that most frames change only a few tiles.

mod attempt;
mod end;
mod feed;
mod floor;
mod inset;
mod intro;
pub mod layout;
mod lower;
mod parts;
mod plate;
mod roster;
mod score;
mod story;
#[cfg(test)]
mod tests;
mod timebar;

use super::canvas::{Area, Canvas};
use super::names;
use super::now::Now;
use super::replay::Replay;
use super::world::Stage;
use crate::render::scene::Side;

pub use layout::Layout;
use layout::TIME_PIECES;

/// What is shown in a slot. Its fields determine everything that it draws.
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

    fn show(&mut self, panel: Option<P>, canvas: &mut Canvas) {
        if self.shown != panel {
            canvas.panel(self.area, |canvas| {
                if let Some(panel) = &panel {
                    panel.draw(self.area, canvas);
                }
            });
            self.shown = panel;
        }
    }
}

/// What the panels say about players who are not shown.
#[cfg(test)]
pub fn player_notes(replay: &Replay<'_>) -> Vec<String> {
    let sides = [Side::Ct, Side::T].into_iter().filter(|_| !replay.look.deathnotices_only);
    let notes = sides.filter_map(|side| roster::Note::of_side(replay, side));
    roster::Note::of_round(replay).into_iter().chain(notes).map(|note| note.text).collect()
}

/// All panels.
pub struct Hud {
    layout: Layout,
    feed: Slot<feed::Feed>,
    floor: Slot<floor::Floor>,
    note: Slot<roster::Note>,
    insets: Vec<inset::Inset>,
    /// `None` if only the kill feed is shown.
    full: Option<Full>,
}

/// What `cl_draw_only_deathnotices` leaves out.
struct Full {
    card: Slot<Card>,
    score: Slot<score::Score>,
    strips: Vec<(usize, Slot<roster::Strip>)>,
    notes: Vec<(Side, Slot<roster::Note>)>,
    lower: Slot<LowerThird>,
    death: Slot<lower::Death>,
    plate: Slot<plate::Plate>,
    time: Vec<Slot<timebar::Piece>>,
}

/// A card over the whole picture, shown alone.
#[derive(PartialEq)]
enum Card {
    Intro(intro::Intro),
    End(end::End),
}

impl Panel for Card {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        match self {
            Self::Intro(intro) => intro.draw(area, canvas),
            Self::End(end) => end.draw(area, canvas),
        }
    }
}

/// The followed player, or who plants or defuses.
#[derive(PartialEq)]
enum LowerThird {
    Player(lower::Lower),
    Attempt(attempt::Attempt),
}

impl Panel for LowerThird {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        match self {
            Self::Player(player) => player.draw(area, canvas),
            Self::Attempt(attempt) => attempt.draw(area, canvas),
        }
    }
}

impl Hud {
    /// Creates the panels.
    pub fn new(replay: &Replay<'_>) -> Self {
        let layout = replay.layout;
        Self {
            layout,
            feed: Slot::new(layout.feed()),
            floor: Slot::new(layout.floor()),
            note: Slot::new(layout.note()),
            insets: inset::Inset::all(replay, &inset_title(replay)),
            full: (!replay.look.deathnotices_only).then(|| Full::new(replay, &layout)),
        }
    }

    /// Redraws the panels whose content changed.
    pub fn update(&mut self, stage: &Stage<'_>, canvas: &mut Canvas) {
        let (replay, now) = (stage.replay, stage.now);
        let floor = replay.floor_name(stage.floor);
        let card = self.full.as_ref().and_then(|_| Card::at(replay, now));
        // Panels under a card are emptied before it is drawn, and drawn again after it is gone.
        let bare = card.is_none();
        if let (Some(full), true) = (&mut self.full, bare) {
            full.card.show(None, canvas);
        }
        let rows = self.layout.feed_rows();
        self.feed.show(bare.then(|| feed::Feed::at(replay, now, rows)).flatten(), canvas);
        self.floor.show(floor.filter(|_| bare).map(floor::Floor::new), canvas);
        self.note.show(bare.then(|| roster::Note::of_round(replay)).flatten(), canvas);
        for inset in &mut self.insets {
            inset.show(replay, now, bare.then_some((&stage.view, stage.floor)), canvas);
        }
        if let Some(full) = &mut self.full {
            full.update(replay, now, &self.layout, bare, canvas);
            if !bare {
                full.card.show(card, canvas);
            }
        }
    }
}

/// The map's name over the inset, where everything else is named as well.
fn inset_title(replay: &Replay<'_>) -> String {
    if replay.look.deathnotices_only { String::new() } else { names::of_map(&replay.scene.map, &replay.fonts) }
}

impl Card {
    fn at(replay: &Replay<'_>, now: &Now<'_>) -> Option<Self> {
        let end = end::End::at(replay, now).map(Self::End);
        end.or_else(|| intro::Intro::at(replay, now).map(Self::Intro))
    }
}

impl Full {
    fn new(replay: &Replay<'_>, layout: &Layout) -> Self {
        let sides = [Side::Ct, Side::T];
        let strips = sides.into_iter().flat_map(|side| {
            let players = roster::players(replay, side).into_iter().enumerate();
            players.map(move |(place, player)| (player, Slot::new(layout.strip(side, place))))
        });
        Self {
            card: Slot::new(layout.whole()),
            score: Slot::new(layout.score()),
            strips: strips.collect(),
            notes: sides.map(|side| (side, Slot::new(layout.roster_note(side)))).into(),
            lower: Slot::new(layout.lower_third()),
            death: Slot::new(layout.death()),
            plate: Slot::new(layout.plate()),
            time: (0..TIME_PIECES).map(|piece| Slot::new(layout.time_piece(piece))).collect(),
        }
    }

    /// Redraws what changed; everything is empty unless `bare`.
    fn update(&mut self, replay: &Replay<'_>, now: &Now<'_>, layout: &Layout, bare: bool, canvas: &mut Canvas) {
        self.score.show(bare.then(|| score::Score::at(replay, now)), canvas);
        for (player, slot) in &mut self.strips {
            slot.show(bare.then(|| roster::Strip::at(replay, now, *player)), canvas);
        }
        for (side, slot) in &mut self.notes {
            slot.show(bare.then(|| roster::Note::of_side(replay, *side)).flatten(), canvas);
        }
        let plate = bare.then(|| plate::Plate::at(replay, now)).flatten();
        let player = || lower::Lower::at(replay, now, plate.is_some()).map(LowerThird::Player);
        let attempt = attempt::Attempt::at(replay, now).map(LowerThird::Attempt);
        self.lower.show(attempt.or_else(player).filter(|_| bare), canvas);
        self.plate.show(plate, canvas);
        self.death.show(bare.then(|| lower::Death::at(replay, now)).flatten(), canvas);
        let mut pieces = if bare { timebar::pieces(replay, now, layout) } else { Vec::new() }.into_iter();
        self.time.iter_mut().for_each(|slot| slot.show(pieces.next(), canvas));
    }
}
