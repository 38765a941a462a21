//! The plate for two kills and more: three layers that slide in one after the other.

use super::Panel;
use super::parts::{fitted, slanted};
use super::story::{tally, word};
use crate::render::draw::camera::PLATE_SECONDS;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{GOLD, Ink, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

/// Seconds in which a layer slides in, and by which one layer is later than the one below it.
const IN_SECONDS: f32 = 0.18;
const LATER_SECONDS: f32 = 0.04;
/// Seconds until the plate is gone, but for an ace's, which stands for [`PLATE_SECONDS`]; in the last it disappears.
const SECONDS: f32 = 1.66;
const OUT_SECONDS: f32 = 0.2;
/// Steps of a movement.
const STEPS: f32 = 24.0;
/// Maximum number of skulls.
const SKULLS: usize = 5;
/// How much the plate leans.
const SLANT: f32 = 34.0;
const WORD: TextStyle = TextStyle::new(Weight::Extrabold, 104.0);
const TALLY: TextStyle = TextStyle::new(Weight::Bold, 30.0);
/// The dark layer.
const DARK: Ink = Ink(0x0a1422);

/// The plate.
#[derive(PartialEq)]
pub struct Plate {
    side: Side,
    word: String,
    kills: usize,
    tally: String,
    weapon: Option<Icon>,
    /// How far each layer slid in, in [`STEPS`].
    layers: [u8; 3],
    /// Opacity, in [`STEPS`].
    opacity: u8,
}

/// Seconds for which the plate after so many kills is shown; `None` if there is none.
fn seconds(plan: &Plan<'_>, kills: usize) -> Option<f32> {
    (kills >= 2).then(|| if word(plan, kills) == "ACE" { PLATE_SECONDS } else { SECONDS })
}

impl Plate {
    /// `None` except after the second kill and each further one.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<Self> {
        let kills: Vec<_> = now.own_kills().collect();
        let [.., before, last] = kills.as_slice() else { return None };
        let age = now.since(last.tick);
        let left = seconds(plan, kills.len())? - age;
        if left < 0.0 {
            return None;
        }
        // The plate of the kill before stands already: only its text changes.
        let stands = kills.len() > 2 && now.since(before.tick) - age < SECONDS - OUT_SECONDS;
        let slid = |layer: f32| {
            let part = if stands { 1.0 } else { ((age - layer * LATER_SECONDS) / IN_SECONDS).clamp(0.0, 1.0) };
            ((1.0 - (1.0 - part).powi(3)) * STEPS).round() as u8
        };
        let opacity = ((left / OUT_SECONDS).clamp(0.0, 1.0) * STEPS).round() as u8;
        (opacity > 0).then(|| Self {
            side: plan.sides[plan.scene.followed],
            word: word(plan, kills.len()),
            kills: kills.len(),
            tally: tally(plan.scene, &kills),
            weapon: Icon::of_weapon(&last.weapon),
            layers: [slid(0.0), slid(1.0), slid(2.0)],
            opacity,
        })
    }

    fn draw_text(&self, inner: Area, canvas: &mut Canvas) {
        let Area { x, y, width, .. } = inner;
        let column = x + 298.0 * width / 748.0;
        let (word, text) = fitted(WORD, 60.0, &self.word, column - x - 54.0 - 20.0, canvas);
        canvas.text(word, x + 54.0, y + 94.0, WHITE.solid(), &text);
        for skull in 0..self.kills.min(SKULLS) {
            canvas.icon(Icon::SKULL, Area::new(column + skull as f32 * 46.0, y + 10.0, 40.0, 40.0), GOLD.solid());
        }
        let gun = Area::new(x + width - 170.0, y + 52.0, 136.0, 51.0);
        let (style, tally) = fitted(TALLY, 22.0, &self.tally, gun.x - column - 12.0, canvas);
        canvas.text(style, column, y + 97.0, WHITE.solid(), &tally);
        if let Some(icon) = self.weapon {
            canvas.icon(icon, gun, WHITE.solid());
        }
    }
}

impl Panel for Plate {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let Area { x, y, width, height } = area;
        let inner = Area::new(x + 40.0, y + 8.0, width - 80.0, height - 16.0);
        let layers = [
            (area, SLANT, WHITE.with(0.95)),
            (Area::new(x + 14.0, y, width - 28.0, height), SLANT, Ink::of(self.side).solid()),
            (inner, SLANT * inner.height / height, DARK.with(0.97)),
        ];
        for ((layer, slant, color), slid) in layers.into_iter().zip(self.layers) {
            let width = layer.width * f32::from(slid) / STEPS;
            slanted(Area { width, ..layer }, slant, color, canvas);
        }
        if f32::from(self.layers[2]) >= STEPS {
            self.draw_text(inner, canvas);
        }
        canvas.fade(area, f32::from(self.opacity) / STEPS);
    }
}
