//! Players: coaches do not count, and of too many players the followed one and the enemies are drawn first.

use super::*;
use dinkem_appliance::render::scene::MAX_PLAYERS;

const COACH_POSITION: [f32; 3] = [800.0, -300.0, 16.0];

/// Players 0 and 1 against 2 and 3, with coaches 4 and 5 on the second team.
fn with_coaches(stages: Vec<Stage>) -> Forged {
    Forged::of(&game([2, 4], stages))
}

fn kill(winner: Side) -> Round {
    round(4, winner, "ak47", &[if winner == T { (0, 2) } else { (2, 0) }])
}

#[test]
fn coach_removed_at_round_start_is_not_a_player() {
    let stage = |winner| Stage::Round(kill(winner).with_coach(4, COACH_POSITION).with_coach(5, COACH_POSITION));
    let forged = with_coaches(vec![stage(T), stage(Ct)]);
    let index = forged.index();
    assert_eq!(names(&index), ["p0", "p1", "p2", "p3"]);
    for round in [1, 2] {
        let scene = forged.scene(round, 0).unwrap();
        assert_eq!(scene.players.iter().map(|player| &*player.name).collect::<Vec<_>>(), ["p0", "p1", "p2", "p3"]);
        assert_eq!(kill_feed(&scene), if round == 1 { "p0>p2" } else { "p2>p0" });
        assert!(scene.undrawn.is_empty());
        assert!(scene.moments.iter().all(|moment| moment.players.iter().filter(|at| at.present).count() == 4));
        let (code, message) = forged.refusal(round, 4);
        assert_eq!(code, "player_not_in_demo");
        assert!(message.contains("is a coach in this demo"), "{message}");
    }
}

#[test]
fn coaches_are_recognised_by_their_behaviour() {
    let die = |at: i32| act(at, 4, What::Die);
    let with = |steps: Vec<Step>, acts: Vec<Act>| {
        let mut round = kill(T);
        round.parts.push(Part { player: 4, from: COACH_POSITION, steps, weapon: "glock" });
        round.acts.extend(acts);
        round
    };
    let coach = || kill(Ct).with_coach(4, COACH_POSITION);
    let away = vec![Step::Run([COACH_POSITION[0], COACH_POSITION[1] + 900.0, 16.0])];
    let killed = act(40, 0, What::Kill(Kill { victim: 4, ..Kill::default() }));
    let kills = act(10, 4, What::Kill(Kill { victim: 1, ..Kill::default() }));
    let fires = act(5, 4, What::Shoot(1));
    // Two rounds, in which of them player 4 plays, and the kill feed of the first.
    let cases: [(&str, [Round; 2], [bool; 2], &str); 9] = [
        ("coaches both", [coach(), coach()], [false, false], "p2>p0"),
        ("sent off two seconds late", [with(vec![], vec![die(128)]), coach()], [false, false], "p0>p2"),
        ("left standing once", [with(vec![], vec![]), coach()], [false, false], "p0>p2"),
        ("stands alive in all rounds", [with(vec![], vec![]), with(vec![], vec![])], [true, true], "p0>p2"),
        ("stands in for a player", [with(away.clone(), vec![]), coach()], [true, false], "p0>p2"),
        ("runs before he dies", [with(away, vec![die(120)]), coach()], [true, false], "p0>p2 p4>p4"),
        ("fires before he dies", [with(vec![], vec![fires, die(60)]), coach()], [true, false], "p0>p2 p4>p4"),
        ("kills before he dies", [with(vec![], vec![kills, die(60)]), coach()], [true, false], "p4>p1 p0>p2 p4>p4"),
        ("is killed by an enemy", [with(vec![], vec![killed]), coach()], [true, false], "p0>p2 p0>p4"),
    ];
    for (what, described, plays, expected_feed) in cases {
        let forged = with_coaches(described.map(Stage::Round).into());
        assert_eq!(names(&forged.index()).contains(&"p4"), plays.contains(&true), "{what}");
        assert_eq!(kill_feed(&forged.scene(1, 1).unwrap()), expected_feed, "{what}");
        for (number, plays) in (1..).zip(plays) {
            let others = forged.scene(number, 1).unwrap();
            assert_eq!(others.players.iter().any(|player| player.name == "p4"), plays, "{what}: round {number}");
            match forged.scene(number, 4) {
                Ok(scene) => assert!(plays && scene.players[scene.followed].name == "p4", "{what}: round {number}"),
                Err(error) => {
                    assert!(!plays && error.code.as_str() == "player_not_in_demo", "{what}: {}", error.message)
                }
            }
        }
    }
}

