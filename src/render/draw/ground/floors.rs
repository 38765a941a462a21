//! Finds out whether a map has two floors above each other, and at which height they part.

use super::field::Field;
use super::{Grid, in_reach};
use crate::render::scene::{CELL_UNITS, Ground};

/// Minimum number of cells with two levels that make a floor: a room of 250 by 250 map units.
const CELLS: usize = 1_000;
/// Minimum share of a map's cells that such a height must part.
const SHARE: f32 = 0.03;

/// Where two floors lie above each other.
pub(super) struct Overlap {
    /// The height between them in map units.
    pub split: f32,
    grid: Grid,
    /// Cells to the nearest place where both floors were walked.
    nearest: Field,
}

impl Overlap {
    /// `None` if the map has one floor. Bridges and boxes do not make a second one.
    pub fn of(ground: &Ground, grid: Grid) -> Option<Self> {
        let gaps: Vec<(f32, f32)> = ground
            .cells
            .values()
            .filter_map(|cell| {
                let high = cell.high?;
                (cell.low.z_max < high.z_min).then_some((cell.low.z_max, high.z_min))
            })
            .collect();
        let (split, count) = deepest(&gaps)?;
        if count < CELLS || (count as f32) < SHARE * ground.cells.len() as f32 {
            return None;
        }
        let mut both = vec![false; grid.width * grid.height];
        for (at, cell) in ground.cells.iter().filter(|(at, _)| in_reach(at)) {
            let parted = cell.high.is_some_and(|high| cell.low.z_max < split && high.z_min >= split);
            if let Some(index) = grid.index(*at).filter(|_| parted) {
                both[index] = true;
            }
        }
        let nearest = Field::distance(grid.width, grid.height, |cell| both[cell]);
        Some(Self { split, grid, nearest })
    }

    /// Map units from a position to the nearest one with two levels.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        let (column, row) = self.grid.place(x, y);
        self.nearest.sample(column, row) * CELL_UNITS
    }
}

/// The height inside most gaps, in the middle of where that number holds; and that number.
fn deepest(gaps: &[(f32, f32)]) -> Option<(f32, usize)> {
    let mut edges: Vec<(f32, i32)> = gaps.iter().flat_map(|(low, high)| [(*low, 1), (*high, -1)]).collect();
    // Gaps that touch do not overlap: ends come first.
    edges.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let (mut open, mut best) = (0, (0.0, 0));
    for pair in edges.windows(2) {
        open += pair[0].1;
        if open > best.1 && pair[1].0 > pair[0].0 {
            best = ((pair[0].0 + pair[1].0) / 2.0, open);
        }
    }
    usize::try_from(best.1).ok().filter(|count| *count > 0).map(|count| (best.0, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_lies_inside_most_gaps() {
        for (gaps, expected) in [
            (&[][..], None),
            (&[(0.0, 200.0)], Some((100.0, 1))),
            (&[(0.0, 200.0), (100.0, 300.0)], Some((150.0, 2))),
            (&[(0.0, 100.0), (100.0, 300.0)], Some((50.0, 1))),
            (&[(0.0, 500.0), (100.0, 300.0), (400.0, 450.0), (120.0, 200.0)], Some((160.0, 3))),
        ] {
            assert_eq!(deepest(gaps), expected, "{gaps:?}");
        }
    }
}
