//! Everything on the map that moves: utility, sight, the bomb, kills, players. Redrawn every frame.

mod arrow;
mod bomb;
mod deaths;
mod kills;
mod markers;
mod players;
mod sight;
mod stage;
#[cfg(test)]
mod tests;
mod utility;

pub use bomb::tag as bomb_tag;
pub use kills::LINE_SECONDS as KILL_LINE_SECONDS;
pub use stage::Stage;

use super::canvas::Canvas;

/// Draws everything from the ground up; nothing but the rim covers the followed player.
pub fn draw(stage: &Stage<'_>, canvas: &mut Canvas) {
    utility::flames(stage, canvas);
    utility::smokes(stage, canvas);
    sight::draw(stage, canvas);
    kills::spotlight(stage, canvas);
    deaths::draw(stage, canvas);
    utility::grenades(stage, canvas);
    utility::explosions(stage, canvas);
    kills::shots(stage, canvas);
    kills::draw(stage, canvas);
    bomb::rings(stage, canvas);
    players::markers(stage, canvas);
    bomb::draw(stage, canvas);
    arrow::draw(stage, canvas);
    players::names(stage, canvas);
    players::followed(stage, canvas);
    kills::rim(stage, canvas);
}
