//! Where living players stood, on a grid: the derived shape of the map.

use std::collections::HashMap;

/// Edge length of a [`Ground`] cell in map units.
pub const CELL_UNITS: f32 = 8.0;

/// Where living players stood: the derived shape of the map.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// By cell coordinates: x and y divided by [`CELL_UNITS`], rounded down.
    pub cells: HashMap<(i32, i32), Cell>,
}

/// One cell of the ground: one level, or two above each other.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The only level, or the lower one.
    pub low: Level,
    /// The level above it.
    pub high: Option<Level>,
}

/// One level of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// Player-ticks spent on it.
    pub dwell: u32,
    /// Lowest position seen.
    pub z_min: f32,
    /// Highest position seen.
    pub z_max: f32,
}
