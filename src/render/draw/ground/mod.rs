//! The map as a place, derived from where players stood: its floors, how they look, and what blocks sight.
//! [`Terrain`] is the shape; [`Layer`] is a part of it drawn at one zoom level, ready to be copied to the picture.

mod field;
mod floors;
mod layer;
mod relief;
mod shade;
mod shape;

pub use layer::{Layer, Region};
pub use relief::Relief;

use floors::Overlap;

use crate::render::scene::{CELL_UNITS, Ground};

/// Maximum number of cells per axis: a map is at most 32,768 units wide, so this always suffices.
const CELLS: i32 = 4_096;
/// Map units around a place with two levels within which players count as above or below each other.
const OVERLAP_REACH: f32 = 96.0;

/// The shape of a map: one floor, or two above each other.
pub struct Terrain {
    /// From the lowest; empty if nobody stood anywhere.
    pub floors: Vec<Relief>,
    /// Where two floors lie above each other.
    overlap: Option<Overlap>,
}

impl Terrain {
    /// Derives the shape from where players stood.
    pub fn of(ground: &Ground) -> Self {
        let Some(grid) = Grid::of(ground) else { return Self { floors: Vec::new(), overlap: None } };
        let overlap = Overlap::of(ground, grid);
        let floors = match &overlap {
            None => vec![Relief::of(ground, grid, |_| true)],
            Some(overlap) => {
                let (low, high) = (|z: f32| z < overlap.split, |z: f32| z >= overlap.split);
                vec![Relief::of(ground, grid, low), Relief::of(ground, grid, high)]
            }
        };
        Self { floors, overlap }
    }

    /// The floor at a height: index into [`Self::floors`].
    pub fn floor_at(&self, z: f32) -> usize {
        usize::from(self.overlap.as_ref().is_some_and(|overlap| z >= overlap.split))
    }

    /// The height between the floors, if there are two.
    pub fn split(&self) -> Option<f32> {
        self.overlap.as_ref().map(|overlap| overlap.split)
    }

    /// Whether floors lie above each other at or near a position.
    pub fn is_stacked(&self, x: f32, y: f32) -> bool {
        self.overlap.as_ref().is_some_and(|overlap| overlap.distance(x, y) < OVERLAP_REACH)
    }

    /// The map's extent in map units: left, bottom, right, top. `None` if nobody stood anywhere.
    pub fn bounds(&self) -> Option<[f32; 4]> {
        let each = self.floors.iter().filter_map(|floor| floor.bounds);
        each.reduce(|one, other| {
            [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
        })
    }
}

/// The cells of a map as a rectangle.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// The cell at the origin.
    left: i32,
    bottom: i32,
    width: usize,
    height: usize,
}

impl Grid {
    /// Empty cells around the map: room for walls.
    const PAD: i32 = 24;

    fn of(ground: &Ground) -> Option<Self> {
        let cells = || ground.cells.keys().filter(|at| in_reach(at));
        let (left, right) = (cells().map(|at| at.0).min()?, cells().map(|at| at.0).max()?);
        let (bottom, top) = (cells().map(|at| at.1).min()?, cells().map(|at| at.1).max()?);
        Some(Self {
            left: left - Self::PAD,
            bottom: bottom - Self::PAD,
            width: (right - left + 1 + 2 * Self::PAD) as usize,
            height: (top - bottom + 1 + 2 * Self::PAD) as usize,
        })
    }

    /// The index of a cell; `None` outside.
    fn index(&self, (x, y): (i32, i32)) -> Option<usize> {
        let (column, row) = (usize::try_from(x - self.left).ok()?, usize::try_from(y - self.bottom).ok()?);
        (column < self.width && row < self.height).then(|| row * self.width + column)
    }

    /// Converts a map position to cells from the center of the first.
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (x / CELL_UNITS - self.left as f32 - 0.5, y / CELL_UNITS - self.bottom as f32 - 0.5)
    }

    /// The map position of the center of a cell.
    fn center(&self, column: usize, row: usize) -> (f32, f32) {
        let at = |cell: usize, first: i32| (cell as f32 + first as f32 + 0.5) * CELL_UNITS;
        (at(column, self.left), at(row, self.bottom))
    }
}

/// Whether a cell can be part of a map.
fn in_reach((x, y): &(i32, i32)) -> bool {
    (-CELLS / 2..CELLS / 2).contains(x) && (-CELLS / 2..CELLS / 2).contains(y)
}
