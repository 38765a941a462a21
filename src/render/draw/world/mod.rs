//! Everything on the map that moves: utility, the bomb, deaths, players. Redrawn every frame.

mod bomb;
mod effects;
mod players;
mod utility;

use super::canvas::Canvas;
use super::labels::Places;
use super::now::Now;
use super::replay::Replay;

/// Draws everything from the ground up; the followed player comes last.
pub fn draw(replay: &Replay<'_>, now: &Now<'_>, places: &Places, canvas: &mut Canvas) {
    utility::flames(replay, now, canvas);
    utility::smokes(replay, now, canvas);
    players::trail(replay, now, canvas);
    bomb::draw(replay, now, canvas);
    effects::deaths(replay, now, canvas);
    utility::grenades(replay, now, canvas);
    effects::draw(replay, now, canvas);
    players::draw(replay, now, places, canvas);
}
