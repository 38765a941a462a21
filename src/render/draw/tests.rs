//! Tests of whole pictures, on a synthetic round in which everything happens.

use super::tiles::TILE;
use super::*;
use crate::domain::camera::CameraMode;
use crate::render::scene::*;

const FOLLOWED: usize = 1;

/// Two teams of three on a square, 12 seconds at 32 ticks per second, with everything that can be drawn.
pub fn everything() -> Scene {
    let names = ["龙之队", "ropz", "\u{202e}🔥", "a name that is much too long to be shown", "Дмитрий", "x"];
    let players =
        names.iter().zip(1..).map(|(name, id)| Player { steam64: id, name: (*name).to_owned(), ..Player::default() });
    let mut ground = Ground::default();
    for (x, y) in (-90..90).step_by(3).flat_map(|x| (-60..60).step_by(3).map(move |y| (x, y))) {
        ground.cells.insert((x, y), Cell { low: Level { dwell: 9, z_min: 0.0, z_max: (x + y) as f32 }, high: None });
    }
    Scene {
        map: "de_test".to_owned(),
        tick_rate: 32.0,
        round: 7,
        start_tick: 1_000,
        freeze_end_tick: 1_096,
        end_tick: 1_288,
        clip_start_tick: 1_000,
        clip_end_tick: 1_384,
        winner: Side::Ct,
        round_seconds: 115.0,
        teams: [Team { name: "FURIA".to_owned(), score: 3 }, Team::default()],
        players: players.collect(),
        undrawn: Vec::new(),
        followed: FOLLOWED,
        weapons: vec![String::new(), "ak47".to_owned(), "awp".to_owned()],
        moments: (0..=400).map(|step| moment(980 + step)).collect(),
        kills: vec![
            kill(1_150, Some(FOLLOWED), 3),
            kill(1_180, Some(4), 0),
            kill(1_200, Some(FOLLOWED), 4),
            kill(1_210, None, 5),
        ],
        effects: [EffectKind::He, EffectKind::Flash, EffectKind::Shot(FOLLOWED), EffectKind::BombExploded]
            .into_iter()
            .zip([1_110, 1_130, 1_149, 1_280])
            .map(|(kind, tick)| Effect { tick, kind, at: [200.0, 100.0, 0.0] })
            .collect(),
        plant: Some(Plant { tick: 1_170, site: 'A', fuse_seconds: 40.0 }),
        ground,
        ..Scene::default()
    }
}

/// A kill; those of the followed player have all marks.
pub fn kill(tick: i32, killer: Option<usize>, victim: usize) -> Kill {
    let all = killer == Some(FOLLOWED);
    Kill {
        tick,
        killer,
        victim,
        assister: all.then_some(2),
        weapon: "ak47".to_owned(),
        headshot: all,
        wallbang: all,
        through_smoke: all,
        noscope: all,
        blind: all,
        flash_assist: all,
    }
}

fn moment(tick: i32) -> Moment {
    let mut moment = Moment { tick, ..Moment::default() };
    let step = tick as f32 - 1_000.0;
    let deaths = [1_180, i32::MAX, i32::MAX, 1_150, 1_200, 1_210];
    for (index, player) in moment.players[..6].iter_mut().enumerate() {
        let turn = step * 0.02 + index as f32;
        *player = PlayerAt {
            present: true,
            at: [turn.cos() * 120.0 * index as f32, turn.sin() * 300.0, index as f32 * 90.0],
            yaw: step * 3.0,
            health: if tick >= deaths[index] { 0 } else { 100 - 13 * index as i32 },
            armor: 50,
            side: if index < 3 { Side::Ct } else { Side::T },
            weapon: 1,
            primary: 1,
            kit: index == 2,
            helmet: index < 4,
            pistol: 0,
            flash_seconds: if tick >= 1_130 { 2.0 } else { 0.0 },
            has_bomb: index == 3 && tick < 1_150,
            defusing: index == 2 && tick > 1_220,
            spotted: Some(index != 5),
        };
    }
    if (1_050..1_080).contains(&tick) {
        moment.grenades =
            vec![Grenade { id: 1, kind: GrenadeKind::Smoke, side: Side::T, at: [step * 5.0 - 300.0, 50.0, 100.0] }];
    }
    if tick >= 1_080 {
        moment.smokes = vec![Smoke { id: 1, at: [100.0, 50.0, 0.0], since_tick: 1_080 }];
        moment.flames = vec![[-200.0, -100.0, 0.0], [-230.0, -120.0, 0.0]];
    }
    if tick >= 1_150 {
        let state = if tick < 1_170 { BombState::Dropped } else { BombState::Planted };
        moment.bomb = Some(Bomb { at: [-50.0, 20.0, 0.0], state, being_defused: tick > 1_220 });
    }
    moment
}

