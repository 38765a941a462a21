//! The look of the ground: a color for each point of a floor.

use super::relief::Relief;

type Rgb = [f32; 3];

/// Ground that nobody walked.
pub(super) const ROCK: Rgb = [12.0, 16.0, 23.0];
/// The top of walls.
const WALL: Rgb = [44.0, 50.0, 60.0];
/// Lines where the light catches an edge.
const RIM: Rgb = [214.0, 218.0, 222.0];
/// The floor: low and cool, middle, high and warm.
const FLOOR: [Rgb; 3] = [[58.0, 66.0, 78.0], [92.0, 92.0, 90.0], [134.0, 122.0, 104.0]];
/// Thickness of walls in map units.
const WALL_UNITS: f32 = 60.0;
/// Map units from the floor beyond which the rock is in one color.
const FAR: f32 = 420.0;
/// Edge length of a paving slab in map units.
const SLAB: f32 = 128.0;
/// Opacity of the floor that the followed player is not on.
const OTHER_FLOOR: f32 = 0.30;

/// A point to shade.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    /// Map position.
    pub at: (f32, f32),
    /// The same in whole pixels of the layer's zoom level, for patterns as wide as a line.
    pub pixel: (i32, i32),
    /// Pixels per map unit.
    pub scale: f32,
}

/// The color of a point of a map with one floor.
pub(super) fn single(relief: &Relief, spot: Spot) -> Rgb {
    let (column, row) = relief.cell(spot.at.0, spot.at.1);
    let depth = relief.depth_at(column, row);
    if depth < -FAR {
        return ROCK;
    }
    let grain = grain(spot);
    let mut color = walls(depth, grain);
    let cover = coverage(depth, spot.scale);
    if cover > 0.0 {
        blend(&mut color, floor(relief, (column, row), depth, spot, grain), cover);
    }
    if depth.abs() < 9.0 {
        let lit = relief.facing.sample(column, row);
        blend(&mut color, RIM, (0.50 - 0.32 * lit) * soft(depth, 4.2, spot.scale));
    }
    blend(&mut color, RIM, 0.16 * soft(depth + WALL_UNITS - 1.0, 2.4, spot.scale));
    color
}

/// The color of a point of a map with two floors: `shown` in front, `other` faint and hatched behind it.
pub(super) fn double(shown: &Relief, other: &Relief, spot: Spot) -> Rgb {
    let grain = grain(spot);
    let mut color = ROCK.map(|channel| channel * (1.0 + 0.03 * grain));
    let (column, row) = other.cell(spot.at.0, spot.at.1);
    let behind = other.depth_at(column, row);
    let cover = coverage(behind, spot.scale);
    if cover > 0.0 {
        blend(&mut color, floor(other, (column, row), behind, spot, grain), cover * OTHER_FLOOR);
    }
    let (x, y) = spot.pixel;
    if (x + y).rem_euclid(14) < 5 {
        color = color.map(|channel| channel * 0.62);
    }
    if (x - y).rem_euclid(15) < 8 {
        blend(&mut color, [143.0, 162.0, 184.0], 0.55 * line(behind, 0.9 / spot.scale, spot.scale));
    }
    let depth = shown.depth_at(column, row);
    // A dark seam lifts the floor off what lies behind it.
    color = color.map(|channel| channel * (1.0 - 0.6 * ((depth * spot.scale + 22.0) / 8.0).clamp(0.0, 1.0)));
    let cover = coverage(depth, spot.scale);
    if cover > 0.0 {
        blend(&mut color, floor(shown, (column, row), depth, spot, grain), cover);
    }
    blend(&mut color, [214.0, 226.0, 238.0], 0.75 * line(depth, 1.2 / spot.scale, spot.scale));
    color
}

