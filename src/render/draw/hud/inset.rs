//! The inset: the whole map, everyone on it, and what the camera sees of it. Two floors have a plan each.

use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::intro::FADE_STEPS;
use super::parts::{shape, slab};
use crate::render::draw::canvas::{Area, Canvas, UNITS};
use crate::render::draw::ground::{Relief, Terrain};
use crate::render::draw::palette::{Ink, NIGHT, RED, TEXT, TEXT_DIM, WHITE};
use crate::render::draw::plan::Plan;
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::draw::view::View;
use crate::render::draw::world::Stage;
use crate::render::scene::{BombState, Side};

const TITLE: TextStyle = TextStyle::new(Weight::Extrabold, 22.0);
/// Height of the title.
const HEAD: f32 = 34.0;
/// Empty margin around the plan.
const MARGIN: f32 = 12.0;
/// The plan's ground, and the floor on it.
const ROCK: [f32; 3] = [11.0, 16.0, 23.0];
const FLOOR: [f32; 3] = [86.0, 100.0, 116.0];
/// Their opacities.
const OPACITY: (f32, f32) = (0.86, 0.94);
/// Radius of a dot, and of the followed player's.
const DOTS: (f32, f32) = (6.5, 8.0);

/// One plan.
pub struct Inset {
    area: Area,
    floor: usize,
    title: String,
    scale: Scale,
    plan: Pixmap,
    /// And its opacity.
    shown: Option<(State, u8)>,
}

/// What moves on a plan; positions in design units, rounded to what is visible.
#[derive(PartialEq)]
struct State {
    /// What the camera sees: left, top, right, bottom.
    frame: Option<[i32; 4]>,
    dots: Vec<Dot>,
    bomb: Option<(i32, i32)>,
    /// Whether the followed player is on this floor, of two.
    current: bool,
}

/// A player on a plan.
#[derive(PartialEq)]
struct Dot {
    at: (i32, i32),
    side: Side,
    followed: bool,
    /// In [`FADE_STEPS`].
    opacity: u8,
}

/// From map positions to the plan.
#[derive(Clone, Copy)]
struct Scale {
    zoom: f32,
    /// The map position at the plan's middle, and where that is on the picture.
    center: (f32, f32),
    middle: (f32, f32),
}

impl Scale {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        let (right, up) = ((x - self.center.0) * self.zoom, (y - self.center.1) * self.zoom);
        (self.middle.0 + right, self.middle.1 - up)
    }
}

/// The height of the title, if there is one.
fn head(title: &str) -> f32 {
    if title.is_empty() { 0.0 } else { HEAD }
}

impl Inset {
    /// The plans of a clip, each in its slot: the upper floor first.
    pub fn all(plan: &Plan<'_>, title: &str) -> Vec<Self> {
        let slots = plan.layout.inset();
        let titles: &[&str] = if slots.len() == 2 { &["UPPER", "LOWER"] } else { &[title] };
        let floors = (0..slots.len()).rev();
        let each = floors.zip(slots).zip(titles).filter_map(|((floor, area), title)| {
            let relief = plan.terrain.floors.get(floor)?;
            Self::new(&plan.terrain, relief, floor, area, (*title).to_owned(), plan.look.height)
        });
        each.collect()
    }

    fn new(terrain: &Terrain, relief: &Relief, floor: usize, area: Area, title: String, height: u32) -> Option<Self> {
        let head = head(&title);
        let [left, bottom, right, top] = relief.bounds.or(terrain.bounds())?;
        let (width, room) = (area.width - 2.0 * MARGIN, area.height - head - 2.0 * MARGIN);
        let scale = Scale {
            zoom: (width / (right - left).max(1.0)).min(room / (top - bottom).max(1.0)),
            center: ((left + right) / 2.0, (bottom + top) / 2.0),
            middle: (area.x + area.width / 2.0, area.y + head + (area.height - head) / 2.0),
        };
        let pixels = height as f32 / UNITS;
        let (width, height) = Canvas::picture_size(area, pixels);
        let mut plan = Pixmap::new(width, height)?;
        let across = plan.width();
        for (pixel, index) in plan.pixels_mut().iter_mut().zip(0..) {
            let (x, y) = ((index % across) as f32 + 0.5, (index / across) as f32 + 0.5);
            let (x, y) = (area.x + x / pixels - scale.middle.0, area.y + y / pixels - scale.middle.1);
            let depth = relief.depth(scale.center.0 + x / scale.zoom, scale.center.1 - y / scale.zoom);
            let cover = (depth * scale.zoom * pixels + 0.5).clamp(0.0, 1.0);
            let mix = |rock: f32, floor: f32| rock + (floor - rock) * cover;
            let opacity = mix(OPACITY.0, OPACITY.1);
            let channel = |index: usize| (mix(ROCK[index], FLOOR[index]) * opacity) as u8;
            *pixel = PremultipliedColorU8::from_rgba(channel(0), channel(1), channel(2), (255.0 * opacity) as u8)?;
        }
        Some(Self { area, floor, title, scale, plan, shown: None })
    }

    /// Redraws the plan if something moved, at an opacity in [`FADE_STEPS`]; `None` empties the slot.
    pub fn show(&mut self, stage: &Stage<'_>, opacity: Option<u8>, canvas: &mut Canvas) {
        let state = opacity.map(|opacity| (self.state(stage), opacity));
        if state == self.shown {
            return;
        }
        canvas.panel(self.area, |canvas| {
            if let Some((state, opacity)) = &state {
                self.draw(state, canvas);
                canvas.fade(self.area, f32::from(*opacity) / FADE_STEPS);
            }
        });
        self.shown = state;
    }

