//! Highlights of real demos: those that the page about the demos names, and every one checked against the list of
//! kills. The tests are skipped without the demos.

use std::collections::{BTreeMap, BTreeSet};

use dinkem_appliance::render::demo::{DemoIndex, IndexedHighlight, IndexedRound, PlainDemo, index};

use crate::support::tools::shared_demo;

/// File; players worth following with round and kills.
type Page = (&'static str, &'static [(&'static str, u32, u32)]);

/// From the page about the demos.
const WORTH_FOLLOWING: [Page; 4] = [
    ("nuke_two_rounds.dem", &[("76561197991272318", 2, 3)]),
    ("nuke.dem", &[("76561198134401925", 12, 4), ("76561197991272318", 11, 3)]),
    ("dust2_overtime.dem.bz2", &[("76561199063238565", 14, 5), ("76561198074762801", 2, 4)]),
    ("mirage.dem.zst", &[("76561197978835160", 11, 4), ("76561198164970560", 12, 4)]),
];
/// The best of them are among the first rounds that `inspect` prints.
const SHOWN: usize = 10;

fn read(name: &str) -> Option<DemoIndex> {
    let demo = PlainDemo::open(&shared_demo(name, "highlights")?, None).unwrap();
    Some(index(demo.path()).unwrap())
}

#[test]
fn best_rounds_are_the_ones_worth_following() {
    for (name, players) in WORTH_FOLLOWING {
        let Some(index) = read(name) else { return };
        for &(player, round, kills) in players {
            let place =
                index.highlights.iter().position(|found| (found.player.as_str(), found.round) == (player, round));
            let place = place.unwrap_or_else(|| panic!("{name}: {player} in round {round} is no highlight"));
            assert!(place < SHOWN, "{name}: {player} in round {round} is number {place}");
            assert_eq!(index.highlights[place].kills, kills, "{name}: {player} in round {round}");
        }
        // No player has more kills in a round than the best on the page.
        let most = players.iter().map(|(_, _, kills)| *kills).max().unwrap();
        assert_eq!(index.highlights[0].kills, most, "{name}");
    }
}

#[test]
fn every_highlight_follows_from_the_list_of_kills() {
    for (name, _) in WORTH_FOLLOWING {
        let Some(index) = read(name) else { return };
        assert!(!index.highlights.is_empty(), "{name}");
        for found in &index.highlights {
            let round = index.rounds.iter().find(|round| round.number == found.round).unwrap();
            check(&index, round, found, name);
        }
    }
}

fn check(index: &DemoIndex, round: &IndexedRound, found: &IndexedHighlight, name: &str) {
    let case = format!("{name}: {found:?}");
    let teams: BTreeMap<_, _> = index.players.iter().map(|player| (player.steam64_id.as_str(), &player.team)).collect();
    let ours = teams[found.player.as_str()];
    let kills: Vec<_> =
        round.kills.iter().filter(|kill| kill.attacker.as_deref() == Some(found.player.as_str())).collect();
    assert_eq!(kills.len(), found.kills as usize, "{case}");
    let player = index.players.iter().find(|player| player.steam64_id == found.player).unwrap();
    assert_eq!(player.kills_by_round.get(&round.number).copied().unwrap_or(0), found.kills, "{case}");
    assert!(player.rounds_played.contains(&round.number), "{case}");

    let victims: BTreeSet<_> = kills.iter().map(|kill| kill.victim.as_deref().unwrap()).collect();
    assert!(victims.iter().all(|victim| teams[victim] != ours), "{case}");
    assert_eq!(victims.len() == 5, found.ace, "{case}");
    let ticks = kills.last().map_or(0, |last| last.tick - kills[0].tick);
    assert!((found.seconds - ticks as f32 / 64.0).abs() < 0.01, "{case}");
    let first = round.kills.iter().find(|kill| kill.attacker.is_some()).unwrap();
    assert_eq!(first.attacker.as_deref() == Some(found.player.as_str()), found.opening_kill, "{case}");

    // Ten play; who is left after each death until the round's end.
    let mut alive: BTreeSet<_> = teams.keys().copied().collect();
    let mut alone_against = None;
    for kill in round.kills.iter().filter(|kill| kill.tick <= round.end_tick) {
        alive.remove(kill.victim.as_deref().unwrap());
        let (mates, enemies): (Vec<_>, Vec<_>) = alive.iter().copied().partition(|player| teams[player] == ours);
        if mates == [found.player.as_str()] && alone_against.is_none() {
            alone_against = Some(enemies.len() as u32);
        }
    }
    match (found.clutch, alone_against) {
        (Some(enemies), alone) => assert_eq!(Some(enemies), alone, "{case}"),
        // Left alone, so the others must have won.
        (None, Some(enemies)) if enemies > 0 => {
            let won = won_by_elimination(round, index, ours);
            assert!(!won, "{case}: a won clutch against {enemies} is missing");
        }
        (None, _) => {}
    }
}

/// Whether this team won the round because all enemies were killed: some of the team are alive.
fn won_by_elimination(round: &IndexedRound, index: &DemoIndex, team: &Option<String>) -> bool {
    let mates = index.players.iter().filter(|player| player.team == *team);
    let dead = |player: &str| {
        round.kills.iter().any(|kill| kill.tick <= round.end_tick && kill.victim.as_deref() == Some(player))
    };
    let all_dead = mates.map(|player| player.steam64_id.as_str()).all(dead);
    round.reason.as_deref() == Some("elimination") && !all_dead
}
