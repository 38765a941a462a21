//! Tests of the rules of highlights on hand-made rounds. Players 0 to 4 are terrorists, 5 to 9 counter-terrorists.

use super::*;
use Side::{Ct, T};

const TICK_RATE: f32 = 64.0;
const END: i32 = 6_400;

/// A death for which somebody gets a kill.
fn kill(tick: i32, killer: usize, victim: usize) -> Death {
    Death { tick, killer: Some(killer), victim: Some(victim), own: false }
}

/// A suicide, a team kill or a death by the bomb.
fn death(tick: i32, victim: usize) -> Death {
    Death { tick, killer: None, victim: Some(victim), own: false }
}

/// Kills of one player every second, from the first second on.
fn spree(killer: usize, victims: &[usize]) -> Vec<Death> {
    (1..).zip(victims).map(|(second, &victim)| kill(second * 64, killer, victim)).collect()
}

fn round(number: u32, winner: Side, deaths: Vec<Death>) -> Play {
    let sides = (0..10).map(|player| (player, if player < 5 { T } else { Ct })).collect();
    Play { number, winner, end_tick: END, sides, deaths }
}

fn found(rounds: &[Play]) -> Vec<Highlight> {
    highlights(rounds, TICK_RATE, |_| true)
}

/// `player: kills`, then `a`ce, `o`pening kill and the number of enemies of a clutch; best first.
fn in_words(found: &[Highlight]) -> String {
    let one = |highlight: &Highlight| {
        let Highlight { person, kills, ace, clutch, opening, .. } = highlight;
        let marks = [(*ace, "a"), (*opening, "o")].map(|(is, mark)| if is { mark } else { "" }).concat();
        format!("{person}:{kills}{marks}{}", clutch.map_or(String::new(), |enemies| format!("v{enemies}")))
    };
    found.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn highlights_of_a_round_follow_the_rules() {
    let all_die_but =
        |survivor: usize| (0..5).filter(move |player| *player != survivor).map(|player| kill(10, 5, player));
    let cases = [
        ("nothing happens", T, vec![], ""),
        ("one kill opens", T, spree(0, &[5]), "0:1o"),
        ("an ace", T, spree(0, &[5, 6, 7, 8, 9]), "0:5ao"),
        ("four of five and a mate's kill", T, [spree(0, &[5, 6, 7, 8]), vec![kill(900, 1, 9)]].concat(), "0:4o"),
        ("four of five, the last by the bomb", T, [spree(0, &[5, 6, 7, 8]), vec![death(900, 9)]].concat(), "0:4o"),
        ("a team kill or a suicide opens nothing", T, vec![death(1, 1), kill(2, 5, 0), kill(3, 1, 6)], "5:1o"),
        ("single kills after the first", T, vec![kill(1, 0, 5), kill(2, 6, 0), kill(3, 1, 6)], "0:1o"),
        (
            "an ace in a 1v5",
            T,
            [all_die_but(2).collect(), spree(2, &[5, 6]), spree(2, &[7, 8, 9])].concat(),
            "2:5av5 5:4o",
        ),
        ("1v5 lost", Ct, all_die_but(2).collect(), "5:4o"),
        ("1v5 won without a kill", T, all_die_but(2).collect(), "5:4o 2:0v5"),
        ("left alone by the bomb", T, (0..4).map(|player| death(5, player)).collect(), "4:0v5"),
        (
            "left alone against one",
            Ct,
            vec![
                kill(1, 0, 5),
                kill(2, 1, 6),
                kill(3, 2, 7),
                kill(4, 9, 0),
                kill(5, 8, 1),
                kill(6, 9, 2),
                kill(7, 8, 3),
                kill(8, 4, 8),
                kill(9, 9, 4),
            ],
            "9:3v1 8:2 0:1o",
        ),
        ("alone only after the end", T, (0..4).map(|player| death(END + 1, player)).collect(), ""),
        (
            "kills after the end count, as on the scoreboard",
            T,
            vec![kill(END - 1, 0, 5), kill(END + 100, 0, 6)],
            "0:2o",
        ),
        ("two left, so no clutch", T, vec![death(1, 0), death(2, 1), death(3, 2)], ""),
    ];
    for (name, winner, deaths, expected) in cases {
        assert_eq!(in_words(&found(&[round(3, winner, deaths)])), expected, "{name}");
    }
}

#[test]
fn ace_and_clutch_depend_on_who_plays() {
    let sides = |terrorists: usize, others: usize| {
        let side = |player: usize| (player, if player < terrorists { T } else { Ct });
        (0..terrorists + others).map(side).collect::<Vec<_>>()
    };
    let cases = [
        // One against one is neither an ace nor a clutch.
        (sides(1, 1), vec![kill(1, 0, 1)], "0:1o"),
        // Against two: an ace, but who was alone from the beginning wins no clutch.
        (sides(1, 2), spree(0, &[1, 2]), "0:2ao"),
        (sides(2, 2), [vec![kill(1, 2, 0)], spree(1, &[2, 3])].concat(), "1:2av2 2:1o"),
        (sides(5, 4), spree(0, &[5, 6, 7, 8]), "0:4ao"),
        (sides(10, 10), spree(0, &[10, 11, 12, 13, 14]), "0:5o"),
    ];
    for (sides, deaths, expected) in cases {
        let play = Play { sides, ..round(1, T, deaths) };
        assert_eq!(in_words(&found(&[play])), expected);
    }
}

#[test]
fn best_rounds_come_first() {
    let slow = vec![kill(64, 0, 5), kill(128, 0, 6), kill(64 * 30, 0, 7)];
    let late = |deaths: Vec<Death>| [vec![kill(1, 9, 4)], deaths].concat();
    // Round and what happens in it, best first.
    let rounds = [
        round(7, T, spree(0, &[5, 6, 7, 8, 9])),
        round(9, T, late(spree(1, &[5, 6, 7, 8]))),
        round(1, T, spree(2, &[5, 6, 7])),
        round(2, T, late(spree(2, &[5, 6, 7]))),
        round(5, T, late(spree(2, &[5, 6, 7]))),
        round(3, T, late(slow)),
        round(8, T, late(spree(3, &[5, 6]))),
    ];
    let order = |rounds: &[Play]| {
        let found = found(rounds);
        found.into_iter().filter(|found| found.kills > 1).map(|found| found.round).collect::<Vec<_>>()
    };
    let expected: Vec<_> = rounds.iter().map(|round| round.number).collect();
    assert_eq!(order(&rounds), expected);
    let mut reversed: Vec<_> = rounds.into();
    reversed.reverse();
    assert_eq!(order(&reversed), expected);
}

#[test]
fn seconds_are_from_the_first_to_the_last_kill() {
    for (deaths, seconds) in
        [(spree(0, &[5]), 0.0), (spree(0, &[5, 6, 7]), 2.0), (vec![kill(100, 0, 5), kill(132, 0, 6)], 0.5)]
    {
        assert_eq!(found(&[round(1, T, deaths)])[0].seconds, seconds);
    }
}

#[test]
fn bots_are_left_out_and_the_number_of_highlights_is_limited() {
    let rounds: Vec<_> = (1..=HIGHLIGHTS as u32 + 50).map(|number| round(number, T, spree(0, &[5, 6]))).collect();
    let found = found(&rounds);
    assert_eq!((found.len(), found[0].round, found[HIGHLIGHTS - 1].round), (HIGHLIGHTS, 1, HIGHLIGHTS as u32));
    let both = [round(1, T, [spree(0, &[5, 6]), spree(9, &[1, 2])].concat())];
    assert_eq!(in_words(&highlights(&both, TICK_RATE, |person| person != 0)), "9:2");
}
