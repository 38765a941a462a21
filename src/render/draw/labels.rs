//! Places for labels, the players' names and the bomb's plate, where they cover nothing that matters. Planned for the
//! whole clip in advance, so that labels rest beside their markers and frames can be drawn in any order.

use super::canvas::Area;
use crate::render::scene::MAX_PLAYERS;

/// Number of labels: each player's, then the bomb's.
pub const LABELS: usize = MAX_PLAYERS + 1;
/// The bomb's label.
pub const BOMB: usize = MAX_PLAYERS;
/// Seconds in which a label fades in at a new place.
const FADE_SECONDS: f32 = 0.15;
/// Minimum gap around a label.
const GAP: f32 = 3.0;
/// Directions in which a label can lie, clockwise from the right in degrees, the best first.
const DIRECTIONS: [f32; 10] = [90.0, 270.0, 0.0, 180.0, 60.0, 120.0, 240.0, 300.0, 45.0, 135.0];
/// Rings of places around a marker, each as much further away again.
const RINGS: usize = 3;
/// Places to choose from: in each ring, the nearest first, in each direction.
const CANDIDATES: usize = RINGS * DIRECTIONS.len();
/// Cost of each further direction.
const DIRECTION_COST: f32 = 1.5;
/// Cost of each further ring: more than [`MOVE_COST`], so that labels come back, and together less than
/// [`MARKER_COST`].
const FAR_COST: f32 = 50.0;
/// Cost of leaving a place, so that labels do not jump to and fro between two similar ones.
const MOVE_COST: f32 = 30.0;
/// Cost of lying where the player looks.
const VIEW_COST: f32 = 26.0;
/// Cost of covering a marker.
const MARKER_COST: f32 = 120.0;
/// Cost of covering the followed player's marker, which is drawn above other players' labels.
const FOLLOWED_COST: f32 = 1_000.0;
/// Cost of covering another label: more than anything else together.
const LABEL_COST: f32 = 2_000.0;
/// Cost of lying on the line of a kill.
const LINE_COST: f32 = 70.0;
/// Cost of lying under a panel.
const PANEL_COST: f32 = 400.0;
/// Cost of leaving the picture.
const EDGE_COST: f32 = 200.0;

/// A label to place: the marker that it belongs to, and its own size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag {
    /// Center of the marker.
    pub at: (f32, f32),
    /// Radius of everything that belongs to the marker.
    pub reach: f32,
    /// Distance from the center of the marker to the label.
    pub off: f32,
    /// Width of the label.
    pub width: f32,
    /// Height of the label.
    pub height: f32,
    /// View direction: 0 is east, counterclockwise, in degrees.
    pub yaw: f32,
    /// Whether it is the followed player's, which is placed first.
    pub first: bool,
    /// Whether it has a label; otherwise it is only in the way of others.
    pub named: bool,
}

/// A label's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Center of the label relative to the center of the marker.
    pub offset: (f32, f32),
    /// Whether it is so far away that a line must lead to it.
    pub is_far: bool,
    /// From 0 to 1.
    pub opacity: f32,
}

/// By label; `None` without one.
pub type Places = [Option<Place>; LABELS];

/// What labels must avoid on one frame.
pub struct Obstacles<'a> {
    /// The picture, without a margin.
    pub picture: Area,
    /// Panels.
    pub panels: &'a [Area],
    /// Lines from killers to victims.
    pub lines: Vec<[(f32, f32); 2]>,
}

/// Places labels frame by frame.
pub struct Planner {
    fade: f32,
    /// The place chosen for each label, of [`CANDIDATES`].
    chosen: [usize; LABELS],
    places: Places,
}

impl Planner {
    /// At this frame rate.
    pub fn new(fps: u32) -> Self {
        let fade = 1.0 / (FADE_SECONDS * fps.max(1) as f32);
        Self { fade, chosen: [0; LABELS], places: [None; LABELS] }
    }

    /// Label places of the next frame.
    pub fn step(&mut self, tags: &[Option<Tag>; LABELS], obstacles: &Obstacles<'_>) -> Places {
        let mut taken: Vec<Area> = Vec::with_capacity(LABELS);
        for first in [true, false] {
            for (label, tag) in tags.iter().enumerate() {
                match tag {
                    Some(tag) if tag.named && tag.first == first => {
                        taken.extend(self.place(label, tag, tags, &taken, obstacles));
                    }
                    Some(tag) if tag.named => {}
                    _ => self.places[label] = None,
                }
            }
        }
        self.places
    }