fn look(deathnotices_only: bool) -> Look {
    Look { fps: 30, width: 640, height: 360, xray: false, deathnotices_only, camera: CameraMode::Follow }
}

#[test]
fn incrementally_drawn_frame_equals_a_full_one() {
    let scene = everything();
    for deathnotices_only in [false, true] {
        let replay = Replay::new(&scene, look(deathnotices_only)).unwrap();
        assert_eq!(replay.frames(), 360);
        let (mut stepwise, mut whole) = (Painter::new(&replay).unwrap(), Painter::new(&replay).unwrap());
        let jumps = [359, 0, 200, 180, 300];
        for frame in (0..360).step_by(3).chain(jumps) {
            stepwise.frame(frame);
            whole.invalidate();
            whole.frame(frame);
            assert!(stepwise.picture() == whole.picture(), "frame {frame}");
        }
    }
}

#[test]
fn every_changed_pixel_is_reported_and_no_tile_that_stays_as_it_was() {
    let scene = everything();
    let replay = Replay::new(&scene, look(false)).unwrap();
    let mut painter = Painter::new(&replay).unwrap();
    let mut followed = Pixmap::new(640, 360).unwrap();
    let mut full = 0;
    for frame in 0..replay.frames() {
        painter.frame(frame);
        let changes: Vec<_> = painter.changes().collect();
        for run in &changes {
            let mut differ = vec![false; run.width.div_ceil(TILE)];
            for row in run.y..run.y + run.height {
                let pixels = row * 640 + run.x..row * 640 + run.x + run.width;
                let to = followed.pixels_mut()[pixels.clone()].chunks_mut(TILE);
                for (differ, (to, from)) in
                    differ.iter_mut().zip(to.zip(painter.picture().pixels()[pixels].chunks(TILE)))
                {
                    *differ |= to != from;
                    to.copy_from_slice(from);
                }
            }
            assert!(differ.iter().all(|differ| *differ), "frame {frame}: {run:?} {differ:?}");
        }
        assert!(&followed == painter.picture(), "frame {frame}");
        let pixels: usize = changes.iter().map(|run| run.width * run.height).sum();
        full += u64::from(pixels == 640 * 360);
    }
    // While the camera moves, the picture shakes, or a card covers it.
    assert!(full * 2 < replay.frames(), "{full} of {} frames were drawn in full", replay.frames());
}

#[test]
fn deathnotices_only_draws_only_the_kill_feed() {
    let scene = everything();
    let frame = 210;
    // Regions of the picture in pixels: score, rosters of both sides, time bar, kill feed.
    let regions = [(190, 6, 180, 28), (8, 124, 78, 90), (554, 124, 78, 90), (0, 354, 640, 6), (500, 12, 130, 50)];
    for (deathnotices_only, shown) in
        [(false, [true, true, true, true, true]), (true, [false, false, false, false, true])]
    {
        let replay = Replay::new(&scene, look(deathnotices_only)).unwrap();
        let mut painter = Painter::new(&replay).unwrap();
        painter.frame(frame);
        for ((x, y, width, height), shown) in regions.into_iter().zip(shown) {
            let drawn = (y..y + height)
                .flat_map(|y| (x..x + width).map(move |x| (x, y)))
                .filter(|&(x, y)| painter.canvas.overlay().pixel(x, y).unwrap().alpha() > 0)
                .count();
            assert_eq!(drawn > 0, shown, "{x}, {y} with deathnotices_only {deathnotices_only}");
        }
    }
}

