//! The promises of the camera, frame by frame, on walks that tempt it to break them.

use super::*;
use crate::render::scene::{
    Bomb, BombState, Cell, Effect, EffectKind, Ground, Kill, Level, Moment, Player, PlayerAt, Side,
};

const FPS: u32 = 30;
const RATE: f32 = 64.0;
/// Ticks of the freeze time in the clip.
const FREEZE: i32 = 192;
/// Where the whole map is shown during the action, and beside the intro card.
const MAP: Area = Area::new(290.0, 112.0, 1_340.0, 820.0);
const INTRO: Area = Area::new(864.0, 24.0, 1_026.0, 1_032.0);

/// Where a player is at a second of the round; `None` if dead.
type Walk = dyn Fn(f32) -> Option<[f32; 3]>;

/// A round of so many seconds on an open square 6,000 units wide.
fn scene(seconds: f32, walks: &[&Walk]) -> Scene {
    let end = FREEZE + (seconds * RATE) as i32;
    let mut ground = Ground::default();
    for (x, y) in (-375..375).step_by(5).flat_map(|x| (-375..375).step_by(5).map(move |y| (x, y))) {
        ground.cells.insert((x, y), Cell { low: Level { dwell: 1, z_min: 0.0, z_max: 0.0 }, high: None });
    }
    let moments = (0..=end + FREEZE).map(|tick| {
        let mut moment = Moment { tick, ..Moment::default() };
        let second = ((tick - FREEZE) as f32 / RATE).max(0.0);
        for (index, (player, walk)) in moment.players.iter_mut().zip(walks).enumerate() {
            let side = if index == 0 { Side::Ct } else { Side::T };
            let at = walk(second);
            let health = if at.is_some() { 100 } else { 0 };
            *player = PlayerAt { present: true, at: at.unwrap_or_default(), health, side, ..PlayerAt::default() };
        }
        moment
    });
    Scene {
        tick_rate: RATE,
        freeze_end_tick: FREEZE,
        end_tick: end,
        clip_end_tick: end + FREEZE,
        players: vec![Player::default(); walks.len()],
        moments: moments.collect(),
        ground,
        ..Scene::default()
    }
}

fn timeline(scene: &Scene) -> Timeline {
    let frame = |tick: i32| (tick as f32 / RATE * FPS as f32).ceil() as u64;
    let (start, end) = (frame(scene.freeze_end_tick), frame(scene.end_tick));
    Timeline { frames: frame(scene.clip_end_tick), fps: FPS, start, end, plates: true }
}

fn plan(scene: &Scene, mode: CameraMode) -> (Camera, Timeline) {
    plan_in(scene, mode, [MAP, INTRO])
}

/// The whole map is shown in these areas: during the action, and beside the intro card.
fn plan_in(scene: &Scene, mode: CameraMode, [map, intro]: [Area; 2]) -> (Camera, Timeline) {
    let frame = Frame { width: 1_920.0, pixels: 1.0, map, intro };
    let timeline = timeline(scene);
    (Camera::plan(scene, &Terrain::of(&scene.ground), &timeline, mode, frame), timeline)
}

fn at(scene: &Scene, frame: u64, player: usize) -> PlayerAt {
    let tick = (frame as f32 / FPS as f32 * RATE) as usize;
    scene.moments[tick.min(scene.moments.len() - 1)].players[player]
}

/// Walks that leave the safe frame slowly, fast, in circles, to and fro.
fn walks() -> Vec<(&'static str, Scene)> {
    let runner = |second: f32| Some([-2_800.0 + 250.0 * second.min(22.0), 1_000.0, 0.0]);
    let circle = |second: f32| Some([1_500.0 * (second * 0.16).cos(), 1_500.0 * (second * 0.16).sin(), 0.0]);
    let zigzag = |second: f32| Some([((second * 0.5).sin() * 1_400.0).round(), second * 60.0 - 2_500.0, 0.0]);
    let near = move |second: f32| circle(second).map(|[x, y, z]| [x + 700.0 * second.sin(), y + 500.0, z]);
    let far = |second: f32| Some([-2_000.0 + 40.0 * second, -2_000.0, 0.0]);
    let mut duel = scene(50.0, &[&zigzag, &far]);
    duel.kills = [12.0, 13.0, 14.0, 30.0]
        .map(|second| Kill { tick: FREEZE + (second * RATE) as i32, killer: Some(0), victim: 1, ..Kill::default() })
        .to_vec();
    vec![
        ("stands", scene(40.0, &[&|_| Some([200.0, 300.0, 0.0])])),
        ("runs across the map", scene(30.0, &[&runner])),
        ("runs in a circle with an enemy near", scene(60.0, &[&circle, &near])),
        ("runs to and fro", scene(70.0, &[&zigzag, &far])),
        ("kills from afar, four times", duel),
    ]
}

