//! Tests of what moves on the map, read from the pixels around a player's marker.

use tiny_skia::Pixmap;

use crate::domain::camera::CameraMode;
use crate::render::draw::look::Look;
use crate::render::draw::metrics::marker_radius;
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, RED};
use crate::render::draw::tests::{everything, kill};
use crate::render::draw::{Painter, Replay};
use crate::render::scene::*;

const LOOK: Look =
    Look { fps: 30, width: 1_920, height: 1_080, xray: true, deathnotices_only: true, camera: CameraMode::Map };
/// A terrorist, apart from everybody else.
const PLAYER: usize = 4;
/// A second into the round, at tick 1,128.
const FRAME: u64 = 120;

/// Six players who stand in a row, healthy, looking east. Nothing happens.
fn calm() -> Scene {
    let mut scene = Scene { kills: Vec::new(), effects: Vec::new(), plant: None, ..everything() };
    for moment in &mut scene.moments {
        (moment.smokes, moment.flames, moment.grenades, moment.bomb) = Default::default();
        for (index, player) in moment.players[..6].iter_mut().enumerate() {
            player.at = [index as f32 * 220.0 - 550.0, -200.0, 0.0];
            (player.yaw, player.health, player.flash_seconds) = (0.0, 100, 0.0);
            (player.has_bomb, player.defusing) = (false, false);
        }
    }
    scene
}

/// A frame, and the pixels of a player's marker.
struct Marker {
    picture: Pixmap,
    center: (f32, f32),
    radius: f32,
}

impl Marker {
    fn of(scene: &Scene, frame: u64) -> Self {
        Self::with(scene, LOOK, PLAYER, frame)
    }

    fn with(scene: &Scene, look: Look, player: usize, frame: u64) -> Self {
        let replay = Replay::new(scene, look).unwrap();
        let mut painter = Painter::new(&replay).unwrap();
        painter.frame(frame);
        let view = replay.plan.framing(frame).view;
        let at = Now::at(scene, replay.plan.tick_of(frame)).unwrap().players[player].at;
        let radius = marker_radius(player == scene.followed, view.zoom());
        Self { picture: painter.picture().clone(), center: view.project(at), radius }
    }

    /// How many of the 16 points on a circle, in radii, show a color: red, green, blue within 40. The upper half only,
    /// and none where the nose or the name is.
    fn points(&self, radius: f32, color: [u8; 3]) -> usize {
        self.circle(radius).into_iter().filter(|shown| is_near(*shown, color)).count()
    }

    /// The colors on that circle.
    fn circle(&self, radius: f32) -> [[u8; 3]; 16] {
        std::array::from_fn(|point| {
            let (sin, cos) = ((point as f32 + 0.5) / 16.0 * std::f32::consts::PI).sin_cos();
            let (x, y) = (self.center.0 - cos * radius * self.radius, self.center.1 - sin * radius * self.radius);
            let pixel = self.picture.pixel(x.round() as u32, y.round() as u32).unwrap();
            [pixel.red(), pixel.green(), pixel.blue()]
        })
    }
}

fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) < 40)
}

const WHITE: [u8; 3] = [255, 255, 255];

/// The color of a side, as its markers have it.
fn color_of(side: Side) -> [u8; 3] {
    color_of_ink(Ink::of(side))
}

fn color_of_ink(ink: Ink) -> [u8; 3] {
    let color = ink.solid().to_color_u8();
    [color.red(), color.green(), color.blue()]
}

#[test]
fn blinded_player_is_white_inside_and_keeps_the_rim_of_the_side() {
    let gold = color_of(Side::T);
    let mut scene = calm();
    let before = Marker::of(&scene, FRAME);
    assert_eq!((before.points(0.4, gold), before.points(0.4, WHITE)), (16, 0));
    for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_110) {
        moment.players[PLAYER].flash_seconds = 3.0;
    }
    let blind = Marker::of(&scene, FRAME);
    assert_eq!((blind.points(0.4, gold), blind.points(0.4, WHITE)), (0, 16));
    assert!(blind.points(0.85, gold) >= 12, "{} of 16", blind.points(0.85, gold));
    // 3.0 s later he sees again.
    assert_eq!(Marker::of(&scene, FRAME + 90).points(0.4, gold), 16);
}