#[test]
fn unspotted_enemies_are_dim_without_xray() {
    let mut scene = everything();
    // All on one floor, nobody dies, the unspotted player stands still and apart.
    scene.kills.clear();
    for moment in &mut scene.moments {
        for player in &mut moment.players[..6] {
            (player.at[2], player.health) = (0.0, 100);
        }
        moment.players[5].at = [600.0, -400.0, 0.0];
    }
    let brightness = |xray: bool| {
        let replay = Replay::new(&scene, Look { xray, ..look(true) }).unwrap();
        let mut painter = Painter::new(&replay).unwrap();
        painter.frame(40);
        let (x, y) = replay.plan.framing(40).view.project(scene.moments[0].players[5].at);
        let pixel = painter.picture().pixel((x / 3.0) as u32, (y / 3.0) as u32).unwrap();
        u32::from(pixel.red()) + u32::from(pixel.green())
    };
    assert!(brightness(true) > brightness(false) + 100);
}

#[test]
fn unusable_scene_is_an_error() {
    let spoil: [fn(&mut Scene); 4] = [
        |scene| scene.moments.clear(),
        |scene| scene.followed = 6,
        |scene| scene.tick_rate = 0.0,
        |scene| scene.clip_end_tick = scene.clip_start_tick,
    ];
    for spoil in spoil {
        let mut scene = everything();
        spoil(&mut scene);
        assert_eq!(Replay::new(&scene, look(false)).err().map(|error| error.code.as_str()), Some("demo_unreadable"));
    }
}

#[test]
fn extreme_values_in_a_scene_do_not_panic() {
    let mut scene = everything();
    scene.kills[0].killer = Some(99);
    scene.kills[1].victim = 99;
    for (index, moment) in scene.moments.iter_mut().enumerate() {
        moment.players[0].at = [f32::NAN, f32::INFINITY, 0.0];
        moment.players[2].yaw = f32::NAN;
        moment.players[3].at = [1e9, -1e9, 0.0];
        moment.players[4].weapon = 999;
        if index % 3 == 0 {
            moment.tick -= 1;
        }
    }
    let replay = Replay::new(&scene, look(false)).unwrap();
    let mut painter = Painter::new(&replay).unwrap();
    (0..replay.frames()).step_by(10).for_each(|frame| painter.frame(frame));
}

/// [`everything`] with the maximum number of players, plus two on each side who are not drawn.
fn crowd() -> Scene {
    let mut scene = everything();
    let number = |index: usize| format!("number {index}");
    let more = (6..MAX_PLAYERS).map(|index| Player { name: number(index), ..Player::default() });
    scene.players.extend(more);
    let side = |index: usize| if index.is_multiple_of(2) { Side::T } else { Side::Ct };
    let undrawn =
        (MAX_PLAYERS..MAX_PLAYERS + 4).map(|index| Undrawn { name: number(index), side: side(index), steam64: 0 });
    scene.undrawn = undrawn.collect();
    for moment in &mut scene.moments {
        for (index, at) in moment.players.iter_mut().enumerate().skip(6) {
            let at_x = [index as f32 * 90.0 - 900.0, 200.0, 0.0];
            *at = PlayerAt { present: true, at: at_x, health: 100, side: side(index), ..PlayerAt::default() };
        }
        moment.undrawn_alive = if moment.tick < 1_160 { [2, 2] } else { [1, 2] };
    }
    scene
}

