//! Dirty regions of a picture as sets of square tiles.

/// Edge length of a tile in pixels: that of the encoder's macroblocks.
pub const TILE: usize = 16;

/// A rectangle in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelRect {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// A set of tiles of one picture.
#[derive(Clone, Debug)]
pub struct TileSet {
    width: usize,
    height: usize,
    columns: usize,
    marked: Vec<bool>,
}

impl TileSet {
    /// An empty set for a picture of this size.
    pub fn new(width: usize, height: usize) -> Self {
        let columns = width.div_ceil(TILE);
        Self { width, height, columns, marked: vec![false; columns * height.div_ceil(TILE)] }
    }

    /// Adds all tiles.
    pub fn fill(&mut self) {
        self.marked.fill(true);
    }

    /// Removes all tiles.
    pub fn clear(&mut self) {
        self.marked.fill(false);
    }

    /// Adds all tiles of another set of the same picture.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.marked.iter_mut().zip(&other.marked) {
            *mine |= *theirs;
        }
    }

    /// The tiles that another set of the same picture has, too, and those that it has not.
    pub fn split(&self, other: &Self) -> (Self, Self) {
        let (mut common, mut rest) = (self.clone(), self.clone());
        for ((common, rest), other) in common.marked.iter_mut().zip(&mut rest.marked).zip(&other.marked) {
            *common &= *other;
            *rest &= !*other;
        }
        (common, rest)
    }

    /// Leaves only tiles that are found: `find` gets one run after the other, and marks tiles of it.
    pub fn narrow(&mut self, mut find: impl FnMut(PixelRect, &mut [bool])) {
        let runs: Vec<_> = self.runs().collect();
        for run in runs {
            let first = run.y / TILE * self.columns + run.x / TILE;
            let tiles = &mut self.marked[first..first + run.width.div_ceil(TILE)];
            tiles.fill(false);
            find(run, tiles);
        }
    }

    /// Adds the tiles touched by a box from (left, top) to (right, bottom), with a margin of one pixel for
    /// antialiasing. Ignores what is outside the picture.
    pub fn touch(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        let inside = right >= 0.0 && bottom >= 0.0 && left <= self.width as f32 && top <= self.height as f32;
        if !inside {
            return;
        }
        // Negative numbers become 0 in the cast.
        let tile = |at: f32, size: usize| (at as usize).min(size - 1) / TILE;
        let (first, last) = (tile(left - 1.0, self.width), tile(right + 2.0, self.width));
        for row in tile(top - 1.0, self.height)..=tile(bottom + 2.0, self.height) {
            self.marked[row * self.columns + first..=row * self.columns + last].fill(true);
        }
    }

    /// The tiles as rectangles inside the picture; neighbors in a row are merged.
    pub fn runs(&self) -> impl Iterator<Item = PixelRect> {
        let rows = self.marked.chunks(self.columns).enumerate();
        rows.flat_map(move |(row, marked)| {
            let mut column = 0;
            std::iter::from_fn(move || {
                let start = column + marked[column..].iter().position(|marked| *marked)?;
                let length = marked[start..].iter().take_while(|marked| **marked).count();
                column = start + length;
                let (x, y) = (start * TILE, row * TILE);
                let width = (column * TILE).min(self.width) - x;
                Some(PixelRect { x, y, width, height: TILE.min(self.height - y) })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: usize, y: usize, width: usize, height: usize) -> PixelRect {
        PixelRect { x, y, width, height }
    }

    #[test]
    fn runs_merge_neighbors_and_end_at_the_edge_of_the_picture() {
        let mut tiles = TileSet::new(100, 70);
        assert_eq!(tiles.runs().count(), 0);
        tiles.touch(40.0, 10.0, 99.0, 20.0);
        tiles.touch(5.0, 66.0, 6.0, 69.0);
        assert_eq!(tiles.runs().collect::<Vec<_>>(), [rect(32, 0, 68, 16), rect(32, 16, 68, 16), rect(0, 64, 16, 6)]);
        tiles.fill();
        let rows = [(0, 16), (16, 16), (32, 16), (48, 16), (64, 6)];
        assert_eq!(tiles.runs().collect::<Vec<_>>(), rows.map(|(y, height)| rect(0, y, 100, height)));
    }

    #[test]
    fn a_set_is_split_by_another() {
        let (mut tiles, mut other) = (TileSet::new(100, 70), TileSet::new(100, 70));
        tiles.touch(1.0, 1.0, 60.0, 2.0);
        other.touch(40.0, 1.0, 99.0, 2.0);
        let (common, rest) = tiles.split(&other);
        assert_eq!(common.runs().collect::<Vec<_>>(), [rect(32, 0, 32, 16)]);
        assert_eq!(rest.runs().collect::<Vec<_>>(), [rect(0, 0, 32, 16)]);
    }

    #[test]
    fn only_tiles_that_are_found_stay() {
        let mut tiles = TileSet::new(100, 70);
        tiles.touch(40.0, 1.0, 99.0, 2.0);
        tiles.touch(1.0, 68.0, 99.0, 69.0);
        tiles.narrow(|run, found| {
            assert_eq!(found.len(), run.width.div_ceil(TILE));
            found[if run.y == 0 { 1 } else { 6 }] = true;
        });
        assert_eq!(tiles.runs().collect::<Vec<_>>(), [rect(48, 0, 16, 16), rect(96, 64, 4, 6)]);
    }

    #[test]
    fn boxes_outside_the_picture_touch_nothing() {
        let mut tiles = TileSet::new(100, 70);
        for (left, top, right, bottom) in
            [(-9.0, 0.0, -1.0, 9.0), (0.0, -9.0, 9.0, -1.0), (101.0, 0.0, 120.0, 9.0), (0.0, 71.0, 9.0, 99.0)]
        {
            tiles.touch(left, top, right, bottom);
            assert_eq!(tiles.runs().count(), 0, "{left} {top} {right} {bottom}");
        }
        tiles.touch(f32::NAN, 0.0, 9.0, 9.0);
        assert_eq!(tiles.runs().count(), 0);
        tiles.touch(-1e9, -1e9, 1e9, 1e9);
        assert_eq!(tiles.runs().map(|run| run.width * run.height).sum::<usize>(), 7_000);
    }
}