    /// Chooses the cheapest place for a label. Returns its area; `None` if there is no room for it.
    fn place(
        &mut self,
        label: usize,
        tag: &Tag,
        tags: &[Option<Tag>; LABELS],
        taken: &[Area],
        obstacles: &Obstacles<'_>,
    ) -> Option<Area> {
        let known = self.places[label];
        let mut best = (f32::INFINITY, 0);
        for candidate in 0..CANDIDATES {
            let moves = known.is_some() && candidate != self.chosen[label];
            let least = (candidate % DIRECTIONS.len()) as f32 * DIRECTION_COST
                + ring(candidate) as f32 * FAR_COST
                + if moves { MOVE_COST } else { 0.0 };
            if least < best.0 {
                let cost = least + crowding(tag, candidate, label, tags, taken, obstacles);
                if cost < best.0 {
                    best = (cost, candidate);
                }
            }
        }
        if best.0 >= LABEL_COST {
            self.places[label] = None;
            return None;
        }
        let stays = known.filter(|_| best.1 == self.chosen[label]);
        self.chosen[label] = best.1;
        let opacity = stays.map_or(0.0, |place| place.opacity) + self.fade;
        let (offset, is_far) = (offset(tag, best.1), ring(best.1) > 0);
        self.places[label] = Some(Place { offset, is_far, opacity: opacity.min(1.0) });
        Some(area(tag, best.1))
    }
}

/// Cost of what a label at a place covers.
fn crowding(
    tag: &Tag,
    candidate: usize,
    label: usize,
    tags: &[Option<Tag>; LABELS],
    taken: &[Area],
    obstacles: &Obstacles<'_>,
) -> f32 {
    let area = area(tag, candidate);
    let near = area.grown(GAP);
    let hits = |other: &Area| near.overlap(other) > 0.0;
    let (sin, cos) = direction(candidate).to_radians().sin_cos();
    let (look_up, look) = tag.yaw.to_radians().sin_cos();
    let mut cost = VIEW_COST * (look * cos - look_up * sin).max(0.0);
    let markers = tags.iter().enumerate().filter(|(other, _)| *other != label).filter_map(|(_, tag)| tag.as_ref());
    let marker_cost = |tag: &Tag| if tag.first { FOLLOWED_COST } else { MARKER_COST };
    cost += markers.filter(|tag| hits(&marker(tag))).map(marker_cost).sum::<f32>();
    cost += LABEL_COST * taken.iter().filter(|other| hits(other)).count() as f32;
    cost += PANEL_COST * obstacles.panels.iter().filter(|panel| hits(panel)).count() as f32;
    cost += LINE_COST * obstacles.lines.iter().filter(|line| crosses(&near, line)).count() as f32;
    let inside = area.overlap(&obstacles.picture);
    if inside < area.width * area.height - 0.5 { cost + EDGE_COST } else { cost }
}

fn crosses(area: &Area, [from, to]: &[(f32, f32); 2]) -> bool {
    const STEPS: usize = 40;
    (0..=STEPS).any(|step| {
        let part = step as f32 / STEPS as f32;
        let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
        area.contains(x, y)
    })
}

fn direction(candidate: usize) -> f32 {
    DIRECTIONS[candidate % DIRECTIONS.len()]
}

/// How much further away a place lies than the nearest.
fn ring(candidate: usize) -> usize {
    candidate / DIRECTIONS.len()
}

/// Center of a label relative to its marker.
fn offset(tag: &Tag, candidate: usize) -> (f32, f32) {
    let degrees = direction(candidate);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let upright = degrees == 90.0 || degrees == 270.0;
    let off = tag.off * (ring(candidate) + 1) as f32;
    let across = if upright { 0.0 } else { cos * (off + tag.width / 2.0) };
    (across, sin * (off + tag.height / 2.0))
}

fn area(tag: &Tag, candidate: usize) -> Area {
    let offset = offset(tag, candidate);
    let (x, y) = (tag.at.0 + offset.0, tag.at.1 + offset.1);
    Area::new(x - tag.width / 2.0, y - tag.height / 2.0, tag.width, tag.height)
}