#[test]
fn living_player_is_inside_the_safe_frame_on_every_frame_of_the_round() {
    for (name, scene) in walks() {
        let (camera, timeline) = plan(&scene, CameraMode::Follow);
        for frame in timeline.start..timeline.end {
            let (x, y) = camera.at(frame).view.project(at(&scene, frame, 0).at);
            // A frame shows the time between two ticks: half a tick at full speed, and half a pixel.
            let inside = (x - 960.0).abs() < 620.0 + 4.0 && (y - 500.0).abs() < 360.0 + 4.0;
            assert!(inside, "{name}: frame {frame} at {x:.0}, {y:.0}");
        }
    }
}

#[test]
fn camera_moves_at_most_once_in_three_seconds_and_never_jerks() {
    for ((name, scene), mode) in walks().into_iter().flat_map(|walk| CameraMode::ALL.map(|mode| (walk.clone(), mode))) {
        let (camera, timeline) = plan(&scene, mode);
        let center = |frame: u64| {
            let view = camera.at(frame).view;
            view.unproject(960.0, 500.0)
        };
        let mut last_end = None;
        let mut moved = 0;
        for frame in 1..timeline.frames {
            let (now, before) = (camera.at(frame), camera.at(frame - 1));
            moved += u64::from(now.moving);
            if let Some(end) = last_end.filter(|_| now.moving && !before.moving) {
                let rested = (frame - end) as f32 / FPS as f32;
                assert!(rested > STAND_SECONDS - MOVE_SECONDS - 0.1, "{name}: {rested} s before frame {frame}");
            }
            if before.moving && !now.moving {
                last_end = Some(frame);
            }
            if !now.moving && !before.moving {
                assert_eq!(now.view, before.view, "{name}: rests at frame {frame}");
            }
            // In pictures per second, and the change of that from frame to frame.
            let zoom = f32::min(now.view.zoom(), before.view.zoom());
            let speed = |one: (f32, f32), other: (f32, f32)| (one.0 - other.0).hypot(one.1 - other.1) * zoom / 1_920.0;
            let (step, last) = (speed(center(frame), center(frame - 1)), frame.checked_sub(2).map(center));
            let step_before = last.map_or(0.0, |last| speed(center(frame - 1), last));
            assert!(step * (FPS as f32) < 1.6, "{name}: {} pictures per second at {frame}", step * FPS as f32);
            let jerk = (step - step_before).abs() * FPS as f32;
            assert!(jerk < 0.35, "{name}: speed changes by {jerk} pictures per second at {frame}");
        }
        assert!(moved * 4 < timeline.frames, "{name}: moves for {moved} of {} frames", timeline.frames);
    }
}

#[test]
fn both_ends_of_the_players_kills_are_in_the_picture() {
    let (name, scene) = walks().pop().unwrap();
    let (camera, _) = plan(&scene, CameraMode::Follow);
    for kill in &scene.kills {
        let frame = (kill.tick as f32 / RATE * FPS as f32) as u64;
        for frame in frame.saturating_sub(60)..frame + 20 {
            for player in [0, 1] {
                let (x, y) = camera.at(frame).view.project(at(&scene, frame, player).at);
                assert!((x - 960.0).abs() < 640.0 && (y - 500.0).abs() < 380.0, "{name}: {player} at {x:.0}, {y:.0}");
            }
        }
    }
}

#[test]
fn explosion_of_the_bomb_is_in_the_picture() {
    let bomb = [0.0, 0.0, 0.0];
    let leaves = |second: f32| Some([(second - 22.0).max(0.0) * 250.0, 0.0, 0.0]);
    let mut scene = scene(30.0, &[&leaves]);
    let inside = |scene: &Scene| {
        let (camera, timeline) = plan(scene, CameraMode::Follow);
        let (x, y) = camera.at(timeline.end + 10).view.project(bomb);
        (x - 960.0).abs() < 624.0 && (y - 500.0).abs() < 364.0
    };
    assert!(!inside(&scene), "the player alone is followed");
    scene.effects = vec![Effect { tick: scene.end_tick, kind: EffectKind::BombExploded, at: bomb }];
    assert!(inside(&scene));
}

