//! The kill feed: killer, victim, weapon, and circumstances; the followed player's own kills and death are marked.

use super::Panel;
use super::layout::{FEED_EDGE, FEED_ROW};
use super::parts::{mark_color, marks, slanted};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, RED, SLAB, TEXT, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{Kill, Side};

/// Seconds for which a kill is shown.
const SECONDS: f32 = 6.0;
/// Seconds in which a row slides in.
const SLIDE_SECONDS: f32 = 0.16;
/// Seconds for which a row is lit up.
const WASH_SECONDS: f32 = 0.6;
/// Steps of both movements.
const STEPS: f32 = 12.0;
const NAME: TextStyle = TextStyle::new(Weight::Bold, 26.0);
/// Maximum width of a name, and that of names in a full row.
const NAME_WIDTH: f32 = 220.0;
const NARROWEST_NAME: f32 = 50.0;
/// How much a row leans.
const SLANT: f32 = 10.0;
/// Space before and after the pieces of a row.
const PADDING: (f32, f32) = (28.0, 22.0);
/// Space between two pieces.
const GAP: f32 = 12.0;
/// Width of a weapon, and of a mark.
const WEAPON: f32 = 80.0;
const MARK: f32 = 26.0;

/// The most recent kills, oldest first.
#[derive(PartialEq)]
pub struct Feed(Vec<Row>);

#[derive(PartialEq)]
struct Row {
    killer: Option<(String, Side)>,
    assister: Option<(String, Side)>,
    /// The assist was a flashbang.
    flash_assist: bool,
    weapon: Icon,
    marks: Vec<Icon>,
    victim: (String, Side),
    /// A kill of the followed player, or their death.
    stripe: Option<Ink>,
    /// How much of the movements is left, in [`STEPS`].
    slide: u8,
    wash: u8,
}

impl Feed {
    /// `None` if there is nothing to show.
    pub fn at(replay: &Replay<'_>, now: &Now<'_>, rows: usize) -> Option<Self> {
        let latest = now.kills().rev().take_while(|kill| now.since(kill.tick) < SECONDS).take(rows);
        let mut rows: Vec<Row> = latest.map(|kill| Row::of(replay, kill, now.since(kill.tick))).collect();
        rows.reverse();
        (!rows.is_empty()).then_some(Self(rows))
    }
}

impl Row {
    fn of(replay: &Replay<'_>, kill: &Kill, age: f32) -> Self {
        let scene = replay.scene;
        let who = |player: usize| Some((replay.names.get(player)?.clone(), replay.sides[player]));
        let own = kill.killer == Some(scene.followed) && scene.counts(kill);
        let left = |seconds: f32| ((1.0 - age / seconds).clamp(0.0, 1.0).powi(2) * STEPS).round() as u8;
        Self {
            killer: kill.killer.filter(|killer| *killer != kill.victim).and_then(who),
            assister: kill.assister.and_then(who),
            flash_assist: kill.flash_assist,
            weapon: Icon::of_weapon(&kill.weapon).unwrap_or(Icon::SKULL),
            marks: marks(kill),
            victim: who(kill.victim).unwrap_or_default(),
            stripe: if own { Some(WHITE) } else { (kill.victim == scene.followed).then_some(RED) },
            slide: left(SLIDE_SECONDS),
            wash: if own { left(WASH_SECONDS) } else { 0 },
        }
    }

    /// The pieces from left to right, each with its width. What does not fit into `room` is shortened, and then the
    /// assister is left out.
    fn pieces(&self, room: f32, canvas: &mut Canvas) -> Vec<(Piece, f32)> {
        let mut width = NAME_WIDTH;
        loop {
            let pieces = self.pieces_with(width, self.assister.as_ref(), canvas);
            if row_width(&pieces) <= room {
                return pieces;
            }
            width *= 0.9;
            if width < NARROWEST_NAME {
                return self.pieces_with(NARROWEST_NAME, None, canvas);
            }
        }
    }

    fn pieces_with(
        &self,
        name_width: f32,
        assister: Option<&(String, Side)>,
        canvas: &mut Canvas,
    ) -> Vec<(Piece, f32)> {
        let mut name = |who: &(String, Side)| {
            let text = canvas.fit(NAME, &who.0, name_width);
            let width = canvas.text_width(NAME, &text);
            (Piece::Name(text, Ink::of(who.1)), width)
        };
        let mut pieces: Vec<_> = self.killer.iter().map(&mut name).collect();
        if let Some(assister) = assister {
            pieces.push(name(&("+".to_owned(), Side::None)));
            if self.flash_assist {
                pieces.push((Piece::Weapon(Icon::FLASHBANG), MARK));
            }
            pieces.push(name(assister));
        }
        pieces.push((Piece::Weapon(self.weapon), WEAPON));
        pieces.extend(self.marks.iter().map(|mark| (Piece::Mark(*mark), MARK)));
        pieces.push(name(&self.victim));
        pieces
    }

    /// Draws a row into its area, right-aligned.
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let pieces = self.pieces(area.width - FEED_EDGE, canvas);
        let width = row_width(&pieces);
        let right = area.x + area.width - FEED_EDGE * (1.0 - f32::from(self.slide) / STEPS);
        let plate = Area { x: right - width, width, ..area };
        slanted(plate, SLANT, SLAB.with(if self.stripe.is_some() { 0.92 } else { 0.8 }), canvas);
        if self.wash > 0 {
            slanted(plate, SLANT, WHITE.with(0.3 * f32::from(self.wash) / STEPS), canvas);
        }
        if let Some(ink) = self.stripe {
            slanted(Area { width: 9.0 + SLANT, ..plate }, SLANT, ink.solid(), canvas);
        }
        let mut x = plate.x + PADDING.0;
        for (piece, width) in &pieces {
            match piece {
                Piece::Name(text, ink) => {
                    canvas.text(NAME, x, area.y + 33.0, ink.solid(), text);
                }
                // Grenades are narrower than their drawings.
                Piece::Weapon(icon) => {
                    let middle = x + width / 2.0;
                    canvas.icon(*icon, Area::new(middle - WEAPON / 2.0, area.y + 9.0, WEAPON, 30.0), TEXT.solid());
                }
                Piece::Mark(mark) => canvas.icon(*mark, Area::new(x, area.y + 11.0, *width, MARK), mark_color(*mark)),
            }
            x += width + GAP;
        }
    }
}

fn row_width(pieces: &[(Piece, f32)]) -> f32 {
    PADDING.0 + PADDING.1 + pieces.iter().map(|(_, width)| width + GAP).sum::<f32>() - GAP
}

enum Piece {
    Name(String, Ink),
    Weapon(Icon),
    Mark(Icon),
}

impl Panel for Feed {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let (height, step) = FEED_ROW;
        for (place, row) in self.0.iter().enumerate() {
            row.draw(Area { y: area.y + place as f32 * step, height, ..area }, canvas);
        }
    }
}
