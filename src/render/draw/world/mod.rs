//! What is on the map and moves: utility, the bomb, deaths, players. Drawn anew every frame, the followed player last.

mod bomb;
mod effects;
mod players;
mod utility;

use super::canvas::Canvas;
use super::film::Film;
use super::labels::Places;
use super::now::Now;

/// Draws it all, from the ground up.
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
