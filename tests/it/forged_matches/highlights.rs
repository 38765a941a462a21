//! Kills, deaths, teams, reasons and highlights in the index of forged matches: the description is what is expected.

use dinkem_appliance::render::demo::{IndexedHighlight, IndexedPlayer};

use super::*;

/// A round of five against five.
fn round(winner: Side, kills: &[(usize, usize)]) -> Round {
    super::round(10, winner, "ak47", kills)
}

fn five_against_five(stages: Vec<Stage>) -> DemoIndex {
    Forged::of(&game([5, 5], stages)).index()
}

fn player(index: &DemoIndex, player: usize) -> &IndexedPlayer {
    index.players.iter().find(|known| known.steam64_id == steam64(player).to_string()).unwrap()
}

fn ace() -> Round {
    round(T, &[(0, 5), (0, 6), (0, 7), (0, 8), (0, 9)])
}

#[test]
fn kills_and_deaths_are_listed_with_ticks() {
    let mut described = game([2, 2], Vec::new());
    // A bot kills, dies and is not named.
    described.players[3].steam64 = 0;
    let mut played = super::round(4, T, "ak47", &[(0, 1), (0, 2), (3, 0)]);
    played.acts.push(act(150, 1, What::Die));
    described.stages = vec![Stage::Round(played)];
    let index = Forged::of(&described).index();
    let found = &index.rounds[0];
    let live = found.start_tick + FREEZE;
    let id = |player: usize| Some(steam64(player).to_string());
    let kills: Vec<_> = found.kills.iter().map(|kill| (kill.attacker.clone(), kill.victim.clone())).collect();
    // The first is a team kill.
    assert_eq!(kills, [(None, id(1)), (id(0), id(2)), (None, id(0))]);
    for (nth, kill) in (1..).zip(&found.kills) {
        assert!((kill.tick - (live + 32 * nth)).abs() <= 2, "{kill:?} is about {nth} half seconds after {live}");
    }
    let by_round = |player: &IndexedPlayer| (player.kills_by_round.clone(), player.deaths_by_round.clone());
    assert_eq!(by_round(player(&index, 0)), ([(1, 1)].into(), [(1, 1)].into()));
    assert_eq!(by_round(player(&index, 1)), ([].into(), [(1, 1)].into()));
}

#[test]
fn reason_of_each_round_is_listed() {
    let of = |winner: Side, reason: Reason| Stage::Round(Round { reason, ..round(winner, &[(0, 5)]) });
    let index = five_against_five(vec![
        of(T, Reason::TWin),
        of(Ct, Reason::CtWin),
        of(T, Reason::Bombed),
        of(Ct, Reason::Defused),
        of(Ct, Reason::Saved),
    ]);
    let reasons: Vec<_> = index.rounds.iter().map(|round| round.reason.as_deref().unwrap()).collect();
    assert_eq!(reasons, ["elimination", "elimination", "bomb_exploded", "bomb_defused", "time"]);
}

#[test]
fn players_keep_their_team_when_the_sides_change() {
    let mut leaving = round(T, &[(0, 5)]);
    leaving.parts.retain(|part| part.player != 9);
    let index = five_against_five(vec![Stage::Round(leaving), Stage::SwapSides, Stage::Round(round(Ct, &[(0, 5)]))]);
    for number in 0..10 {
        let player = player(&index, number);
        assert_eq!(player.team.as_deref(), Some(if number < 5 { "Oaks" } else { "Pines" }), "{number}");
        assert_eq!(player.rounds_played, if number == 9 { vec![2] } else { vec![1, 2] }, "{number}");
    }
}

#[test]
fn highlights_are_listed_best_first() {
    // Round 2: player 4 is left alone against two and wins. Round 3, with sides swapped: player 0 has two kills.
    let clutch = round(T, &[(0, 7), (1, 8), (2, 9), (5, 0), (6, 1), (5, 2), (6, 3), (4, 5), (4, 6)]);
    let last = round(Ct, &[(5, 1), (0, 6), (0, 7)]);
    let index = five_against_five(vec![
        Stage::Round(last),
        Stage::Round(clutch),
        Stage::SwapSides,
        Stage::Round(Round { winner: Ct, ..ace() }),
    ]);
    let found: Vec<_> = index.highlights.iter().map(|found| (found.player.as_str(), found.round)).collect();
    let ids: Vec<_> = (0..10).map(|player| steam64(player).to_string()).collect();
    let [first, second] = &index.highlights[..2] else { panic!("{found:?}") };
    let expected = IndexedHighlight {
        player: ids[0].clone(),
        round: 3,
        kills: 5,
        seconds: 2.0,
        ace: true,
        clutch: None,
        opening_kill: true,
    };
    assert_eq!(*first, expected);
    assert_eq!((&second.player, second.round, second.kills, second.clutch), (&ids[4], 2, 2, Some(2)));
    // The others have two kills, or the opening kill.
    let mut others: Vec<_> = found[2..].to_vec();
    others.sort_unstable();
    assert_eq!(others, [(0, 1), (0, 2), (5, 1), (5, 2), (6, 2)].map(|(player, round)| (ids[player].as_str(), round)));
}
