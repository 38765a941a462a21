//! Collects where living players walked. Positions are sampled some times a second; between two of them a player
//! walked in a straight line. Whoever never walks, such as a coach, leaves no ground.

use std::collections::hash_map::Entry;

use crate::render::scene::{CELL_UNITS, Cell, Ground, Level};

/// Maximum number of cells. The largest maps have some 200,000 that can be walked on.
pub const GROUND_CELLS: usize = 500_000;
/// Least distance in map units between the two levels of a cell: a player is 72 high, and stairs rise in steps of 18.
const LEVEL_GAP: f32 = 120.0;
/// Minimum distance in map units between two samples that counts as a respawn or a teleport: nobody walks or falls so far.
const LEAP_UNITS: f32 = 160.0;

/// Builds a [`Ground`].
#[derive(Default)]
pub(super) struct Gatherer {
    ground: Ground,
    standing: Vec<Standing>,
}

/// A player's stay in a cell. Most samples find a player in the same cell as before, so the map is updated only when
/// somebody changes cells.
struct Standing {
    who: i32,
    place: [f32; 3],
    at: (i32, i32),
    level: Level,
    walked: bool,
}

impl Standing {
    fn new(who: i32, place: [f32; 3], ticks: u32, walked: bool) -> Self {
        let [x, y, z] = place;
        let at = ((x / CELL_UNITS).floor() as i32, (y / CELL_UNITS).floor() as i32);
        Self { who, place, at, level: Level { dwell: ticks, z_min: z, z_max: z }, walked }
    }
}

impl Gatherer {
    /// Records that a living player stood here for some ticks.
    pub fn stand(&mut self, who: i32, place: [f32; 3], ticks: u32) {
        let Some(known) = self.standing.iter_mut().find(|standing| standing.who == who) else {
            self.standing.push(Standing::new(who, place, ticks, false));
            return;
        };
        let from = known.place;
        let way = from.iter().zip(place).map(|(from, to)| (to - from).powi(2)).sum::<f32>().sqrt();
        if way > LEAP_UNITS || !way.is_finite() {
            let left = std::mem::replace(known, Standing::new(who, place, ticks, false));
            keep(&mut self.ground, &left);
            return;
        }
        let steps = ((way / CELL_UNITS).ceil() as u32).max(1);
        for step in 1..=steps {
            let part = step as f32 / steps as f32;
            let place = [0, 1, 2].map(|axis| from[axis] + (place[axis] - from[axis]) * part);
            let here = Standing::new(who, place, (ticks / steps).max(1), true);
            if here.at == known.at && near(&known.level, &here.level) {
                known.place = place;
                merge(&mut known.level, here.level);
            } else {
                known.walked = true;
                keep(&mut self.ground, &std::mem::replace(known, here));
            }
        }
    }

    /// Returns the ground.
    pub fn finish(mut self) -> Ground {
        for standing in &self.standing {
            keep(&mut self.ground, standing);
        }
        self.ground
    }
}

fn keep(ground: &mut Ground, left: &Standing) {
    if left.walked {
        put(ground, left.at, left.level);
    }
}

fn put(ground: &mut Ground, at: (i32, i32), level: Level) {
    let full = ground.cells.len() >= GROUND_CELLS;
    match ground.cells.entry(at) {
        Entry::Occupied(mut cell) => add(cell.get_mut(), level),
        Entry::Vacant(cell) if !full => {
            cell.insert(Cell { low: level, high: None });
        }
        Entry::Vacant(_) => {}
    }
}

impl Ground {
    /// Adds the ground of another demo of the same map, as far as there is room.
    pub fn add(&mut self, other: &Self) {
        // In order, so that the result is the same each time.
        let mut cells: Vec<_> = other.cells.iter().collect();
        cells.sort_unstable_by_key(|(at, _)| **at);
        for (at, cell) in cells {
            [Some(cell.low), cell.high].into_iter().flatten().for_each(|level| put(self, *at, level));
        }
    }
}

/// Adds a stay to the level it belongs to. A third level is merged into the nearer one.
fn add(cell: &mut Cell, stay: Level) {
    match &mut cell.high {
        None if near(&cell.low, &stay) => merge(&mut cell.low, stay),
        None if stay.z_min > cell.low.z_max => cell.high = Some(stay),
        None => *cell = Cell { low: stay, high: Some(cell.low) },
        Some(high) if gap(high, &stay) < gap(&cell.low, &stay) => merge(high, stay),
        Some(_) => merge(&mut cell.low, stay),
    }
}

