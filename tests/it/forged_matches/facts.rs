//! What a scene tells beside positions and kills: loadouts, attempts at the bomb, outcomes, throwers, spawns, sites,
//! two levels.

use dinkem_appliance::render::forge::description::{Grenade, Throw};
use dinkem_appliance::render::scene::{self, Outcome, PlayerAt};

use super::*;

/// A round of two against two of this many seconds, with the bomb in player 0's hands.
fn round(seconds: i32, winner: Side, reason: Reason, acts: Vec<Act>) -> Round {
    let quiet = super::round(4, winner, "ak47", &[]);
    Round { live_ticks: seconds * 64, reason, bomb: Some(0), acts, ..quiet }
}

fn only_scene(round: Round) -> Scene {
    Forged::of(&game([2, 2], vec![Stage::Round(round)])).scene(1, 0).unwrap()
}

/// A player by name, some seconds after freeze time.
fn at(scene: &Scene, name: &str, seconds: i32) -> PlayerAt {
    let player = scene.players.iter().position(|player| player.name == name).unwrap();
    let tick = scene.freeze_end_tick + seconds * 64;
    scene.moments.iter().find(|moment| moment.tick >= tick).unwrap().players[player]
}

#[test]
fn loadout_is_what_a_player_carries_not_only_what_is_in_hand() {
    let die = act(64 * 3, 0, What::Kill(Kill { victim: 3, ..Kill::default() }));
    let acts = vec![
        act(10, 2, What::Carry("usp_silencer")),
        act(10, 3, What::Carry("deagle")),
        act(64, 2, What::Hold("knife")),
        die,
    ];
    let scene = only_scene(round(6, T, Reason::TWin, acts));
    let arms = |name: &str, seconds: i32| {
        let it = at(&scene, name, seconds);
        [it.weapon, it.primary, it.pistol].map(|weapon| scene.weapons[usize::from(weapon)].as_str())
    };
    assert_eq!(arms("p0", 2), ["ak47", "ak47", ""]);
    assert_eq!(arms("p2", 2), ["knife", "ak47", "usp_silencer"]);
    assert_eq!(arms("p3", 2), ["ak47", "ak47", "deagle"]);
    assert_eq!(arms("p3", 4), ["", "", ""], "the dead carry nothing");
    let gear = |name: &str, seconds: i32| (at(&scene, name, seconds).helmet, at(&scene, name, seconds).kit);
    assert_eq!([gear("p0", 2), gear("p2", 2), gear("p3", 4)], [(true, false), (true, true), (false, false)]);
}

#[test]
fn attempts_to_plant_and_defuse_have_a_beginning_and_an_end() {
    let then = |seconds: f32, who, what| act((seconds * 64.0) as i32, who, what);
    let acts = vec![
        then(1.0, 0, What::BeginPlant('B')),
        then(2.0, 0, What::AbortPlant),
        then(3.0, 0, What::BeginPlant('B')),
        then(6.2, 0, What::Plant('B')),
        then(8.0, 2, What::Defuse(64 * 10)),
        then(9.0, 2, What::AbortDefuse),
        then(10.0, 3, What::Defuse(64 * 5)),
        then(11.0, 1, What::Kill(Kill { victim: 3, ..Kill::default() })),
        then(12.0, 2, What::Defuse(64 * 5)),
    ];
    let scene = only_scene(round(17, Ct, Reason::Defused, acts));
    let name = |player: usize| scene.players[player].name.as_str();
    let seconds = |tick: i32| (tick - scene.freeze_end_tick) as f32 / 64.0;
    // A tick early or late is allowed.
    let close = |found: &[(&str, f32, f32)], expected: &[(&str, f32, f32)]| {
        let same = |(a, b): (&(&str, f32, f32), &(&str, f32, f32))| {
            a.0 == b.0 && (a.1 - b.1).abs() < 0.04 && (a.2 - b.2).abs() < 0.04
        };
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(same), "{found:?}, not {expected:?}");
    };
    let plantings: Vec<_> =
        scene.plantings.iter().map(|it| (name(it.player), seconds(it.start_tick), seconds(it.end_tick))).collect();
    close(&plantings, &[("p0", 1.0, 2.0), ("p0", 3.0, 6.2)]);
    let defuses: Vec<_> =
        scene.defuses.iter().map(|it| (name(it.player), seconds(it.start_tick), seconds(it.end_tick))).collect();
    close(&defuses, &[("p2", 8.0, 9.0), ("p3", 10.0, 11.0), ("p2", 12.0, 17.0)]);
    assert_eq!(scene.defuses.iter().map(|defuse| defuse.seconds).collect::<Vec<_>>(), [10.0, 5.0, 5.0]);
    assert_eq!(scene.outcome, Outcome::Defused);
    let site = scene.sites[1].unwrap();
    let planter = at(&scene, "p0", 7).at;
    assert!((site[0] - planter[0]).abs() < 1.0 && scene.sites[0].is_none(), "{site:?} {planter:?}");
}

