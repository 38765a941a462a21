//! Reads one round of a demo as a scene to draw.

use std::path::Path;

use awpy::GameEvent;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::render::scene::{Ground, Moment, Scene};

use super::collect::{Collector, Window};
use super::container::{self, Container};
use super::ground::Gatherer;
use super::index::rounds_in_words;
use super::land::Land;
use super::outcome::outcome;
use super::roster::Roster;
use super::rounds::Round;
use super::survey::{Survey, survey};
use super::{failure, guarded};

/// Seconds of moments kept before the first frame, so that a grenade already in flight has its trail.
const TRAIL_SECONDS: f32 = 4.0;

/// Ticks between two samples of the positions in the round's moments.
const WALKED_TICKS: u32 = 2;

/// Finds the ground of the map with this name.
type FindGround<'a> = &'a dyn Fn(&str) -> Option<Ground>;

/// What is known before a demo is read, so that less of it must be read.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// Where players stood in other demos of the map with this name, if that is enough.
    pub ground: Option<FindGround<'a>>,
    /// The last tick of the round's clip, from the demo's index.
    pub last_tick: Option<i32>,
}

/// Reads one round for one player. The scene's ground is that of the demo; if one is known, that one and the round's.
///
/// Errors: `round_not_in_demo`, `player_not_in_demo`, and those of [`super::index()`].
pub fn scene(path: &Path, round: u32, steam64: u64, known: &Known<'_>) -> Result<Scene> {
    let read = |last_tick| read(path, round, steam64, last_tick, known);
    match known.last_tick {
        // An outdated index must not be in the way.
        Some(last) => read(Some(last)).or_else(|_| read(None)),
        None => read(None),
    }
}

fn read(path: &Path, round: u32, steam64: u64, last_tick: Option<i32>, known: &Known<'_>) -> Result<Scene> {
    guarded(|| scene_of(&container::open(path, last_tick)?, round, steam64, known))
}

fn scene_of(demo: &Container, round: u32, steam64: u64, known: &Known<'_>) -> Result<Scene> {
    let ground = known.ground.and_then(|known| known(&demo.map));
    let (survey, land) = survey(demo, Some(Land::new(ground.is_none())))?;
    let land = land.unwrap_or_else(|| Land::new(false));
    let Some(found) = survey.rounds.iter().find(|found| found.number == round) else {
        return Err(failure(FailureCode::RoundNotInDemo, no_such_round(&survey, round)));
    };
    if !survey.players().any(|(_, person)| person.steam64 == steam64) {
        return Err(failure(FailureCode::PlayerNotInDemo, no_such_player(&survey, steam64)));
    }
    let mut scene = collect(demo, &survey, found, steam64, land.events)?;
    scene.ground = match (ground, land.ground) {
        (None, Some(walked)) => walked.finish(),
        (known, _) => {
            let mut ground = known.unwrap_or_default();
            ground.add(&walked(&scene.moments));
            ground
        }
    };
    scene.sites = land.sites.finish(&scene.ground);
    Ok(scene)
}

fn collect(
    demo: &Container,
    survey: &Survey,
    round: &Round,
    steam64: u64,
    mut events: Vec<GameEvent>,
) -> Result<Scene> {
    let [clip_start, clip_end] = survey.clip_ticks(round);
    let trail = clip_start.saturating_sub(survey.ticks_in(TRAIL_SECONDS)).max(round.start_tick);
    let window = Window {
        moments: trail.min(clip_start)..=clip_end,
        round: round.start_tick..round.next_start_tick.unwrap_or(i32::MAX),
        freeze_end: round.freeze_end_tick,
        round_end: round.end_tick,
    };
    // In a damaged demo events may be out of order.
    events.sort_by_key(|event| event.tick);
    let first = *window.moments.start();
    let read = |from| {
        let roster = Roster::new(steam64, survey.coaches(round), &survey.roster(round));
        let mut collector = Collector::new(window.clone(), steam64, roster);
        let run = demo.play_between(from, clip_end.saturating_add(1), &Collector::classes(), |context| {
            let from = events.partition_point(|event| event.tick < context.tick());
            let to = events.partition_point(|event| event.tick <= context.tick());
            collector.tick(context, &events[from..to]);
        });
        if let Err(error) = &run {
            // The survey has seen the whole round; damage after it does not matter.
            log::debug!("The demo is damaged: {error}");
        }
        (collector, run.is_ok())
    };
    let (mut collector, whole) = read(first);
    if demo.has_full_packet_before(first) && !(whole && collector.has_played()) {
        (collector, _) = read(i32::MIN);
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

/// Where players walked in these moments.
fn walked(moments: &[Moment]) -> Ground {
    let mut gatherer = Gatherer::default();
    for moment in moments.iter().step_by(WALKED_TICKS as usize) {
        for (who, player) in (0..).zip(&moment.players) {
            if player.alive() {
                gatherer.stand(who, player.at, WALKED_TICKS);
            }
        }
    }
    gatherer.finish()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::render::demo::index::index_of;
    use crate::render::forge::sample;

    /// All of a scene as text.
    fn text_of(mut scene: Scene) -> String {
        let ground: BTreeMap<_, _> = std::mem::take(&mut scene.ground).cells.into_iter().collect();
        format!("{scene:#?}{ground:#?}")
    }

    #[test]
    fn demo_reads_the_same_in_short_stretches() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample.dem");
        fs::write(&path, sample()).unwrap();
        let whole = container::open(&path, None).unwrap();
        let mut parts = container::open(&path, None).unwrap();
        parts.stretch_bytes = 1;
        assert!(whole.stretches() == 1 && parts.stretches() > 2, "{}", parts.stretches());
        let index = index_of(&whole).unwrap();
        assert_eq!(index_of(&parts).unwrap(), index);
        for round in &index.rounds {
            let player = index.players.iter().find(|player| player.rounds_played.contains(&round.number)).unwrap();
            let read = |demo| {
                let id = player.steam64_id.parse().unwrap();
                text_of(scene_of(demo, round.number, id, &Known::default()).unwrap())
            };
            let (expected, actual) = (read(&whole), read(&parts));
            let difference = expected.lines().zip(actual.lines()).find(|(expected, actual)| expected != actual);
            assert_eq!(difference, None, "round {}", round.number);
            assert_eq!(expected.len(), actual.len());
        }
    }
}
