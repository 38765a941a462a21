//! The index of a demo: map, rounds, players, kills. The output of `inspect`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::error::Result;
use crate::render::scene::Side;

use super::{container, guarded, survey};

/// A demo's contents, in the format of `inspect --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoIndex {
    /// The map's name, such as `de_nuke`.
    pub map: String,
    /// Ticks per second.
    pub tick_rate: f32,
    /// Completed rounds that count.
    pub rounds: Vec<IndexedRound>,
    /// Everyone with a Steam ID who played.
    pub players: Vec<IndexedPlayer>,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedRound {
    /// Round number.
    pub number: u32,
    /// First tick, freeze time included.
    pub start_tick: i32,
    /// Tick at which the round is decided.
    pub end_tick: i32,
    /// First and last tick of its clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_ticks: Option<[i32; 2]>,
    /// `t` or `ct`; null for a draw.
    pub winner: Option<String>,
}

/// One player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedPlayer {
    /// 64-bit Steam ID as a string: too large for a JSON number.
    pub steam64_id: String,
    /// The last name in the demo.
    pub name: String,
    /// Kills by round number, only rounds with kills. Suicides and team kills do not count.
    pub kills_by_round: BTreeMap<u32, u32>,
}

/// Indexes a demo. Errors: `demo_too_large`, `demo_unreadable`, `demo_unsupported`.
pub fn index(path: &Path) -> Result<DemoIndex> {
    guarded(|| {
        let demo = container::open(path)?;
        let survey = survey::survey(&demo)?;
        let kills_by_round = |person| {
            let kills = survey.rounds.iter().map(|round| (round.number, survey.kills_and_deaths(person, round).0));
            kills.filter(|&(_, kills)| kills > 0).collect()
        };
        let players = survey.players().map(|(index, person)| IndexedPlayer {
            steam64_id: person.steam64.to_string(),
            name: person.name.clone(),
            kills_by_round: kills_by_round(index),
        });
        let rounds = survey.rounds.iter().map(|round| IndexedRound {
            number: round.number,
            start_tick: round.start_tick,
            end_tick: round.end_tick,
            clip_ticks: Some(survey.clip_ticks(round)),
            winner: winner(round.winner),
        });
        Ok(DemoIndex {
            map: demo.map.clone(),
            tick_rate: survey.tick_rate,
            rounds: rounds.collect(),
            players: players.collect(),
        })
    })
}

/// Describes a demo's rounds, to follow "the demo has".
pub fn rounds_in_words(numbers: impl Iterator<Item = u32>) -> String {
    match numbers.collect::<Vec<_>>().as_slice() {
        [] => "no completed rounds".to_owned(),
        [1] => "1 round".to_owned(),
        [only] => format!("only round {only}"),
        [1, .., last] => format!("{last} rounds"),
        [first, .., last] => format!("rounds {first} to {last}"),
    }
}

fn winner(side: Side) -> Option<String> {
    match side {
        Side::T => Some("t".into()),
        Side::Ct => Some("ct".into()),
        Side::None => None,
    }
}
