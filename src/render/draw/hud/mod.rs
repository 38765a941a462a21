//! Panels over the map: score, kill feed, rosters, the followed player, and cards at both ends of the clip. A panel is
//! redrawn only when its content changes, so that most frames change only a few tiles.

mod attempt;
mod end;
mod feed;
mod floor;
mod inset;
mod intro;
pub mod lower;
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
use super::plan::Plan;
use super::world::Stage;
use crate::render::scene::Side;

use crate::render::draw::layout::Layout;
use crate::render::draw::layout::TIME_PIECES;
use intro::{FADE_STEPS, opacity_after_intro};

/// What is shown in a slot. Its fields determine everything that it draws.
trait Panel: PartialEq {
    /// Draws it inside the area of its slot.
    fn draw(&self, area: Area, canvas: &mut Canvas);
}

/// The position of a panel, and what is shown there at which opacity.
struct Slot<P> {
    area: Area,
    shown: Option<(P, u8)>,
}

impl<P: Panel> Slot<P> {
    fn new(area: Area) -> Self {
        Self { area, shown: None }
    }

    /// Shows a panel, or nothing, at an opacity in [`FADE_STEPS`].
    fn show(&mut self, panel: Option<P>, opacity: u8, canvas: &mut Canvas) {
        let wanted = panel.map(|panel| (panel, opacity));
        if self.shown != wanted {
            canvas.panel(self.area, |canvas| {
                if let Some((panel, opacity)) = &wanted {
                    panel.draw(self.area, canvas);
                    canvas.fade(self.area, f32::from(*opacity) / FADE_STEPS);
                }
            });
            self.shown = wanted;
        }
    }
}

/// What the panels say about players who are not shown.
#[cfg(test)]
pub fn player_notes(plan: &Plan<'_>) -> Vec<String> {
    let sides = [Side::Ct, Side::T].into_iter().filter(|_| !plan.look.deathnotices_only);
    let notes = sides.filter_map(|side| roster::Note::of_side(plan, side));
    roster::Note::of_round(plan).into_iter().chain(notes).map(|note| note.text).collect()
}

/// The opacity of what the end card will cover, from 0 to 1 in [`FADE_STEPS`]: 1 until shortly before it, 0 from then on.
pub fn opacity_before_end(plan: &Plan<'_>, now: &Now<'_>) -> f32 {
    if plan.look.deathnotices_only {
        return 1.0;
    }
    f32::from(end::End::opacity_before(plan.scene, now)) / FADE_STEPS
}

/// The opacity of the panels other than cards, from 0 to 1 in [`FADE_STEPS`]: cards are shown alone.
pub fn panels_opacity(plan: &Plan<'_>, now: &Now<'_>) -> f32 {
    if plan.look.deathnotices_only {
        return 1.0;
    }
    opacity_before_end(plan, now).min(f32::from(opacity_after_intro(now)) / FADE_STEPS)
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
    aside: Slot<Aside>,
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

/// The followed player; or, once he is dead or if it is he, who plants or defuses.
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

/// Beside the lower third: what became of the followed player, or who else plants or defuses while he lives.
#[derive(PartialEq)]
enum Aside {
    Death(lower::Death),
    Attempt(attempt::Attempt),
}

impl Panel for Aside {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        match self {
            Self::Death(death) => death.draw(area, canvas),
            Self::Attempt(attempt) => attempt.draw(area, canvas),
        }
    }
}

impl Hud {
    /// Creates the panels.
    pub fn new(plan: &Plan<'_>) -> Self {
        let layout = plan.layout;
        Self {
            layout,
            feed: Slot::new(layout.feed()),
            floor: Slot::new(layout.floor()),
            note: Slot::new(layout.note()),
            insets: inset::Inset::all(plan, &inset_title(plan)),
            full: (!plan.look.deathnotices_only).then(|| Full::new(plan, &layout)),
        }
    }

