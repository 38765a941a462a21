//! Where players' names go so that none hides another: planned for the whole clip before it is drawn, so that names
//! glide and any frame can be drawn by itself.

use super::canvas::Area;
use crate::render::scene::MAX_PLAYERS;

/// Seconds in which a name covers about two thirds of its way to a new place.
const GLIDE_SECONDS: f32 = 0.1;
/// Units between a name and what it must not touch.
const GAP: f32 = 3.0;
/// What it costs to leave a place: names do not jump to and fro between two that are nearly alike.
const STAYING: f32 = 0.2;
/// What the next candidate costs more than the one before.
const WORSE: f32 = 0.12;

/// A name to place: its player's disc, and its own size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag {
    /// Middle of the disc.
    pub disc: (f32, f32),
    /// Radius of the disc.
    pub radius: f32,
    /// Width of the name's plate.
    pub width: f32,
    /// Height of the name's plate.
    pub height: f32,
    /// Placed first.
    pub first: bool,
}

/// Places of names over the disc's middle; `None` without a name.
pub type Places = [Option<(f32, f32)>; MAX_PLAYERS];

/// Places names frame by frame.
pub struct Planner {
    picture: Area,
    glide: f32,
    /// Which candidate each name went for.
    chosen: [usize; MAX_PLAYERS],
    places: Places,
}

impl Planner {
    /// For a picture of this size, at so many frames a second.
    pub fn new(picture: Area, fps: u32) -> Self {
        let glide = 1.0 - (-1.0 / (fps.max(1) as f32 * GLIDE_SECONDS)).exp();
        Self { picture, glide, chosen: [0; MAX_PLAYERS], places: [None; MAX_PLAYERS] }
    }

    /// The next frame's places.
    pub fn step(&mut self, tags: &[Option<Tag>; MAX_PLAYERS]) -> Places {
        let mut taken: Vec<Area> = Vec::with_capacity(MAX_PLAYERS);
        for first in [true, false] {
            for (player, tag) in tags.iter().enumerate() {
                match tag {
                    Some(tag) if tag.first == first => taken.push(self.place(player, tag, tags, &taken)),
                    Some(_) => {}
                    None => self.places[player] = None,
                }
            }
        }
        self.places
    }

    /// Chooses the cheapest place for a name and moves it there. Returns the area it will have.
    fn place(&mut self, player: usize, tag: &Tag, tags: &[Option<Tag>; MAX_PLAYERS], taken: &[Area]) -> Area {
        let mut best = (f32::INFINITY, 0);
        for candidate in 0..CANDIDATES {
            let known = self.places[player].is_some();
            let changes = if known && candidate != self.chosen[player] { STAYING } else { 0.0 };
            let least = candidate as f32 * WORSE + changes;
            if least < best.0 {
                let cost = least + self.crowding(area(tag, offset(tag, candidate)), player, tags, taken);
                if cost < best.0 {
                    best = (cost, candidate);
                }
            }
        }
        self.chosen[player] = best.1;
        let goal = offset(tag, best.1);
        let (x, y) = self.places[player].unwrap_or(goal);
        self.places[player] = Some((x + (goal.0 - x) * self.glide, y + (goal.1 - y) * self.glide));
        area(tag, goal)
    }

    /// What it costs to be there: other names and the picture's edge most, discs less.
    fn crowding(&self, area: Area, player: usize, tags: &[Option<Tag>; MAX_PLAYERS], taken: &[Area]) -> f32 {
        let size = (area.width * area.height).max(1.0);
        let near = area.grown(GAP);
        let names: f32 = taken.iter().map(|other| near.overlap(other)).sum();
        let others = tags.iter().enumerate().filter(|(other, _)| *other != player).filter_map(|(_, tag)| tag.as_ref());
        let discs: f32 = others.map(|tag| near.overlap(&disc(tag))).sum();
        let outside = size - area.overlap(&self.picture);
        (names * 12.0 + discs * 3.0 + outside * 12.0) / size
    }
}

