//! Reading the index and the scenes of forged matches: knife rounds, restored backups, overtime, absent players, bots.

use std::fs;
use std::path::Path;

use dinkem_appliance::render::forge::{SAMPLE_PLAYER, SAMPLE_ROUND, sample, sample_match};
use dinkem_appliance::render::scene;

use super::*;

/// Two against two.
fn two_against_two(stages: Vec<Stage>) -> Match {
    game([2, 2], stages)
}

/// A round of the first four players.
fn round(winner: Side, weapon: &'static str, kills: &[(usize, usize)]) -> Round {
    super::round(4, winner, weapon, kills)
}

/// Kills of a player in each round, as `round:kills`.
fn kills(index: &DemoIndex, player: usize) -> String {
    let player = index.players.iter().find(|known| known.steam64_id == steam64(player).to_string()).unwrap();
    let kills: Vec<_> = player.kills_by_round.iter().map(|(round, kills)| format!("{round}:{kills}")).collect();
    kills.join(" ")
}

#[test]
fn sample_is_read_as_described() {
    let described = sample_match();
    let forged = Forged::from_bytes(&sample());
    let index = forged.index();
    assert_eq!((index.map.as_str(), index.tick_rate), (described.map, 64.0));
    assert_eq!(index.players.len(), described.players.len());
    let rounds = described.stages.iter().filter_map(|stage| match stage {
        Stage::Round(round) => Some(round),
        _ => None,
    });
    for (round, found) in rounds.zip(&index.rounds) {
        assert_eq!(found.end_tick - found.start_tick, round.freeze_ticks + round.live_ticks);
        for (number, player) in described.players.iter().enumerate() {
            let by = |act: &&Act| act.who == number && matches!(act.what, What::Kill(_));
            let kills = round.acts.iter().filter(by).count() as u32;
            let known = index.players.iter().find(|known| known.steam64_id == player.steam64.to_string()).unwrap();
            assert_eq!(known.name, player.name);
            assert_eq!(known.kills_by_round.get(&found.number).copied().unwrap_or(0), kills, "{}", player.name);
        }
    }
    assert!(index.rounds.iter().any(|round| round.number == SAMPLE_ROUND));
    let scene = demo::scene(&forged.path, SAMPLE_ROUND, SAMPLE_PLAYER, &demo::Known::default()).unwrap();
    assert_eq!(scene.teams.each_ref().map(|team| team.name.as_str()), described.teams);
    assert!(scene.plant.is_some_and(|plant| plant.fuse_seconds == 40.0));
    assert!(scene.moments.iter().any(|moment| moment.players.iter().any(|player| player.defusing)));
}

#[test]
fn index_json_has_the_documented_shape() {
    let index = Forged::of(&two_against_two(vec![Stage::Round(round(T, "ak47", &[(0, 2), (0, 3)]))])).index();
    let json = serde_json::to_value(&index).unwrap();
    assert_eq!(json["map"], "de_nowhere");
    assert_eq!(json["tick_rate"], 64.0);
    assert_eq!(json["rounds"][0]["number"], 1);
    assert_eq!(json["rounds"][0]["winner"], "t");
    assert!(json["rounds"][0]["start_tick"].is_i64() && json["rounds"][0]["end_tick"].is_i64());
    assert_eq!(json["players"][0]["steam64_id"], steam64(0).to_string());
    assert_eq!(json["players"][0]["name"], "p0");
    assert_eq!(json["players"][0]["kills_by_round"]["1"], 2);
    assert_eq!(serde_json::from_value::<DemoIndex>(json).unwrap(), index);
}

#[test]
fn knife_rounds_and_warm_up_do_not_count() {
    let warmup = || Stage::Warmup(round(Ct, "deagle", &[(2, 0)]));
    let knife = || Stage::Round(round(T, "knife", &[(0, 2), (1, 3)]));
    let rest = || [Stage::Round(round(Ct, "ak47", &[(2, 0)])), Stage::Round(round(T, "awp", &[(0, 3)]))];
    let restarted = [vec![warmup(), knife(), Stage::Rewind(0)], rest().into()].concat();
    let carried_on = [vec![warmup(), knife()], rest().into()].concat();
    for (stages, name) in [(restarted, "restarted"), (carried_on, "carried on")] {
        let forged = Forged::of(&two_against_two(stages));
        let index = forged.index();
        assert_eq!(rounds(&index), "1ct 2t", "{name}");
        assert_eq!((kills(&index, 0).as_str(), kills(&index, 2).as_str()), ("2:1", "1:1"), "{name}");
        let scene = forged.scene(2, 0).unwrap();
        assert_eq!(scene.kills.len(), 1, "{name}");
        assert_eq!(scene.players[scene.followed].kills_before, 0, "{name}: knife rounds do not count");
    }
}

