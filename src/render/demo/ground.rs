//! Collects where living players stood. Most ticks find a player in the same cell as before, so the map is updated
//! only when somebody changes cells.

use std::collections::hash_map::Entry;

use crate::render::scene::{CELL_UNITS, Cell, Ground, Level};

/// Least distance in map units between the two levels of a cell: a player is 72 high, and stairs rise in steps of 18.
const LEVEL_GAP: f32 = 120.0;

/// Builds a [`Ground`].
#[derive(Default)]
pub(super) struct Gatherer {
    ground: Ground,
    standing: Vec<Standing>,
}

struct Standing {
    who: i32,
    at: (i32, i32),
    level: Level,
}

impl Gatherer {
    /// Records that a living player stood here for some ticks.
    pub fn stand(&mut self, who: i32, [x, y, z]: [f32; 3], ticks: u32) {
        let at = ((x / CELL_UNITS).floor() as i32, (y / CELL_UNITS).floor() as i32);
        let here = Level { dwell: ticks, z_min: z, z_max: z };
        match self.standing.iter_mut().find(|standing| standing.who == who) {
            Some(standing) if standing.at == at && near(&standing.level, &here) => merge(&mut standing.level, here),
            Some(standing) => {
                let left = std::mem::replace(standing, Standing { who, at, level: here });
                keep(&mut self.ground, &left);
            }
            None => self.standing.push(Standing { who, at, level: here }),
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
    match ground.cells.entry(left.at) {
        Entry::Occupied(mut cell) => add(cell.get_mut(), left.level),
        Entry::Vacant(cell) => {
            cell.insert(Cell { low: left.level, high: None });
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
