//! How a round was won: as the game rules say, else as its end looks.

use crate::render::scene::{BombState, Moment, Outcome, Scene, Side};

/// Ticks after the decision within which the demo shows what decided the round.
const LATE_TICKS: i32 = 4;
/// Seconds by which the clock may differ.
const CLOCK_SLACK_SECONDS: f32 = 1.0;

/// How the round of a scene was won. `reason`: the game's number.
pub(super) fn outcome(reason: i64, scene: &Scene) -> Outcome {
    match reason {
        1 => Outcome::Exploded,
        7 => Outcome::Defused,
        8 | 9 => Outcome::Eliminated,
        12 | 13 => Outcome::TimeUp,
        17 | 18 => Outcome::Surrendered,
        _ => derived(scene),
    }
}

fn derived(scene: &Scene) -> Outcome {
    let shown = |moment: &&Moment| moment.tick <= scene.end_tick.saturating_add(LATE_TICKS);
    let Some(end) = scene.moments.iter().rev().find(shown) else { return Outcome::Unknown };
    let (loser, losing) = match scene.winner {
        Side::T => (Side::Ct, 1),
        Side::Ct => (Side::T, 0),
        Side::None => return Outcome::Unknown,
    };
    match (end.bomb.map(|bomb| bomb.state), scene.winner) {
        (Some(BombState::Exploded), Side::T) => return Outcome::Exploded,
        (Some(BombState::Defused), Side::Ct) => return Outcome::Defused,
        _ => {}
    }
    let lives = end.players.iter().any(|player| player.alive() && player.side == loser);
    if !lives && end.undrawn_alive[losing] == 0 {
        return Outcome::Eliminated;
    }
    let seconds = (f64::from(scene.end_tick) - f64::from(scene.freeze_end_tick)) as f32 / scene.tick_rate;
    if scene.winner == Side::Ct && scene.plant.is_none() && seconds >= scene.round_seconds - CLOCK_SLACK_SECONDS {
        return Outcome::TimeUp;
    }
    Outcome::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Bomb, Plant, PlayerAt};

    fn scene(winner: Side, alive: [bool; 2], bomb: Option<BombState>, seconds: i32) -> Scene {
        let mut end = Moment { tick: seconds * 64, ..Moment::default() };
        for (player, (side, alive)) in end.players.iter_mut().zip([(Side::T, alive[0]), (Side::Ct, alive[1])]) {
            *player = PlayerAt { present: true, side, health: i32::from(alive), ..PlayerAt::default() };
        }
        end.bomb = bomb.map(|state| Bomb { at: [0.0; 3], state, being_defused: false });
        // After the round everything is different.
        let after = Moment { tick: end.tick + 64, ..Moment::default() };
        let plant = bomb.map(|_| Plant { tick: 0, site: 'A', fuse_seconds: 40.0 });
        Scene {
            tick_rate: 64.0,
            round_seconds: 115.0,
            end_tick: end.tick,
            winner,
            moments: vec![end, after],
            plant,
            ..Scene::default()
        }
    }

    #[test]
    fn outcome_is_what_the_rules_say_else_what_the_end_looks_like() {
        let both = [true, true];
        for (reason, winner, alive, bomb, seconds, expected) in [
            (1, Side::T, both, None, 10, Outcome::Exploded),
            (12, Side::T, both, None, 10, Outcome::TimeUp),
            (17, Side::T, both, None, 10, Outcome::Surrendered),
            (0, Side::T, both, Some(BombState::Exploded), 80, Outcome::Exploded),
            (0, Side::Ct, [false, true], Some(BombState::Defused), 80, Outcome::Defused),
            (0, Side::T, [true, false], Some(BombState::Planted), 80, Outcome::Eliminated),
            (0, Side::Ct, [false, true], None, 20, Outcome::Eliminated),
            (0, Side::Ct, both, None, 115, Outcome::TimeUp),
            (0, Side::Ct, both, None, 100, Outcome::Unknown),
            (0, Side::T, both, None, 115, Outcome::Unknown),
            (0, Side::None, both, None, 115, Outcome::Unknown),
            (99, Side::Ct, both, Some(BombState::Planted), 130, Outcome::Unknown),
        ] {
            let scene = scene(winner, alive, bomb, seconds);
            assert_eq!(outcome(reason, &scene), expected, "{reason} {winner:?} {alive:?} {bomb:?} {seconds}");
        }
    }
}
