//! What is found out before the game starts, so that a hopeless job fails in seconds. Pure.

use crate::domain::clip::CLIP_SECONDS;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::game_build;
use crate::render::demo::{DemoIndex, IndexedPlayer, IndexedRound, rounds_in_words};

/// Seconds shown after the player's death: then the game cuts to other players.
const AFTER_DEATH_SECONDS: f64 = 2.0;
/// The first tick that a recording may begin at: the game and its tools set up in the ticks before it.
const FIRST_TICK: i32 = 160;
/// Ticks at the demo's end that are not recorded: a recording that reaches the end never stops.
const LAST_TICKS: i32 = 128;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub steam64: u64,
    pub round: u32,
}

/// The machine that is to render it.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The Steam account that is logged in.
    pub steam_id: Option<u64>,
    /// Build of its game.
    pub game_build: Option<u32>,
}

/// What the game is to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Index of the player's controller.
    pub slot: Option<u32>,
    /// First and last tick, in demo ticks.
    pub start_tick: i32,
    pub end_tick: i32,
    /// The time between them.
    pub length_ms: u64,
    /// The demo's last tick.
    pub last_tick: i32,
    /// Build of the game that recorded the demo.
    pub demo_build: Option<u32>,
}

impl Plan {
    /// The first seconds of it.
    pub fn cut(self, seconds: u32, tick_rate: f32) -> Self {
        let rate = f64::from(tick_rate.max(1.0));
        let most = (f64::from(seconds) * rate) as i32;
        let end_tick = self.end_tick.min(self.start_tick.saturating_add(most));
        Self { end_tick, length_ms: (f64::from(end_tick - self.start_tick) / rate * 1_000.0).round() as u64, ..self }
    }
}

/// Plans a recording.
pub fn plan(index: &DemoIndex, wanted: Wanted, machine: Machine) -> Result<Plan, Failure> {
    let (player, round) = find(index, wanted)?;
    if machine.steam_id.is_some_and(|own| index.player_with_id(&own.to_string()).is_some()) {
        let message = "The Steam account of the render node plays in this demo, so the game would show it instead.";
        return Err(Failure::here(FailureCode::NodeFailed, message));
    }
    if let (Some(game), Some(demo)) = (machine.game_build, index.game_build)
        && !game_build::plays(game, demo)
    {
        let wanted = game_build::wanted(demo, Some(game));
        let message = format!("The demo needs game build {wanted}; the render node has {game}.");
        return Err(Failure::here(FailureCode::WrongGameBuild, message));
    }
    let rate = f64::from(index.tick_rate.max(1.0));
    let ticks = |seconds: f64| (seconds * rate).round() as i32;
    let too_short = || Failure::for_good(FailureCode::RenderFailed, "The demo has too few ticks of this round.");
    let [first, last] = round.clip_ticks.ok_or_else(too_short)?;
    let last_tick = index.last_tick.ok_or_else(too_short)?;
    let start_tick = first.max(FIRST_TICK);
    let id = player.steam64_id.as_str();
    let died = round.kills.iter().find(|kill| kill.victim.as_deref() == Some(id) && kill.tick > start_tick);
    let after_death = died.map_or(last, |kill| kill.tick.saturating_add(ticks(AFTER_DEATH_SECONDS)));
    let longest = start_tick.saturating_add(ticks(f64::from(CLIP_SECONDS)));
    let end_tick = last.min(after_death).min(last_tick.saturating_sub(LAST_TICKS)).min(longest);
    if end_tick <= start_tick {
        return Err(too_short());
    }
    Ok(Plan {
        slot: player.slots_by_round.get(&wanted.round).copied().filter(|&slot| slot > 0),
        start_tick,
        end_tick,
        length_ms: (f64::from(end_tick - start_tick) / rate * 1_000.0).round() as u64,
        last_tick,
        demo_build: index.game_build,
    })
}