#[test]
fn outcome_is_the_rounds_reason() {
    for (reason, winner, expected) in [
        (Reason::Bombed, T, Outcome::Exploded),
        (Reason::Defused, Ct, Outcome::Defused),
        (Reason::CtWin, Ct, Outcome::Eliminated),
        (Reason::TWin, T, Outcome::Eliminated),
        (Reason::Saved, Ct, Outcome::TimeUp),
    ] {
        assert_eq!(only_scene(round(2, winner, reason, Vec::new())).outcome, expected);
    }
}

#[test]
fn grenades_have_their_throwers_side_even_after_the_thrower_died() {
    let to = [0.0, 900.0, 16.0];
    let throw = |who, grenade| act(64, who, What::Throw(Throw { grenade, to, blinds: Vec::new() }));
    let die = act(70, 0, What::Kill(Kill { victim: 2, ..Kill::default() }));
    let scene = only_scene(round(6, T, Reason::TWin, vec![throw(1, Grenade::Smoke), throw(2, Grenade::He), die]));
    let mut seen: Vec<_> =
        scene.moments.iter().flat_map(|moment| &moment.grenades).map(|it| (it.kind, it.side)).collect();
    seen.dedup();
    seen.sort_by_key(|(_, side)| *side as u8);
    seen.dedup();
    let expected = [(scene::GrenadeKind::Smoke, scene::Side::T), (scene::GrenadeKind::He, scene::Side::Ct)];
    assert_eq!(seen, expected);
    let last = scene.moments.iter().rev().find(|moment| !moment.grenades.is_empty()).unwrap();
    assert!(last.tick > scene.freeze_end_tick + 72, "in flight after the thrower's death");
}

#[test]
fn spawns_are_the_middle_of_each_side_when_freeze_time_ends() {
    let scene = only_scene(round(4, T, Reason::TWin, Vec::new()));
    // Players 0 and 1 start at x -900 and -750, 2 and 3 at -600 and -450.
    let [t, ct] = scene.spawns.map(Option::unwrap);
    assert!((t[0] + 825.0).abs() < 1.0 && (ct[0] + 525.0).abs() < 1.0, "{t:?} {ct:?}");
}

#[test]
fn bridge_over_a_tunnel_is_two_levels_at_any_tick_rate() {
    let run = |player, from: [f32; 3], to| Part { player, from, steps: vec![Step::Run(to)], weapon: "ak47" };
    for tick_rate in [64, 128] {
        let mut described = round(6, T, Reason::TWin, Vec::new());
        described.live_ticks = 6 * tick_rate;
        described.parts[0] = run(0, [0.0, -400.0, 0.0], [0.0, 400.0, 0.0]);
        described.parts[2] = run(2, [-400.0, 0.0, 200.0], [400.0, 0.0, 200.0]);
        let scene =
            Forged::of(&Match { tick_rate, ..game([2, 2], vec![Stage::Round(described)]) }).scene(1, 0).unwrap();
        assert_eq!(scene.tick_rate, tick_rate as f32);
        let two: Vec<_> = scene.ground.cells.iter().filter(|(_, cell)| cell.high.is_some()).collect();
        assert!((1..=9).contains(&two.len()), "{tick_rate}: {two:?}");
        for ((x, y), cell) in two {
            assert!(x.abs() <= 2 && y.abs() <= 2 && cell.low.z_max < 10.0 && cell.high.unwrap().z_min > 190.0);
        }
        // A line without holes.
        assert!((-48..=45).all(|y| (-2..=2).any(|x| scene.ground.cells.contains_key(&(x, y)))), "{tick_rate}");
    }
}
