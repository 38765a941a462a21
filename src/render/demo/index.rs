//! The index of a demo: map, rounds, players, kills, highlights. The output of `inspect`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::error::Result;
use crate::render::scene::Side;

use super::container::Container;
use super::highlights::{Highlight, Play, highlights};
use super::people::Person;
use super::rounds::Round;
use super::survey::Survey;
use super::teams::Teams;
use super::{container, guarded, survey};

/// A demo's contents, in the format of `inspect --json`. Indexes made by older versions lack some members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoIndex {
    /// The map's name, such as `de_nuke`.
    pub map: String,
    /// Build of the game that recorded the demo, such as 14152 for 1.41.5.2; null if the demo does not say.
    #[serde(default)]
    pub game_build: Option<u32>,
    /// Ticks per second.
    pub tick_rate: f32,
    /// The demo's last tick.
    #[serde(default)]
    pub last_tick: Option<i32>,
    /// Completed rounds that count.
    pub rounds: Vec<IndexedRound>,
    /// Everyone with a Steam ID who played.
    pub players: Vec<IndexedPlayer>,
    /// The best rounds of players, best first; a limited number.
    #[serde(default)]
    pub highlights: Vec<IndexedHighlight>,
}

/// One round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How it was won: `elimination`, `bomb_exploded`, `bomb_defused`, `time`, `hostages_rescued` or `surrender`; null if
    /// the demo does not say.
    #[serde(default)]
    pub reason: Option<String>,
    /// All deaths until the next round, in order.
    #[serde(default)]
    pub kills: Vec<IndexedKill>,
}

/// One death.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedKill {
    /// When.
    pub tick: i32,
    /// Steam ID of the player who gets the kill; null for a suicide, a team kill, the bomb, and bots.
    pub attacker: Option<String>,
    /// Steam ID of the player who died; null for a bot.
    pub victim: Option<String>,
}

/// One player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedPlayer {
    /// 64-bit Steam ID as a string: too large for a JSON number.
    pub steam64_id: String,
    /// The last name in the demo.
    pub name: String,
    /// The team's last name in the demo, else `Team 1` (began as terrorists) or `Team 2`; null without a round.
    #[serde(default)]
    pub team: Option<String>,
    /// Rounds in which the player was alive after freeze time, and can therefore be followed.
    #[serde(default)]
    pub rounds_played: Vec<u32>,
    /// Index of the player's controller by round number, only rounds played: what `spec_player` takes.
    #[serde(default)]
    pub slots_by_round: BTreeMap<u32, u32>,
    /// Kills by round number, only rounds with kills. Suicides and team kills do not count.
    pub kills_by_round: BTreeMap<u32, u32>,
    /// Deaths by round number, only rounds with deaths.
    #[serde(default)]
    pub deaths_by_round: BTreeMap<u32, u32>,
}

/// A round of a player that is worth a clip. The module `highlights` has the rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexedHighlight {
    /// The player's Steam ID.
    pub player: String,
    /// Round number.
    pub round: u32,
    /// The player's kills in it.
    pub kills: u32,
    /// Seconds from the first of them to the last; 0 with fewer than two.
    pub seconds: f32,
    /// Whether these are all enemies.
    pub ace: bool,
    /// The number of enemies against whom the player, as the last of the team, won the round; else null.
    pub clutch: Option<u32>,
    /// Whether the player had the first kill of the round.
    pub opening_kill: bool,
}

/// Indexes a demo. Errors: `demo_too_large`, `demo_unreadable`, `demo_unsupported`.
pub fn index(path: &Path) -> Result<DemoIndex> {
    guarded(|| index_of(&container::open(path, None)?))
}

