//! What the panels tell about the round, in words: the followed player's kills, how the round was won.

use crate::render::draw::names;
use crate::render::draw::now::Now;
use crate::render::draw::plan::Plan;
use crate::render::scene::{Kill, Outcome, Scene, Side};

/// Seconds of a series of kills that is called quick: how long it took is said.
const QUICK_SECONDS: f32 = 15.0;
/// Maximum score that is shown: a damaged demo can tell any.
const MOST_ROUNDS: u32 = 998;
/// How much a defuse may end before its time and still count as done, in seconds.
const DEFUSE_SLACK: f32 = 0.3;

/// How the followed player died, once it happened.
pub fn own_death<'a>(now: &Now<'a>) -> Option<&'a Kill> {
    now.kills().rev().find(|kill| kill.victim == now.scene.followed)
}

/// What killed the followed player when no other player did.
pub fn lone_death(now: &Now<'_>) -> &'static str {
    let bomb = own_death(now).is_some_and(|kill| matches!(kill.weapon.as_str(), "c4" | "planted_c4"));
    if bomb { "killed by the bomb" } else { "eliminated" }
}

/// The other side.
pub fn enemy(side: Side) -> Side {
    match side {
        Side::Ct => Side::T,
        Side::T => Side::Ct,
        Side::None => Side::None,
    }
}

/// What a number of kills is called: `3K`, or `ACE` if they were all enemies.
pub fn word(plan: &Plan<'_>, kills: usize) -> String {
    let side = enemy(plan.sides[plan.scene.followed]);
    let enemies = Now::at(plan.scene, f64::from(plan.scene.freeze_end_tick))
        .map_or(0, |now| living(plan, &now, side).into_iter().filter(|alive| *alive).count());
    if kills >= enemies && enemies >= 2 { "ACE".to_owned() } else { format!("{kills}K") }
}

/// One entry per player of a side, drawn or not: whether they are alive.
pub fn living(plan: &Plan<'_>, now: &Now<'_>, side: Side) -> Vec<bool> {
    let mut living: Vec<bool> = plan.drawn(side).map(|player| now.players[player].alive()).collect();
    let others = plan.team_size(side) - living.len();
    let alive = usize::from(now.moment.undrawn_alive[index(side)]).min(others);
    living.extend((0..others).map(|other| other < alive));
    living
}

/// `3 kills`, and how long they took if it was quick.
pub fn tally(scene: &Scene, kills: &[&Kill]) -> String {
    let (Some(first), Some(last)) = (kills.first(), kills.last()) else { return String::new() };
    let seconds = (f64::from(last.tick) - f64::from(first.tick)) as f32 / scene.tick_rate.max(1.0);
    if kills.len() > 1 && seconds <= QUICK_SECONDS {
        format!("{} in {seconds:.1} s", count(kills.len(), "kill"))
    } else {
        count(kills.len(), "kill")
    }
}

/// `1 kill`, `2 kills`.
pub fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// The score of a side, with the point for this round if it is the winner.
pub fn score(scene: &Scene, side: Side, winner: Option<Side>) -> u32 {
    let score = scene.teams[index(side)].score.min(MOST_ROUNDS);
    score + u32::from(side != Side::None && winner == Some(side))
}

/// The team's name, or else its side's.
pub fn team_name(plan: &Plan<'_>, side: Side) -> String {
    let name = names::clean(&plan.scene.teams[index(side)].name, &plan.fonts);
    if name.is_empty() { side_name(side).to_owned() } else { name }
}

/// The team's name without `Team`, for sentences and the score.
pub fn short_team_name(plan: &Plan<'_>, side: Side) -> String {
    let name = team_name(plan, side);
    name.strip_prefix("Team ").unwrap_or(&name).to_owned()
}

/// The name of a side.
pub fn side_name(side: Side) -> &'static str {
    match side {
        Side::Ct => "Counter-Terrorists",
        Side::T => "Terrorists",
        Side::None => "",
    }
}

/// Index into [`Scene::teams`].
pub fn index(side: Side) -> usize {
    usize::from(side == Side::Ct)
}

/// How the round was won, in one sentence; empty if unknown.
pub fn outcome(plan: &Plan<'_>, winner: Side) -> String {
    let losers = short_team_name(plan, enemy(winner));
    match plan.scene.outcome {
        Outcome::Unknown => String::new(),
        Outcome::Eliminated => match plan.team_size(enemy(winner)) {
            number @ 2..=10 => format!("All {} {losers} eliminated", NUMBERS[number - 2]),
            _ => format!("{losers} eliminated"),
        },
        Outcome::Exploded => match &plan.scene.plant {
            Some(plant) => format!("Bomb exploded at {}", plant.site),
            None => "Bomb exploded".to_owned(),
        },
        Outcome::Defused => match defuser(plan) {
            Some(name) => format!("Bomb defused by {name}"),
            None => "Bomb defused".to_owned(),
        },
        Outcome::TimeUp => "Time ran out".to_owned(),
        Outcome::Surrendered => format!("{losers} surrendered"),
    }
}

const NUMBERS: [&str; 9] = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

fn defuser<'r>(plan: &'r Plan<'_>) -> Option<&'r str> {
    let scene = plan.scene;
    let done = scene.defuses.iter().rev().find(|defuse| {
        let seconds = (f64::from(defuse.end_tick) - f64::from(defuse.start_tick)) as f32 / scene.tick_rate.max(1.0);
        seconds >= defuse.seconds - DEFUSE_SLACK
    })?;
    plan.names.get(done.player).map(String::as_str)
}