#[test]
fn crowd_is_drawn_incrementally_like_in_full() {
    let mut scene = crowd();
    scene.kills.push(kill(1_215, Some(MAX_PLAYERS + 1), MAX_PLAYERS));
    for deathnotices_only in [false, true] {
        let replay = Replay::new(&scene, look(deathnotices_only)).unwrap();
        let (mut stepwise, mut whole) = (Painter::new(&replay).unwrap(), Painter::new(&replay).unwrap());
        for frame in (0..360).step_by(9) {
            stepwise.frame(frame);
            whole.invalidate();
            whole.frame(frame);
            assert!(stepwise.picture() == whole.picture(), "frame {frame}");
        }
    }
}

#[test]
fn picture_says_when_not_all_players_are_shown() {
    for deathnotices_only in [false, true] {
        let said = |scene: &Scene| {
            let replay = Replay::new(scene, look(deathnotices_only)).unwrap();
            hud::player_notes(&replay.plan)
        };
        assert_eq!(said(&everything()), [""; 0]);
        let expected: &[&str] = if deathnotices_only {
            &["16 of 20 players shown"]
        } else {
            // Three on each side, then every other player, and two on each side who are not drawn.
            &["16 of 20 players shown", "5 of 10 players", "5 of 10 players"]
        };
        assert_eq!(said(&crowd()), expected);
    }
}

#[test]
fn kill_of_an_undrawn_player_is_in_the_feed_but_not_on_the_map() {
    let before = crowd();
    let mut after = crowd();
    after.kills.insert(0, kill(1_120, Some(MAX_PLAYERS + 1), MAX_PLAYERS));
    let pictures = [&before, &after].map(|scene| {
        let replay = Replay::new(scene, look(true)).unwrap();
        let mut painter = Painter::new(&replay).unwrap();
        // Tick 1,125: five ticks after the kill.
        painter.frame(117);
        painter.picture().clone()
    });
    let [before, after] = &pictures;
    let differs = |x: u32, y: u32| before.pixel(x, y) != after.pixel(x, y);
    let changed: Vec<(u32, u32)> =
        (0..640).flat_map(|x| (0..360).map(move |y| (x, y))).filter(|&(x, y)| differs(x, y)).collect();
    assert!(changed.len() > 100, "the feed shows it");
    assert!(changed.iter().all(|&(x, y)| x > 320 && y < 110), "only the feed shows it");
}

#[test]
fn studios_own_picture_of_a_map_replaces_its_ground() {
    // How much of the picture is mainly red.
    let red = |scene: &Scene| {
        let look =
            Look { fps: 30, width: 640, height: 360, xray: true, deathnotices_only: true, camera: CameraMode::Map };
        let replay = Replay::new(scene, look).unwrap();
        let mut painter = Painter::new(&replay).unwrap();
        painter.frame(120);
        let pixels = painter.picture().pixels();
        let is_red = |pixel: &&tiny_skia::PremultipliedColorU8| {
            u32::from(pixel.red()) > 40 + 2 * u32::from(pixel.green()) + 2 * u32::from(pixel.blue())
        };
        pixels.iter().filter(is_red).count() as f32 / pixels.len() as f32
    };
    let mut scene = everything();
    assert!(red(&scene) < 0.01);
    let mut upper = Pixmap::new(8, 8).unwrap();
    upper.fill(tiny_skia::Color::from_rgba8(180, 0, 0, 255));
    // It covers the eastern half of the world, from the middle of the map on.
    let half = Radar { upper, lower: None, left: 0.0, top: 4_000.0, scale: 1_000.0 };
    scene.radar = Some(half.clone());
    let eastern = red(&scene);
    scene.radar = Some(Radar { left: -4_000.0, ..half });
    let all = red(&scene);
    assert!(all > 0.6 && (0.3..0.7).contains(&(eastern / all)), "{eastern} of {all}");
}