pub(super) fn index_of(demo: &Container) -> Result<DemoIndex> {
    let (survey, _) = survey::survey(demo, None)?;
    let sides: Vec<_> = survey.rounds.iter().map(|round| survey.sides(round)).collect();
    Ok(DemoIndex {
        map: demo.map.clone(),
        game_build: demo.build,
        tick_rate: survey.tick_rate,
        last_tick: Some(survey.ticks[1]),
        rounds: survey.rounds.iter().map(|round| indexed_round(&survey, round)).collect(),
        players: players(&survey, &sides),
        highlights: best_rounds(&survey, &sides),
    })
}

/// Who played in a round, by index into the people of the survey, and on which side they began.
type Sides = Vec<(usize, Side)>;

fn indexed_round(survey: &Survey, round: &Round) -> IndexedRound {
    let id = |person: Option<usize>| steam64_id(survey, person?);
    let kills = survey.deaths(round).map(|death| IndexedKill {
        tick: death.tick,
        attacker: id(death.killer),
        victim: id(death.victim),
    });
    IndexedRound {
        number: round.number,
        start_tick: round.start_tick,
        end_tick: round.end_tick,
        clip_ticks: Some(survey.clip_ticks(round)),
        winner: winner(round.winner),
        reason: reason(round.reason).map(str::to_owned),
        kills: kills.collect(),
    }
}

/// A person's Steam ID; `None` for a bot.
fn steam64_id(survey: &Survey, person: usize) -> Option<String> {
    let steam64 = survey.people.get(person)?.steam64;
    (steam64 != 0).then(|| steam64.to_string())
}

fn players(survey: &Survey, sides: &[Sides]) -> Vec<IndexedPlayer> {
    let teams = Teams::of(sides);
    let names: Vec<_> = survey.rounds.iter().map(|round| survey.team_names(round)).collect();
    let names = teams.names(&names);
    let player = |(index, person): (usize, &Person)| {
        let (mut kills_by_round, mut deaths_by_round) = (BTreeMap::new(), BTreeMap::new());
        for round in &survey.rounds {
            let (kills, deaths) = survey.kills_and_deaths(index, round);
            kills_by_round.extend((kills > 0).then_some((round.number, kills)));
            deaths_by_round.extend((deaths > 0).then_some((round.number, deaths)));
        }
        let rounds = survey.rounds.iter().zip(sides);
        let played = rounds.filter(|(_, sides)| sides.iter().any(|(person, _)| *person == index));
        let played: Vec<_> = played.map(|(round, _)| round).collect();
        IndexedPlayer {
            steam64_id: person.steam64.to_string(),
            name: person.name.clone(),
            team: teams.team(index).map(|team| names[team].clone()),
            slots_by_round: played.iter().map(|round| (round.number, person.controller_at(round.end_tick))).collect(),
            rounds_played: played.iter().map(|round| round.number).collect(),
            kills_by_round,
            deaths_by_round,
        }
    };
    survey.players().map(player).collect()
}

fn best_rounds(survey: &Survey, sides: &[Sides]) -> Vec<IndexedHighlight> {
    let play = |(round, sides): (&Round, &Sides)| Play {
        number: round.number,
        winner: round.winner,
        end_tick: round.end_tick,
        sides: sides.clone(),
        deaths: survey.deaths(round).copied().collect(),
    };
    let plays: Vec<_> = survey.rounds.iter().zip(sides).map(play).collect();
    let followed: HashSet<usize> = survey.players().map(|(index, _)| index).collect();
    let found = highlights(&plays, survey.tick_rate, |person| followed.contains(&person));
    let indexed = |highlight: Highlight| {
        Some(IndexedHighlight {
            player: steam64_id(survey, highlight.person)?,
            round: highlight.round,
            kills: highlight.kills,
            seconds: highlight.seconds,
            ace: highlight.ace,
            clutch: highlight.clutch,
            opening_kill: highlight.opening,
        })
    };
    found.into_iter().filter_map(indexed).collect()
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

/// How a round was won, from the game's number.
fn reason(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "bomb_exploded",
        7 => "bomb_defused",
        8 | 9 => "elimination",
        11 => "hostages_rescued",
        12 | 13 => "time",
        17 | 18 => "surrender",
        _ => return None,
    })
}
