//! The demos in `../shared/demos/odd`. Tests are skipped without them. Expected values come from the page that
//! describes the demos.

use super::*;
use std::path::Path;

fn shared_demo(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/demos/odd").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn id(index: &DemoIndex, name: &str) -> u64 {
    index.players.iter().find(|player| player.name == name).unwrap().steam64_id.parse().unwrap()
}

#[test]
fn wrong_then_right_backup_leaves_rounds_1_to_3() {
    let Some(path) = shared_demo("backup_undo_undo.dem") else { return };
    let index = demo::index(&path).unwrap();
    assert_eq!(rounds(&index), "1t 2ct 3ct");
    assert!(index.rounds.iter().all(|round| round.end_tick - round.start_tick == 640), "{:?}", index.rounds);
    let player = id(&index, "ash");
    for round in 1..=3 {
        demo::scene(&path, round, player, &demo::Known::default()).unwrap();
    }
    assert_eq!(demo::scene(&path, 4, player, &demo::Known::default()).unwrap_err().code.as_str(), "round_not_in_demo");
}

#[test]
fn recording_that_starts_from_a_backup_of_round_1_has_only_round_2() {
    let Some(path) = shared_demo("fresh_backup1.dem") else { return };
    let index = demo::index(&path).unwrap();
    assert_eq!(rounds(&index), "2ct");
    let error = demo::scene(&path, 1, id(&index, "ash"), &demo::Known::default()).unwrap_err();
    assert_eq!(error.code.as_str(), "round_not_in_demo");
    assert!(error.message.contains("only round 2"), "{}", error.message);
}

#[test]
fn coaches_are_not_listed_followed_or_in_the_kill_feed() {
    let Some(path) = shared_demo("coach.dem") else { return };
    let index = demo::index(&path).unwrap();
    assert_eq!(names(&index), ["ash", "birch", "cedar", "dogwood"]);
    let scene = demo::scene(&path, 1, id(&index, "ash"), &demo::Known::default()).unwrap();
    assert_eq!(scene.players.len(), 4);
    assert_eq!(kill_feed(&scene), "ash>cedar ash>dogwood");
    for coach in [76_561_198_300_000_002, 76_561_198_300_000_005] {
        assert_eq!(
            demo::scene(&path, 1, coach, &demo::Known::default()).unwrap_err().code.as_str(),
            "player_not_in_demo"
        );
    }
}

#[test]
fn every_player_of_ten_against_ten_can_be_followed_with_all_kills() {
    let Some(path) = shared_demo("casual20.dem") else { return };
    let index = demo::index(&path).unwrap();
    assert_eq!(index.players.len(), 20);
    for player in &index.players {
        let scene = demo::scene(&path, 1, player.steam64_id.parse().unwrap(), &demo::Known::default()).unwrap();
        assert_eq!(scene.players[scene.followed].name, player.name);
        assert_eq!((scene.players.len(), scene.undrawn.len()), (16, 4), "{}", player.name);
        assert!(kill_feed(&scene).contains("p0>p19"), "{}: {}", player.name, kill_feed(&scene));
    }
}

#[test]
fn knife_round_with_the_bomb_leaves_two_rounds() {
    let Some(path) = shared_demo("knife_c4.dem") else { return };
    assert_eq!(rounds(&demo::index(&path).unwrap()), "1ct 2t");
}

#[test]
fn deadlock_demo_is_refused_by_name() {
    let Some(path) = shared_demo("deadlock_hltv_10423.dem") else { return };
    for error in [
        demo::index(&path).unwrap_err(),
        demo::scene(&path, 1, 76_561_198_300_000_000, &demo::Known::default()).unwrap_err(),
    ] {
        assert_eq!(error.code.as_str(), "demo_unsupported");
        assert_eq!(error.message, "This is a demo of Deadlock. Only Counter-Strike 2 demos are supported.");
    }
}
