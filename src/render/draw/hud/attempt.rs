//! Who is planting or defusing the bomb, and how far they are.

use super::Panel;
use super::parts::{bar, fitted, slab};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, SLAB, TEXT};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::{PLANT_SECONDS, Side};

/// Steps of the bar.
const STEPS: f32 = 318.0;
const WHAT: TextStyle = TextStyle::new(Weight::Extrabold, 36.0);
const LEFT: TextStyle = TextStyle::new(Weight::Extrabold, 40.0).right().tabular();

/// A running attempt.
#[derive(PartialEq)]
pub struct Attempt {
    side: Side,
    icon: Icon,
    what: String,
    /// Seconds left.
    left: String,
    /// How much is done, of [`STEPS`].
    done: u32,
}

impl Attempt {
    /// `None` if nobody plants or defuses.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<Self> {
        let attempt = |player: usize, side, icon, doing: &str, since: f32, seconds: f32| {
            let name = plan.names.get(player).map_or("Somebody", String::as_str);
            let part = (since / seconds.max(0.1)).clamp(0.0, 1.0);
            Self {
                side,
                icon,
                what: format!("{name} is {doing}"),
                left: format!("{:.1} s", (seconds - since).max(0.0)),
                done: (part * STEPS) as u32,
            }
        };
        if let Some((defuse, since)) = now.defuse() {
            return Some(attempt(defuse.player, Side::Ct, Icon::KIT, "defusing", since, defuse.seconds));
        }
        let (planting, since) = now.planting()?;
        Some(attempt(planting.player, Side::T, Icon::C4, "planting", since, PLANT_SECONDS))
    }
}

#[cfg(test)]
impl Attempt {
    /// What is written: who does what, and the time left.
    pub fn said(&self) -> (String, String) {
        (self.what.clone(), self.left.clone())
    }
}

/// Seconds until the running defuse will be done.
pub fn defuse_seconds(now: &Now<'_>) -> Option<f32> {
    now.defuse().map(|(defuse, since)| (defuse.seconds - since).max(0.0))
}

impl Panel for Attempt {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let Area { x, y, width, height } = area;
        let color = Ink::of(self.side).solid();
        slab(area, SLAB.with(0.92), canvas);
        slab(Area::new(x, y, 8.0, height), color, canvas);
        canvas.icon(self.icon, Area::new(x + 20.0, y + 30.0, 108.0, 48.0), color);
        let left = canvas.text(LEFT, x + width - 24.0, y + 52.0, TEXT.solid(), &self.left);
        let (style, what) = fitted(WHAT, 26.0, &self.what, width - 164.0 - left - 24.0, canvas);
        canvas.text(style, x + 140.0, y + 50.0, TEXT.solid(), &what);
        bar(Area::new(x + 140.0, y + 68.0, width - 164.0, 18.0), self.done as f32 / STEPS, color, canvas);
    }
}