#[test]
fn coach_does_not_hide_a_knife_round() {
    let knives = round(4, T, "ak47", &[]).with_knives().with_coach(4, COACH_POSITION);
    let forged = with_coaches(vec![Stage::Round(knives), Stage::Round(kill(Ct).with_coach(4, COACH_POSITION))]);
    let index = forged.index();
    assert_eq!(rounds(&index), "1ct");
    assert_eq!(names(&index), ["p0", "p1", "p2", "p3"]);
}

#[test]
fn deaths_as_coach_do_not_count_for_the_later_player() {
    let plays = round(5, T, "ak47", &[(4, 0)]);
    let forged = with_coaches(vec![Stage::Round(kill(T).with_coach(4, COACH_POSITION)), Stage::Round(plays)]);
    let scene = forged.scene(2, 4).unwrap();
    let player = &scene.players[scene.followed];
    assert_eq!((player.kills_before, player.deaths_before), (0, 0));
}

#[test]
fn with_too_many_players_the_followed_one_and_enemies_are_drawn_and_the_kill_feed_is_complete() {
    // Team sizes, followed player, number of teammates drawn.
    for (sizes, followed, own) in
        [([10, 10], 0, 5), ([10, 10], 16, 5), ([10, 10], 19, 5), ([12, 8], 16, 3), ([12, 8], 11, 7)]
    {
        let (all, last) = (sizes[0] + sizes[1], sizes[0] + sizes[1] - 1);
        let kills = [(0, last), (1, last - 1), (last - 2, 9), (2, last - 3)];
        let rounds = vec![Stage::Round(round(all, T, "ak47", &kills)), Stage::Round(round(all, Ct, "awp", &[]))];
        let forged = Forged::of(&game(sizes, rounds));
        let what = format!("{sizes:?}, p{followed}");
        assert_eq!(names(&forged.index()).len(), all, "{what}: everybody can be followed");
        let scene = forged.scene(1, followed).unwrap();
        assert_eq!((scene.players.len(), scene.undrawn.len()), (MAX_PLAYERS, all - MAX_PLAYERS), "{what}");
        assert_eq!(scene.players[scene.followed].steam64, steam64(followed), "{what}");
        let enemy = |player: &u64| (*player >= steam64(sizes[0])) != (followed >= sizes[0]);
        let enemies = scene.players.iter().filter(|player| enemy(&player.steam64)).count();
        assert_eq!(enemies, sizes[usize::from(followed < sizes[0])], "{what}: all enemies are drawn");
        assert_eq!(scene.players.len() - enemies, own + 1, "{what}");
        assert_eq!(
            kill_feed(&scene),
            format!("p0>p{last} p1>p{} p{}>p9 p2>p{}", last - 1, last - 2, last - 3),
            "{what}"
        );
        // The number of living players includes those who are not drawn.
        let end = scene.moments.last().unwrap();
        let living = end.players.iter().filter(|at| at.alive()).count()
            + end.undrawn_alive.iter().map(|n| usize::from(*n)).sum::<usize>();
        assert_eq!(living, all - kills.len(), "{what}");
        forged.scene(2, followed).unwrap();
    }
}

#[test]
fn everybody_is_drawn_up_to_the_player_limit() {
    let forged = Forged::of(&game([8, 8], vec![Stage::Round(round(16, T, "ak47", &[(0, 15)]))]));
    let scene = forged.scene(1, 15).unwrap();
    assert_eq!((scene.players.len(), scene.undrawn.len()), (16, 0));
    assert!(scene.moments.iter().all(|moment| moment.undrawn_alive == [0, 0]));
}
