//! Positions of name labels so that they do not overlap. Planned for the whole clip in advance, so that labels move
//! smoothly and frames can be drawn in any order.

use super::canvas::Area;
use crate::render::scene::MAX_PLAYERS;

/// Time constant in seconds of a label's movement: it covers about two thirds of the way in this time.
const GLIDE_SECONDS: f32 = 0.1;
/// Minimum gap around a label.
const GAP: f32 = 3.0;
/// Cost of moving away, so that labels do not jump back and forth between two similar positions.
const MOVE_COST: f32 = 0.2;
/// Extra cost of each further candidate.
const CANDIDATE_COST: f32 = 0.12;

/// A label to place: its player's marker, and its own size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag {
    /// Center of the marker.
    pub disc: (f32, f32),
    /// Radius of the marker.
    pub radius: f32,
    /// Width of the label.
    pub width: f32,
    /// Height of the label.
    pub height: f32,
    /// Whether it is placed first.
    pub first: bool,
}

/// Label positions relative to the center of the marker; `None` without a label.
pub type Places = [Option<(f32, f32)>; MAX_PLAYERS];

/// Places labels frame by frame.
pub struct Planner {
    picture: Area,
    glide: f32,
    /// The candidate chosen for each label.
    chosen: [usize; MAX_PLAYERS],
    places: Places,
}

impl Planner {
    /// For a picture of this size at this frame rate.
    pub fn new(picture: Area, fps: u32) -> Self {
        let glide = 1.0 - (-1.0 / (fps.max(1) as f32 * GLIDE_SECONDS)).exp();
        Self { picture, glide, chosen: [0; MAX_PLAYERS], places: [None; MAX_PLAYERS] }
    }

    /// Label positions of the next frame.
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

    /// Chooses the cheapest position for a label and moves it there. Returns its area.
    fn place(&mut self, player: usize, tag: &Tag, tags: &[Option<Tag>; MAX_PLAYERS], taken: &[Area]) -> Area {
        let mut best = (f32::INFINITY, 0);
        for candidate in 0..CANDIDATES {
            let known = self.places[player].is_some();
            let changes = if known && candidate != self.chosen[player] { MOVE_COST } else { 0.0 };
            let least = candidate as f32 * CANDIDATE_COST + changes;
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

    /// Cost of a position: overlap with labels and the edge of the picture costs most, with markers less.
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

/// Number of candidate positions.
const CANDIDATES: usize = 12;

/// Center of a label relative to its marker: below is best, then above, beside, and further away.
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
    fn labels_in_a_crowd_do_not_overlap() {
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
    fn first_label_keeps_the_best_position_and_others_move_smoothly() {
        let apart = tags(&[(300.0, 500.0), (900.0, 500.0), (500.0, 500.0)]);
        let mut planner = Planner::new(PICTURE, 30);
        let before = planner.step(&apart);
        assert_eq!(before[0], before[2], "all are below their markers");
        let close = tags(&[(500.0, 499.0), (900.0, 500.0), (500.0, 500.0)]);
        let after = planner.step(&close);
        assert_eq!(after[2], before[2]);
        let (from, to) = (before[0].unwrap(), after[0].unwrap());
        let moved = (to.0 - from.0).hypot(to.1 - from.1);
        assert!(moved > 1.0 && moved < 40.0, "{moved} units in one frame");
        assert_eq!(planner.step(&[None; MAX_PLAYERS]), [None; MAX_PLAYERS]);
    }
}
