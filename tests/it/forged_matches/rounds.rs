//! Which rounds a match has: only those that were decided and not undone, without knife rounds.

use super::*;

fn won(winner: Side) -> Stage {
    let kill = if winner == T { (0, 2) } else { (2, 0) };
    Stage::Round(round(4, winner, "ak47", &[kill]))
}

fn warmup() -> Stage {
    Stage::Warmup(round(4, Ct, "deagle", &[(2, 0)]))
}

#[test]
fn restored_backups_add_no_phantom_rounds_and_lose_no_real_ones() {
    use Stage::{Load, Rewind};
    // Stages, remaining rounds, a round that must not exist.
    let cases: [(&str, Vec<Stage>, &str, u32); 8] = [
        ("one round back", vec![won(T), won(T), Rewind(1), won(Ct)], "1t 2ct", 3),
        (
            "the wrong backup of 1 first, then the right one of 2",
            vec![won(T), won(Ct), won(T), Rewind(1), Rewind(2), won(Ct)],
            "1t 2ct 3ct",
            4,
        ),
        ("two back and two forward", vec![won(T), won(Ct), won(T), Rewind(1), Rewind(3), won(Ct)], "1t 2ct 3t 4ct", 5),
        ("back to the start and forward again", vec![won(T), won(Ct), Rewind(0), Rewind(2), won(T)], "1t 2ct 3t", 4),
        (
            "down and up twice",
            vec![won(T), won(T), Rewind(0), Rewind(1), Rewind(0), Rewind(2), won(Ct)],
            "1t 2t 3ct",
            4,
        ),
        ("a restart", vec![won(T), won(T), Rewind(0), won(Ct)], "1ct", 2),
        ("a new recording that loads a backup in warm-up", vec![warmup(), Load(1, [1, 0]), won(Ct)], "2ct", 1),
        ("one that loads it in the first round", vec![warmup(), won(T), Load(4, [2, 2]), won(Ct)], "5ct", 1),
    ];
    for (what, stages, expected, missing) in cases {
        let forged = Forged::of(&game([2, 2], stages));
        let index = forged.index();
        assert_eq!(rounds(&index), expected, "{what}");
        for found in &index.rounds {
            assert_eq!(found.end_tick - found.start_tick, FREEZE + LIVE, "{what}: round {}", found.number);
            let scene = forged.scene(found.number, 0).unwrap();
            assert_eq!(scene.end_tick - scene.freeze_end_tick, LIVE, "{what}: round {}", found.number);
            assert_eq!(scene.kills.len(), 1, "{what}: round {}", found.number);
            let killed: u32 = index.players.iter().filter_map(|player| player.kills_by_round.get(&found.number)).sum();
            assert_eq!(killed, 1, "{what}: round {}", found.number);
        }
        let (code, message) = forged.refusal(missing, 0);
        assert_eq!(code, "round_not_in_demo", "{what}");
        assert!(message.contains(&format!("round {missing} is not among them")), "{what}: {message}");
    }
}

#[test]
fn score_before_a_round_ignores_undone_rounds() {
    let stages = vec![won(T), won(Ct), won(T), Stage::Rewind(1), Stage::Rewind(2), won(Ct), won(T)];
    let scene = Forged::of(&game([2, 2], stages)).scene(4, 0).unwrap();
    assert_eq!(scene.teams.each_ref().map(|team| team.score), [1, 2]);
    let followed = &scene.players[scene.followed];
    assert_eq!((followed.kills_before, followed.deaths_before), (1, 2), "undone rounds do not count");
}