#[test]
fn only_a_player_on_another_floor_is_hollow() {
    let gold = color_of(Side::T);
    let level = |z: f32| Level { dwell: 9, z_min: z, z_max: z };
    let cells = || (-90..90).flat_map(|x| (-60..60).map(move |y| (x, y)));
    let ground =
        |high: Option<Level>| Ground { cells: cells().map(|at| (at, Cell { low: level(0.0), high })).collect() };
    for (floors, high) in [(1, None), (2, Some(level(300.0)))] {
        for (z, solid) in [(0.0, true), (300.0, floors == 1)] {
            let mut scene = Scene { ground: ground(high), ..calm() };
            for moment in &mut scene.moments {
                moment.players[PLAYER].at[2] = z;
            }
            let filled = Marker::of(&scene, FRAME).points(0.6, gold);
            assert!(if solid { filled == 16 } else { filled < 4 }, "{floors} floors, height {z}: {filled} of 16");
        }
    }
}

#[test]
fn bomb_lies_above_whoever_died_there_and_whoever_stands_there() {
    let (red, gold) = (color_of_ink(RED), color_of(Side::T));
    for (state, died) in
        [BombState::Dropped, BombState::Planted].into_iter().flat_map(|state| [(state, false), (state, true)])
    {
        let mut scene = calm();
        let at = scene.moments[0].players[PLAYER].at;
        if died {
            scene.kills = vec![kill(1_100, Some(1), PLAYER)];
        }
        for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_100) {
            moment.players[PLAYER].health = if died { 0 } else { 100 };
        }
        let alone = Marker::of(&scene, FRAME);
        assert_eq!((alone.points(0.2, red), alone.points(0.5, gold) == 16), (0, !died), "{state:?}");
        for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_110) {
            moment.bomb = Some(Bomb { at, state, being_defused: false });
        }
        assert_eq!(Marker::of(&scene, FRAME).points(0.2, red), 16, "{state:?} {died}");
    }
}

#[test]
fn cross_of_its_carrier_shows_inside_the_ring_of_a_dropped_bomb() {
    let mut scene = calm();
    let at = scene.moments[0].players[PLAYER].at;
    for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_100) {
        moment.players[PLAYER].health = 0;
        moment.bomb = Some(Bomb { at, state: BombState::Dropped, being_defused: false });
    }
    let bare = Marker::of(&scene, FRAME).circle(0.66);
    scene.kills = vec![kill(1_100, Some(1), PLAYER)];
    let crossed = Marker::of(&scene, FRAME).circle(0.66);
    let arms = bare.into_iter().zip(crossed).filter(|(bare, crossed)| !is_near(*bare, *crossed)).count();
    assert!((2..12).contains(&arms), "{arms} of 16");
}

#[test]
fn plate_for_kills_stands_where_it_covers_neither_killer_nor_victim() {
    let look = Look { deathnotices_only: false, ..LOOK };
    for (north, is_on_top) in [(200.0, false), (-420.0, true)] {
        let mut scene = calm();
        let followed = scene.followed;
        scene.kills = vec![kill(1_110, Some(followed), 3), kill(1_120, Some(followed), PLAYER)];
        scene.moments.iter_mut().for_each(|moment| moment.players[..6].iter_mut().for_each(|at| at.at[1] = north));
        let plan = Replay::new(&scene, look).unwrap().plan;
        let plate = plan.layout.plate();
        assert_eq!(plate.y < 540.0, is_on_top, "{north}: {plate:?}");
        for player in [followed, PLAYER] {
            let (x, y) = plan.framing(FRAME).view.project(scene.moments[0].players[player].at);
            assert!(plate.distance(x, y) > 20.0, "{player} at {x}, {y}: {plate:?}");
        }
    }
}

#[test]
fn followed_player_is_above_a_bomb_where_he_stands() {
    let mut scene = calm();
    let (followed, blue) = (scene.followed, color_of(Side::Ct));
    let at = scene.moments[0].players[followed].at;
    for state in [BombState::Dropped, BombState::Planted] {
        for moment in &mut scene.moments {
            moment.bomb = Some(Bomb { at, state, being_defused: false });
        }
        let marker = Marker::with(&scene, LOOK, followed, FRAME);
        assert_eq!([0.2, 0.6].map(|radius| marker.points(radius, blue)), [16, 16], "{state:?}");
    }
}

#[test]
fn plate_that_names_the_bomb_covers_nobody() {
    let gold = color_of(Side::T);
    let mut scene = calm();
    let zoom = Replay::new(&scene, LOOK).unwrap().plan.framing(FRAME).view.zoom();
    // All around the bomb, in design units.
    for (right, up) in [(-132.0, 66.0), (132.0, 66.0), (-132.0, -70.0), (132.0, -70.0), (0.0, 90.0), (0.0, -90.0)] {
        for moment in &mut scene.moments {
            moment.players[PLAYER].at = [right / zoom, 300.0 + up / zoom, 0.0];
            moment.bomb = Some(Bomb { at: [0.0, 300.0, 0.0], state: BombState::Planted, being_defused: false });
        }
        assert_eq!(Marker::of(&scene, FRAME).points(0.6, gold), 16, "{right} {up}");
    }
}

