//! The file that keeps a map's ground from one demo to the next.
//!
//! Magic and version, then a gzip stream of cells in ascending order, little-endian: x and y (i16), number of levels
//! (u8), and for each level its dwell (u32) and its lowest and highest position in whole units (i16).

use std::collections::HashMap;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::demo::GROUND_CELLS;
use super::scene::{Cell, Ground, Level};

/// Begins every file.
const MAGIC: &[u8; 4] = b"DKGR";
/// Version of the format. Files of another version are not read: the ground grows again.
const VERSION: u8 = 1;
/// Bytes of a cell without its levels.
const CELL_BYTES: usize = 5;
/// Bytes of a level.
const LEVEL_BYTES: usize = 8;
/// Maximum size of a file's uncompressed cells.
const MAX_BYTES: usize = GROUND_CELLS * (CELL_BYTES + 2 * LEVEL_BYTES);

impl Ground {
    /// Writes it. The same ground always results in the same bytes.
    pub fn write_to(&self, mut file: impl Write) -> io::Result<()> {
        let mut cells: Vec<_> = self.cells.iter().filter_map(|(at, cell)| Some((place(*at)?, *cell))).collect();
        cells.sort_unstable_by_key(|(at, _)| *at);
        cells.truncate(GROUND_CELLS);
        let mut bytes = Vec::with_capacity(cells.len() * (CELL_BYTES + LEVEL_BYTES));
        for ((x, y), cell) in cells {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
            bytes.push(1 + u8::from(cell.high.is_some()));
            for level in [Some(cell.low), cell.high].into_iter().flatten() {
                bytes.extend(level.dwell.to_le_bytes());
                bytes.extend((level.z_min.floor() as i16).to_le_bytes());
                bytes.extend((level.z_max.ceil() as i16).to_le_bytes());
            }
        }
        file.write_all(MAGIC)?;
        file.write_all(&[VERSION])?;
        let mut packed = GzEncoder::new(file, Compression::default());
        packed.write_all(&bytes)?;
        packed.finish()?.flush()
    }

    /// Reads it. Any bytes that [`Self::write_to`] does not write, and more than [`GROUND_CELLS`] cells, are an error.
    pub fn read_from(mut file: impl Read) -> io::Result<Self> {
        let mut head = [0; MAGIC.len() + 1];
        file.read_exact(&mut head)?;
        match head.split_last() {
            Some((&VERSION, magic)) if magic == MAGIC => {}
            Some((_, magic)) if magic == MAGIC => return Err(fault("another version")),
            _ => return Err(fault("not a ground file")),
        }
        let mut bytes = Vec::new();
        // One byte more than allowed; the checksum is only verified at the end.
        GzDecoder::new(file).take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_BYTES {
            return Err(fault("too many cells"));
        }
        let mut rest = bytes.as_slice();
        let mut cells = HashMap::new();
        let mut last = None;
        while !rest.is_empty() {
            let at = (i16::from_le_bytes(take(&mut rest)?), i16::from_le_bytes(take(&mut rest)?));
            let [levels] = take(&mut rest)?;
            let low = level(&mut rest)?;
            let high = if levels == 2 { Some(level(&mut rest)?) } else { None };
            let apart = high.is_none_or(|high| high.z_min > low.z_max);
            if !(1..=2).contains(&levels) || !apart || last.is_some_and(|last| last >= at) {
                return Err(fault("impossible cells"));
            }
            if cells.len() == GROUND_CELLS {
                return Err(fault("too many cells"));
            }
            cells.insert((at.0.into(), at.1.into()), Cell { low, high });
            last = Some(at);
        }
        Ok(Self { cells })
    }
}

/// A cell's coordinates; `None` outside any map.
fn place((x, y): (i32, i32)) -> Option<(i16, i16)> {
    Some((x.try_into().ok()?, y.try_into().ok()?))
}

fn level(rest: &mut &[u8]) -> io::Result<Level> {
    let dwell = u32::from_le_bytes(take(rest)?);
    let [z_min, z_max] = [i16::from_le_bytes(take(rest)?), i16::from_le_bytes(take(rest)?)];
    if z_min > z_max {
        return Err(fault("impossible levels"));
    }
    Ok(Level { dwell, z_min: z_min.into(), z_max: z_max.into() })
}

fn take<const N: usize>(rest: &mut &[u8]) -> io::Result<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
    *rest = after;
    Ok(*bytes)
}

