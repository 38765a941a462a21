//! The outline of a floor: walked cells, grown together, without small holes and islands.

use super::Grid;
use super::field::Field;
use crate::render::scene::CELL_UNITS;

/// Map units by which walked cells are dilated to close the gaps between paths…
const DILATE: f32 = 60.0;
/// … and by which the result is eroded, so that the outline follows the walls.
const ERODE: f32 = 34.0;
/// A hole of fewer cells is floor that nobody walked: 130 by 130 map units.
const HOLE_CELLS: usize = 264;
/// An island of fewer cells is where somebody climbed or flew: 300 by 300 map units.
const ISLAND_CELLS: usize = 1_406;

/// Distance in map units from each cell to the outline, positive inside.
pub(super) fn outline(grid: Grid, walked: &[bool]) -> Field {
    let (width, height) = (grid.width, grid.height);
    let outside = Field::distance(width, height, |cell| walked[cell]);
    let grown = |cell: usize| outside.values[cell] * CELL_UNITS <= DILATE;
    let inner = Field::distance(width, height, |cell| !grown(cell));
    let mut floor: Vec<bool> = inner.values.iter().map(|cells| cells * CELL_UNITS > ERODE).collect();
    flip_small(grid, &mut floor, false, HOLE_CELLS);
    let islands = floor.clone();
    flip_small(grid, &mut floor, true, ISLAND_CELLS);
    if !floor.contains(&true) {
        // A map of which only little was walked.
        floor = islands;
    }
    let (inside, outside) =
        (Field::distance(width, height, |cell| !floor[cell]), Field::distance(width, height, |cell| floor[cell]));
    let mut signed = inside;
    for (value, outside) in signed.values.iter_mut().zip(&outside.values) {
        // Between the centers of neighbors on either side of the outline lies half a cell.
        *value = (*value - outside + if *value > 0.0 { -0.5 } else { 0.5 }) * CELL_UNITS;
    }
    signed.blur(1);
    signed
}

/// Flips connected regions of `kind` that have fewer than `cells` cells.
fn flip_small(grid: Grid, floor: &mut [bool], kind: bool, cells: usize) {
    let mut seen = vec![false; floor.len()];
    let (mut region, mut todo) = (Vec::new(), Vec::new());
    for start in 0..floor.len() {
        if seen[start] || floor[start] != kind {
            continue;
        }
        region.clear();
        todo.push(start);
        seen[start] = true;
        while let Some(at) = todo.pop() {
            region.push(at);
            let (x, y) = (at % grid.width, at / grid.width);
            let neighbors = [
                (x > 0).then(|| at - 1),
                (x + 1 < grid.width).then(|| at + 1),
                (y > 0).then(|| at - grid.width),
                (y + 1 < grid.height).then(|| at + grid.width),
            ];
            for next in neighbors.into_iter().flatten() {
                if !seen[next] && floor[next] == kind {
                    seen[next] = true;
                    todo.push(next);
                }
            }
        }
        if region.len() < cells {
            region.iter().for_each(|at| floor[*at] = !kind);
        }
    }
}