#[test]
fn name_of_a_victim_stays_beside_the_cross() {
    let mut scene = calm();
    scene.kills = vec![kill(1_100, Some(1), PLAYER)];
    for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_100) {
        moment.players[PLAYER].health = 0;
    }
    let replay = Replay::new(&scene, LOOK).unwrap();
    let offset = |tick: u64| replay.places((tick - 1_000) * 30 / 32)[PLAYER].map(|place| place.offset);
    assert!(offset(1_099).is_some());
    for tick in [1_101, 1_110, 1_130] {
        assert_eq!(offset(tick), offset(1_099), "tick {tick}");
    }
    assert_eq!(offset(1_140), None);
}

#[test]
fn nothing_is_named_under_the_end_card() {
    let scene = everything();
    for deathnotices_only in [false, true] {
        let replay = Replay::new(&scene, Look { deathnotices_only, ..LOOK }).unwrap();
        let named = |tick: u64| replay.places((tick - 1_000) * 30 / 32).iter().flatten().count();
        // The bomb is planted, two players are alive; the card is shown from 1.5 s before the end at tick 1,384 or earlier.
        assert_eq!((named(1_300), named(1_340) > 0), (3, deathnotices_only));
        // Names fade away before the card.
        let opacity = |frame| replay.places(frame)[scene.followed].map_or(0.0, |place| place.opacity);
        let fades = (270..320).filter(|frame| (0.01..0.99).contains(&opacity(*frame))).count();
        assert_eq!(fades > 3, !deathnotices_only, "{fades} frames");
    }
}

#[test]
fn spawns_are_named_legibly_however_small_the_map_is() {
    let mut bare = calm();
    for corner in [(-500, -500), (500, 500)] {
        bare.ground.cells.insert(corner, Cell { low: Level { dwell: 9, z_min: 0.0, z_max: 0.0 }, high: None });
    }
    let scene = Scene { spawns: [Some([0.0, 200.0, 0.0]), None], ..bare.clone() };
    for (width, height) in [(1_920, 1_080), (640, 360)] {
        let [bare, named] = [&bare, &scene].map(|scene| {
            let replay = Replay::new(scene, Look { width, height, ..LOOK }).unwrap();
            let mut painter = Painter::new(&replay).unwrap();
            painter.frame(FRAME);
            (painter.picture().clone(), replay.plan.framing(FRAME).view.project([0.0, 200.0, 0.0]))
        });
        let (pixels, (x, y)) = (height as f32 / 1_080.0, named.1);
        let differs = |right: i32, down: i32| {
            let at = |picture: &Pixmap| {
                let (x, y) = (x * pixels + right as f32, y * pixels + down as f32);
                picture.pixel(x as u32, y as u32).unwrap().red()
            };
            at(&named.0).abs_diff(at(&bare.0)) > 40
        };
        // Inside the circle around the spawn.
        let (across, along) = ((10.0 * pixels) as i32, (28.0 * pixels) as i32);
        let rows = (-along..along).filter(|down| (-across..across).any(|right| differs(right, *down))).count();
        // Capitals, in design units.
        assert!(rows as f32 / pixels > 17.0, "{width}x{height}: {rows}");
    }
}

#[test]
fn player_who_walks_under_a_panel_fades_before_it_cuts_the_marker() {
    let look = Look { camera: CameraMode::Follow, ..LOOK };
    let (mate, blue) = (2, color_of(Side::Ct));
    let mut scene = calm();
    let (view, panel) = {
        let plan = Replay::new(&scene, look).unwrap().plan;
        (plan.framing(FRAME).view, plan.panels[0])
    };
    let radius = marker_radius(false, view.zoom());
    for (distance, shown) in [(1.1, 16), (0.1, 0)] {
        let (x, y) = view.unproject(panel.x - distance * radius, panel.y + 100.0);
        scene.moments.iter_mut().for_each(|moment| moment.players[mate].at = [x, y, 0.0]);
        let marker = Marker::with(&scene, look, mate, FRAME);
        assert_eq!(marker.points(0.6, blue), shown, "{distance} radii beside the panel");
    }
}