#[test]
fn opening_knife_round_is_not_round_1() {
    let knives = |acts: Vec<Act>| Stage::Round(Round { acts, bomb: Some(1), ..round(4, T, "knife", &[]) });
    let kill = |victim: usize| What::Kill(Kill { victim, ..Kill::default() });
    let bomb = || vec![act(20, 1, What::HoldBomb), act(25, 1, What::Shoot(1)), act(60, 1, What::Hold("knife"))];
    let swings = || vec![act(30, 0, What::Shoot(3)), act(30, 2, What::Shoot(3))];
    let cases = [
        ("with kills", vec![act(60, 0, kill(2)), act(90, 0, kill(3))]),
        ("with kills and the bomb in hand", [bomb(), vec![act(60, 0, kill(2))]].concat()),
        ("with a suicide", vec![act(60, 0, kill(2)), act(70, 3, What::Die)]),
        ("without kills", swings()),
        ("without kills, with the bomb in hand", [bomb(), swings()].concat()),
        ("without any event", Vec::new()),
    ];
    for (what, acts) in cases {
        for before in [Vec::new(), vec![warmup()]] {
            let forged = Forged::of(&game([2, 2], [before, vec![knives(acts.clone()), won(Ct), won(T)]].concat()));
            assert_eq!(rounds(&forged.index()), "1ct 2t", "{what}");
            assert_eq!(kill_feed(&forged.scene(1, 0).unwrap()), "p2>p0", "{what}");
        }
    }
}

#[test]
fn first_round_with_guns_counts_even_if_nothing_happens() {
    let pistols = |weapon, acts: Vec<Act>| Stage::Round(Round { acts, bomb: Some(1), ..round(4, Ct, weapon, &[]) });
    let pockets = || (0..4).map(|player| act(0, player, What::Carry("glock"))).collect::<Vec<_>>();
    let cases = [
        ("pistols in hand and time runs out", pistols("glock", Vec::new())),
        ("knives in hand and pistols in pockets", pistols("knife", pockets())),
        ("one pistol in one pocket", pistols("knife", vec![act(0, 3, What::Carry("usp_silencer"))])),
        ("a grenade in one pocket", pistols("knife", vec![act(0, 3, What::Carry("flashbang"))])),
        ("a shot that hits nobody", pistols("knife", vec![act(9, 0, What::Hold("glock")), act(10, 0, What::Shoot(1))])),
    ];
    for (what, first) in cases {
        let forged = Forged::of(&game([2, 2], vec![first, won(T)]));
        assert_eq!(rounds(&forged.index()), "1ct 2t", "{what}");
    }
    // Later knife rounds count.
    let knives = Stage::Round(round(4, T, "knife", &[]).with_knives());
    assert_eq!(rounds(&Forged::of(&game([2, 2], vec![won(Ct), knives.clone(), won(T)])).index()), "1ct 2t 3t");
    let late = vec![warmup(), Stage::Load(6, [3, 3]), knives, won(T)];
    assert_eq!(rounds(&Forged::of(&game([2, 2], late)).index()), "7t 8t");
}

#[test]
fn demo_without_a_completed_round_says_so() {
    let forged = Forged::of(&game([2, 2], vec![warmup()]));
    assert!(forged.index().rounds.is_empty());
    assert_eq!(forged.refusal(1, 0), ("round_not_in_demo", "The demo has no completed rounds.".to_owned()));
    let forged = Forged::of(&game([2, 2], vec![warmup(), Stage::Load(1, [1, 0]), won(T)]));
    let only = "The demo has only round 2; round 1 is not among them.";
    assert_eq!(forged.refusal(1, 0), ("round_not_in_demo", only.to_owned()));
}

#[test]
fn demo_of_another_game_is_refused_by_name() {
    for (folder, named) in [("citadel", "a demo of Deadlock."), ("somemod", "a demo of another game (\"somemod\").")] {
        let forged = Forged::of(&Match { game: Game::Other(folder), ..game([2, 2], Vec::new()) });
        let error = demo::index(&forged.path).unwrap_err();
        assert_eq!(error.code.as_str(), "demo_unsupported", "{folder}");
        assert!(error.message.contains(named), "{}", error.message);
        assert_eq!(forged.refusal(1, 0), (error.code.as_str(), error.message));
    }
}
