//! Collects where living players stood. Most ticks find a player in the same cell as before, so the map is updated
//! only when somebody changes cells.

use crate::render::scene::{CELL_UNITS, Cell, Ground};

/// Builds a [`Ground`].
#[derive(Default)]
pub(super) struct Gatherer {
    ground: Ground,
    standing: Vec<Standing>,
}

struct Standing {
    who: i32,
    at: (i32, i32),
    cell: Cell,
}

impl Gatherer {
    /// Records that a living player stood here for some ticks.
    pub fn stand(&mut self, who: i32, [x, y, z]: [f32; 3], ticks: u32) {
        let at = ((x / CELL_UNITS).floor() as i32, (y / CELL_UNITS).floor() as i32);
        let here = Cell { dwell: ticks, z_min: z, z_max: z };
        match self.standing.iter_mut().find(|standing| standing.who == who) {
            Some(standing) if standing.at == at => merge(&mut standing.cell, here),
            Some(standing) => {
                let left = std::mem::replace(standing, Standing { who, at, cell: here });
                keep(&mut self.ground, &left);
            }
            None => self.standing.push(Standing { who, at, cell: here }),
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
    ground.cells.entry(left.at).and_modify(|cell| merge(cell, left.cell)).or_insert(left.cell);
}

fn merge(cell: &mut Cell, other: Cell) {
    cell.dwell = cell.dwell.saturating_add(other.dwell);
    cell.z_min = cell.z_min.min(other.z_min);
    cell.z_max = cell.z_max.max(other.z_max);
}