    /// Redraws the panels whose content changed.
    pub fn update(&mut self, stage: &Stage<'_>, canvas: &mut Canvas) {
        let (plan, now) = (stage.plan, stage.now);
        let floor = plan.floor_name(stage.floor);
        let card = self.full.as_ref().and_then(|_| Card::at(plan, now));
        // Panels under a card are emptied before it is drawn, and drawn again after it is gone.
        let bare = card.is_none();
        let opacity = (stage.panels * FADE_STEPS) as u8;
        if let (Some(full), true) = (&mut self.full, bare) {
            full.card.show(None, 0, canvas);
        }
        let rows = self.layout.feed_rows();
        self.feed.show(bare.then(|| feed::Feed::at(plan, now, rows)).flatten(), opacity, canvas);
        self.floor.show(floor.filter(|_| bare).map(floor::Floor::new), opacity, canvas);
        self.note.show(bare.then(|| roster::Note::of_round(plan)).flatten(), opacity, canvas);
        for inset in &mut self.insets {
            inset.show(stage, bare.then_some(opacity), canvas);
        }
        if let Some(full) = &mut self.full {
            full.update(plan, now, &self.layout, bare.then_some(opacity), canvas);
            if let Some((card, opacity)) = card {
                full.card.show(Some(card), opacity, canvas);
            }
        }
    }
}

/// The map's name over the inset, where everything else is named as well.
fn inset_title(plan: &Plan<'_>) -> String {
    if plan.look.deathnotices_only { String::new() } else { names::of_map(&plan.scene.map, &plan.fonts) }
}

impl Card {
    /// The card that is shown, and its opacity in [`FADE_STEPS`].
    fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<(Self, u8)> {
        let end = end::End::at(plan, now).map(|(end, opacity)| (Self::End(end), opacity));
        end.or_else(|| intro::Intro::at(plan, now).map(|(intro, opacity)| (Self::Intro(intro), opacity)))
    }
}

impl Full {
    fn new(plan: &Plan<'_>, layout: &Layout) -> Self {
        let sides = [Side::Ct, Side::T];
        let strips = sides.into_iter().flat_map(|side| {
            let players = roster::players(plan, side).into_iter().enumerate();
            players.map(move |(place, player)| (player, Slot::new(layout.strip(side, place))))
        });
        Self {
            card: Slot::new(layout.whole()),
            score: Slot::new(layout.score()),
            strips: strips.collect(),
            notes: sides.map(|side| (side, Slot::new(layout.roster_note(side)))).into(),
            lower: Slot::new(layout.lower_third()),
            aside: Slot::new(layout.aside()),
            plate: Slot::new(layout.plate()),
            time: (0..TIME_PIECES).map(|piece| Slot::new(layout.time_piece(piece))).collect(),
        }
    }

    /// Redraws what changed; everything is empty without an opacity.
    fn update(&mut self, plan: &Plan<'_>, now: &Now<'_>, layout: &Layout, opacity: Option<u8>, canvas: &mut Canvas) {
        let (bare, opacity) = (opacity.is_some(), opacity.unwrap_or_default());
        self.score.show(bare.then(|| score::Score::at(plan, now)), opacity, canvas);
        for (player, slot) in &mut self.strips {
            slot.show(bare.then(|| roster::Strip::at(plan, now, *player)), opacity, canvas);
        }
        for (side, slot) in &mut self.notes {
            slot.show(bare.then(|| roster::Note::of_side(plan, *side)).flatten(), opacity, canvas);
        }
        let plate = bare.then(|| plate::Plate::at(plan, now)).flatten();
        let player = lower::Lower::at(plan, now, plate.is_some()).map(LowerThird::Player);
        let attempt = attempt::Attempt::at(plan, now);
        let death = lower::Death::at(plan, now).map(Aside::Death);
        // An attempt of somebody else does not hide the followed player.
        let aside = player.is_some() && attempt.as_ref().is_some_and(|attempt| !attempt.own());
        let (attempt, beside) = if aside { (None, attempt) } else { (attempt, None) };
        self.lower.show(attempt.map(LowerThird::Attempt).or(player).filter(|_| bare), opacity, canvas);
        self.aside.show(beside.map(Aside::Attempt).or(death).filter(|_| bare), opacity, canvas);
        self.plate.show(plate, opacity, canvas);
        let mut pieces = if bare { timebar::pieces(plan, now, layout) } else { Vec::new() }.into_iter();
        self.time.iter_mut().for_each(|slot| slot.show(pieces.next(), opacity, canvas));
    }
}
