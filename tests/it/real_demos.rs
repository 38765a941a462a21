//! Reading real demos: rounds, kills, scenes, and errors for those that cannot be read.
//!
//! The demos are not part of the repository. Tests that need `../shared/demos` are skipped without it. Expected values
//! come from the page that describes the demos.

use std::fs;
use std::path::{Path, PathBuf};

use dinkem_appliance::render::demo::{self, DemoIndex, UnpackLimits};
use dinkem_appliance::render::scene::{BombState, EffectKind, Moment, Scene, Side};

/// A demo from `shared/demos`, uncompressed. The unpacked copy is cached in the target directory.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/demos").join(name);
    let Ok(packed) = fs::metadata(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    };
    if name.ends_with(".dem") {
        return Some(path);
    }
    let plain = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", packed.len()));
    if !plain.exists() {
        // Several test processes may do this at once: a file under the final name is always complete.
        let part = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap().into_temp_path();
        demo::unpack(&mut fs::File::open(path).unwrap(), &part, UnpackLimits::default()).unwrap();
        part.persist(&plain).unwrap();
    }
    Some(plain)
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn kills(index: &DemoIndex, steam64: u64, round: u32) -> u32 {
    let player = index.players.iter().find(|player| player.steam64_id == steam64.to_string()).unwrap();
    player.kills_by_round.get(&round).copied().unwrap_or(0)
}

/// Code and message of an error.
fn refusal<T>(result: dinkem_appliance::domain::error::Result<T>) -> (&'static str, String) {
    result.map(|_| ()).map_err(|error| (error.code.as_str(), error.message)).expect_err("must be refused")
}