#[test]
fn restored_backup_discards_the_undone_rounds() {
    let forged = Forged::of(&two_against_two(vec![
        Stage::Round(round(T, "ak47", &[(0, 2)])),
        Stage::Round(round(T, "ak47", &[(0, 2), (0, 3)])),
        Stage::Round(round(T, "ak47", &[(0, 3)])),
        Stage::Rewind(1),
        Stage::Round(round(Ct, "ak47", &[(2, 0)])),
        Stage::Round(round(Ct, "ak47", &[(3, 1), (0, 3)])),
    ]));
    assert_eq!(rounds(&forged.index()), "1t 2ct 3ct");
    assert_eq!(kills(&forged.index(), 0), "1:1 3:1");
    assert_eq!(kills(&forged.index(), 2), "2:1");
    let scene = forged.scene(3, 0).unwrap();
    let [killed, died] = [scene.players[scene.followed].kills_before, scene.players[scene.followed].deaths_before];
    assert_eq!((killed, died), (1, 1), "undone rounds do not count");
    assert_eq!(scene.teams.each_ref().map(|team| team.score), [1, 1]);
}

#[test]
fn side_swaps_and_overtime_keep_counting_rounds() {
    let mut stages: Vec<_> = (0..3).map(|_| Stage::Round(round(T, "ak47", &[(0, 2)]))).collect();
    stages.push(Stage::SwapSides);
    stages.extend((0..3).map(|_| Stage::Round(round(T, "ak47", &[(2, 0)]))));
    stages.push(Stage::Overtime(1));
    stages.push(Stage::Round(round(Ct, "awp", &[(1, 3)])));
    let forged = Forged::of(&two_against_two(stages));
    assert_eq!(rounds(&forged.index()), "1t 2t 3t 4t 5t 6t 7ct");
    let first = forged.scene(2, 0).unwrap();
    assert_eq!(first.teams.each_ref().map(|team| (team.name.as_str(), team.score)), [("Oaks", 1), ("Pines", 0)]);
    let last = forged.scene(7, 1).unwrap();
    assert_eq!(last.teams.each_ref().map(|team| (team.name.as_str(), team.score)), [("Pines", 3), ("Oaks", 3)]);
    let sides = |scene: &Scene| {
        let moment = scene.moments.iter().find(|moment| moment.tick >= scene.freeze_end_tick).unwrap();
        moment.players[scene.followed].side
    };
    assert_eq!((sides(&first), sides(&last)), (scene::Side::T, scene::Side::Ct));
}

#[test]
fn player_absent_from_a_round_cannot_be_followed_in_it() {
    let mut leaving = round(T, "ak47", &[(0, 2)]);
    leaving.parts.push(Part { player: 4, from: [900.0, 900.0, 16.0], steps: Vec::new(), weapon: "awp" });
    leaving.acts.push(Act { at: 128, who: 4, what: What::Leave });
    let forged = Forged::of(&game(
        [2, 3],
        vec![
            Stage::Round(round(T, "ak47", &[(0, 2)])),
            Stage::Round(leaving),
            Stage::Round(round(Ct, "ak47", &[(2, 0)])),
        ],
    ));
    for absent in [1, 3] {
        let error = forged.scene(absent, 4).unwrap_err();
        assert_eq!(error.code.as_str(), "player_not_in_demo");
        assert!(error.message.contains("does not play in this round"), "{}", error.message);
        assert_eq!(forged.scene(absent, 0).unwrap().players.len(), 4);
    }
    let scene = forged.scene(2, 4).unwrap();
    assert_eq!(scene.players.len(), 5);
    let present = |tick: i32| {
        let moment = scene.moments.iter().find(|moment| moment.tick == tick).unwrap();
        moment.players[scene.followed].present
    };
    assert!(present(scene.freeze_end_tick + 100) && !present(scene.freeze_end_tick + 140));
}