    fn state(&self, stage: &Stage<'_>) -> State {
        let (plan, now) = (stage.plan, stage.now);
        let two = plan.terrain.floors.len() == 2;
        let here = |z: f32| !two || plan.terrain.floor_at(z) == self.floor;
        let rounded = |(x, y): (f32, f32)| (x.round() as i32, y.round() as i32);
        let inside = |(x, y): &(i32, i32)| self.area.grown(-8.0).contains(*x as f32, *y as f32);
        let mut dots: Vec<_> = (0..plan.scene.players.len())
            .filter_map(|player| {
                let at = now.players[player];
                let place = rounded(self.scale.place(at.at[0], at.at[1]));
                let shown = at.alive() && here(at.at[2]) && inside(&place);
                shown.then(|| Dot {
                    at: place,
                    side: plan.sides[player],
                    followed: player == plan.scene.followed,
                    opacity: (stage.visibility(player) * FADE_STEPS).round() as u8,
                })
            })
            .collect();
        dots.sort_by_key(|dot| dot.followed);
        let lies = |state| matches!(state, BombState::Dropped | BombState::Planted);
        let bomb = now.moment.bomb.filter(|bomb| lies(bomb.state) && here(bomb.at[2]));
        let bomb = bomb.map(|bomb| rounded(self.scale.place(bomb.at[0], bomb.at[1]))).filter(inside);
        let current = two && stage.floor == self.floor;
        let frame = (!two || current).then(|| self.frame(plan, &stage.view)).flatten();
        State { frame, dots, bomb, current }
    }

    /// What the camera sees; `None` if that is nearly everything.
    fn frame(&self, plan: &Plan<'_>, view: &View) -> Option<[i32; 4]> {
        let corner = |x: f32, y: f32| {
            let (x, y) = view.unproject(x, y);
            self.scale.place(x, y)
        };
        let (left, top) = corner(0.0, 0.0);
        let (right, bottom) = corner(plan.width(), UNITS);
        // Below the title, which a line would strike through.
        let (inner, head) = (self.area.grown(-3.0), head(&self.title));
        let inner = Area::new(inner.x, inner.y + head, inner.width, inner.height - head);
        let whole = left <= inner.x && top <= inner.y && right >= inner.x + inner.width;
        let clamp = |at: f32, from: f32, size: f32| at.clamp(from, from + size).round() as i32;
        (!whole).then(|| {
            [
                clamp(left, inner.x, inner.width),
                clamp(top, inner.y, inner.height),
                clamp(right, inner.x, inner.width),
                clamp(bottom, inner.y, inner.height),
            ]
        })
    }

    fn draw(&self, state: &State, canvas: &mut Canvas) {
        canvas.picture(&self.plan, self.area.x, self.area.y);
        if let Some([left, top, right, bottom]) = state.frame.map(|edges| edges.map(|edge| edge as f32)) {
            let frame = Area::new(left, top, right - left, bottom - top);
            slab(frame, WHITE.with(0.1), canvas);
            canvas.frame(frame, 0.0, 3.0, WHITE.solid());
        }
        if let Some((x, y)) = state.bomb {
            canvas.disc(x as f32, y as f32, 8.0, NIGHT.solid());
            canvas.disc(x as f32, y as f32, 6.0, RED.solid());
        }
        for Dot { at: (x, y), side, followed, opacity } in &state.dots {
            let (x, y, opacity) = (*x as f32, *y as f32, f32::from(*opacity) / FADE_STEPS);
            let (radius, rim, ink) = if *followed { (DOTS.1, 3.0, WHITE) } else { (DOTS.0, 2.0, NIGHT) };
            shape(*side, x, y, radius + rim, ink.with(opacity), canvas);
            shape(*side, x, y, radius, Ink::of(*side).with(opacity), canvas);
        }
        if state.current {
            canvas.frame(self.area, 0.0, 3.0, WHITE.with(0.9));
        }
        let ink = if state.frame.is_some() || state.current { TEXT } else { TEXT_DIM };
        canvas.text(TITLE, self.area.x + MARGIN, self.area.y + 26.0, ink.solid(), &self.title);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::camera::CameraMode;
    use crate::render::draw::look::Look;
    use crate::render::draw::tests::everything;

    #[test]
    fn what_the_camera_sees_never_strikes_through_the_title() {
        let scene = everything();
        let (fps, width, height, camera) = (30, 1_920, 1_080, CameraMode::Follow);
        let look = Look { fps, width, height, xray: false, deathnotices_only: false, camera };
        let plan = Plan::new(&scene, look).unwrap();
        let insets = Inset::all(&plan, "TEST");
        let mut frames = 0;
        for (inset, right, down) in insets.iter().flat_map(|inset| {
            (-40..40).flat_map(move |right| (-40..40).map(move |down| (inset, right * 50, down * 50)))
        }) {
            let view = View::new(1.0, 0.3, (right as f32, down as f32), (960.0, 540.0));
            let Some([_, top, ..]) = inset.frame(&plan, &view) else { continue };
            assert!(top as f32 >= inset.area.y + HEAD, "{right} {down}: {top}");
            frames += 1;
        }
        assert!(frames > 1_000, "{frames}");
    }
}