/// File, map, number of rounds; player, round, kills.
type Match = (&'static str, &'static str, usize, &'static [(u64, u32, u32)]);

const MATCHES: [Match; 4] = [
    ("nuke_two_rounds.dem", "de_nuke", 2, &[(76561197991272318, 2, 3)]),
    ("nuke.dem", "de_nuke", 15, &[(76561198134401925, 12, 4), (76561197991272318, 11, 3)]),
    ("dust2_overtime.dem.bz2", "de_dust2", 28, &[(76561199063238565, 14, 5), (76561198074762801, 2, 4)]),
    ("mirage.dem.zst", "de_mirage", 24, &[(76561197978835160, 11, 4), (76561198164970560, 12, 4)]),
];

#[test]
fn real_matches_have_their_known_rounds_and_kills() {
    for (name, map, rounds, players) in MATCHES {
        let Some(path) = shared(name) else { return };
        let index = demo::index(&path).unwrap();
        assert_eq!((index.map.as_str(), index.tick_rate, index.rounds.len()), (map, 64.0, rounds), "{name}");
        let numbers: Vec<_> = index.rounds.iter().map(|round| round.number as usize).collect();
        assert_eq!(numbers, (1..=rounds).collect::<Vec<_>>(), "{name}");
        assert!(index.rounds.iter().all(|round| round.start_tick < round.end_tick), "{name}");
        assert!(index.rounds.iter().all(|round| matches!(round.winner.as_deref(), Some("t" | "ct"))), "{name}");
        assert_eq!(index.players.len(), 10, "{name}");
        for &(steam64, round, expected) in players {
            assert_eq!(kills(&index, steam64, round), expected, "{name}: {steam64} in round {round}");
        }
    }
}

#[test]
fn scene_of_a_real_match_is_consistent_with_its_index() {
    for (name, map, _, players) in MATCHES {
        let Some(path) = shared(name) else { return };
        for &(steam64, round, expected) in players {
            let scene = demo::scene(&path, round, steam64, &demo::Known::default()).unwrap();
            assert_eq!((scene.map.as_str(), scene.tick_rate, scene.round), (map, 64.0, round));
            assert_eq!(scene.players[scene.followed].steam64, steam64);
            let kills = scene.kills.iter().filter(|kill| kill.killer == Some(scene.followed));
            assert_eq!(kills.count() as u32, expected, "{name}: {steam64} in round {round}");
            check_scene(&scene, name);
        }
    }
}

/// Checks that hold for every scene of a professional match.
fn check_scene(scene: &Scene, name: &str) {
    assert_eq!(scene.players.len(), 10, "{name}");
    assert!(scene.players.iter().all(|player| player.steam64 > 76_561_197_960_265_728 && !player.name.is_empty()));
    assert!(scene.teams.iter().all(|team| !team.name.is_empty()), "{name}");
    assert_eq!(scene.round_seconds, 115.0, "{name}");
    assert!(scene.winner != Side::None, "{name}");

    // From three seconds before the end of freeze time to three after the end of the round, plus a short lead-in.
    assert_eq!(scene.clip_start_tick, scene.freeze_end_tick - 192, "{name}");
    assert_eq!(scene.clip_end_tick, scene.end_tick + 192, "{name}");
    let (first, last) = (&scene.moments[0], scene.moments.last().unwrap());
    assert!(first.tick < scene.clip_start_tick && first.tick >= scene.clip_start_tick - 640, "{name}");
    assert_eq!(last.tick, scene.clip_end_tick, "{name}");
    assert!(scene.moments.windows(2).all(|pair| pair[0].tick < pair[1].tick), "{name}");

    let start = scene.moments.iter().find(|moment| moment.tick >= scene.freeze_end_tick).unwrap();
    for (player, at) in scene.players.iter().zip(&start.players) {
        assert!(at.alive() && at.health == 100 && at.side != Side::None, "{name}: {}", player.name);
        assert!(!scene.weapons[usize::from(at.weapon)].is_empty(), "{name}: {} holds something", player.name);
    }
    for side in [Side::T, Side::Ct] {
        assert_eq!(start.players.iter().filter(|at| at.side == side).count(), 5, "{name}");
    }
    let carriers = |moment: &Moment| moment.players.iter().filter(|at| at.has_bomb).count();
    assert!(scene.moments.iter().all(|moment| carriers(moment) + usize::from(moment.bomb.is_some()) <= 1), "{name}");
    assert!(scene.moments.iter().any(|moment| carriers(moment) == 1), "{name}: someone must carry the bomb");

    // A misread field is 0, which would put players into one spot.
    let mut places: Vec<_> = start.players.iter().take(10).map(|at| at.at.map(|axis| axis.round() as i32)).collect();
    assert!(places.iter().flatten().all(|axis| axis.abs() < 8_000), "{name}: {places:?}");
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 10, "{name}: ten players must be in ten places");
    assert!(start.players.iter().take(10).any(|at| at.yaw != 0.0), "{name}");
    let travelled = |player: usize| {
        let at = |moment: usize| scene.moments[moment].players[player].at;
        (1..scene.moments.len())
            .map(|now| distance(at(now - 1), at(now)))
            .fold((0.0, 0.0_f32), |(sum, most), step| (sum + step, most.max(step)))
    };
    let (way, step) = travelled(scene.followed);
    assert!(way > 500.0 && step < 100.0, "{name}: a player must move continuously ({way}, {step})");

    for kill in &scene.kills {
        let behind = scene.moments.iter().filter(|moment| moment.tick > kill.tick);
        assert!(
            behind.clone().all(|moment| !moment.players[kill.victim].alive()),
            "{name}: dead players must stay dead"
        );
        assert!(kill.killer != Some(kill.victim) && !kill.weapon.is_empty(), "{name}");
        assert!((scene.start_tick..=scene.clip_end_tick).contains(&kill.tick), "{name}");
    }
    assert!(scene.effects.iter().any(|effect| matches!(effect.kind, EffectKind::Shot(_))), "{name}");
    assert!(scene.moments.iter().any(|moment| !moment.grenades.is_empty()), "{name}");
    assert!(scene.moments.iter().any(|moment| !moment.smokes.is_empty()), "{name}");
    assert!(scene.ground.cells.len() > 5_000, "{name}: the map must have ground");
    // These demos have no spotted state.
    assert!(scene.moments.iter().flat_map(|moment| &moment.players).all(|at| at.spotted.is_none()), "{name}");
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn the_bomb_is_carried_dropped_planted_and_defused() {
    let Some(path) = shared("nuke_two_rounds.dem") else { return };
    let scene = demo::scene(&path, 2, 76561197991272318, &demo::Known::default()).unwrap();
    let plant = scene.plant.unwrap();
    assert_eq!((plant.site, plant.fuse_seconds), ('B', 40.0));
    let states: Vec<_> = scene.moments.iter().map(|moment| moment.bomb.map(|bomb| bomb.state)).collect();
    let mut changes = states.clone();
    changes.dedup();
    use BombState::{Defused, Dropped, Planted};
    assert_eq!(changes, [None, Some(Dropped), None, Some(Planted), Some(Defused)]);
    for moment in &scene.moments {
        let carriers = moment.players.iter().filter(|at| at.has_bomb).count();
        assert_eq!(carriers + usize::from(moment.bomb.is_some()), 1, "tick {}: there must be one bomb", moment.tick);
    }

    let scene = demo::scene(&path, 1, 76561197960690195, &demo::Known::default()).unwrap();
    assert_eq!(scene.plant.unwrap().site, 'A');
    assert_eq!(scene.effects.iter().filter(|effect| effect.kind == EffectKind::BombExploded).count(), 1);
    assert_eq!(scene.moments.last().unwrap().bomb.unwrap().state, BombState::Exploded);
}

#[test]
fn scores_and_kills_before_a_round_sum_the_previous_rounds() {
    let Some(path) = shared("dust2_overtime.dem.bz2") else { return };
    let index = demo::index(&path).unwrap();
    let scene = demo::scene(&path, 28, 76561199063238565, &demo::Known::default()).unwrap();
    assert_eq!(scene.teams[0].score + scene.teams[1].score, 27);
    for player in &scene.players {
        let before: u32 = (1..28).map(|round| kills(&index, player.steam64, round)).sum();
        assert_eq!(player.kills_before, before, "{}", player.name);
    }
    assert!(scene.players.iter().map(|player| player.deaths_before).sum::<u32>() > 100);
}

#[test]
fn missing_player_or_round_is_reported() {
    let Some(path) = shared("nuke_two_rounds.dem") else { return };
    let refused = |round, steam64| refusal(demo::scene(&path, round, steam64, &demo::Known::default()));
    let not_there = "The demo has 2 rounds; round 99 is not among them.";
    assert_eq!(refused(99, 76561197991272318), ("round_not_in_demo", not_there.into()));
    assert_eq!(refused(0, 76561197991272318).0, "round_not_in_demo");
    let stranger = 76561197960265729;
    let not_there = format!("Player {stranger} does not play in this demo.");
    assert_eq!(refused(1, stranger), ("player_not_in_demo", not_there));
    assert_eq!(refused(1, 0).0, "player_not_in_demo");
}

#[test]
fn deathmatch_is_refused_and_a_demo_without_a_completed_round_has_none() {
    for name in ["genuine_italy_deathmatch.dem", "genuine_train_deathmatch.dem"] {
        let Some(path) = shared(name) else { return };
        let (code, message) = refusal(demo::index(&path));
        assert_eq!(code, "demo_unsupported", "{name}");
        assert!(message.contains("deathmatch"), "{message}");
        assert_eq!(
            refusal(demo::scene(&path, 1, 76561197966986733, &demo::Known::default())).0,
            "demo_unsupported",
            "{name}"
        );
    }
    for name in ["genuine_nuke_9s.dem", "genuine_ancient_3s.dem", "genuine_dust2_a.dem", "genuine_dust2_b.dem"] {
        let Some(path) = shared(name) else { return };
        let index = demo::index(&path).unwrap();
        assert!(index.rounds.is_empty(), "{name}");
        assert!(index.players.iter().any(|player| player.steam64_id == "76561197966986733"), "{name}");
        assert_eq!(
            refusal(demo::scene(&path, 1, 76561197966986733, &demo::Known::default())).0,
            "round_not_in_demo",
            "{name}"
        );
    }
}

#[test]
fn non_demos_are_refused_with_a_message_naming_their_format() {
    let scratch = scratch();
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let magic = b"PBDEMS2\0".to_vec();
    let endless = [magic.as_slice(), &[0xff; 4_096]].concat();
    let cases: [(&[u8], &str); 9] = [
        (b"", "empty"),
        (b"x", "Not a CS2 demo: the file does not start with the PBDEMS2 header."),
        (&noise, "Not a CS2 demo: the file does not start with the PBDEMS2 header."),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>404</body></html>", "HTML page"),
        (b"HL2DEMO\0and so on", "CS:GO demo"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"{\"error\":\"gone\"}", "JSON"),
        (&magic, "before the match begins"),
        (&endless, "before the match begins"),
    ];
    let path = scratch.path().join("case");
    for (bytes, words) in cases {
        fs::write(&path, bytes).unwrap();
        let (code, message) = refusal(demo::index(&path));
        assert_eq!(code, "demo_unreadable");
        assert!(message.contains(words), "{message:?} says {words:?}");
        assert_eq!(refusal(demo::scene(&path, 1, 1, &demo::Known::default())).0, "demo_unreadable");
    }
}

#[test]
fn truncated_demo_keeps_its_complete_rounds() {
    let scratch = scratch();
    let Some(path) = shared("nuke.dem") else { return };
    let whole = fs::read(&path).unwrap();
    let cut = scratch.path().join("cut.dem");
    fs::write(&cut, &whole[..whole.len() * 59 / 100]).unwrap();
    let index = demo::index(&cut).unwrap();
    assert_eq!(index.rounds.len(), 9);
    assert_eq!(index.rounds, demo::index(&path).unwrap().rounds[..9]);
    let scene = demo::scene(&cut, 9, 76561198134401925, &demo::Known::default()).unwrap();
    assert_eq!(scene.moments.last().unwrap().tick, scene.clip_end_tick);
    let (code, message) = refusal(demo::scene(&cut, 12, 76561198134401925, &demo::Known::default()));
    assert_eq!(code, "round_not_in_demo");
    assert!(message.contains("9 rounds before the point where it is damaged or truncated"), "{message}");
}

#[test]
fn damage_in_the_middle_keeps_the_rounds_before_it() {
    let scratch = scratch();
    let Some(path) = shared("nuke.dem") else { return };
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() * 59 / 100;
    bytes[middle..middle + 4_096].fill(0xa5);
    let damaged = scratch.path().join("damaged.dem");
    fs::write(&damaged, bytes).unwrap();
    assert_eq!(demo::index(&damaged).unwrap().rounds.len(), 9);
    demo::scene(&damaged, 9, 76561198134401925, &demo::Known::default()).unwrap();
}
