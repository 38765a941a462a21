//! The kill feed: killer, victim, weapon, and circumstances; the followed player's own kills are framed.

use super::Panel;
use super::icons::{ADVANCE, Mark};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{FRAME, Ink, PANEL, PANEL_HIGH, TEXT};
use crate::render::draw::replay::Replay;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::draw::weapons;
use crate::render::scene::{Kill, Side};

/// Seconds for which a kill is shown.
const SECONDS: f32 = 7.0;
/// Maximum number of kills shown.
const ROWS: usize = 6;
const ROW_HEIGHT: f32 = 36.0;
const ROW_STEP: f32 = 42.0;
const NAME: TextStyle = TextStyle::new(Weight::Bold, 18.0);
const WEAPON: TextStyle = TextStyle::new(Weight::Semibold, 14.0);
/// Maximum width of a name.
const NAME_WIDTH: f32 = 190.0;

/// The area of the feed, from `top` down.
pub fn area(width: f32, top: f32) -> Area {
    Area::new(width - 24.0 - 860.0, top, 864.0, ROWS as f32 * ROW_STEP + 4.0)
}

/// The most recent kills, oldest first.
#[derive(PartialEq)]
pub struct Feed(Vec<Row>);

#[derive(PartialEq)]
struct Row {
    killer: Option<(String, Side)>,
    assister: Option<(String, Side)>,
    /// The assist was a flashbang.
    flash_assist: bool,
    weapon: String,
    marks: Vec<Mark>,
    victim: (String, Side),
    own: bool,
}

impl Feed {
    pub fn at(replay: &Replay<'_>, now: &Now<'_>) -> Self {
        let latest = now.kills().rev().take_while(|kill| now.since(kill.tick) < SECONDS).take(ROWS);
        let mut rows: Vec<Row> = latest.map(|kill| Row::of(replay, kill)).collect();
        rows.reverse();
        Self(rows)
    }
}

impl Row {
    fn of(replay: &Replay<'_>, kill: &Kill) -> Self {
        let who = |player: usize| Some((replay.names.get(player)?.clone(), replay.sides[player]));
        let marks = [
            (kill.blind, Mark::Blind),
            (kill.noscope, Mark::NoScope),
            (kill.through_smoke, Mark::Smoke),
            (kill.wallbang, Mark::Wallbang),
            (kill.headshot, Mark::Headshot),
        ];
        let followed = replay.scene.followed;
        Self {
            killer: kill.killer.filter(|killer| *killer != kill.victim).and_then(who),
            assister: kill.assister.and_then(who),
            flash_assist: kill.flash_assist,
            weapon: weapons::name(&kill.weapon),
            marks: marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect(),
            victim: who(kill.victim).unwrap_or_default(),
            own: kill.victim == followed || kill.killer == Some(followed),
        }
    }

    /// Draws a row, right-aligned at `right`.
    fn draw(&self, right: f32, top: f32, canvas: &mut Canvas) {
        let mut pieces = Vec::new();
        let mut name = |who: &(String, Side), canvas: &mut Canvas| {
            let text = canvas.fit(NAME, &who.0, NAME_WIDTH);
            let width = canvas.text_width(NAME, &text);
            pieces.push((Piece::Name(text, Ink::of(who.1)), width));
        };
        self.killer.iter().for_each(|killer| name(killer, canvas));
        if let Some(assister) = &self.assister {
            name(&("+".to_owned(), Side::None), canvas);
            name(assister, canvas);
        }
        if self.assister.is_some() && self.flash_assist {
            pieces.push((Piece::Mark(Mark::Blind), ADVANCE - GAP));
        }
        if !self.weapon.is_empty() {
            pieces.push((Piece::Weapon, canvas.text_width(WEAPON, &self.weapon) + 16.0));
        }
        pieces.extend(self.marks.iter().map(|mark| (Piece::Mark(*mark), ADVANCE - GAP)));
        let victim = canvas.fit(NAME, &self.victim.0, NAME_WIDTH);
        let width = canvas.text_width(NAME, &victim);
        pieces.push((Piece::Name(victim, Ink::of(self.victim.1)), width));

        let inner: f32 = pieces.iter().map(|(_, width)| width + GAP).sum::<f32>() - GAP;
        let plate = Area::new(right - inner - 2.0 * PADDING, top, inner + 2.0 * PADDING, ROW_HEIGHT);
        canvas.plate(plate, 8.0, PANEL.with(0.96));
        if self.own {
            canvas.frame(plate, 8.0, 2.5, FRAME.solid());
        }
        let mut x = plate.x + PADDING;
        for (piece, width) in &pieces {
            self.draw_piece(piece, x, *width, top, canvas);
            x += width + GAP;
        }
    }

    fn draw_piece(&self, piece: &Piece, x: f32, width: f32, top: f32, canvas: &mut Canvas) {
        match piece {
            Piece::Name(text, ink) => {
                canvas.text(NAME, x, top + 24.5, ink.solid(), text);
            }
            Piece::Weapon => {
                canvas.plate(Area::new(x, top + 7.0, width, 22.0), 5.0, PANEL_HIGH.solid());
                canvas.text(WEAPON.middle(), x + width / 2.0, top + 23.0, TEXT.solid(), &self.weapon);
            }
            Piece::Mark(mark) => {
                mark.draw(x + width / 2.0, top + ROW_HEIGHT / 2.0, TEXT.solid(), PANEL.solid(), canvas);
            }
        }
    }
}

/// Gap between the pieces of a row.
const GAP: f32 = 8.0;
/// Padding at the ends of a row.
const PADDING: f32 = 13.0;

enum Piece {
    Name(String, Ink),
    Weapon,
    Mark(Mark),
}

impl Panel for Feed {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        for (place, row) in self.0.iter().enumerate() {
            row.draw(area.x + area.width - 4.0, area.y + 2.0 + place as f32 * ROW_STEP, canvas);
        }
    }
}
