//! Draws the parts of the ground that the camera of a clip sees, each zoom level and floor once.
//!
//! A node keeps the shape of a map from clip to clip, but not these: all that is prepared before the first frame takes 1 to
//! 3 % of the time for a clip (`benches/render.rs`), and a layer has up to 34 MB.

use std::collections::HashMap;

use super::camera::Framing;
use super::ground::{Layer, Region};
use super::marks;
use super::plan::Plan;
use crate::domain::error::Result;

/// A floor, and the pixels per map unit as bits.
pub type Key = (usize, u32);

/// Pixels around a window that a moving view may need.
const AROUND: f32 = 12.0;

/// Draws all layers of a clip.
pub fn draw(plan: &Plan<'_>) -> Result<HashMap<Key, Layer>> {
    let mut windows: HashMap<Key, Region> = HashMap::new();
    let mut last = None;
    for frame in 0..plan.frames() {
        let (framing, floor) = (plan.framing(frame), plan.floor(frame));
        if last.replace((framing, floor)) == Some((framing, floor)) {
            continue;
        }
        let scale = scale(&framing);
        let window = window(&framing, scale, plan.look.width, plan.look.height);
        let seen = windows.entry(key(&framing, floor)).or_insert(window);
        *seen = [seen[0].min(window[0]), seen[1].min(window[1]), seen[2].max(window[2]), seen[3].max(window[3])];
    }
    let each = windows.into_iter().map(|((floor, bits), window)| {
        let mut layer = Layer::draw((&plan.terrain, plan.scene.radar.as_ref()), floor, f32::from_bits(bits), window)?;
        marks::draw(plan, floor, &mut layer);
        Ok(((floor, bits), layer))
    });
    each.collect()
}

/// The layer that a view of a floor is copied from.
pub fn key(framing: &Framing, floor: usize) -> Key {
    (floor, scale(framing).to_bits())
}

/// The zoom level that a view is copied from: its own, or the nearer one while the zoom changes.
fn scale(framing: &Framing) -> f32 {
    let [from, to] = framing.scales;
    let nearer_to = framing.view.scale * framing.view.scale >= from * to;
    if nearer_to == (to >= from) { to } else { from }
}

/// The part of the ground that a view shows, in pixels of a zoom level.
fn window(framing: &Framing, scale: f32, width: u32, height: u32) -> Region {
    let view = &framing.view;
    let part = scale / view.scale;
    let (left, top) = (view.left as f32, view.top as f32);
    let edge = |at: f32, more: f32| (at * part + more).round() as i32;
    [edge(left, -AROUND), edge(top, -AROUND), edge(left + width as f32, AROUND), edge(top + height as f32, AROUND)]
}
