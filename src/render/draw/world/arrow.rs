//! An arrow at the edge of the picture to a bomb that lies outside it.

use super::stage::Stage;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::now::RoundClock;
use crate::render::draw::palette::{NIGHT, RED, SLAB, WHITE};
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::BombState;

/// Distance of arrows from the edges of the picture: left and right, top, bottom. Panels lie outside.
const MARGINS: (f32, f32, f32) = (330.0, 150.0, 190.0);
const SECONDS: TextStyle = TextStyle::new(Weight::Extrabold, 26.0).tabular();

/// Draws the arrow, with the seconds until the explosion.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    let Some(bomb) = stage.now.moment.bomb.filter(|bomb| bomb.at.iter().all(|axis| axis.is_finite())) else { return };
    if !matches!(bomb.state, BombState::Dropped | BombState::Planted) {
        return;
    }
    let (x, y) = stage.project(bomb.at);
    let width = stage.plan.width();
    if (0.0..=width).contains(&x) && (0.0..=1_080.0).contains(&y) {
        return;
    }
    let (middle_x, middle_y) = (width / 2.0, 520.0);
    let (right, down) = (x - middle_x, y - middle_y);
    let (half, up, below) = (width / 2.0 - MARGINS.0, middle_y - MARGINS.1, 1_080.0 - MARGINS.2 - middle_y);
    let vertical = if down < 0.0 { up } else { below };
    let part = (half / right.abs().max(1.0)).min(vertical / down.abs().max(1.0));
    let (x, y) = (middle_x + right * part, middle_y + down * part);
    let seconds = match stage.now.clock() {
        RoundClock::Bomb(left, _) if bomb.state == BombState::Planted => Some(format!("{:.0}", left.ceil())),
        _ => None,
    };
    let wide = 76.0 + seconds.as_ref().map_or(0.0, |_| 44.0);
    let plate = Area::new(x - wide / 2.0, y - 24.0, wide, 48.0);
    let length = right.hypot(down).max(1.0);
    let (along, across) = (right / length, down / length);
    let reach = (wide / 2.0 / along.abs().max(0.01)).min(24.0 / across.abs().max(0.01)) + 10.0;
    let tip = |far: f32, aside: f32| (x + along * far - across * aside, y + across * far + along * aside);
    canvas.polygon(&[tip(reach + 26.0, 0.0), tip(reach - 2.0, 21.0), tip(reach - 2.0, -21.0)], NIGHT.solid());
    canvas.polygon(&[tip(reach + 20.0, 0.0), tip(reach, 16.0), tip(reach, -16.0)], RED.solid());
    canvas.plate(plate, 6.0, SLAB.solid());
    canvas.frame(plate, 6.0, 3.5, RED.solid());
    canvas.icon(Icon::C4, Area::new(plate.x + 4.0, plate.y + 8.0, 68.0, 32.0), WHITE.solid());
    if let Some(seconds) = seconds {
        canvas.text(SECONDS, plate.x + 74.0, plate.y + 33.0, WHITE.solid(), &seconds);
    }
}