fn fault(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(cells: i32) -> Ground {
        let level = |z: f32| Level { dwell: 7, z_min: z, z_max: z + 18.0 };
        let cell = |n: i32| Cell { low: level(n as f32), high: (n % 3 == 0).then(|| level(n as f32 + 300.0)) };
        Ground { cells: (0..cells).map(|n| ((n % 100 - 50, n / 100 - 2_048), cell(n % 100))).collect() }
    }

    fn bytes(ground: &Ground) -> Vec<u8> {
        let mut bytes = Vec::new();
        ground.write_to(&mut bytes).unwrap();
        bytes
    }

    /// A file with this version and these uncompressed cells.
    fn file(version: u8, cells: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new([MAGIC.as_slice(), &[version]].concat(), Compression::fast());
        packed.write_all(cells).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for cells in [0, 1, 5_000] {
            let written = ground(cells);
            let read = Ground::read_from(bytes(&written).as_slice()).unwrap();
            assert_eq!(read.cells.len(), cells as usize);
            for (at, cell) in &written.cells {
                assert_eq!(format!("{:?}", read.cells[at]), format!("{cell:?}"), "{at:?}");
            }
            assert_eq!(bytes(&read), bytes(&written));
        }
    }

    #[test]
    fn positions_are_rounded_outward_and_cells_outside_any_map_left_out() {
        let low = Level { dwell: 1, z_min: -0.5, z_max: f32::INFINITY };
        let cell = Cell { low, high: None };
        let ground = Ground { cells: [((0, 0), cell), ((i32::MAX, 0), cell)].into() };
        let read = Ground::read_from(bytes(&ground).as_slice()).unwrap();
        assert_eq!(read.cells.len(), 1);
        assert_eq!((read.cells[&(0, 0)].low.z_min, read.cells[&(0, 0)].low.z_max), (-1.0, f32::from(i16::MAX)));
    }

    #[test]
    fn damaged_and_foreign_files_are_errors() {
        let good = bytes(&ground(2_000));
        for length in (0..good.len()).step_by(97).chain([good.len() - 1]) {
            assert!(Ground::read_from(&good[..length]).is_err(), "cut at {length}");
        }
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x10;
            // Some bytes of the gzip header mean nothing here; otherwise the checksum tells.
            if let Ok(read) = Ground::read_from(damaged.as_slice()) {
                assert_eq!(bytes(&read), good, "at {at}");
            }
        }
        let cell = |x: i16, levels: u8| [&x.to_le_bytes(), &[0, 0, levels, 1, 0, 0, 0, 0, 0, 9, 0][..]].concat();
        let two = |low: u8, high: u8| [cell(0, 2), vec![1, 0, 0, 0, low, 0, high, 0]].concat();
        for (what, file, is_good) in [
            ("one cell", file(VERSION, &cell(0, 1)), true),
            ("two levels", file(VERSION, &two(200, 210)), true),
            ("another version", file(VERSION + 1, &cell(0, 1)), false),
            ("half a cell", file(VERSION, &cell(0, 1)[..7]), false),
            ("no level", file(VERSION, &cell(0, 0)), false),
            ("three levels", file(VERSION, &[cell(0, 3), vec![0; 16]].concat()), false),
            ("levels that touch", file(VERSION, &two(9, 20)), false),
            ("upside down", file(VERSION, &two(220, 210)), false),
            ("the same cell twice", file(VERSION, &[cell(4, 1), cell(4, 1)].concat()), false),
            ("out of order", file(VERSION, &[cell(4, 1), cell(3, 1)].concat()), false),
            ("too large", file(VERSION, &vec![0; MAX_BYTES + 1]), false),
        ] {
            assert_eq!(Ground::read_from(file.as_slice()).is_ok(), is_good, "{what}");
        }
    }

    #[test]
    fn a_file_of_too_many_cells_is_an_error() {
        let cell = |n: u32| {
            let (x, y) = ((n / 1_000) as i16, (n % 1_000) as i16);
            [&x.to_le_bytes()[..], &y.to_le_bytes(), &[1, 1, 0, 0, 0, 0, 0, 0, 0]].concat()
        };
        let cells = |count: usize| file(VERSION, &(0..count as u32).flat_map(cell).collect::<Vec<_>>());
        assert!(Ground::read_from(cells(GROUND_CELLS).as_slice()).is_ok());
        let error = Ground::read_from(cells(GROUND_CELLS + 1).as_slice()).unwrap_err();
        assert_eq!(error.to_string(), "too many cells");
    }
}
