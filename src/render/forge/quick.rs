//! A short match for tests: a few seconds long and easy to modify.

use super::TICK_RATE;
use super::description::{Game, Grenade, Kill, Match, Part, Reason, Round, Side, Stage, Step, Throw, What};
use super::harbour::{self, Spot};
use super::sample::{PLAYERS, TERN, act, ticks};

/// Weapons of the first terrorist and the followed player.
const WEAPONS: [&str; 2] = ["ak47", "m4a1"];
/// The first terrorist.
const SALTLICK: usize = 0;

/// A match of two rounds in about eight seconds. Terrorists win the first; [`SAMPLE_PLAYER`](super::SAMPLE_PLAYER)
/// wins the second with three kills, a planted bomb, and an active smoke.
pub fn quick() -> Vec<u8> {
    super::play(&quick_match())
}

/// The description of [`quick`].
pub fn quick_match() -> Match {
    let mut second = quick_round(Side::Ct);
    let to = Spot::MidTop.at();
    second.bomb = Some(SALTLICK);
    second.acts.extend([
        act(0.1, 1, What::Throw(Throw { grenade: Grenade::Smoke, to, blinds: Vec::new() })),
        act(0.4, SALTLICK, What::Plant('A')),
    ]);
    Match {
        map: harbour::NAME,
        game: Game::Competitive,
        tick_rate: TICK_RATE,
        teams: ["Breakwater", "Lantern Row"],
        players: PLAYERS.to_vec(),
        stages: vec![Stage::Round(quick_round(Side::T)), Stage::Round(second)],
        voice_bytes: 0,
    }
}

/// A round of three seconds including half a second of freeze time: the teams run at each other, and the winners'
/// best player (the first terrorist, or [`SAMPLE_PLAYER`](super::SAMPLE_PLAYER)) kills three. For teams that have not
/// swapped sides.
pub fn quick_round(winner: Side) -> Round {
    let (best, others, reason) = match winner {
        Side::T => (SALTLICK, 5, Reason::TWin),
        Side::Ct => (TERN, 0, Reason::CtWin),
    };
    let kill = |victim: usize| What::Kill(Kill { victim, headshot: victim.is_multiple_of(2), ..Kill::default() });
    Round {
        freeze_ticks: ticks(0.5),
        live_ticks: ticks(2.0),
        after_ticks: ticks(0.5),
        winner,
        reason,
        fuse_ticks: ticks(40.0),
        bomb: None,
        parts: (0..PLAYERS.len()).map(part).collect(),
        acts: vec![
            act(0.7, best, kill(others + 1)),
            act(1.2, best, kill(others + 3)),
            act(1.8, best, kill(others + 4)),
        ],
    }
}

/// Terrorists come up the middle, the others down.
fn part(player: usize) -> Part {
    let lane = (player % 5) as f32 * 60.0 - 120.0;
    let (from, to, weapon) = if PLAYERS[player].team == 0 {
        (Spot::MidDoors, Spot::Mid, WEAPONS[0])
    } else {
        (Spot::Arch, Spot::MidTop, WEAPONS[1])
    };
    Part { player, from: from.beside(lane, 0.0), steps: vec![Step::Run(to.beside(lane, 0.0))], weapon }
}
