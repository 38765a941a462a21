//! Everything on the map that moves: utility, the bomb, deaths, players. Redrawn every frame.

mod bomb;
mod effects;
mod players;
mod utility;

use super::canvas::Canvas;
use super::film::Film;
use super::labels::Places;
use super::now::Now;

/// Draws everything from the ground up; the followed player comes last.
pub fn draw(film: &Film<'_>, now: &Now<'_>, places: &Places, canvas: &mut Canvas) {
    utility::flames(film, now, canvas);
    utility::smokes(film, now, canvas);
    players::trail(film, now, canvas);
    bomb::draw(film, now, canvas);
    effects::deaths(film, now, canvas);
    utility::grenades(film, now, canvas);
    effects::draw(film, now, canvas);
    players::draw(film, now, places, canvas);
}