/// Rock, with walls around the floor and their shadow.
fn walls(depth: f32, grain: f32) -> Rgb {
    let outside = -depth;
    // It fades out where rock is drawn in one color.
    let grain = grain * ((FAR - outside) / 100.0).clamp(0.0, 1.0);
    let mut color = ROCK.map(|channel| channel * (1.0 + 0.03 * grain));
    let wall = ((WALL_UNITS - outside) / 5.0).clamp(0.0, 1.0);
    if wall > 0.0 {
        blend(&mut color, WALL, wall * 0.92);
    }
    if outside > WALL_UNITS - 2.0 {
        let dark = 1.0 - 0.62 * (-(outside - WALL_UNITS).max(0.0) / 70.0).exp();
        color = color.map(|channel| channel * dark);
    }
    color
}

/// The floor itself: height, slopes, paving, and shadows.
fn floor(relief: &Relief, cell: (f32, f32), depth: f32, spot: Spot, grain: f32) -> Rgb {
    let height = relief.height.sample(cell.0, cell.1);
    let [low, middle, high] = FLOOR;
    let (from, to, part) = if height < 0.5 { (low, middle, height * 2.0) } else { (middle, high, height * 2.0 - 1.0) };
    let mut light = 1.0 + relief.slope.sample(cell.0, cell.1) + 0.035 * grain + paving(spot);
    light *= 1.0 - 0.5 * relief.shadow.sample(cell.0, cell.1);
    light *= 1.0 - 0.34 * (-depth.max(0.0) / 30.0).exp();
    std::array::from_fn(|channel| (from[channel] + (to[channel] - from[channel]) * part) * light)
}

/// Faint slabs in staggered rows, aligned to the map.
fn paving(spot: Spot) -> f32 {
    let (x, y) = spot.at;
    let row = (y / SLAB).floor();
    let shifted = x + row.rem_euclid(2.0) * SLAB / 2.0;
    let column = (shifted / SLAB).floor();
    let shade = (hash(column as i32, row as i32) - 0.5) * 0.085;
    let from_joint = |along: f32| (along.rem_euclid(SLAB) - SLAB / 2.0).abs();
    let joint = from_joint(shifted).max(from_joint(y)) > SLAB / 2.0 - 1.6;
    if joint { shade - 0.11 } else { shade }
}

/// How much of a pixel lies inside an outline.
fn coverage(depth: f32, scale: f32) -> f32 {
    (depth * scale + 0.5).clamp(0.0, 1.0)
}

/// A line of this half width in map units along a distance of 0, antialiased, at least a pixel wide.
fn line(distance: f32, half: f32, scale: f32) -> f32 {
    ((half - distance.abs()) * scale + 0.7).clamp(0.0, 1.0)
}

/// The same, but soft: it fades from the middle to its edges.
fn soft(distance: f32, half: f32, scale: f32) -> f32 {
    (1.0 - distance.abs() / half.max(1.5 / scale)).max(0.0)
}

fn blend(color: &mut Rgb, over: Rgb, opacity: f32) {
    for (channel, over) in color.iter_mut().zip(over) {
        *channel += (over - *channel) * opacity;
    }
}

/// Noise in patches some 16 pixels wide, around 0 and mostly within 1. Finer grain would not survive the encoder, and
/// would cost it bits.
fn grain(spot: Spot) -> f32 {
    const PATCH: i32 = 16;
    let (x, y) = spot.pixel;
    let (left, top) = (x.div_euclid(PATCH), y.div_euclid(PATCH));
    let (right, down) = (x.rem_euclid(PATCH) as f32 / PATCH as f32, y.rem_euclid(PATCH) as f32 / PATCH as f32);
    let across = |row: i32| hash(left, row) * (1.0 - right) + hash(left + 1, row) * right;
    (across(top) * (1.0 - down) + across(top + 1) * down) * 3.0 - 1.5
}

/// A deterministic number from 0 to 1 for a pair of coordinates.
fn hash(x: i32, y: i32) -> f32 {
    let mixed = (x as u32).wrapping_mul(374_761_393) ^ (y as u32).wrapping_mul(668_265_263);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177);
    ((mixed ^ (mixed >> 16)) & 0xffff) as f32 / 65_535.0
}
