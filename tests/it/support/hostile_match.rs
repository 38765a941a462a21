//! Matches that no server would play: well-formed demos with absurd values.

use dinkem_appliance::render::forge;
use dinkem_appliance::render::forge::description::{Act, Grenade, Match, Round, Stage, Step, Throw, What};

use super::rng::Rng;

/// Positions, angles and seconds.
const NUMBERS: [f32; 14] = [
    0.0,
    -0.0,
    1e-40,
    0.5,
    -1.0,
    4_096.0,
    -16_384.0,
    16_385.0,
    f32::NAN,
    1e9,
    -1e20,
    f32::MAX,
    f32::INFINITY,
    f32::NEG_INFINITY,
];
/// Health, armor and shots.
const AMOUNTS: [i32; 8] = [0, 1, -1, 100, 255, 256, 65_536, 1 << 30];
/// Lengths in ticks: the forge writes a frame for each.
const TICKS: [i32; 6] = [0, 1, 2, 31, 64, 700];
/// Names of players.
const NAMES: [&str; 8] = [
    "",
    " ",
    "\u{202e}evil\u{200f}",
    "\u{0}\u{7}\n",
    "🏳️‍🌈👩‍👩‍👧‍👦",
    "ﷺ ﷺ ﷺ ﷺ ﷺ ﷺ ﷺ ﷺ",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];
/// Steam IDs.
const IDS: [u64; 5] = [0, 1, u64::MAX, forge::SAMPLE_PLAYER, 76_561_197_960_265_728];

/// A short match in which everything happens that the forge knows.
pub fn eventful() -> Match {
    let mut played = forge::quick_match();
    let Some(Stage::Round(round)) = played.stages.last_mut() else { return played };
    let act = |at, who, what| Act { at, who, what };
    let to = round.parts[2].from;
    let throw = |grenade, blinds: &[(usize, f32)]| What::Throw(Throw { grenade, to, blinds: blinds.to_vec() });
    round.acts.extend([
        act(8, 2, throw(Grenade::Flash, &[(6, 1.0), (3, 0.5)])),
        act(10, 3, throw(Grenade::Fire, &[])),
        act(12, 5, throw(Grenade::He, &[])),
        act(14, 6, throw(Grenade::Decoy, &[])),
        act(16, 8, What::Hurt(1, 20, 10)),
        act(20, 9, What::Shoot(3)),
        act(90, 8, What::Defuse(30)),
        act(100, 9, What::Die),
        act(110, 6, What::Leave),
    ]);
    played
}

/// The same with one to eight absurd values.
pub fn hostile(rng: &mut Rng) -> Match {
    let mut played = eventful();
    for _ in 0..=rng.below(8) {
        match rng.below(4) {
            0 => {
                let player = rng.below(played.players.len());
                played.players[player].name = NAMES[rng.below(NAMES.len())];
            }
            1 => {
                let player = rng.below(played.players.len());
                played.players[player].steam64 = IDS[rng.below(IDS.len())];
            }
            _ => {
                let stage = rng.below(played.stages.len());
                let players = played.players.len();
                if let Stage::Round(round) = &mut played.stages[stage] {
                    distort(round, players, rng);
                }
            }
        }
    }
    played
}

fn distort(round: &mut Round, players: usize, rng: &mut Rng) {
    match rng.below(10) {
        0 => round.freeze_ticks = TICKS[rng.below(TICKS.len())],
        1 => round.live_ticks = TICKS[rng.below(TICKS.len())],
        2 => round.after_ticks = TICKS[rng.below(TICKS.len())],
        3 => round.fuse_ticks = AMOUNTS[rng.below(AMOUNTS.len())],
        4 => drop(round.parts.remove(rng.below(round.parts.len()))),
        5 | 6 => {
            let part = rng.below(round.parts.len());
            let part = &mut round.parts[part];
            let number = NUMBERS[rng.below(NUMBERS.len())];
            match part.steps.first_mut() {
                Some(Step::Run(to) | Step::Walk(to)) if rng.below(2) == 0 => to[rng.below(3)] = number,
                _ => part.from[rng.below(3)] = number,
            }
        }
        _ => {
            let act = rng.below(round.acts.len());
            distort_act(&mut round.acts[act], players, rng);
        }
    }
}

fn distort_act(act: &mut Act, players: usize, rng: &mut Rng) {
    match (rng.below(3), &mut act.what) {
        (0, _) => act.at = TICKS[rng.below(TICKS.len())],
        (1, _) => act.who = rng.below(players),
        (_, What::Kill(kill)) => {
            kill.victim = rng.below(players);
            kill.assister = Some(rng.below(players));
        }
        (_, What::Hurt(victim, health, armor)) => {
            (*victim, *health, *armor) =
                (rng.below(players), AMOUNTS[rng.below(AMOUNTS.len())], AMOUNTS[rng.below(AMOUNTS.len())]);
        }
        (_, What::Throw(throw)) => {
            throw.to[rng.below(3)] = NUMBERS[rng.below(NUMBERS.len())];
            throw.blinds.push((rng.below(players), NUMBERS[rng.below(NUMBERS.len())]));
        }
        (_, What::Defuse(ticks)) => *ticks = TICKS[rng.below(TICKS.len())],
        (_, what) => *what = What::Throw(Throw { grenade: Grenade::Smoke, to: [f32::NAN; 3], blinds: Vec::new() }),
    }
}