#[test]
fn bots_play_but_cannot_be_followed() {
    let mut described =
        two_against_two(vec![Stage::Round(round(T, "ak47", &[(1, 2), (0, 3)])), Stage::Round(round(T, "awp", &[]))]);
    described.players[1].steam64 = 0;
    described.players[2].steam64 = 0;
    let forged = Forged::of(&described);
    assert_eq!(forged.index().players.len(), 2, "only players who can be followed are listed");
    let scene = forged.scene(1, 0).unwrap();
    assert_eq!(scene.players.len(), 4);
    let names = scene
        .kills
        .iter()
        .map(|kill| [kill.killer.unwrap(), kill.victim].map(|player| scene.players[player].name.as_str()));
    assert_eq!(names.collect::<Vec<_>>(), [["p1", "p2"], ["p0", "p3"]]);
    let scene = forged.scene(2, 0).unwrap();
    let bot = scene.players.iter().find(|player| player.name == "p1").unwrap();
    assert_eq!((bot.steam64, bot.kills_before), (0, 1));
    assert_eq!(
        demo::scene(&forged.path, 1, 0, &demo::Known::default()).unwrap_err().code.as_str(),
        "player_not_in_demo"
    );
}

#[test]
fn clip_covers_the_round_plus_three_seconds_on_each_side_within_the_demo() {
    let last = Round { after_ticks: 64, ..round(Ct, "ak47", &[(2, 0)]) };
    let forged = Forged::of(&two_against_two(vec![Stage::Round(round(T, "ak47", &[(0, 2)])), Stage::Round(last)]));
    let scene = forged.scene(1, 0).unwrap();
    assert_eq!(scene.freeze_end_tick - scene.start_tick, FREEZE);
    assert_eq!(scene.clip_end_tick - scene.clip_start_tick, 192 + LIVE + 192);
    let scene = forged.scene(2, 0).unwrap();
    let behind = scene.clip_end_tick - scene.end_tick;
    assert!((60..=70).contains(&behind), "the clip ends {behind} ticks after the last round");
    assert_eq!(scene.moments.last().unwrap().tick, scene.clip_end_tick);
}

#[test]
fn spotted_state_comes_from_the_demo() {
    let forged = Forged::from_bytes(&sample());
    let scene = demo::scene(&forged.path, SAMPLE_ROUND, SAMPLE_PLAYER, &demo::Known::default()).unwrap();
    let start = scene.moments.iter().find(|moment| moment.tick >= scene.freeze_end_tick).unwrap();
    let ours = start.players[scene.followed].side;
    for player in start.players.iter().filter(|player| player.present) {
        assert_eq!(player.spotted, Some(player.side == ours), "at first only teammates are spotted");
    }
    let players = scene.moments.iter().flat_map(|moment| &moment.players).filter(|player| player.present);
    let enemies: Vec<_> = players.filter(|player| player.side != ours && player.alive()).collect();
    assert!(enemies.iter().any(|enemy| enemy.spotted == Some(true)), "enemies are spotted later");
    assert!(enemies.iter().any(|enemy| enemy.spotted == Some(false)));
}

#[test]
fn deathmatch_is_refused() {
    let described =
        Match { game: Game::Deathmatch, ..two_against_two(vec![Stage::Warmup(round(T, "ak47", &[(0, 2)]))]) };
    let error = demo::index(&Forged::of(&described).path).unwrap_err();
    assert_eq!(error.code.as_str(), "demo_unsupported");
    assert!(error.message.contains("deathmatch"), "{}", error.message);
}

#[test]
fn demo_truncated_anywhere_keeps_its_complete_rounds() {
    let whole = play(&two_against_two(vec![
        Stage::Round(round(T, "ak47", &[(0, 2)])),
        Stage::Round(round(Ct, "ak47", &[(2, 0)])),
        Stage::Round(round(T, "awp", &[(1, 3)])),
    ]));
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("cut.dem");
    let count_rounds = |bytes: &[u8], path: &Path| {
        fs::write(path, bytes).unwrap();
        match demo::index(path) {
            Ok(index) => index.rounds.len(),
            Err(error) => {
                assert_eq!(error.code.as_str(), "demo_unreadable");
                0
            }
        }
    };
    let steps = 60;
    let found: Vec<_> = (0..=steps).map(|step| count_rounds(&whole[..whole.len() * step / steps], &path)).collect();
    assert!(found.is_sorted(), "{found:?}");
    assert_eq!((found[0], found[steps]), (0, 3));
    assert!(found.contains(&1) && found.contains(&2), "{found:?}");
    assert_eq!(count_rounds(&whole[..whole.len() - 1], &path), 3, "the last byte belongs to no round");
}