fn near(one: &Level, other: &Level) -> bool {
    gap(one, other) < LEVEL_GAP
}

/// Height between two levels; 0 if they overlap.
fn gap(one: &Level, other: &Level) -> f32 {
    (one.z_min - other.z_max).max(other.z_min - one.z_max).max(0.0)
}

fn merge(level: &mut Level, other: Level) {
    level.dwell = level.dwell.saturating_add(other.dwell);
    level.z_min = level.z_min.min(other.z_min);
    level.z_max = level.z_max.max(other.z_max);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks along a line, sampled every so many units.
    fn walk(gatherer: &mut Gatherer, who: i32, from: [f32; 3], to: [f32; 3], stride: f32) {
        let way = (to[0] - from[0]).hypot(to[1] - from[1]);
        for step in 0..=(way / stride) as i32 {
            let part = step as f32 * stride / way;
            gatherer.stand(who, [0, 1, 2].map(|axis| from[axis] + (to[axis] - from[axis]) * part), 8);
        }
    }

    #[test]
    fn a_bridge_over_a_tunnel_is_two_levels_and_stairs_are_one() {
        for stride in [4.0, 31.0, 60.0] {
            let mut gatherer = Gatherer::default();
            walk(&mut gatherer, 1, [4.0, -400.0, 0.0], [4.0, 404.0, 0.0], stride);
            walk(&mut gatherer, 2, [-400.0, 4.0, 200.0], [404.0, 4.0, 200.0], stride);
            // Stairs that rise under the bridge's east end, by less than a level.
            walk(&mut gatherer, 3, [204.0, -200.0, 80.0], [204.0, 204.0, 200.0], stride);
            let ground = gatherer.finish();
            let crossing = ground.cells[&(0, 0)];
            assert_eq!((crossing.low.z_max, crossing.high.unwrap().z_min), (0.0, 200.0), "{stride}");
            assert!(ground.cells[&(25, 0)].high.is_none(), "{stride}");
            assert_eq!(ground.cells.values().filter(|cell| cell.high.is_some()).count(), 1, "{stride}");
            // No holes, however rarely a position is seen.
            assert!((-40..40).all(|y| ground.cells.contains_key(&(0, y))), "{stride}");
        }
    }

    #[test]
    fn nobody_walks_between_two_lives_and_whoever_only_stands_leaves_no_ground() {
        let mut gatherer = Gatherer::default();
        (0..100).for_each(|_| gatherer.stand(9, [5_000.0, 5_000.0, 0.0], 8));
        walk(&mut gatherer, 1, [0.0; 3], [80.0, 0.0, 0.0], 20.0);
        walk(&mut gatherer, 1, [1_000.0, 0.0, 0.0], [1_080.0, 0.0, 0.0], 20.0);
        let mut columns: Vec<_> = gatherer.finish().cells.into_keys().map(|(x, _)| x).collect();
        columns.sort_unstable();
        assert_eq!(columns, (0..=10).chain(125..=135).collect::<Vec<_>>());
    }

    #[test]
    fn grounds_of_two_demos_add_up() {
        let ground = |x: i32, z: f32, dwell: u32| {
            let low = Level { dwell, z_min: z, z_max: z + 10.0 };
            Ground { cells: [((x, 0), Cell { low, high: None })].into() }
        };
        let mut sum = ground(0, 0.0, u32::MAX - 5);
        for other in [ground(0, 5.0, 10), ground(0, 300.0, 7), ground(3, 0.0, 1)] {
            sum.add(&other);
        }
        let cell = sum.cells[&(0, 0)];
        assert_eq!((cell.low.dwell, cell.low.z_max, cell.high.unwrap().dwell), (u32::MAX, 15.0, 7));
        assert_eq!(sum.cells[&(3, 0)].low.dwell, 1);
    }

    #[test]
    fn ground_has_a_limit() {
        let cell = Cell { low: Level { dwell: 1, z_min: 0.0, z_max: 0.0 }, high: None };
        let row = |y: i32| Ground { cells: (0..300_000).map(|x| ((x, y), cell)).collect() };
        let mut sum = row(0);
        sum.add(&row(1));
        sum.add(&row(0));
        assert_eq!(sum.cells.len(), GROUND_CELLS);
        assert_eq!(sum.cells[&(0, 0)].low.dwell, 2);
    }
}
