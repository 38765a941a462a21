//! Projects map positions onto the picture: a fixed top view that contains all action of the round.

use super::canvas::Area;
use crate::render::scene::Scene;

/// Margin around the action in map units.
const MARGIN: f32 = 260.0;
/// Minimum extent in map units, so that a duel in one room is shown with its surroundings.
const MIN_EXTENT: f32 = 1_800.0;

/// A top view of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Map position of the center of the view.
    center: (f32, f32),
    /// Its position on the picture in design units.
    middle: (f32, f32),
    /// Design units per map unit.
    pub zoom: f32,
}

impl Camera {
    /// A view that fits all action of a clip into an area of the picture.
    pub fn of(scene: &Scene, area: Area) -> Self {
        let mut bounds = Bounds::default();
        for moment in scene.moments.iter().filter(|moment| moment.tick >= scene.clip_start_tick) {
            moment.players.iter().filter(|player| player.alive()).for_each(|player| bounds.add(player.at));
            moment.smokes.iter().for_each(|smoke| bounds.add(smoke.at));
        }
        let (left, right) = bounds.across.unwrap_or((0.0, 0.0));
        let (bottom, top) = bounds.up.unwrap_or((0.0, 0.0));
        let width = (right - left + 2.0 * MARGIN).max(MIN_EXTENT);
        let height = (top - bottom + 2.0 * MARGIN).max(MIN_EXTENT);
        Self {
            center: ((left + right) / 2.0, (bottom + top) / 2.0),
            middle: (area.x + area.width / 2.0, area.y + area.height / 2.0),
            zoom: (area.width / width).min(area.height / height),
        }
    }

    /// Projects a map position onto the picture. North is up.
    pub fn project(&self, at: [f32; 3]) -> (f32, f32) {
        let [x, y, _] = at;
        (self.middle.0 + (x - self.center.0) * self.zoom, self.middle.1 - (y - self.center.1) * self.zoom)
    }

    /// The inverse of [`Self::project`], on the ground.
    pub fn unproject(&self, x: f32, y: f32) -> (f32, f32) {
        (self.center.0 + (x - self.middle.0) / self.zoom, self.center.1 - (y - self.middle.1) / self.zoom)
    }
}

/// Bounding box of positions.
#[derive(Default)]
struct Bounds {
    across: Option<(f32, f32)>,
    up: Option<(f32, f32)>,
}

impl Bounds {
    fn add(&mut self, at: [f32; 3]) {
        let [x, y, _] = at;
        if x.is_finite() && y.is_finite() {
            let (left, right) = self.across.unwrap_or((x, x));
            let (bottom, top) = self.up.unwrap_or((y, y));
            self.across = Some((left.min(x), right.max(x)));
            self.up = Some((bottom.min(y), top.max(y)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Moment, PlayerAt};

    #[test]
    fn all_action_is_inside_the_area_and_north_is_up() {
        let area = Area::new(330.0, 104.0, 1260.0, 866.0);
        let places = [[-2_000.0, 500.0, 0.0], [1_500.0, 3_000.0, 0.0], [0.0, -900.0, 64.0]];
        let mut moment = Moment::default();
        for (player, at) in moment.players.iter_mut().zip(places) {
            *player = PlayerAt { present: true, health: 100, at, ..PlayerAt::default() };
        }
        let camera = Camera::of(&Scene { moments: vec![moment], ..Scene::default() }, area);
        for at in places {
            let (x, y) = camera.project(at);
            assert!(x > area.x && x < area.x + area.width && y > area.y && y < area.y + area.height, "{at:?}");
            let (back_x, back_y) = camera.unproject(x, y);
            assert!((back_x - at[0]).abs() < 0.1 && (back_y - at[1]).abs() < 0.1);
        }
        assert!(camera.project(places[1]).1 < camera.project(places[2]).1);
    }

    #[test]
    fn empty_scene_has_a_view() {
        let camera = Camera::of(&Scene::default(), Area::new(0.0, 0.0, 1920.0, 1080.0));
        assert_eq!(camera.project([0.0; 3]), (960.0, 540.0));
    }
}