fn marker(tag: &Tag) -> Area {
    let (x, y) = tag.at;
    Area::new(x - tag.reach, y - tag.reach, 2.0 * tag.reach, 2.0 * tag.reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Area = Area::new(0.0, 0.0, 1920.0, 1080.0);

    fn tags(places: &[(f32, f32)]) -> [Option<Tag>; LABELS] {
        let mut tags = [None; LABELS];
        for (index, &at) in places.iter().enumerate() {
            let (first, named) = (index == 2, true);
            tags[index] = Some(Tag { at, reach: 28.0, off: 34.0, width: 110.0, height: 37.0, yaw: 0.0, first, named });
        }
        tags
    }

    fn obstacles(panels: &[Area]) -> Obstacles<'_> {
        Obstacles { picture: PICTURE, panels, lines: Vec::new() }
    }

    fn areas(places: &Places, tags: &[Option<Tag>; LABELS]) -> Vec<Area> {
        let area = |(place, tag): (&Option<Place>, &Option<Tag>)| {
            let (place, tag) = ((*place)?, (*tag)?);
            let (x, y) = (tag.at.0 + place.offset.0, tag.at.1 + place.offset.1);
            Some(Area::new(x - tag.width / 2.0, y - tag.height / 2.0, tag.width, tag.height))
        };
        places.iter().zip(tags).filter_map(area).collect()
    }

    #[test]
    fn labels_cover_neither_each_other_nor_panels_and_stay_in_the_picture() {
        let panels = [Area::new(560.0, 18.0, 800.0, 86.0)];
        for places in [
            vec![(500.0, 500.0)],
            vec![(500.0, 500.0), (506.0, 508.0)],
            vec![(500.0, 500.0), (540.0, 500.0), (640.0, 500.0), (540.0, 560.0), (560.0, 430.0)],
            vec![(60.0, 1_050.0), (130.0, 1_040.0)],
            vec![(900.0, 140.0)],
        ] {
            let tags = tags(&places);
            let mut planner = Planner::new(30);
            let areas = areas(&planner.step(&tags, &obstacles(&panels)), &tags);
            assert_eq!(areas.len(), places.len());
            for (index, one) in areas.iter().enumerate() {
                assert!(one.overlap(&PICTURE) > 0.99 * one.width * one.height, "{one:?} leaves the picture");
                assert!(one.overlap(&panels[0]) < 1.0, "{one:?} is under a panel");
                for other in &areas[index + 1..] {
                    assert!(one.overlap(other) < 1.0, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn labels_keep_out_of_the_line_of_a_kill_and_of_the_players_view() {
        let tags = tags(&[(600.0, 500.0)]);
        let line = |to: (f32, f32)| Obstacles { lines: vec![[(600.0, 500.0), to]], ..obstacles(&[]) };
        for to in [(600.0, 900.0), (600.0, 100.0), (1_000.0, 500.0)] {
            let place = Planner::new(30).step(&tags, &line(to))[0].unwrap();
            let along = ((to.0 - 600.0) * place.offset.0 + (to.1 - 500.0) * place.offset.1) / 400.0;
            assert!(along < 40.0, "{to:?}: {place:?}");
        }
        let mut down = tags;
        down[0].as_mut().unwrap().yaw = -90.0;
        let place = Planner::new(30).step(&down, &obstacles(&[]))[0].unwrap();
        assert!(place.offset.1 < 0.0, "he looks down: {place:?}");
    }

    #[test]
    fn labels_in_a_crowd_cover_no_marker_and_some_lie_far_from_theirs() {
        // In a row, and one before them and one behind them.
        let row = [0.0, 60.0, 120.0, 180.0, 240.0].map(|right| (right, 0.0));
        let places = [row[0], row[1], row[2], row[3], row[4], (120.0, -62.0), (120.0, 62.0)];
        let tags = tags(&places.map(|(right, down)| (600.0 + right, 500.0 + down)));
        let places = Planner::new(30).step(&tags, &obstacles(&[]));
        let areas = areas(&places, &tags);
        assert_eq!(areas.len(), 7);
        for (area, other) in areas.iter().flat_map(|area| tags.iter().flatten().map(move |tag| (area, marker(tag)))) {
            assert!(area.overlap(&other) <= 0.0, "{area:?} {other:?}");
        }
        for (area, (place, tag)) in areas.iter().zip(places.iter().flatten().zip(tags.iter().flatten())) {
            assert_eq!(place.is_far, area.distance(tag.at.0, tag.at.1) > tag.off + 1.0, "{place:?}");
        }
        assert!(places.iter().flatten().any(|place| place.is_far));
    }

    #[test]
    fn labels_leave_the_followed_players_marker_free() {
        for (right, down) in [(0.0, 0.0), (8.0, 0.0), (-20.0, 12.0), (0.0, 45.0), (70.0, -5.0)] {
            let tags = tags(&[(500.0 + right, 500.0 + down), (900.0, 500.0), (500.0, 500.0)]);
            let places = Planner::new(30).step(&tags, &obstacles(&[]));
            for area in areas(&places, &tags) {
                assert!(area.overlap(&marker(&tags[2].unwrap())) <= 0.0, "{right} {down}: {area:?}");
            }
        }
    }

    #[test]
    fn label_rests_until_it_is_in_the_way_and_then_fades_in_elsewhere() {
        let apart = tags(&[(300.0, 500.0), (900.0, 500.0), (500.0, 500.0)]);
        let mut planner = Planner::new(30);
        let before = (0..10).map(|_| planner.step(&apart, &obstacles(&[]))).last().unwrap();
        assert!(before.iter().flatten().all(|place| place.opacity == 1.0));
        let close = tags(&[(500.0, 420.0), (900.0, 500.0), (500.0, 500.0)]);
        let after = planner.step(&close, &obstacles(&[]));
        assert_eq!(after[2], before[2], "the followed player's label comes first");
        assert!(after[0].unwrap().opacity < 0.5, "{:?}", after[0]);
        assert_eq!(planner.step(&[None; LABELS], &obstacles(&[])), [None; LABELS]);
    }
}
