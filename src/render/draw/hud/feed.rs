//! The kill feed: killer, victim, weapon, and circumstances; the followed player's own kills and death are marked.

use super::Panel;
use super::parts::{mark_color, marks, slanted};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::layout::{FEED_EDGE, FEED_ROW};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, RED, SLAB, WHITE};
use crate::render::draw::plan::Plan;
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
/// Text sizes: of a usual row, and of full ones.
const SIZES: [f32; 3] = [NAME.size, 23.0, 21.0];
/// Maximum width of a name, and that of names in a full row.
const NAME_WIDTH: f32 = 220.0;
const NARROWEST_NAME: f32 = 50.0;
/// How much a row leans.
const SLANT: f32 = 10.0;
/// Space before and after the pieces of a row.
const PADDING: (f32, f32) = (28.0, 22.0);
/// Space between two pieces, and height of a weapon, compared to the text size.
const GAP: f32 = 0.5;
const WEAPON: f32 = 1.15;

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
    pub fn at(plan: &Plan<'_>, now: &Now<'_>, rows: usize) -> Option<Self> {
        let latest = now.kills().rev().take_while(|kill| now.since(kill.tick) < SECONDS).take(rows);
        let mut rows: Vec<Row> = latest.map(|kill| Row::of(plan, kill, now.since(kill.tick))).collect();
        rows.reverse();
        (!rows.is_empty()).then_some(Self(rows))
    }
}

impl Row {
    fn of(plan: &Plan<'_>, kill: &Kill, age: f32) -> Self {
        let scene = plan.scene;
        let who = |player: usize| Some((plan.names.get(player)?.clone(), plan.sides[player]));
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

    /// Lays out a row in `room`. What does not fit becomes smaller, then shortened, then loses its assister.
    fn layout(&self, room: f32, canvas: &mut Canvas) -> RowLayout {
        for size in SIZES {
            let row = self.layout_with(size, NAME_WIDTH, self.assister.as_ref(), canvas);
            if row.width <= room {
                return row;
            }
        }
        let [.., smallest] = SIZES;
        let mut width = NAME_WIDTH;
        while width > NARROWEST_NAME {
            width *= 0.9;
            let row = self.layout_with(smallest, width, self.assister.as_ref(), canvas);
            if row.width <= room {
                return row;
            }
        }
        self.layout_with(smallest, NARROWEST_NAME, None, canvas)
    }

    fn layout_with(
        &self,
        size: f32,
        name_width: f32,
        assister: Option<&(String, Side)>,
        canvas: &mut Canvas,
    ) -> RowLayout {
        let style = TextStyle { size, ..NAME };
        let mut name = |who: &(String, Side)| {
            let text = canvas.fit(style, &who.0, name_width);
            let width = canvas.text_width(style, &text);
            (Piece::Name(text, Ink::of(who.1)), width)
        };
        let icon = |icon: Icon, height: f32| {
            let ((width, whole), (begin, end)) = (icon.size(), icon.extent());
            (Piece::Icon(icon, height), (end - begin) * width * height / whole)
        };
        let mut pieces: Vec<_> = self.killer.iter().map(&mut name).collect();
        if let Some(assister) = assister {
            pieces.push(name(&("+".to_owned(), Side::None)));
            if self.flash_assist {
                pieces.push(icon(Icon::FLASHBANG, size));
            }
            pieces.push(name(assister));
        }
        pieces.push(icon(self.weapon, size * WEAPON));
        pieces.extend(self.marks.iter().map(|mark| icon(*mark, size)));
        pieces.push(name(&self.victim));
        let gap = size * GAP;
        let width = PADDING.0 + PADDING.1 + pieces.iter().map(|(_, width)| width + gap).sum::<f32>() - gap;
        RowLayout { style, gap, width, pieces }
    }

    /// Draws a row into its area, right-aligned.
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let RowLayout { style, gap, width, pieces } = self.layout(area.width - FEED_EDGE, canvas);
        let right = area.x + area.width - FEED_EDGE * (1.0 - f32::from(self.slide) / STEPS);
        let plate = Area { x: right - width, width, ..area };
        slanted(plate, SLANT, SLAB.with(if self.stripe.is_some() { 0.92 } else { 0.8 }), canvas);
        if self.wash > 0 {
            slanted(plate, SLANT, WHITE.with(0.3 * f32::from(self.wash) / STEPS), canvas);
        }
        if let Some(ink) = self.stripe {
            slanted(Area { width: 9.0 + SLANT, ..plate }, SLANT, ink.solid(), canvas);
        }
        let middle = area.y + area.height / 2.0;
        let mut x = plate.x + PADDING.0;
        for (piece, width) in &pieces {
            match piece {
                Piece::Name(text, ink) => {
                    canvas.text(style, x, middle + style.size * 0.35, ink.solid(), text);
                }
                Piece::Icon(icon, height) => {
                    let whole = icon.size().0 * height / icon.size().1;
                    let plate = Area::new(x - icon.extent().0 * whole, middle - height / 2.0, whole, *height);
                    canvas.icon(*icon, plate, mark_color(*icon));
                }
            }
            x += width + gap;
        }
    }
}

/// What is where in a row.
struct RowLayout {
    style: TextStyle,
    gap: f32,
    /// Width of the whole row.
    width: f32,
    /// From left to right, each with its width.
    pieces: Vec<(Piece, f32)>,
}

enum Piece {
    Name(String, Ink),
    /// An icon and its height. Drawings have margins: it is as wide as it looks.
    Icon(Icon, f32),
}

impl Panel for Feed {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let (height, step) = FEED_ROW;
        for (place, row) in self.0.iter().enumerate() {
            row.draw(Area { y: area.y + place as f32 * step, height, ..area }, canvas);
        }
    }
}