#[test]
fn plate_of_a_multi_kill_never_covers_the_player() {
    let low = |second: f32| Some([0.0, -600.0 + (second * 0.8).sin() * 560.0, 0.0]);
    let mut scene = scene(40.0, &[&low, &|_| Some([300.0, -400.0, 0.0])]);
    scene.kills = (5..35)
        .map(|second| Kill { tick: FREEZE + second * 64, killer: Some(0), victim: 1, ..Kill::default() })
        .collect();
    let (camera, timeline) = plan(&scene, CameraMode::Follow);
    for frame in (timeline.start + 7 * u64::from(FPS))..(timeline.start + 34 * u64::from(FPS)) {
        let (_, y) = camera.at(frame).view.project(at(&scene, frame, 0).at);
        assert!(y < 774.0, "frame {frame}: {y}");
    }
}

#[test]
fn after_the_players_death_the_bomb_and_who_is_nearest_to_it_are_shown() {
    let killed = 10.0;
    let dies = move |second: f32| (second < killed).then_some([-2_000.0, -2_000.0, 0.0]);
    let carries = |second: f32| Some([1_500.0, 1_500.0 + second.min(20.0) * 10.0, 0.0]);
    let mut scene = scene(40.0, &[&dies, &carries, &|_| Some([-2_500.0, 2_500.0, 0.0])]);
    let death = FREEZE + (killed * RATE) as i32;
    for moment in &mut scene.moments {
        if moment.tick >= death {
            moment.players[0].at = [-2_000.0, -2_000.0, 0.0];
        }
        if moment.tick >= death + 64 {
            let at = [1_500.0, 1_400.0, 0.0];
            moment.bomb = Some(Bomb { at, state: BombState::Planted, being_defused: false });
        }
    }
    scene.kills = vec![Kill { tick: death, killer: Some(2), victim: 0, ..Kill::default() }];
    let (camera, timeline) = plan(&scene, CameraMode::Follow);
    let second = |second: f32| timeline.start + (second * FPS as f32) as u64;
    let inside = |frame: u64, at: [f32; 3]| {
        let (x, y) = camera.at(frame).view.project(at);
        (x - 960.0).abs() < 624.0 && (y - 500.0).abs() < 364.0
    };
    assert!(inside(second(killed + 1.4), [-2_000.0, -2_000.0, 0.0]), "the view rests on the death");
    for after in [4.0, 10.0, 25.0] {
        let frame = second(killed + after);
        assert!(inside(frame, [1_500.0, 1_400.0, 0.0]) && inside(frame, at(&scene, frame, 1).at), "{after} s later");
    }
}

#[test]
fn map_mode_shows_the_whole_map_beside_the_intro_card_and_then_rests() {
    for (name, scene) in walks() {
        let (camera, timeline) = plan(&scene, CameraMode::Map);
        assert!(camera.opens_with_map());
        let push = (PUSH_SECONDS * FPS as f32) as u64;
        for frame in 0..timeline.frames {
            let now = camera.at(frame);
            assert_eq!(now.moving, (timeline.start - push..timeline.start).contains(&frame), "{name}: frame {frame}");
            let area = if frame < timeline.start { INTRO } else { MAP };
            for corner in [[-2_990.0, -2_990.0, 0.0], [2_990.0, 2_990.0, 0.0]].into_iter().filter(|_| !now.moving) {
                let (x, y) = now.view.project(corner);
                assert!(area.contains(x, y), "{name}: frame {frame}: {x} {y}");
            }
        }
    }
}

#[test]
fn map_mode_rests_on_the_whole_map_without_an_intro_card() {
    for (name, scene) in walks() {
        let (camera, timeline) = plan_in(&scene, CameraMode::Map, [MAP, MAP]);
        assert!(!camera.opens_with_map());
        let view = camera.at(0).view;
        assert!((1..timeline.frames).all(|frame| camera.at(frame).view == view), "{name}");
        for (x, y) in [(-2_990.0, -2_990.0), (2_990.0, 2_990.0)] {
            let (x, y) = view.project([x, y, 0.0]);
            assert!((0.0..1_920.0).contains(&x) && (0.0..1_080.0).contains(&y), "{name}: {x} {y}");
        }
    }
}

#[test]
fn scenes_without_anything_to_see_have_a_view() {
    let nobody = scene(5.0, &[&|_| None]);
    let extreme = scene(5.0, &[&|_| Some([f32::NAN, f32::INFINITY, 0.0]), &|_| Some([1e9, -1e9, 0.0])]);
    for scene in [nobody, extreme, Scene { tick_rate: RATE, clip_end_tick: 10, ..Scene::default() }] {
        for mode in CameraMode::ALL {
            let (camera, timeline) = plan(&scene, mode);
            for frame in 0..timeline.frames {
                let view = camera.at(frame).view;
                assert!(view.scale.is_finite() && view.scale > 0.0, "{view:?}");
            }
        }
    }
}
