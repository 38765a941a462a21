//! Moves players along their routes like people: they accelerate, cut corners, and turn their heads.

use super::TICK_RATE;
use super::description::{Act, Part, Round, Step, What};

/// Speed in units per second.
const RUN_SPEED: f32 = 230.0;
const WALK_SPEED: f32 = 120.0;
/// Distance at which a position counts as reached, which rounds corners.
const REACHED_UNITS: f32 = 28.0;
/// Fraction of a speed change applied per tick.
const GRIP: f32 = 0.14;
/// Maximum turn in degrees per tick, and fraction of the turn applied per tick.
const TURN_DEGREES: f32 = 9.0;
const TURN_PART: f32 = 0.22;
/// Speed in units per second below which players do not look where they go.
const LOOK_SPEED: f32 = 40.0;
/// Ticks before and after an action during which players look at its target.
const AIM_BEFORE_TICKS: i32 = 36;
const AIM_AFTER_TICKS: i32 = 14;

/// Position and view direction at one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Position.
    pub at: [f32; 3],
    /// Degrees: 0 is east, counter-clockwise.
    pub yaw: f32,
}

/// The poses of all players from the end of freeze time, in the order of the round's parts.
pub fn poses(round: &Round) -> Vec<Vec<Pose>> {
    let ticks = round.live_ticks + round.after_ticks + 1;
    let ways: Vec<Vec<Pose>> = round.parts.iter().map(|part| way(part, ticks)).collect();
    let looks = round.parts.iter().zip(&ways).map(|(part, way)| looks(part, way, round, &ways));
    looks.collect()
}

/// Positions along a route, looking ahead.
fn way(part: &Part, ticks: i32) -> Vec<Pose> {
    let mut steps = part.steps.iter().copied().peekable();
    let mut waited = 0;
    let (mut at, mut velocity) = (part.from, [0.0_f32; 2]);
    let mut yaw = first_yaw(part);
    let mut poses = Vec::with_capacity(ticks.max(0) as usize);
    for _ in 0..ticks {
        poses.push(Pose { at, yaw });
        let (target, speed) = match steps.peek() {
            Some(Step::Run(to)) => (Some(*to), RUN_SPEED),
            Some(Step::Walk(to)) => (Some(*to), WALK_SPEED),
            Some(Step::Wait(wait)) => {
                waited += 1;
                if waited >= *wait {
                    waited = 0;
                    steps.next();
                }
                (None, 0.0)
            }
            None => (None, 0.0),
        };
        let wanted = target.map_or([0.0; 2], |to| {
            let away = distance(at, to);
            let scale = speed / away.max(1.0);
            [(to[0] - at[0]) * scale, (to[1] - at[1]) * scale]
        });
        for axis in 0..2 {
            velocity[axis] += (wanted[axis] - velocity[axis]) * GRIP;
            at[axis] += velocity[axis] / TICK_RATE as f32;
        }
        let pace = velocity[0].hypot(velocity[1]);
        if let Some(to) = target {
            let left = distance(at, to);
            at[2] += (to[2] - at[2]) * (pace / TICK_RATE as f32 / left.max(1.0)).min(1.0);
            if left < REACHED_UNITS {
                steps.next();
            }
        }
        if pace > LOOK_SPEED {
            yaw = velocity[1].atan2(velocity[0]).to_degrees();
        }
    }
    poses
}

fn first_yaw(part: &Part) -> f32 {
    let first = part.steps.iter().find_map(|step| match step {
        Step::Run(to) | Step::Walk(to) => Some(*to),
        Step::Wait(_) => None,
    });
    first.map_or(0.0, |to| bearing(part.from, to))
}

/// Turns heads gradually: towards the target of an action, else along the route.
fn looks(part: &Part, way: &[Pose], round: &Round, ways: &[Vec<Pose>]) -> Vec<Pose> {
    let acts: Vec<&Act> = round.acts.iter().filter(|act| act.who == part.player).collect();
    let mut yaw = way.first().map_or(0.0, |pose| pose.yaw);
    let mut looks = Vec::with_capacity(way.len());
    for (tick, pose) in (0..).zip(way) {
        let aim = acts.iter().filter(|act| (act.at - AIM_BEFORE_TICKS..act.at + AIM_AFTER_TICKS).contains(&tick));
        // The next action counts first, a finished one last.
        let aim = aim.min_by_key(|act| (act.at < tick, act.at)).and_then(|act| aim_at(act, round, ways, tick as usize));
        // Nobody looks straight ahead for long.
        let sway = ((tick as f32 + part.player as f32 * 37.0) / 41.0).sin() * 14.0;
        let wanted = aim.map_or(pose.yaw + sway, |to| bearing(pose.at, to));
        let by = (wanted - yaw + 540.0).rem_euclid(360.0) - 180.0;
        yaw += (by * TURN_PART).clamp(-TURN_DEGREES, TURN_DEGREES);
        looks.push(Pose { at: pose.at, yaw });
    }
    looks
}

/// The target of an action at a tick.
fn aim_at(act: &Act, round: &Round, ways: &[Vec<Pose>], tick: usize) -> Option<[f32; 3]> {
    let other = match &act.what {
        What::Kill(kill) => kill.victim,
        What::Hurt(victim, ..) => *victim,
        What::Throw(throw) => return Some(throw.to),
        _ => return None,
    };
    let index = round.parts.iter().position(|part| part.player == other)?;
    ways.get(index)?.get(tick).map(|pose| pose.at)
}

/// Horizontal distance between two positions.
pub fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (b[0] - a[0]).hypot(b[1] - a[1])
}

/// The direction from one position to another, in degrees.
pub fn bearing(from: [f32; 3], to: [f32; 3]) -> f32 {
    (to[1] - from[1]).atan2(to[0] - from[0]).to_degrees()
}