/// How many places are tried.
const CANDIDATES: usize = 12;

/// The place's middle over the disc's middle: below is best, then above, beside, and further away.
fn offset(tag: &Tag, candidate: usize) -> (f32, f32) {
    let below = tag.radius + 6.0 + tag.height / 2.0;
    let beside = tag.radius + 8.0 + tag.width / 2.0;
    let row = tag.height + GAP;
    match candidate {
        0 => (0.0, below),
        1 => (0.0, -below - 4.0),
        2 => (beside, 0.0),
        3 => (-beside, 0.0),
        4 => (beside * 0.7, below - 2.0),
        5 => (-beside * 0.7, below - 2.0),
        6 => (0.0, below + row),
        7 => (0.0, -below - row - 4.0),
        8 => (beside * 0.7, -below),
        9 => (-beside * 0.7, -below),
        10 => (0.0, below + 2.0 * row),
        _ => (0.0, -below - 2.0 * row - 4.0),
    }
}

fn area(tag: &Tag, offset: (f32, f32)) -> Area {
    let (x, y) = (tag.disc.0 + offset.0, tag.disc.1 + offset.1);
    Area::new(x - tag.width / 2.0, y - tag.height / 2.0, tag.width, tag.height)
}

fn disc(tag: &Tag) -> Area {
    let (x, y) = tag.disc;
    Area::new(x - tag.radius, y - tag.radius, 2.0 * tag.radius, 2.0 * tag.radius)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Area = Area::new(0.0, 0.0, 1920.0, 1080.0);

    fn tags(discs: &[(f32, f32)]) -> [Option<Tag>; MAX_PLAYERS] {
        let mut tags = [None; MAX_PLAYERS];
        for (index, &disc) in discs.iter().enumerate() {
            tags[index] = Some(Tag { disc, radius: 11.5, width: 80.0, height: 21.0, first: index == 2 });
        }
        tags
    }

    fn areas(places: &Places, tags: &[Option<Tag>; MAX_PLAYERS]) -> Vec<Area> {
        places.iter().zip(tags).filter_map(|(place, tag)| Some(area(tag.as_ref()?, (*place)?))).collect()
    }

    #[test]
    fn names_of_a_crowd_do_not_overlap() {
        for discs in [
            vec![(500.0, 500.0)],
            vec![(500.0, 500.0), (506.0, 508.0)],
            vec![(500.0, 500.0), (540.0, 500.0), (580.0, 500.0), (540.0, 530.0), (560.0, 470.0)],
            vec![(10.0, 1070.0), (30.0, 1060.0)],
        ] {
            let tags = tags(&discs);
            let mut planner = Planner::new(PICTURE, 30);
            let mut places = planner.step(&tags);
            for _ in 0..60 {
                places = planner.step(&tags);
            }
            let areas = areas(&places, &tags);
            assert_eq!(areas.len(), discs.len());
            for (index, one) in areas.iter().enumerate() {
                assert!(one.overlap(&PICTURE) > 0.95 * one.width * one.height, "{one:?} leaves the picture");
                for other in &areas[index + 1..] {
                    assert!(one.overlap(other) < 1.0, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn the_first_keeps_the_best_place_and_the_others_glide() {
        let apart = tags(&[(300.0, 500.0), (900.0, 500.0), (500.0, 500.0)]);
        let mut planner = Planner::new(PICTURE, 30);
        let before = planner.step(&apart);
        assert_eq!(before[0], before[2], "all are below their discs");
        let close = tags(&[(500.0, 499.0), (900.0, 500.0), (500.0, 500.0)]);
        let after = planner.step(&close);
        assert_eq!(after[2], before[2]);
        let (from, to) = (before[0].unwrap(), after[0].unwrap());
        let moved = (to.0 - from.0).hypot(to.1 - from.1);
        assert!(moved > 1.0 && moved < 40.0, "{moved} units in one frame");
        assert_eq!(planner.step(&[None; MAX_PLAYERS]), [None; MAX_PLAYERS]);
    }
}