fn find(index: &DemoIndex, wanted: Wanted) -> Result<(&IndexedPlayer, &IndexedRound), Failure> {
    let Some(round) = index.rounds.iter().find(|round| round.number == wanted.round) else {
        let has = rounds_in_words(index.rounds.iter().map(|round| round.number));
        let message = format!("The demo has {has}; round {} is not among them.", wanted.round);
        return Err(Failure::for_good(FailureCode::RoundNotInDemo, message));
    };
    let missing = |message| Err(Failure::for_good(FailureCode::PlayerNotInDemo, message));
    match index.player_with_id(&wanted.steam64.to_string()) {
        None => missing(format!("Player {} does not play in this demo.", wanted.steam64)),
        Some(player) if !player.rounds_played.contains(&wanted.round) => {
            missing(format!("Player {} does not play in round {}.", wanted.steam64, wanted.round))
        }
        Some(player) => Ok((player, round)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::demo::IndexedKill;

    const PLAYER: u64 = 76_561_198_000_000_001;
    const OTHER: u64 = 76_561_198_000_000_002;

    /// Round 1 begins with the demo, round 2 ends with it.
    fn index() -> DemoIndex {
        let player = |id: u64, rounds: &[u32]| IndexedPlayer {
            steam64_id: id.to_string(),
            name: "p".to_owned(),
            team: None,
            rounds_played: rounds.to_vec(),
            slots_by_round: rounds.iter().map(|round| (*round, 7)).collect(),
            kills_by_round: [].into(),
            deaths_by_round: [].into(),
        };
        let kill = |tick, victim: u64| IndexedKill { tick, attacker: None, victim: Some(victim.to_string()) };
        let round =
            |number, ticks, kills| IndexedRound { number, clip_ticks: Some(ticks), kills, ..IndexedRound::default() };
        DemoIndex {
            map: "de_nowhere".to_owned(),
            game_build: Some(14_160),
            tick_rate: 64.0,
            last_tick: Some(20_000),
            rounds: vec![
                round(1, [0, 6_400], vec![kill(3_000, OTHER), kill(6_390, PLAYER)]),
                round(2, [10_000, 19_990], vec![kill(12_000, OTHER)]),
                round(3, [19_900, 19_990], vec![]),
            ],
            players: vec![player(PLAYER, &[1, 2, 3]), player(OTHER, &[1, 2])],
            highlights: vec![],
        }
    }

    fn planned(steam64: u64, round: u32, steam_id: Option<u64>, game_build: Option<u32>) -> Result<Plan, Failure> {
        plan(&index(), Wanted { steam64, round }, Machine { steam_id, game_build })
    }

    #[test]
    fn recording_ends_with_the_round_the_players_death_or_the_demo() {
        for (player, round, start_tick, end_tick) in [
            // From the first tick that can be recorded to the end, for the death comes after it.
            (PLAYER, 1, 160, 6_400),
            (OTHER, 1, 160, 3_128),
            // Not to the demo's last tick.
            (PLAYER, 2, 10_000, 19_872),
            (OTHER, 2, 10_000, 12_128),
        ] {
            let length_ms = (end_tick - start_tick) as u64 * 1_000 / 64;
            let (slot, last_tick, demo_build) = (Some(7), 20_000, Some(14_160));
            let plan = Plan { slot, start_tick, end_tick, length_ms, last_tick, demo_build };
            assert_eq!(planned(player, round, None, None), Ok(plan), "{player} {round}");
        }
    }

    #[test]
    fn hopeless_job_never_starts_the_game() {
        let absent = 76_561_198_000_000_009;
        for (player, round, steam_id, build, code, retry) in [
            (absent, 1, None, None, "player_not_in_demo", "never"),
            (PLAYER, 9, None, None, "round_not_in_demo", "never"),
            (OTHER, 3, None, None, "player_not_in_demo", "never"),
            (PLAYER, 3, None, None, "render_failed", "never"),
            (PLAYER, 1, Some(OTHER), None, "node_failed", "elsewhere"),
            (PLAYER, 1, Some(PLAYER), None, "node_failed", "elsewhere"),
            (PLAYER, 1, None, Some(14_151), "wrong_game_build", "elsewhere"),
            (PLAYER, 1, None, Some(14_168), "wrong_game_build", "elsewhere"),
        ] {
            let failure = planned(player, round, steam_id, build).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{failure:?}");
        }
        assert!(planned(PLAYER, 1, Some(absent), Some(14_152)).is_ok());
    }
}
