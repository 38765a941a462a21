//! Reads one round of a demo as a scene to draw.

use std::path::Path;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::render::scene::Scene;

use super::collect::{Collector, Window};
use super::container::{self, Container};
use super::index::rounds_in_words;
use super::outcome::outcome;
use super::roster::Roster;
use super::rounds::Round;
use super::survey::{Survey, survey};
use super::{failure, guarded};

/// Seconds of moments kept before the first frame, so that a grenade already in flight has its trail.
const TRAIL_SECONDS: f32 = 4.0;

/// Reads one round for one player.
///
/// Errors: `round_not_in_demo`, `player_not_in_demo`, and those of [`super::index()`].
pub fn scene(path: &Path, round: u32, steam64: u64) -> Result<Scene> {
    guarded(|| {
        let demo = container::open(path)?;
        let survey = survey(&demo)?;
        let Some(found) = survey.rounds.iter().find(|found| found.number == round) else {
            return Err(failure(FailureCode::RoundNotInDemo, no_such_round(&survey, round)));
        };
        if !survey.players().any(|(_, person)| person.steam64 == steam64) {
            return Err(failure(FailureCode::PlayerNotInDemo, no_such_player(&survey, steam64)));
        }
        collect(&demo, &survey, found, steam64)
    })
}

fn collect(demo: &Container, survey: &Survey, round: &Round, steam64: u64) -> Result<Scene> {
    let [clip_start, clip_end] = survey.clip_ticks(round);
    let trail = clip_start.saturating_sub(survey.ticks_in(TRAIL_SECONDS)).max(round.start_tick);
    let window = Window {
        moments: trail.min(clip_start)..=clip_end,
        round: round.start_tick..round.next_start_tick.unwrap_or(i32::MAX),
        freeze_end: round.freeze_end_tick,
        round_end: round.end_tick,
    };
    let roster = Roster::new(steam64, survey.coaches(round), &survey.roster(round));
    let mut collector = Collector::new(survey, window, steam64, roster);
    let classes = Collector::classes();
    let run = demo.parser.run_to_end_with_events_filtered(&classes, |context, events| collector.tick(context, events));
    if let Err(error) = run {
        // The survey has seen the whole round; damage after it only costs some map detail.
        log::debug!("The demo is damaged: {error}");
    }
    let mut scene = Scene {
        map: demo.map.clone(),
        tick_rate: survey.tick_rate,
        round: round.number,
        start_tick: round.start_tick,
        freeze_end_tick: round.freeze_end_tick,
        end_tick: round.end_tick,
        clip_start_tick: clip_start,
        clip_end_tick: clip_end,
        winner: round.winner,
        ..collector.finish(demo.c4_seconds, survey.tick_rate)?
    };
    scene.outcome = outcome(round.reason, &scene);
    for player in &mut scene.players {
        let Some(person) = survey.people.iter().position(|person| person.is(player.steam64, &player.name)) else {
            continue;
        };
        for earlier in survey.rounds.iter().filter(|earlier| earlier.number < round.number) {
            let (kills, deaths) = survey.kills_and_deaths(person, earlier);
            player.kills_before += kills;
            player.deaths_before += deaths;
        }
    }
    Ok(scene)
}

fn no_such_player(survey: &Survey, steam64: u64) -> String {
    let coach = |index: usize| survey.people[index].steam64 == steam64 && survey.only_coaches(index);
    if steam64 != 0 && (0..survey.people.len()).any(coach) {
        return format!("Player {steam64} is a coach in this demo and does not play.");
    }
    format!("Player {steam64} does not play in this demo.")
}

fn no_such_round(survey: &Survey, asked: u32) -> String {
    let has = rounds_in_words(survey.rounds.iter().map(|round| round.number));
    let damaged = if survey.damaged { " before the point where it is damaged or truncated" } else { "" };
    if survey.rounds.is_empty() {
        return format!("The demo has {has}{damaged}.");
    }
    format!("The demo has {has}{damaged}; round {asked} is not among them.")
}
