//! One floor of a map: its outline, its heights, and the light on it.

use super::field::Field;
use super::shape::outline;
use super::{Grid, in_reach};
use crate::render::scene::{CELL_UNITS, Ground, Level};

/// Map units that the shadow of a wall reaches.
const SHADOW: f32 = 35.0;
/// Steps in which shadows are traced.
const SHADOW_STEPS: usize = 8;

/// A floor on the grid of ground cells.
pub struct Relief {
    grid: Grid,
    /// Distance to the outline in map units, positive inside.
    inside: Field,
    /// Height, from 0 (low) to 1 (high).
    pub(super) height: Field,
    /// Light on slopes, around 0: lit from the upper left.
    pub(super) slope: Field,
    /// Shadow of walls, from 0 to 1.
    pub(super) shadow: Field,
    /// How far the outline faces the light, from -1 (away) to 1.
    pub(super) facing: Field,
    /// Its extent in map units: left, bottom, right, top. `None` if it is empty.
    pub bounds: Option<[f32; 4]>,
}

impl Relief {
    /// The floor made of the levels whose height is chosen.
    pub(super) fn of(ground: &Ground, grid: Grid, chosen: impl Fn(f32) -> bool) -> Self {
        let (width, height) = (grid.width, grid.height);
        let mut walked = vec![false; width * height];
        let (mut heights, mut weights) = (Field::new(width, height), Field::new(width, height));
        for (at, cell) in ground.cells.iter().filter(|(at, _)| in_reach(at)) {
            let middle = |level: &Level| (level.z_min + level.z_max) / 2.0;
            let levels = [Some(cell.low), cell.high].into_iter().flatten();
            let Some(level) = levels.filter(|level| chosen(middle(level))).last() else { continue };
            let Some(index) = grid.index(*at).filter(|_| middle(&level).is_finite()) else { continue };
            walked[index] = true;
            heights.values[index] = middle(&level);
            weights.values[index] = 1.0;
        }
        let inside = outline(grid, &walked);
        spread(&mut heights, &mut weights);
        let slope = slope(&heights);
        normalize(&mut heights, &inside);
        let bounds = bounds(grid, &inside);
        let shadow = shadow(&inside);
        Self { grid, facing: facing(&inside), shadow, slope, height: heights, inside, bounds }
    }

    /// Distance from a map position to the outline in map units, positive inside.
    pub fn depth(&self, x: f32, y: f32) -> f32 {
        let (column, row) = self.grid.place(x, y);
        self.inside.sample(column, row)
    }

    /// Converts a map position to field coordinates.
    pub(super) fn cell(&self, x: f32, y: f32) -> (f32, f32) {
        self.grid.place(x, y)
    }

    /// The distance to the outline at field coordinates.
    pub(super) fn depth_at(&self, column: f32, row: f32) -> f32 {
        self.inside.sample(column, row)
    }

    /// How far from a position one can look in a direction, in map units, up to `reach`. Walls stop it.
    pub fn sight(&self, from: (f32, f32), direction: (f32, f32), reach: f32) -> f32 {
        /// Players lean over the outline, which is only derived.
        const LEAN: f32 = 40.0;
        /// Step in map units along open ground.
        const STEP: f32 = 8.0;
        /// The number of steps is bounded whatever the field says.
        const STEPS: usize = 256;
        let mut far = 0.0;
        for _ in 0..STEPS {
            let depth = self.depth(from.0 + direction.0 * far, from.1 + direction.1 * far);
            if far >= reach || (depth < 0.0 && far > LEAN) {
                break;
            }
            // Nothing is nearer than the distance to the outline.
            far += depth.max(STEP);
        }
        far.min(reach)
    }
}

/// Smooths heights and spreads them over cells that nobody walked.
fn spread(heights: &mut Field, weights: &mut Field) {
    // Twice: a wide one fills gaps, a narrow one keeps steps.
    let (mut wide, mut wide_weights) = (heights.clone(), weights.clone());
    for field in [&mut wide, &mut wide_weights] {
        field.blur(14);
    }
    for field in [&mut *heights, &mut *weights] {
        field.blur(3);
    }
    let wide = wide.values.iter().zip(&wide_weights.values);
    for ((height, weight), (far, far_weight)) in heights.values.iter_mut().zip(&weights.values).zip(wide) {
        let filler = far / far_weight.max(1e-6) * 0.02;
        *height = (*height + filler) / (*weight + 0.02);
    }
}

/// Scales heights so that nearly all of the floor lies between 0 and 1.
fn normalize(heights: &mut Field, inside: &Field) {
    let cells = inside.values.iter().zip(&heights.values).filter(|(inside, _)| **inside > 0.0);
    let mut sorted: Vec<f32> = cells.map(|(_, height)| *height).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((sorted.len() as f32 * share) as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(0.03), at(0.97));
    let span = (high - low).max(1.0);
    heights.values.iter_mut().for_each(|height| *height = ((*height - low) / span).clamp(0.0, 1.0));
}

/// Light on slopes from the upper left.
fn slope(heights: &Field) -> Field {
    /// Brightness per unit of slope.
    const STRENGTH: f32 = 0.5;
    let mut slope = Field::new(heights.width, heights.height);
    for row in 1..heights.height.saturating_sub(1) {
        for column in 1..heights.width.saturating_sub(1) {
            let at = row * heights.width + column;
            let across = (heights.values[at + 1] - heights.values[at - 1]) / (2.0 * CELL_UNITS);
            let up = (heights.values[at + heights.width] - heights.values[at - heights.width]) / (2.0 * CELL_UNITS);
            slope.values[at] = ((up - across) * -STRENGTH).clamp(-0.24, 0.24);
        }
    }
    slope.blur(1);
    slope
}

/// How far walls to the upper left throw their shadow.
fn shadow(inside: &Field) -> Field {
    let mut shadow = Field::new(inside.width, inside.height);
    for row in 0..inside.height {
        for column in 0..inside.width {
            let at = row * inside.width + column;
            if inside.values[at] <= 0.0 {
                continue;
            }
            shadow.values[at] = (1..=SHADOW_STEPS).fold(0.0, |dark: f32, step| {
                let away = SHADOW * step as f32 / SHADOW_STEPS as f32 / CELL_UNITS;
                let wall = inside.sample(column as f32 - away, row as f32 + away) < 0.0;
                if wall { dark.max(1.0 - step as f32 / 10.0) } else { dark }
            });
        }
    }
    shadow.blur(1);
    shadow
}

/// How far the outline near each cell faces the light from the upper left.
fn facing(inside: &Field) -> Field {
    let mut facing = Field::new(inside.width, inside.height);
    for row in 1..inside.height.saturating_sub(1) {
        for column in 1..inside.width.saturating_sub(1) {
            let at = row * inside.width + column;
            let across = inside.values[at + 1] - inside.values[at - 1];
            let up = inside.values[at + inside.width] - inside.values[at - inside.width];
            facing.values[at] = (across - up) / (across.hypot(up) + 1e-6) * std::f32::consts::FRAC_1_SQRT_2;
        }
    }
    facing.blur(1);
    facing
}

fn bounds(grid: Grid, inside: &Field) -> Option<[f32; 4]> {
    let mut bounds: Option<[f32; 4]> = None;
    for (index, _) in inside.values.iter().enumerate().filter(|(_, depth)| **depth > 0.0) {
        let (x, y) = grid.center(index % grid.width, index / grid.width);
        let [left, bottom, right, top] = bounds.unwrap_or([x, y, x, y]);
        bounds = Some([left.min(x), bottom.min(y), right.max(x), top.max(y)]);
    }
    bounds
}
