//! Who is planting or defusing the bomb, and how far they are.

use tiny_skia::Color;

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

/// Narrower slots have the text on two lines.
const WIDE: f32 = 600.0;
/// Still narrower ones have no icon.
const ICON_WIDE: f32 = 400.0;
const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 30.0);
const DOING: TextStyle = TextStyle::new(Weight::Semibold, 24.0);

/// A running attempt.
#[derive(PartialEq)]
pub struct Attempt {
    /// Whether it is the followed player's.
    own: bool,
    side: Side,
    icon: Icon,
    name: String,
    doing: &'static str,
    /// Seconds left.
    left: String,
    /// How much is done, of [`STEPS`].
    done: u32,
}

impl Attempt {
    /// `None` if nobody plants or defuses.
    pub fn at(plan: &Plan<'_>, now: &Now<'_>) -> Option<Self> {
        let attempt = |player: usize, side, icon, doing, since: f32, seconds: f32| {
            let part = (since / seconds.max(0.1)).clamp(0.0, 1.0);
            Self {
                own: player == plan.scene.followed,
                side,
                icon,
                name: plan.names.get(player).map_or("Somebody", String::as_str).to_owned(),
                doing,
                left: format!("{:.1} s", (seconds - since).max(0.0)),
                done: (part * STEPS) as u32,
            }
        };
        if let Some((defuse, since)) = now.defuse() {
            return Some(attempt(defuse.player, Side::Ct, Icon::KIT, "is defusing", since, defuse.seconds));
        }
        let (planting, since) = now.planting()?;
        Some(attempt(planting.player, Side::T, Icon::C4, "is planting", since, PLANT_SECONDS))
    }

    /// Whether it is the followed player's.
    pub fn own(&self) -> bool {
        self.own
    }

    fn what(&self) -> String {
        format!("{} {}", self.name, self.doing)
    }

    fn draw_wide(&self, Area { x, y, width, .. }: Area, color: Color, canvas: &mut Canvas) {
        canvas.icon(self.icon, Area::new(x + 20.0, y + 30.0, 108.0, 48.0), color);
        let left = canvas.text(LEFT, x + width - 24.0, y + 52.0, TEXT.solid(), &self.left);
        let (style, what) = fitted(WHAT, 26.0, &self.what(), width - 164.0 - left - 24.0, canvas);
        canvas.text(style, x + 140.0, y + 50.0, TEXT.solid(), &what);
        bar(Area::new(x + 140.0, y + 68.0, width - 164.0, 18.0), self.done as f32 / STEPS, color, canvas);
    }

    fn draw_narrow(&self, Area { x, y, width, .. }: Area, color: Color, canvas: &mut Canvas) {
        // Where both do not fit, the text is worth more than the icon.
        let start = if width < ICON_WIDE { 22.0 } else { 96.0 };
        if width >= ICON_WIDE {
            canvas.icon(self.icon, Area::new(x + 20.0, y + 26.0, 64.0, 28.0), color);
        }
        let left = canvas.text(LEFT, x + width - 18.0, y + 58.0, TEXT.solid(), &self.left);
        let room = width - start - left - 34.0;
        let (style, name) = fitted(NAME, 22.0, &self.name, room, canvas);
        canvas.text(style, x + start, y + 40.0, color, &name);
        let (style, doing) = fitted(DOING, 20.0, self.doing, room, canvas);
        canvas.text(style, x + start, y + 70.0, TEXT.solid(), &doing);
        bar(Area::new(x + 20.0, y + 82.0, width - 38.0, 14.0), self.done as f32 / STEPS, color, canvas);
    }
}

#[cfg(test)]
impl Attempt {
    /// What is written: who does what, and the time left.
    pub fn said(&self) -> (String, String) {
        (self.what(), self.left.clone())
    }
}

/// Seconds until the running defuse will be done.
pub fn defuse_seconds(now: &Now<'_>) -> Option<f32> {
    now.defuse().map(|(defuse, since)| (defuse.seconds - since).max(0.0))
}

impl Panel for Attempt {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        let color = Ink::of(self.side).solid();
        slab(area, SLAB.with(0.92), canvas);
        slab(Area { width: 8.0, ..area }, color, canvas);
        if area.width >= WIDE {
            self.draw_wide(area, color, canvas);
        } else {
            self.draw_narrow(area, color, canvas);
        }
    }
}
